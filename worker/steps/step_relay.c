/*
 * step relay: heads and content both ways until the answer is out. Upload and download go on
 * side by side; an origin may answer before it has read everything. After a 101 the same
 * pipes carry the tunnel (tunnel.h).
 */
#include "common/check.h"
#include "worker/affinity/sticky.h"
#include "worker/auth/auth.h"
#include "worker/basic/basic.h"
#include "worker/answer/cors.h"
#include "worker/answer/custom_errors.h"
#include "worker/request/driver.h"
#include "worker/answer/edits.h"
#include "worker/mirror/mirror.h"
#include "worker/request/failure.h"
#include "worker/request/headers.h"
#include "worker/request/pace.h"
#include "worker/flow/tunnel.h"
#include "worker/upstream/retry.h"

/* Does the status ask for another endpoint (proxy-next-upstream http_5xx ...)? */
static bool try_elsewhere(struct request *r)
{
	const struct policy *p = r->route.policy;
	struct retry_facts f;

	if (p->next_when <= (NEXT_ERROR | NEXT_TIMEOUT | NEXT_INVALID_HEADER))
		return false; /* the default: no status does */
	f = failure_facts(r, REASON_NONE);
	return retry_status(&f, r->resp.status) && pipe_rewind(&r->up);
}

static enum step_next next_endpoint(struct request *r)
{
	failure_drop_upstream(r, REASON_UP_STATUS);
	r->events = 0;
	pipe_clear(&r->down);
	pipe_init(&r->down);
	stat_add(r->w->slot, STAT_UP_RETRIES, 1);
	return request_goto(r, STEP_PICK);
}

/* Fields of the origin that end here: its name, and words to nginx (facts: routing §7). */
static void clean_head(const struct request *r, struct head *h)
{
	bool keep_server = (r->route.policy->flags & POLICY_KEEP_SERVER) != 0;

	for (uint16_t i = 0; i < h->n_fields; i++) {
		switch ((enum field_id)h->fields[i].id) {
		case FIELD_SERVER:
			h->fields[i].drop |= !keep_server;
			break;
		case FIELD_X_ACCEL_REDIRECT:
		case FIELD_X_ACCEL_BUFFERING:
		case FIELD_X_ACCEL_EXPIRES:
		case FIELD_X_ACCEL_LIMIT_RATE:
		case FIELD_X_ACCEL_CHARSET:
			h->fields[i].drop = 1;
			break;
		default:
			break;
		}
	}
}

static void send_failed(struct request *r)
{
	failure_drop_upstream(r, REASON_NO_MEMORY);
	request_client_ended(r, REASON_NO_MEMORY);
}

static void relay_interim(struct request *r)
{
	clean_head(r, &r->resp);
	if (r->client->ops->send_head(r->client, &r->resp) == -1)
		send_failed(r);
	else
		r->upstream->ops->resume_read(r->upstream);
}

/* Over TLS it is ours to say (facts: routing §7). */
static void add_hsts(struct request *r)
{
	struct str value = str_from(r->w->hsts);

	if (!r->secure || value.n == 0)
		return;
	head_drop(&r->resp, FIELD_STRICT_TRANSPORT_SECURITY);
	(void)head_add(&r->resp, FIELD_STRICT_TRANSPORT_SECURITY,
		       field_infos[FIELD_STRICT_TRANSPORT_SECURITY].name, value);
}

/* With what came of the content already: it goes out with the head. */
static int compress_head(struct request *r)
{
	if (r->w->squeeze == NULL)
		return 0;
	compress_begin(r);
	return r->compress == NULL ? 0 : compress_run(r);
}

/* False: what the answer should be cannot be said. */
static bool edit_head(struct request *r)
{
	return (r->route.policy->flags & POLICY_EDITS) == 0 || r->instead != 0 ||
	       edits_apply(r, &r->resp) == 0;
}

static void relay_head(struct request *r)
{
	pipe_forget(&r->up);
	clean_head(r, &r->resp);
	cors_add(r, &r->resp);
	add_hsts(r);
	headers_server(r, &r->resp);
	sticky_add(r, &r->resp);
	r->status = r->resp.status;
	r->head_sent = true;
	if (headers_to_client(r, &r->resp, true) == -1)
		send_failed(r);
	else if (basic_to_client(r, &r->resp) == -1)
		send_failed(r);
	else if (r->auth != NULL && auth_to_client(r, &r->resp) == -1)
		send_failed(r);
	else if (compress_head(r) == -1 || pace_begin(r) == -1)
		send_failed(r);
	else if (r->client->ops->send_head(r->client, &r->resp) == -1)
		send_failed(r);
	else if (r->resp.status == 101)
		tunnel_begin(r);
	if (r->pace != NULL)
		pace_wait(r);
}

static bool body_too_large(const struct request *r)
{
	uint64_t most = r->route.policy->body_max_bytes;

	return most != 0 && !r->tunnel && r->instead == 0 && r->up.in > most;
}

static void pump_up(struct request *r)
{
	if (r->upstream == NULL)
		return;
	r->upstream->ops->pump(r->upstream);
	if (!r->up.end && pipe_room(&r->up) > 0 && r->instead == 0)
		r->client->ops->resume_read(r->client);
}

static void pump_down(struct request *r)
{
	if (r->compress != NULL && compress_run(r) == -1) {
		send_failed(r);
		return;
	}
	if (r->pace != NULL)
		pace_grant(r);
	r->client->ops->pump(r->client);
	if (r->pace != NULL)
		pace_wait(r);
	if (r->upstream != NULL && !r->down.end && pipe_room(&r->down) > 0)
		r->upstream->ops->resume_read(r->upstream);
}

/* Is there nothing left to wait for? */
static bool relay_done(struct request *r, unsigned ev)
{
	if (r->tunnel)
		return tunnel_done(r, ev);
	if (r->up_whole && r->upstream != NULL)
		failure_drop_upstream(r,
				      REASON_NONE); /* back to the pool, however slow the client */
	return r->client_sent;
}

/* Whoever answered: an error that came about here is counted as what it is. */
static enum reason reason_of_end(const struct request *r)
{
	if (r->instead_why != REASON_NONE)
		return r->instead_why;
	return r->tunnel ? REASON_TUNNEL_DONE : REASON_DONE;
}

enum step_next step_relay(struct request *r)
{
	unsigned ev = r->events;

	r->events = 0;
	if ((ev & REQ_CLIENT_DATA) != 0 && r->up.tapped)
		mirror_feed(r); /* before anybody consumes it, or lets it go */
	if (body_too_large(r) && !r->head_sent) {
		failure_drop_upstream(r, REASON_BODY_TOO_LARGE);
		return request_reply(r, 413, REASON_BODY_TOO_LARGE);
	}
	if ((ev & REQ_UP_INTERIM) != 0)
		relay_interim(r);
	if ((ev & REQ_UP_HEAD) != 0) {
		if (try_elsewhere(r))
			return next_endpoint(r);
		if (custom_errors_take(r, r->resp.status, REASON_NONE))
			return STEP_GOTO;
		if (!edit_head(r))
			return request_reply(r, 500, REASON_REGEX_LIMIT);
		relay_head(r);
	} else if (r->head_sent && (ev & (REQ_UP_DATA | REQ_CLIENT_ROOM)) != 0) {
		pump_down(r);
	}
	if ((ev & (REQ_CLIENT_DATA | REQ_UP_ROOM)) != 0)
		pump_up(r);
	ev |= r->events;
	r->events &= (uint16_t)~REQ_CLIENT_SENT;
	if ((ev & REQ_CLIENT_SENT) != 0)
		r->client_sent = true;
	if (r->client_end != REASON_NONE || r->up_end != REASON_NONE || !relay_done(r, ev))
		return STEP_WAIT;
	r->events = 0;
	r->reason = reason_of_end(r);
	return STEP_NEXT;
}
