/* status: see status.h. */
#include "k8s/write/status.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/addr.h"
#include "common/log/log.h"

#define TRIES_MAX 3u

/* One Ingress that needs writing; it may be gone by the time it is its turn. */
struct job {
	struct status_writer *owner;
	TAILQ_ENTRY(job) link;
	char *ns, *name;
	uint32_t tries;
	struct api_call *call; /* NULL: waiting */
};
TAILQ_HEAD(job_list, job);

struct status_writer {
	struct api_client *client;
	const struct store *store;
	const struct status_ops *ops;
	void *arg;
	bool stopped, again; /* again: status_sync() waits for the running writes */
	struct status_addresses want;
	struct job_list waiting, running;
	uint32_t n_running;
	void (*done)(void *arg);
	struct status_stats stats;
};

/* ---- addresses ----------------------------------------------------------------------- */

static int address_cmp(const struct status_address *a, const struct status_address *b)
{
	int ip = strcmp(a->ip, b->ip);

	return ip != 0 ? ip : strcmp(a->hostname, b->hostname);
}

void status_addresses_add(struct status_addresses *a, struct str text)
{
	struct status_address one = {0};
	struct addr parsed;
	uint32_t at = 0;

	if (text.n == 0 || text.n >= STATUS_TEXT_MAX || a->n == STATUS_ADDRESSES_MAX)
		return;
	if (addr_parse(text, 0, &parsed))
		(void)snprintf(one.ip, sizeof(one.ip), STR_FMT, STR_ARG(text));
	else
		(void)snprintf(one.hostname, sizeof(one.hostname), STR_FMT, STR_ARG(text));
	while (at < a->n && address_cmp(&a->v[at], &one) < 0)
		at++;
	if (at < a->n && address_cmp(&a->v[at], &one) == 0)
		return;
	memmove(&a->v[at + 1], &a->v[at], (a->n - at) * sizeof(a->v[0]));
	a->v[at] = one;
	a->n++;
}

static bool has(const struct lb_status *s, const struct status_address *a)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].ip, str_from(a->ip)) &&
		    str_eq(s->v[i].hostname, str_from(a->hostname)))
			return true;
	return false;
}

static bool says(const struct lb_status *s, const struct status_addresses *want)
{
	if (s->n != want->n)
		return false;
	for (uint32_t i = 0; i < want->n; i++)
		if (!has(s, &want->v[i]))
			return false;
	return true;
}

/* ---- one write ----------------------------------------------------------------------- */

static char *patch_text(const struct status_addresses *want)
{
	struct json_object *root = json_object_new_object();
	struct json_object *status = json_object_new_object();
	struct json_object *lb = json_object_new_object();
	struct json_object *list = json_object_new_array();
	char *text;

	for (uint32_t i = 0; i < want->n; i++) {
		const struct status_address *a = &want->v[i];
		struct json_object *one = json_object_new_object();

		json_object_object_add(
		    one, a->ip[0] != '\0' ? "ip" : "hostname",
		    json_object_new_string(a->ip[0] != '\0' ? a->ip : a->hostname));
		json_object_array_add(list, one);
	}
	/* null removes the member: an empty list would be stored as one. */
	if (want->n == 0) {
		json_object_put(list);
		list = NULL;
	}
	json_object_object_add(lb, "ingress", list);
	json_object_object_add(status, "loadBalancer", lb);
	json_object_object_add(root, "status", status);
	text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	return text;
}

static void job_free(struct job *j)
{
	struct status_writer *w = j->owner;

	if (j->call != NULL) {
		TAILQ_REMOVE(&w->running, j, link);
		w->n_running--;
		api_cancel(j->call);
	} else {
		TAILQ_REMOVE(&w->waiting, j, link);
	}
	free(j->ns);
	free(j->name);
	free(j);
}

static void write_next(struct status_writer *w);
static void begin(struct status_writer *w);

static void to_waiting(struct job *j)
{
	struct status_writer *w = j->owner;

	TAILQ_REMOVE(&w->running, j, link);
	w->n_running--;
	j->call = NULL;
	TAILQ_INSERT_TAIL(&w->waiting, j, link);
}

static bool worth_another_try(const struct api_reply *reply)
{
	return reply->status == 409 || reply->status == 429 || reply->status == 0 ||
	       reply->status >= 500;
}

static void say_failed(const struct job *j, const struct api_reply *reply)
{
	const char *why = "refused by the API server";

	if (reply->status == 403)
		why = "the role needs networking.k8s.io ingresses/status: patch";
	else if (reply->error != NULL)
		why = reply->error;
	log_warn("cannot write the status of an Ingress", LOG_Z("namespace", j->ns),
		 LOG_Z("ingress", j->name), LOG_I64("status", reply->status), LOG_Z("why", why));
}

static void on_done(void *arg, const struct api_reply *reply)
{
	struct job *j = arg;
	struct status_writer *w = j->owner;

	to_waiting(j);
	if (reply->status == 200) {
		w->stats.written++;
		job_free(j);
	} else if (reply->status == 404) {
		job_free(j); /* deleted meanwhile */
	} else if (w->stopped || w->again) {
		job_free(j); /* what it would write is no longer wanted */
	} else if (worth_another_try(reply) && ++j->tries < TRIES_MAX) {
		; /* again, at the end of the queue */
	} else {
		w->stats.failed++;
		say_failed(j, reply);
		job_free(j);
	}
	write_next(w);
}

static void write_job(struct job *j)
{
	struct status_writer *w = j->owner;
	char *text = patch_text(&w->want);
	char path[640];
	struct api_request req = {
	    .method = "PATCH",
	    .path = path,
	    .content_type = "application/merge-patch+json",
	    .body = str_from(text),
	    .total_ms = 30000,
	    .body_max = (size_t)8 << 20,
	};

	(void)snprintf(path, sizeof(path),
		       "/apis/networking.k8s.io/v1/namespaces/%s/ingresses/%s/status", j->ns,
		       j->name);
	if (text != NULL)
		j->call = api_start(w->client, &req, NULL, on_done, j);
	free(text);
	if (j->call == NULL) {
		w->stats.failed++;
		job_free(j);
		return;
	}
	TAILQ_REMOVE(&w->waiting, j, link);
	TAILQ_INSERT_TAIL(&w->running, j, link);
	w->n_running++;
}

static void clear_jobs(struct job_list *list)
{
	struct job *j;

	while ((j = TAILQ_FIRST(list)) != NULL)
		job_free(j);
}

static void write_next(struct status_writer *w)
{
	struct job *j;
	void (*done)(void *) = w->done;

	if (w->again && w->n_running == 0) {
		begin(w);
		return;
	}
	while (!w->again && w->n_running < STATUS_RUNNING_MAX &&
	       (j = TAILQ_FIRST(&w->waiting)) != NULL) {
		if (!w->ops->may_write(w->arg)) {
			clear_jobs(&w->waiting);
			break;
		}
		write_job(j);
	}
	if (!w->again && w->n_running == 0 && TAILQ_EMPTY(&w->waiting) && done != NULL) {
		w->done = NULL;
		done(w->arg);
	}
}

/* ---- all of them --------------------------------------------------------------------- */

static void add_job(struct status_writer *w, const struct obj *o)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return; /* the next sync sees it again */
	j->owner = w;
	j->ns = strndup(o->ns.p, o->ns.n);
	j->name = strndup(o->name.p, o->name.n);
	TAILQ_INSERT_TAIL(&w->waiting, j, link);
	if (j->ns == NULL || j->name == NULL)
		job_free(j);
}

/* Every Ingress that says otherwise becomes a job. */
static void begin(struct status_writer *w)
{
	w->again = false;
	for (const struct obj *o = store_first(w->store, OBJ_INGRESS); o != NULL;
	     o = store_next(o)) {
		const struct ingress *i = obj_ingress(o);

		if (o->file.n > 0 || !w->ops->ours(w->arg, i))
			continue;
		if (says(&i->status, &w->want))
			w->stats.unchanged++;
		else
			add_job(w, o);
	}
	write_next(w);
}

void status_sync(struct status_writer *w, const struct status_addresses *want,
		 void (*done)(void *arg))
{
	w->want = *want;
	w->done = done;
	w->stopped = false;
	clear_jobs(&w->waiting);
	w->again = w->n_running > 0;
	if (!w->again)
		begin(w);
}

void status_stop(struct status_writer *w)
{
	clear_jobs(&w->waiting);
	w->done = NULL;
	w->stopped = true;
	w->again = false;
}

struct status_writer *status_new(struct api_client *client, const struct store *store,
				 const struct status_ops *ops, void *arg)
{
	struct status_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->client = client;
	w->store = store;
	w->ops = ops;
	w->arg = arg;
	TAILQ_INIT(&w->waiting);
	TAILQ_INIT(&w->running);
	return w;
}

void status_free(struct status_writer *w)
{
	if (w == NULL)
		return;
	clear_jobs(&w->running);
	clear_jobs(&w->waiting);
	free(w);
}

void status_stats(const struct status_writer *w, struct status_stats *out)
{
	*out = w->stats;
}
