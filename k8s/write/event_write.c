/*
 * event_write: Events on their way to the API server: what one looks like, a few requests at once,
 * and what a failure means. See events.h.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/log/log.h"
#include "k8s/write/events_int.h"

#define RUNNING_MAX 4u   /* requests at once */
#define SHOW_MAX    300u /* bytes of an answer in the log */

static void write_next(struct events *e);

void event_stamp(char out[STAMP_MAX])
{
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(out, STAMP_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void add_text(struct json_object *o, const char *key, const char *value)
{
	if (*value != '\0')
		(void)json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *about_object(const struct entry *n)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "apiVersion", n->api_version);
	add_text(o, "kind", n->kind);
	add_text(o, "namespace", n->ns);
	add_text(o, "name", n->name);
	add_text(o, "uid", n->uid);
	add_text(o, "resourceVersion", n->resource_version);
	return o;
}

static const char *event_ns(const struct entry *n)
{
	return *n->ns == '\0' ? "default" : n->ns;
}

static char *create_text(const struct entry *n)
{
	const struct events *e = n->owner;
	struct json_object *root = json_object_new_object();
	struct json_object *meta = json_object_new_object();
	struct json_object *source = json_object_new_object();
	char now[STAMP_MAX];
	char *text;

	event_stamp(now);
	add_text(root, "apiVersion", "v1");
	add_text(root, "kind", "Event");
	add_text(meta, "name", n->event_name);
	add_text(meta, "namespace", event_ns(n));
	json_object_object_add(root, "metadata", meta);
	json_object_object_add(root, "involvedObject", about_object(n));
	add_text(root, "reason", n->reason);
	add_text(root, "message", n->message);
	add_text(root, "type", n->warning ? "Warning" : "Normal");
	add_text(source, "component", e->component);
	json_object_object_add(root, "source", source);
	add_text(root, "reportingComponent", e->component);
	add_text(root, "reportingInstance", e->instance);
	add_text(root, "firstTimestamp", n->first);
	add_text(root, "lastTimestamp", now);
	json_object_object_add(root, "count", json_object_new_int64(n->count));
	text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	return text;
}

static char *count_text(const struct entry *n)
{
	char now[STAMP_MAX];
	char *text = NULL;

	event_stamp(now);
	return asprintf(&text, "{\"count\":%u,\"lastTimestamp\":\"%s\"}", n->count, now) == -1
		   ? NULL
		   : text;
}

void event_write(struct entry *n)
{
	struct events *e = n->owner;

	if (!n->waiting) {
		n->waiting = true;
		TAILQ_INSERT_TAIL(&e->waiting, n, work);
	}
	write_next(e);
}

void event_due(struct timer *t)
{
	event_write(container_of(t, struct entry, due));
}

/* Once for each kind of failure in a row: whoever misses Events looks here. */
static void say_failed(struct events *e, const struct entry *n, const struct api_reply *reply)
{
	const char *why = "refused by the API server";

	e->stats.failed++;
	if (e->said_status == reply->status)
		return;
	e->said_status = reply->status;
	if (reply->status == 403)
		why = "the role needs apiGroups [\"\"] resources [\"events\"] verbs "
		      "[\"create\", \"patch\"]";
	else if (reply->error != NULL)
		why = reply->error;
	log_warn("cannot write an Event", LOG_Z("namespace", event_ns(n)),
		 LOG_Z("event", n->event_name), LOG_I64("status", reply->status), LOG_Z("why", why),
		 LOG_STR("answer", str_head(reply->body, SHOW_MAX)));
}

static void on_done(void *arg, const struct api_reply *reply)
{
	struct entry *n = arg;
	struct events *e = n->owner;

	n->call = NULL;
	e->running--;
	if (reply->status == 200 || reply->status == 201) {
		e->stats.written++;
		e->said_status = -1;
		n->created = true;
	} else if (reply->status == 404 && n->created) {
		n->created = false; /* the server has forgotten it (an hour by default) */
		n->written_count = 0;
	} else {
		say_failed(e, n, reply);
	}
	if (n->count != n->written_count)
		timer_set(ev_timers(e->ev), &n->due, ev_now_ms(e->ev) + EVENTS_REPEAT_MS);
	write_next(e);
}

static void write_entry(struct events *e, struct entry *n)
{
	struct api_request req = {
	    .method = n->created ? "PATCH" : "POST",
	    .content_type = n->created ? "application/merge-patch+json" : "application/json",
	};
	char *text = n->created ? count_text(n) : create_text(n);
	char path[768];

	(void)snprintf(path, sizeof(path), "/api/v1/namespaces/%s/events%s%s", event_ns(n),
		       n->created ? "/" : "", n->created ? n->event_name : "");
	req.path = path;
	req.body = str_from(text);
	n->written_ms = ev_now_ms(e->ev);
	n->written_count = n->count;
	if (text != NULL)
		n->call = api_start(e->client, &req, NULL, on_done, n);
	if (n->call != NULL)
		e->running++;
	else
		e->stats.failed++;
	free(text);
}

static void write_next(struct events *e)
{
	struct entry *n;

	while (e->running < RUNNING_MAX && (n = TAILQ_FIRST(&e->waiting)) != NULL) {
		TAILQ_REMOVE(&e->waiting, n, work);
		n->waiting = false;
		if (n->call == NULL)
			write_entry(e, n);
	}
}
