/*
 * client: see client.h. Here: one request's life. transfer.c tells libcurl what is wanted,
 * curl_ev.c joins it to the event loop.
 */
#include "k8s/api/client.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "k8s/api/client_int.h"

#define IDLE_DEFAULT_MS  30000u
#define BODY_DEFAULT_MAX ((size_t)1 << 20)

static void start_waiting(struct api_client *c);

/* ---- ending ------------------------------------------------------------------------- */

static void call_free(struct api_call *call)
{
	struct api_client *c = call->client;

	CHECK(!c->receiving || call->easy == NULL);
	timer_cancel(ev_timers(c->ev), &call->idle);
	ev_unpost(c->ev, &call->failed);
	if (call->easy != NULL) {
		TAILQ_REMOVE(&c->running, call, link);
		curl_ev_remove(call->on->curl, call->easy);
		curl_easy_cleanup(call->easy);
		if (--call->on->calls == 0 && call->on != c->transport)
			ev_post(c->ev, &c->sweep); /* libcurl may be at work in it */
	} else {
		TAILQ_REMOVE(&c->waiting, call, link);
	}
	curl_slist_free_all(call->headers); /* holds the token: curl wipes nothing, see below */
	free(call->method);
	free(call->path);
	free(call->content_type);
	free(call->body);
	free(call->kept);
	call->magic = 0;
	free(call);
}

static uint32_t retry_after(CURL *easy)
{
	curl_off_t s = 0;

	if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &s) != CURLE_OK || s <= 0)
		return 0;
	return s > 3600 ? 3600 : (uint32_t)s;
}

/* The one place that reports: the caller may start new calls from on_done. */
static void call_end(struct api_call *call, bool complete, const char *error)
{
	struct api_reply reply = {.complete = complete, .error = error};
	api_done_fn *on_done = call->on_done;
	void *arg = call->arg;
	char *kept = call->kept;
	char text[CURL_ERROR_SIZE];
	long status = 0;

	if (call->easy != NULL) {
		(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		reply.retry_after_s = retry_after(call->easy);
	}
	reply.status = (int)status;
	reply.body = str_make(kept, call->kept_n);
	if (error != NULL) {
		(void)strlcpy(text, error, sizeof(text));
		reply.error = text;
	}
	call->kept = NULL;
	call_free(call);
	on_done(arg, &reply);
	free(kept);
}

static void on_idle(struct timer *t)
{
	struct api_call *call = container_of(t, struct api_call, idle);

	CHECK_MAGIC(call, CALL_MAGIC);
	call_end(call, false, "no byte from the API server for too long");
}

static void on_transfer_end(void *arg, CURL *easy, CURLcode code)
{
	struct api_call *call = NULL;

	(void)arg;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
	CHECK_MAGIC(call, CALL_MAGIC);
	if (code == CURLE_OK)
		call_end(call, true, NULL);
	else if (call->error != NULL)
		call_end(call, false, call->error);
	else
		call_end(call, false,
			 call->curl_error[0] != '\0' ? call->curl_error : curl_easy_strerror(code));
}

static void on_failed_start(struct ev_task *t)
{
	struct api_call *call = container_of(t, struct api_call, failed);

	call_end(call, false, call->error);
}

/* ---- receiving ---------------------------------------------------------------------- */

static bool keep(struct api_call *call, const char *p, size_t n)
{
	size_t max = call->req.body_max == 0 ? BODY_DEFAULT_MAX : call->req.body_max;
	size_t cap = call->kept_cap == 0 ? 16384 : call->kept_cap;
	char *grown;

	if (n > max - call->kept_n) {
		call->error = "answer larger than its bound";
		return false;
	}
	while (cap < call->kept_n + n)
		cap *= 2;
	if (cap != call->kept_cap) {
		grown = realloc(call->kept, cap);
		if (grown == NULL) {
			call->error = "out of memory";
			return false;
		}
		call->kept = grown;
		call->kept_cap = cap;
	}
	memcpy(call->kept + call->kept_n, p, n);
	call->kept_n += n;
	return true;
}

static size_t on_bytes(char *p, size_t size, size_t nmemb, void *arg)
{
	struct api_call *call = arg;
	size_t n = size * nmemb;
	long status = 0;
	bool ok;

	CHECK_MAGIC(call, CALL_MAGIC);
	timer_set(ev_timers(call->client->ev), &call->idle,
		  ev_now_ms(call->client->ev) + call->req.idle_ms);
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->client->receiving = true;
	if (call->req.stream && status == 200)
		ok = call->on_data(call->arg, str_make(p, n));
	else
		ok = keep(call, p, n);
	call->client->receiving = false;
	if (!ok && call->error == NULL)
		call->error = "ended by the reader";
	return ok ? n : CURL_WRITEFUNC_ERROR;
}

/* ---- starting ----------------------------------------------------------------------- */

/* From waiting to running. A call that cannot be started ends through its task. */
static void call_run(struct api_call *call)
{
	struct api_client *c = call->client;

	call->easy = curl_easy_init();
	if (call->easy == NULL) {
		call->error = "out of memory";
		ev_post(c->ev, &call->failed);
		return;
	}
	TAILQ_REMOVE(&c->waiting, call, link);
	TAILQ_INSERT_TAIL(&c->running, call, link);
	call->on = c->transport;
	call->on->calls++;
	timer_set(ev_timers(c->ev), &call->idle, ev_now_ms(c->ev) + call->req.idle_ms);
	if (!transfer_set(call, on_bytes) || curl_ev_add(call->on->curl, call->easy) == -1) {
		call->error = "libcurl refused the request";
		ev_post(c->ev, &call->failed);
	}
}

static bool take_token(struct api_client *c)
{
	uint64_t now = ev_now_ms(c->ev);

	if (c->qps == 0)
		return true;
	c->tokens += (double)(now - c->bucket_ms) * c->qps / 1000.0;
	c->bucket_ms = now;
	if (c->tokens > c->burst)
		c->tokens = c->burst;
	if (c->tokens < 1.0) {
		timer_set(ev_timers(c->ev), &c->refill, now + 1000 / c->qps + 1);
		return false;
	}
	c->tokens -= 1.0;
	return true;
}

static void start_waiting(struct api_client *c)
{
	struct api_call *call, *next;

	if (credential_pending(c->credential))
		return;
	TAILQ_FOREACH_SAFE (call, &c->waiting, link, next) {
		if (call->failed.posted)
			continue;
		if (!take_token(c))
			return;
		call_run(call);
	}
}

static void on_start(struct ev_task *t)
{
	start_waiting(container_of(t, struct api_client, start));
}

static void on_refill(struct timer *t)
{
	start_waiting(container_of(t, struct api_client, refill));
}

static void on_credential(void *arg)
{
	start_waiting(arg);
}

static char *dup_or_null(const char *s)
{
	return s == NULL ? NULL : strdup(s);
}

struct api_call *api_start(struct api_client *c, const struct api_request *r, api_data_fn *on_data,
			   api_done_fn *on_done, void *arg)
{
	struct api_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	CHECK(!r->stream || on_data != NULL);
	call->magic = CALL_MAGIC;
	call->client = c;
	call->req = *r;
	if (call->req.idle_ms == 0)
		call->req.idle_ms = IDLE_DEFAULT_MS;
	timer_init(&call->idle, on_idle);
	call->failed.fn = on_failed_start;
	call->on_data = on_data;
	call->on_done = on_done;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&c->waiting, call, link);
	call->method = strdup(r->method);
	call->path = strdup(r->path);
	call->content_type = dup_or_null(r->content_type);
	call->body = r->body.n == 0 ? NULL : strndup(r->body.p, r->body.n);
	if (call->method == NULL || call->path == NULL || (r->body.n != 0 && call->body == NULL) ||
	    (r->content_type != NULL && call->content_type == NULL)) {
		call_free(call);
		errno = ENOMEM;
		return NULL;
	}
	ev_post(c->ev, &c->start);
	return call;
}

void api_set_idle(struct api_call *call, uint32_t idle_ms)
{
	CHECK_MAGIC(call, CALL_MAGIC);
	call->req.idle_ms = idle_ms;
	timer_set(ev_timers(call->client->ev), &call->idle, ev_now_ms(call->client->ev) + idle_ms);
}

void api_cancel(struct api_call *call)
{
	if (call == NULL)
		return;
	CHECK_MAGIC(call, CALL_MAGIC);
	call_free(call);
}

/* ---- connections -------------------------------------------------------------------- */

static struct transport *transport_new(struct api_client *c)
{
	struct transport *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->curl = curl_ev_new(c->ev, on_transfer_end, c);
	if (t->curl == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

static void transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	CHECK(t->calls == 0);
	curl_ev_free(t->curl);
	free(t);
}

static void on_sweep(struct ev_task *task)
{
	struct api_client *c = container_of(task, struct api_client, sweep);
	struct transport *t, *next;

	LIST_FOREACH_SAFE (t, &c->retired, link, next) {
		if (t->calls > 0)
			continue;
		LIST_REMOVE(t, link);
		transport_free(t);
	}
}

void api_client_renew(struct api_client *c)
{
	struct transport *fresh = transport_new(c);

	if (fresh == NULL)
		return; /* out of memory: what is there goes on */
	LIST_INSERT_HEAD(&c->retired, c->transport, link);
	c->transport = fresh;
	ev_post(c->ev, &c->sweep);
}

void api_credentials_stale(struct api_client *c)
{
	credential_refresh(c->credential);
}

struct api_client *api_client_new(struct ev *ev, const struct access *access, const char *agent,
				  uint32_t qps, uint32_t burst)
{
	struct api_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->ev = ev;
	c->access = access;
	c->qps = qps;
	c->burst = burst;
	c->tokens = burst;
	c->bucket_ms = ev_now_ms(ev);
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->running);
	timer_init(&c->refill, on_refill);
	c->start.fn = on_start;
	c->agent = strdup(agent);
	LIST_INIT(&c->retired);
	c->sweep.fn = on_sweep;
	c->transport = transport_new(c);
	c->credential = credential_new(ev, access, on_credential, c);
	if (c->agent == NULL || c->transport == NULL || c->credential == NULL) {
		api_client_free(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

void api_client_free(struct api_client *c)
{
	struct api_call *call;

	if (c == NULL)
		return;
	while ((call = TAILQ_FIRST(&c->running)) != NULL)
		call_free(call);
	while ((call = TAILQ_FIRST(&c->waiting)) != NULL)
		call_free(call);
	timer_cancel(ev_timers(c->ev), &c->refill);
	ev_unpost(c->ev, &c->start);
	credential_free(c->credential);
	on_sweep(&c->sweep);
	ev_unpost(c->ev, &c->sweep);
	transport_free(c->transport);
	free(c->agent);
	free(c);
}
