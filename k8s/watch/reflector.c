/*
 * reflector: see reflector.h. Here: when to ask for what, and how long to wait after a failure.
 * What an answer means is in reflector_apply.c, what is told about it in reflector_say.c.
 */
#include "k8s/watch/reflector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "k8s/watch/reflector_int.h"

#define SHOW_MAX        100u /* bytes of an answer that are quoted */
#define PAGE_SIZE       500u
#define PAGE_BYTES_MAX  ((size_t)64 << 20)
#define EVENT_BYTES_MAX ((size_t)8 << 20)
#define WATCH_MIN_S     300u /* client-go: 5 to 10 minutes */
#define WATCH_JITTER_S  300u
#define PROBE_S         8u /* a short watch that ends with a bookmark */
#define REFUSED_SURE_MS                                                                            \
	5000u                   /* 403, 404: meant, once it lasted; a server may just have started \
				 */
#define REFUSED_RETRY_MS 30000u /* ... and then somebody has to mend it first */
#define BAD_WATCHES_MAX  3u     /* then a new picture */
#define WATCH_SHORT_MS   1000u  /* one that ends sooner, with nothing, is not repeated at once */

static void ask_now(struct reflector *r);

static void ask_later(struct reflector *r, uint32_t wait_ms)
{
	timer_set(ev_timers(r->ev), &r->timer, ev_now_ms(r->ev) + wait_ms);
}

static void set_synced(struct reflector *r)
{
	if (r->synced)
		return;
	r->synced = true;
	r->ops->synced(r->arg, r);
}

static void flush_changes(struct reflector *r)
{
	if (!r->dirty)
		return;
	r->dirty = false;
	r->ops->changed(r->arg);
}

/* ---- choosing the next question ------------------------------------------------------ */

static void want_picture(struct reflector *r)
{
	free(r->continue_token);
	r->continue_token = NULL;
	r->bad_watches = 0;
	r->probe = false;
	r->ask = r->no_watchlist ? ASK_LIST : ASK_WATCHLIST;
}

static void retry(struct reflector *r, uint32_t at_least_s)
{
	ask_later(r, backoff_next(&r->backoff, ev_now_ms(r->ev), at_least_s * 1000));
}

void reflector_progress(struct reflector *r)
{
	r->progress = true;
	r->bad_watches = 0;
	r->stats.contact_ms = ev_now_ms(r->ev);
	if (r->trouble[0] != '\0' && r->ask == ASK_WATCH) {
		backoff_reset(&r->backoff);
		reflector_say_live(r);
	}
}

/* The picture is whole: from here on only differences. */
static void picture_done(struct reflector *r)
{
	reflector_picture_end(r);
	backoff_reset(&r->backoff);
	reflector_say_live(r);
	flush_changes(r);
	set_synced(r);
}

/* Is a refusal an answer, or is the server not yet itself? Asked again soon until that is sure:
 * what was refused counts as read, and the objects would be missing in the first picture. */
static bool is_refused_for_good(struct reflector *r)
{
	uint64_t now = ev_now_ms(r->ev);

	if (r->refused_ms == 0)
		r->refused_ms = now;
	return now - r->refused_ms >= REFUSED_SURE_MS;
}

static void refused(struct reflector *r, int status)
{
	if (!is_refused_for_good(r)) {
		retry(r, 0);
		return;
	}
	if (status == 403)
		reflector_say_forbidden(r);
	else
		reflector_say_trouble(r, status, "this API does not exist on the server");
	set_synced(r);
	ask_later(r, REFUSED_RETRY_MS);
}

static void failed(struct reflector *r, const struct api_reply *reply)
{
	char why[REFLECTOR_TROUBLE];
	struct str body = str_head(reply->body, SHOW_MAX);

	switch (reply->status) {
	case 401:
		reflector_say_trouble(r, 401,
				      "not authenticated: the token was refused and is read again");
		api_credentials_stale(r->client);
		break;
	case 403:
	case 404:
		refused(r, reply->status);
		return;
	default:
		if (reply->error != NULL)
			(void)snprintf(why, sizeof(why), "%s", reply->error);
		else
			(void)snprintf(why, sizeof(why), "HTTP %d: " STR_FMT, reply->status,
				       STR_ARG(body));
		reflector_say_trouble(r, reply->status == 0 ? -1 : reply->status, why);
	}
	retry(r, reply->retry_after_s);
}

/* ---- lists --------------------------------------------------------------------------- */

static void list_done(struct reflector *r, const struct api_reply *reply)
{
	if (reply->status == 410) { /* the continue token has expired: from the beginning */
		free(r->continue_token);
		r->continue_token = NULL;
		retry(r, 0);
		return;
	}
	if (reply->status == 200 && !reply->complete && r->page > 1 && reply->body.n == 0) {
		r->page /= 2; /* perhaps the page was larger than its bound */
		failed(r, reply);
		return;
	}
	if (reply->status != 200 || !reply->complete) {
		failed(r, reply);
		return;
	}
	r->stats.contact_ms = ev_now_ms(r->ev);
	if (r->continue_token == NULL)
		reflector_picture_begin(r);
	if (reflector_apply_page(r, reply->body) != APPLY_OK) {
		reflector_say_garbage(r, "the answer to a list is not a Kubernetes list",
				      str_head(reply->body, SHOW_MAX));
		retry(r, 0);
		return;
	}
	if (r->continue_token == NULL) {
		picture_done(r);
		r->ask = ASK_WATCH;
	}
	ask_now(r);
}

/* ---- watches ------------------------------------------------------------------------- */

static void stream_ended_by_event(struct reflector *r)
{
	switch (r->ended_by) {
	case APPLY_UNSUPPORTED:
		r->no_watchlist = true;
		want_picture(r);
		ask_now(r);
		return;
	case APPLY_EXPIRED:
		want_picture(r);
		ask_now(r);
		return;
	case APPLY_GARBAGE:
		reflector_say_garbage(r, "the watch brought something that is not a watch event",
				      str_from(r->garbage));
		break;
	default:
		reflector_say_trouble(r, -3, "the watch ended with an error event");
		break;
	}
	if (++r->bad_watches >= BAD_WATCHES_MAX)
		want_picture(r);
	retry(r, 0);
}

/* A connection lost: watch again from the last version, and ask whether the world is older. */
static void stream_broke(struct reflector *r, const struct api_reply *reply)
{
	bool silent = !r->progress && r->bookmarks;

	if (r->ask == ASK_WATCHLIST || silent || ++r->bad_watches >= BAD_WATCHES_MAX)
		want_picture(r);
	r->probe = r->ask == ASK_WATCH;
	if (r->progress && r->ask == ASK_WATCH)
		ask_later(r, 10); /* it worked until now: at once, without spinning */
	else
		failed(r, reply);
}

static void stream_ended_clean(struct reflector *r)
{
	bool older = r->probe && !r->probe_ok;

	r->probe = false;
	if (r->ask == ASK_WATCHLIST) { /* ended before its picture was whole */
		reflector_say_trouble(r, -4, "the watch ended before its initial events did");
		retry(r, 0);
	} else if (older) { /* no bookmark at or beyond our version: etcd was restored */
		want_picture(r);
		ask_now(r);
	} else {
		ask_later(r, r->progress || ev_now_ms(r->ev) >= r->asked_ms + WATCH_SHORT_MS
				 ? 0
				 : WATCH_SHORT_MS);
	}
}

static void watch_done(struct reflector *r, const struct api_reply *reply)
{
	bool refused = reply->status == 400 || reply->status == 422;

	if (r->ended_by != APPLY_OK)
		stream_ended_by_event(r);
	else if (reply->status == 410) {
		want_picture(r);
		ask_now(r);
	} else if (r->ask == ASK_WATCHLIST && refused) {
		r->no_watchlist = true;
		want_picture(r);
		ask_now(r);
	} else if (reply->status == 200 && reply->complete)
		stream_ended_clean(r);
	else if (reply->status == 200 || reply->status == 0)
		stream_broke(r, reply);
	else
		failed(r, reply);
}

/* ---- the call ------------------------------------------------------------------------ */

static bool on_line(void *arg, struct str line)
{
	struct reflector *r = arg;
	enum apply_result did = reflector_apply_event(r, line);

	if (did == APPLY_INITIAL_END) {
		picture_done(r);
		r->ask = ASK_WATCH;
		api_set_idle(r->call, r->idle_ms); /* the same stream goes on as a watch */
		return true;
	}
	r->ended_by = did;
	if (did == APPLY_GARBAGE)
		(void)snprintf(r->garbage, sizeof(r->garbage), STR_FMT,
			       STR_ARG(str_head(line, SHOW_MAX)));
	return did == APPLY_OK;
}

static void on_too_long(void *arg, struct str first)
{
	struct reflector *r = arg;
	char text[256];

	r->stats.refused++;
	(void)snprintf(text, sizeof(text), STR_FMT "...", STR_ARG(first));
	r->ops->refused(r->arg, r, text, "event larger than 8 MiB");
}

static const struct lines_ops line_ops = {.line = on_line, .too_long = on_too_long};

static bool on_data(void *arg, struct str piece)
{
	struct reflector *r = arg;
	bool go_on;

	CHECK_MAGIC(r, REFLECTOR_MAGIC);
	go_on = lines_feed(&r->lines, piece, EVENT_BYTES_MAX, &line_ops, r);
	if (r->ask == ASK_WATCH)
		flush_changes(r);
	return go_on;
}

static void on_done(void *arg, const struct api_reply *reply)
{
	struct reflector *r = arg;

	CHECK_MAGIC(r, REFLECTOR_MAGIC);
	r->call = NULL;
	lines_clear(&r->lines); /* a partial line is worth nothing */
	if (r->ask == ASK_LIST)
		list_done(r, reply);
	else
		watch_done(r, reply);
	flush_changes(r);
}

static struct resource_query next_query(struct reflector *r)
{
	switch (r->ask) {
	case ASK_LIST:
		return (struct resource_query){.limit = r->page,
					       .continue_token = r->continue_token};
	case ASK_WATCHLIST:
		return (struct resource_query){
		    .watch = true,
		    .initial_events = true,
		    .timeout_s = WATCH_MIN_S + (uint32_t)(r->backoff.rng % WATCH_JITTER_S)};
	default:
		return (struct resource_query){
		    .watch = true,
		    .resource_version = r->rv,
		    .timeout_s = r->probe
				     ? PROBE_S
				     : WATCH_MIN_S + (uint32_t)(r->backoff.rng % WATCH_JITTER_S)};
	}
}

static uint32_t idle_limit_ms(const struct reflector *r, const struct resource_query *q)
{
	if (!q->watch || q->initial_events)
		return 60000;
	return r->bookmarks ? r->idle_ms : (q->timeout_s + 30) * 1000;
}

static void ask_now(struct reflector *r)
{
	struct resource_query q = next_query(r);
	struct api_request req = {
	    .method = "GET",
	    .gzip = !q.watch,
	    .stream = q.watch,
	    .body_max = q.watch ? 0 : PAGE_BYTES_MAX,
	    .idle_ms = idle_limit_ms(r, &q),
	};
	char *path = resource_path(&r->scope, &q);

	CHECK(r->call == NULL);
	timer_cancel(ev_timers(r->ev), &r->timer);
	r->ended_by = APPLY_OK;
	r->asked_ms = ev_now_ms(r->ev);
	r->progress = false;
	r->probe_ok = false;
	if (q.watch)
		r->stats.watches++;
	else
		r->stats.lists++;
	if (q.initial_events)
		reflector_picture_begin(r);
	if (path != NULL) {
		req.path = path;
		r->call = api_start(r->client, &req, on_data, on_done, r);
		free(path);
	}
	if (r->call == NULL) {
		reflector_say_trouble(r, -5, "out of memory");
		retry(r, 0);
	}
}

static void on_timer(struct timer *t)
{
	struct reflector *r = container_of(t, struct reflector, timer);

	CHECK_MAGIC(r, REFLECTOR_MAGIC);
	ask_now(r);
}

struct reflector *reflector_new(struct ev *ev, struct api_client *client, struct store *store,
				const struct resource_scope *scope, uint32_t idle_ms,
				const struct reflector_ops *ops, void *arg)
{
	struct reflector *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->magic = REFLECTOR_MAGIC;
	r->ev = ev;
	r->client = client;
	r->store = store;
	r->scope = *scope;
	r->idle_ms = idle_ms == 0 ? REFLECTOR_IDLE_MS : idle_ms;
	r->ops = ops;
	r->arg = arg;
	r->page = PAGE_SIZE;
	r->ask = ASK_WATCHLIST;
	timer_init(&r->timer, on_timer);
	lines_init(&r->lines);
	backoff_init(&r->backoff, (uint64_t)(uintptr_t)r ^ ev_now_us(ev));
	ask_later(r, 0);
	return r;
}

void reflector_free(struct reflector *r)
{
	if (r == NULL)
		return;
	api_cancel(r->call);
	timer_cancel(ev_timers(r->ev), &r->timer);
	lines_clear(&r->lines);
	free(r->continue_token);
	r->magic = 0;
	free(r);
}

static void end_call(struct reflector *r)
{
	api_cancel(r->call);
	r->call = NULL;
	lines_clear(&r->lines);
}

void reflector_again(struct reflector *r)
{
	end_call(r);
	want_picture(r);
	ask_later(r, 0);
}

bool reflector_renew(struct reflector *r)
{
	if (r->call == NULL)
		return true;
	if (r->ask != ASK_WATCH)
		return false;
	end_call(r);
	ask_later(r, 0);
	return true;
}
