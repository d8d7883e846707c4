/* events: see events.h. */
#include "k8s/write/events.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/log/log.h"
#include "common/loop/timer.h"

#define TABLE_SIZE   1024u /* buckets */
#define ENTRIES_MAX  4096u
#define RUNNING_MAX  4u /* requests at once */
#define MESSAGE_MAX  1024u
#define BUDGET_BURST 25u
#define BUDGET_MS    300000u /* one more */
#define FORGET_MS    600000u /* a repeat after this is a new Event */
#define STAMP_MAX    32
#define SHOW_MAX     300u /* bytes of an answer in the log */

/* One Event object: written once, then counted up. */
struct entry {
	struct events *owner;
	LIST_ENTRY(entry) bucket;
	TAILQ_ENTRY(entry) age;  /* least recently said first */
	TAILQ_ENTRY(entry) work; /* in owner->waiting */
	uint64_t key;            /* object, reason and message */
	char *api_version, *kind, *ns, *name, *uid, *resource_version, *reason, *message;
	char event_name[320];
	char first[STAMP_MAX];
	uint64_t said_ms, written_ms;
	uint32_t count, written_count;
	bool warning, waiting, created;
	struct api_call *call;
	struct timer due;
};
LIST_HEAD(entry_bucket, entry);
TAILQ_HEAD(entry_list, entry);

/* What an object may still say. */
struct budget {
	uint64_t key, at_ms;
	uint32_t left;
};

struct events {
	struct ev *ev;
	struct api_client *client;
	char *component, *instance;
	struct entry_bucket table[TABLE_SIZE];
	struct budget budgets[TABLE_SIZE]; /* a collision shares a budget: harmless */
	struct entry_list age, waiting;
	uint32_t entries, running;
	uint64_t serial;
	int said_status; /* the failure that was logged: not again; -1: none */
	struct events_stats stats;
};

static void write_next(struct events *e);

static void entry_free(struct entry *n)
{
	struct events *e = n->owner;

	if (n->call != NULL)
		e->running--;
	api_cancel(n->call);
	timer_cancel(ev_timers(e->ev), &n->due);
	if (n->waiting)
		TAILQ_REMOVE(&e->waiting, n, work);
	LIST_REMOVE(n, bucket);
	TAILQ_REMOVE(&e->age, n, age);
	e->entries--;
	free(n->api_version);
	free(n->kind);
	free(n->ns);
	free(n->name);
	free(n->uid);
	free(n->resource_version);
	free(n->reason);
	free(n->message);
	free(n);
}

/* ---- writing ------------------------------------------------------------------------- */

static void stamp(char out[STAMP_MAX])
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

	stamp(now);
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

	stamp(now);
	return asprintf(&text, "{\"count\":%u,\"lastTimestamp\":\"%s\"}", n->count, now) == -1
		   ? NULL
		   : text;
}

static void wait_for_turn(struct entry *n)
{
	struct events *e = n->owner;

	if (!n->waiting) {
		n->waiting = true;
		TAILQ_INSERT_TAIL(&e->waiting, n, work);
	}
	write_next(e);
}

static void on_due(struct timer *t)
{
	wait_for_turn(container_of(t, struct entry, due));
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

/* ---- saying -------------------------------------------------------------------------- */

static bool take_budget(struct events *e, uint64_t key)
{
	struct budget *b = &e->budgets[key % TABLE_SIZE];
	uint64_t now = ev_now_ms(e->ev);
	uint64_t more;

	if (b->key != key)
		*b = (struct budget){.key = key, .at_ms = now, .left = BUDGET_BURST};
	more = (now - b->at_ms) / BUDGET_MS;
	if (more > 0) {
		b->at_ms += more * BUDGET_MS;
		b->left = more > BUDGET_BURST - b->left ? BUDGET_BURST : b->left + (uint32_t)more;
	}
	if (b->left == 0)
		return false;
	b->left--;
	return true;
}

static char *dup_str(struct str s)
{
	return s.n == 0 ? strdup("") : strndup(s.p, s.n);
}

static struct entry *entry_new(struct events *e, const struct event_about *a, uint64_t key)
{
	struct entry *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->owner = e;
	n->key = key;
	timer_init(&n->due, on_due);
	n->api_version = strdup(a->api_version);
	n->kind = strdup(a->kind);
	n->ns = dup_str(a->ns);
	n->name = dup_str(a->name);
	n->uid = dup_str(a->uid);
	n->resource_version = dup_str(a->resource_version);
	LIST_INSERT_HEAD(&e->table[key % TABLE_SIZE], n, bucket);
	TAILQ_INSERT_TAIL(&e->age, n, age);
	e->entries++;
	stamp(n->first);
	/* As client-go names them: the object's name and a number that never comes twice. */
	(void)snprintf(n->event_name, sizeof(n->event_name), STR_FMT ".%016llx", STR_ARG(a->name),
		       (unsigned long long)((uint64_t)time(NULL) * 1000000000ull + e->serial++));
	return n;
}

static struct entry *find(struct events *e, uint64_t key)
{
	struct entry *n;

	LIST_FOREACH (n, &e->table[key % TABLE_SIZE], bucket)
		if (n->key == key)
			return n;
	return NULL;
}

/* One that is being written is left alone: its call must not be cancelled from everywhere. */
static bool forget_oldest(struct events *e)
{
	struct entry *n = TAILQ_FIRST(&e->age);

	while (n != NULL && n->call != NULL)
		n = TAILQ_NEXT(n, age);
	if (n == NULL)
		return false;
	if (n->waiting)
		e->stats.dropped++;
	entry_free(n);
	return true;
}

static struct entry *entry_for(struct events *e, const struct event_about *a, uint64_t key)
{
	struct entry *n = find(e, key);

	if (n != NULL && n->call == NULL && ev_now_ms(e->ev) > n->said_ms + FORGET_MS) {
		entry_free(n);
		n = NULL;
	}
	if (n == NULL && e->entries == ENTRIES_MAX && !forget_oldest(e))
		return NULL;
	return n != NULL ? n : entry_new(e, a, key);
}

/* 0: say it now; else milliseconds to collect repeats. */
static void schedule(struct events *e, struct entry *n)
{
	uint64_t now = ev_now_ms(e->ev);

	if (n->written_ms == 0 || now >= n->written_ms + EVENTS_REPEAT_MS)
		wait_for_turn(n);
	else if (!timer_armed(&n->due))
		timer_set(ev_timers(e->ev), &n->due, n->written_ms + EVENTS_REPEAT_MS);
}

void events_emit(struct events *e, const struct event_about *about, bool warning,
		 const char *reason, const char *message)
{
	struct str text = str_from(message);
	uint64_t object =
	    hash_str(about->name, hash_str(about->ns, hash_str(str_from(about->kind), 0)));
	uint64_t key = hash_str(text, hash_str(str_from(reason), object));
	struct entry *n = find(e, key);

	if (n == NULL && !take_budget(e, object)) {
		e->stats.dropped++;
		return;
	}
	n = entry_for(e, about, key);
	if (n == NULL) {
		e->stats.dropped++;
		return;
	}
	if (n->reason == NULL) {
		text.n = text.n > MESSAGE_MAX ? MESSAGE_MAX : text.n;
		n->reason = strdup(reason);
		n->message = dup_str(text);
		n->warning = warning;
	}
	n->count++;
	n->said_ms = ev_now_ms(e->ev);
	TAILQ_REMOVE(&e->age, n, age);
	TAILQ_INSERT_TAIL(&e->age, n, age);
	schedule(e, n);
}

struct event_about events_about(const struct obj *o)
{
	return (struct event_about){
	    .api_version = obj_kind_api((enum obj_kind)o->kind),
	    .kind = obj_kind_name((enum obj_kind)o->kind),
	    .ns = o->ns,
	    .name = o->name,
	    .uid = o->uid,
	    .resource_version = o->resource_version,
	};
}

struct events *events_new(struct ev *ev, struct api_client *client, const char *component,
			  const char *instance)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->ev = ev;
	e->client = client;
	e->said_status = -1;
	TAILQ_INIT(&e->age);
	TAILQ_INIT(&e->waiting);
	e->component = strdup(component);
	e->instance = strdup(instance);
	if (e->component == NULL || e->instance == NULL) {
		events_free(e);
		errno = ENOMEM;
		return NULL;
	}
	return e;
}

void events_free(struct events *e)
{
	struct entry *n;

	if (e == NULL)
		return;
	while ((n = TAILQ_FIRST(&e->age)) != NULL)
		entry_free(n);
	free(e->component);
	free(e->instance);
	free(e);
}

void events_stats(const struct events *e, struct events_stats *out)
{
	*out = e->stats;
}
