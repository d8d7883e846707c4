/* lease: see lease.h. */
#include "k8s/write/lease.h"

#include <bsd/string.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "k8s/text/json.h"

#define MICROTIME_MAX 40
#define TEXT_MAX      256

/* The record as last seen on the server. */
struct record {
	char holder[TEXT_MAX];
	char version[64];
	char acquired[MICROTIME_MAX], renewed[MICROTIME_MAX];
	int64_t transitions, duration_s;
};

enum phase {
	PHASE_IDLE,
	PHASE_GET,
	PHASE_CREATE,
	PHASE_UPDATE,
	PHASE_RELEASE,
};

struct lease {
	struct ev *ev;
	struct api_client *client;
	char *ns, *name, *identity;
	uint32_t ttl_ms;
	struct record seen;
	uint64_t seen_ms;    /* when the record last changed, our clock */
	uint64_t asked_ms;   /* when the renewal under way was sent */
	uint64_t renewed_ms; /* when a renewal that succeeded was sent; 0: not leader */
	enum phase phase;
	struct api_call *call;
	struct timer timer;
	uint64_t rng;
	bool leader; /* as last told to changed() */
	bool stopped;
	void (*changed)(void *arg, bool leader);
	void *arg;
	void (*released)(void *arg);
	void *released_arg;
};

static void get(struct lease *l);

/* ---- the record ---------------------------------------------------------------------- */

/* Six fraction digits or the server answers 400 (facts: kubernetes-api, WRITES). */
static void micro_now(char out[MICROTIME_MAX])
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	n = strftime(out, MICROTIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, MICROTIME_MAX - n, ".%06ldZ", ts.tv_nsec / 1000);
}

static void copy(char *to, size_t cap, struct str from)
{
	(void)snprintf(to, cap, STR_FMT, STR_ARG(from));
}

static bool parse_record(struct str body, struct record *out)
{
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&body, &err);
	struct jv root, meta, spec;
	bool ok;

	*out = (struct record){0};
	if (tree == NULL)
		return false;
	root = jv_root(tree, &err);
	ok = json_object_is_type(tree, json_type_object) && jv_obj(&root, "metadata", &meta);
	if (ok)
		copy(out->version, sizeof(out->version), jv_str(&meta, "resourceVersion"));
	if (ok && jv_obj(&root, "spec", &spec)) {
		copy(out->holder, sizeof(out->holder), jv_str(&spec, "holderIdentity"));
		copy(out->acquired, sizeof(out->acquired), jv_str(&spec, "acquireTime"));
		copy(out->renewed, sizeof(out->renewed), jv_str(&spec, "renewTime"));
		(void)jv_int(&spec, "leaseTransitions", 0, INT32_MAX, &out->transitions);
		(void)jv_int(&spec, "leaseDurationSeconds", 1, INT32_MAX, &out->duration_s);
	}
	json_object_put(tree);
	return ok && !err.set;
}

static void observe(struct lease *l, const struct record *now)
{
	if (strcmp(l->seen.version, now->version) != 0)
		l->seen_ms = ev_now_ms(l->ev);
	l->seen = *now;
}

static bool is_mine(const struct lease *l)
{
	return strcmp(l->seen.holder, l->identity) == 0;
}

/* Held by another whose time has not run out since we last saw it change. */
static bool is_taken(const struct lease *l)
{
	uint64_t ttl = l->seen.duration_s > 0 ? (uint64_t)l->seen.duration_s * 1000 : l->ttl_ms;

	return l->seen.holder[0] != '\0' && !is_mine(l) && ev_now_ms(l->ev) < l->seen_ms + ttl;
}

static void add_text(struct json_object *o, const char *key, const char *value)
{
	(void)json_object_object_add(o, key, json_object_new_string(value));
}

/* holder "" releases it: a duration of one second lets the next one in at once. */
static char *record_text(const struct lease *l, const char *holder)
{
	struct json_object *root = json_object_new_object();
	struct json_object *meta = json_object_new_object();
	struct json_object *spec = json_object_new_object();
	bool take = holder[0] != '\0' && !is_mine(l);
	char now[MICROTIME_MAX];
	char *text;

	micro_now(now);
	add_text(root, "apiVersion", "coordination.k8s.io/v1");
	add_text(root, "kind", "Lease");
	add_text(meta, "name", l->name);
	add_text(meta, "namespace", l->ns);
	if (l->seen.version[0] != '\0')
		add_text(meta, "resourceVersion", l->seen.version);
	add_text(spec, "holderIdentity", holder);
	json_object_object_add(spec, "leaseDurationSeconds",
			       json_object_new_int64(holder[0] == '\0' ? 1 : l->ttl_ms / 1000));
	add_text(spec, "acquireTime", take || l->seen.acquired[0] == '\0' ? now : l->seen.acquired);
	add_text(spec, "renewTime", now);
	json_object_object_add(spec, "leaseTransitions",
			       json_object_new_int64(l->seen.transitions +
						     (take && l->seen.version[0] != '\0' ? 1 : 0)));
	json_object_object_add(root, "metadata", meta);
	json_object_object_add(root, "spec", spec);
	text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	return text;
}

/* ---- leadership ---------------------------------------------------------------------- */

static uint32_t retry_ms(const struct lease *l)
{
	return l->ttl_ms / 4;
}

static uint32_t deadline_ms(const struct lease *l)
{
	return l->ttl_ms / 2;
}

bool lease_held(const struct lease *l)
{
	return l->renewed_ms != 0 && !l->stopped &&
	       ev_now_ms(l->ev) < l->renewed_ms + deadline_ms(l);
}

static void tell(struct lease *l)
{
	bool now = lease_held(l);

	if (now == l->leader)
		return;
	l->leader = now;
	log_info(now ? "this replica writes status now" : "this replica no longer writes status",
		 LOG_Z("lease", l->name), LOG_Z("namespace", l->ns),
		 LOG_Z("holder", l->seen.holder));
	l->changed(l->arg, now);
}

/* client-go: up to a fifth of jitter on top, so that candidates do not collide. */
static void again(struct lease *l)
{
	uint32_t wait = retry_ms(l);

	l->phase = PHASE_IDLE;
	l->rng = l->rng * 6364136223846793005ull + 1442695040888963407ull;
	if (!lease_held(l))
		wait += (uint32_t)((l->rng >> 33) % (wait / 5 + 1));
	timer_set(ev_timers(l->ev), &l->timer, ev_now_ms(l->ev) + wait);
	tell(l);
}

/* ---- talking ------------------------------------------------------------------------- */

static void on_done(void *arg, const struct api_reply *reply);

static void ask(struct lease *l, enum phase phase, const char *method, const char *body)
{
	struct api_request req = {
	    .method = method,
	    .body = str_from(body),
	    .content_type = body == NULL ? NULL : "application/json",
	    .total_ms = deadline_ms(l),
	};
	char path[1024];

	(void)snprintf(path, sizeof(path), "/apis/coordination.k8s.io/v1/namespaces/%s/leases%s%s",
		       l->ns, phase == PHASE_CREATE ? "" : "/",
		       phase == PHASE_CREATE ? "" : l->name);
	req.path = path;
	l->phase = phase;
	l->asked_ms = ev_now_ms(l->ev);
	l->call = api_start(l->client, &req, NULL, on_done, l);
	if (l->call == NULL)
		again(l);
}

static void write_record(struct lease *l, enum phase phase, const char *holder)
{
	char *text = record_text(l, holder);

	if (text == NULL)
		again(l);
	else
		ask(l, phase, phase == PHASE_CREATE ? "POST" : "PUT", text);
	free(text);
}

static void get(struct lease *l)
{
	ask(l, PHASE_GET, "GET", NULL);
}

static void say_forbidden(const struct lease *l)
{
	log_error("not allowed to hold the leader election lease: the role needs "
		  "coordination.k8s.io leases get, create, update",
		  LOG_Z("lease", l->name), LOG_Z("namespace", l->ns));
}

static void got(struct lease *l, const struct api_reply *reply)
{
	struct record now;

	if (reply->status == 404) {
		l->seen = (struct record){0};
		write_record(l, PHASE_CREATE, l->identity);
	} else if (reply->status == 403) {
		say_forbidden(l);
		again(l);
	} else if (reply->status != 200 || !parse_record(reply->body, &now)) {
		log_warn("cannot read the leader election lease", LOG_Z("lease", l->name),
			 LOG_I64("status", reply->status),
			 LOG_Z("why", reply->error != NULL ? reply->error : "unexpected answer"));
		again(l);
	} else {
		observe(l, &now);
		if (!is_mine(l))
			l->renewed_ms = 0;
		if (is_taken(l))
			again(l);
		else
			write_record(l, PHASE_UPDATE, l->identity);
	}
}

static void written(struct lease *l, const struct api_reply *reply)
{
	struct record now;

	if ((reply->status == 200 || reply->status == 201) && parse_record(reply->body, &now)) {
		observe(l, &now);
		/* Counted from when we asked: the answer may have been under way for long. */
		l->renewed_ms = is_mine(l) ? l->asked_ms : 0;
	} else if (reply->status == 403) {
		say_forbidden(l);
	}
	again(l);
}

static void on_done(void *arg, const struct api_reply *reply)
{
	struct lease *l = arg;

	l->call = NULL;
	if (reply->status == 401)
		api_credentials_stale(l->client);
	if (l->phase == PHASE_RELEASE)
		l->released(l->released_arg);
	else if (l->phase == PHASE_GET)
		got(l, reply);
	else
		written(l, reply);
}

static void on_timer(struct timer *t)
{
	struct lease *l = container_of(t, struct lease, timer);

	tell(l); /* the deadline may have passed while a request hung */
	if (l->call == NULL && !l->stopped)
		get(l);
}

struct lease *lease_new(struct ev *ev, struct api_client *client, const struct lease_conf *conf,
			void (*changed)(void *arg, bool leader), void *arg)
{
	struct lease *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->ev = ev;
	l->client = client;
	l->ns = strdup(conf->ns);
	l->name = strdup(conf->name);
	l->identity = strdup(conf->identity);
	l->ttl_ms = conf->ttl_ms < 4000 ? 4000 : conf->ttl_ms;
	l->changed = changed;
	l->arg = arg;
	l->rng = ev_now_us(ev) ^ (uint64_t)(uintptr_t)l;
	timer_init(&l->timer, on_timer);
	if (l->ns == NULL || l->name == NULL || l->identity == NULL) {
		lease_free(l);
		errno = ENOMEM;
		return NULL;
	}
	timer_set(ev_timers(ev), &l->timer, ev_now_ms(ev));
	return l;
}

void lease_free(struct lease *l)
{
	if (l == NULL)
		return;
	api_cancel(l->call);
	timer_cancel(ev_timers(l->ev), &l->timer);
	free(l->ns);
	free(l->name);
	free(l->identity);
	free(l);
}

const char *lease_holder(const struct lease *l)
{
	return l->seen.holder;
}

void lease_release(struct lease *l, void (*done)(void *arg), void *arg)
{
	bool mine = lease_held(l) && is_mine(l);

	l->released = done;
	l->released_arg = arg;
	l->stopped = true;
	timer_cancel(ev_timers(l->ev), &l->timer);
	api_cancel(l->call);
	l->call = NULL;
	tell(l);
	if (mine)
		write_record(l, PHASE_RELEASE, "");
	if (l->call == NULL)
		done(arg);
}
