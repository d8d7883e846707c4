/* mirror: how a copy begins, gets its content, and ends; see mirror.h. */
#include "worker/mirror/mirror.h"

#include <stdlib.h>

#include "common/check.h"
#include "worker/request/aside.h"
#include "worker/request/driver.h"
#include "worker/tls/tls_upstream.h"

#define CHUNKS_OF_COPY    2 /* its head on the way, what its target has said so far */
#define CHUNKS_OF_CONTENT (PIPE_SLICES + 1) /* its pipe, and the places of its backlog */

/* --- bounds --------------------------------------------------------------------------------- */

static struct mirrors *mirrors_of(struct worker *w)
{
	if (w->mirrors == NULL)
		w->mirrors = calloc(1, sizeof(*w->mirrors));
	return w->mirrors;
}

static uint8_t shard_of(uint64_t cluster)
{
	return (uint8_t)((cluster * 0x9e3779b97f4a7c15ull) >> 32 & (MIRROR_SHARDS - 1));
}

/* What one may keep at most, its backlog apart. */
static uint32_t chunks_of(bool content)
{
	return CHUNKS_OF_COPY + (content ? CHUNKS_OF_CONTENT : 0);
}

/* May n chunks more be kept from clients? */
static bool memory_for(const struct worker *w, uint32_t n)
{
	return w->mirrors->chunks + n <= w->conf->buffer_memory_bytes / CHUNK_SIZE / MIRROR_PART;
}

static bool copies_content(const struct policy_mirror_view *v, const struct request *r)
{
	return r->out.framing != FRAMING_NONE && (v->flags & MIRROR_CONTENT) != 0;
}

/* Each is a connection: most of the descriptors are for clients and endpoints. */
static uint32_t most_copies(const struct worker *w)
{
	uint64_t n = (uint64_t)w->conf->max_connections / MIRROR_PART;

	return n < MIRROR_MOST ? (uint32_t)n : MIRROR_MOST;
}

static bool has_place(struct request *r, const struct policy_mirror_view *v)
{
	const struct mirrors *m = mirrors_of(r->w);
	uint32_t most = most_copies(r->w);

	return m != NULL && m->under_way < most && m->of[shard_of(v->cluster)] < most / 2 &&
	       memory_for(r->w, chunks_of(copies_content(v, r)));
}

static void take_place(struct mirror_copy *c, uint64_t cluster)
{
	struct worker *w = c->side.request->w;

	c->shard = shard_of(cluster);
	w->mirrors->under_way++;
	w->mirrors->of[c->shard]++;
	w->mirrors->chunks += chunks_of(c->content);
	/* It is no request of a client's. */
	stat_sub(w->slot, STAT_REQ_ACTIVE, 1);
	stat_add(w->slot, STAT_MIRROR_ACTIVE, 1);
	stat_add(w->slot, STAT_MIRROR_SENT, 1);
}

/* --- its content ---------------------------------------------------------------------------- */

/* What comes from now on is not for the copy. */
static void untie(struct mirror_copy *c)
{
	if (c->of == NULL)
		return;
	c->of->copy = NULL;
	c->of->up.tapped = false;
	c->of = NULL;
}

static void give_up(struct mirror_copy *c, enum stat_id end)
{
	untie(c);
	c->end = end;
	request_client_ended(c->side.request, REASON_CLIENT_GONE);
}

/* Mostly nothing waits, and there is room. False: it is too much. */
static bool put(struct mirror_copy *c, const struct slice *s)
{
	struct request *q = c->side.request;
	uint32_t before = c->backlog.chunks;

	if (c->backlog.n == 0 && pipe_room(&q->up) > 0) {
		pipe_put(&q->up, s->chunk, s->off, s->n);
		return true;
	}
	if (!memory_for(q->w, 1) || !backlog_put(&c->backlog, q->w->chunks, s))
		return false;
	q->w->mirrors->chunks += c->backlog.chunks - before;
	return true;
}

/* False: a part of it is gone, or it is too much. */
static bool follow(struct mirror_copy *c, const struct pipe *p)
{
	struct slice s;

	while (pipe_see(p, &c->seen, &s))
		if (!put(c, &s))
			return false;
	return c->seen == p->in;
}

/* When nothing waits any more, its end is the content's. */
static void end_content(struct mirror_copy *c)
{
	if (c->whole && c->backlog.n == 0)
		c->side.request->up.end = true;
}

void mirror_deliver(struct mirror_copy *c)
{
	struct request *q = c->side.request;
	uint32_t before = c->backlog.chunks;

	if (c->backlog.n == 0)
		return; /* what comes is handed on by mirror_feed() */
	backlog_give(&c->backlog, &q->up);
	q->w->mirrors->chunks -= before - c->backlog.chunks;
	end_content(c);
	request_event(q, REQ_CLIENT_DATA);
}

/* They borrow from the request. Without memory they are lost (RFC 9110 §6.5.1 allows it). */
static void copy_trailers(struct request *q, const struct pipe *from)
{
	uint16_t n = from->n_trailers;
	struct field *to = n == 0 ? NULL : arena_alloc(&q->arena, n * sizeof(*to));

	if (to == NULL)
		return;
	for (uint16_t i = 0; i < n; i++) {
		const struct field *f = &from->trailers[i];
		struct str name = arena_str(&q->arena, str_make(f->name, f->name_n));
		struct str value = arena_str(&q->arena, str_make(f->value, f->value_n));

		if (name.p == NULL || value.p == NULL)
			return;
		to[i] = *f;
		to[i].name = name.p;
		to[i].value = value.p;
	}
	q->up.trailers = to;
	q->up.n_trailers = n;
}

void mirror_feed(struct request *r)
{
	struct request *q = r->copy;
	struct mirror_copy *c = container_of(q->client, struct mirror_copy, side);

	CHECK(c->of == r);
	if (!follow(c, &r->up)) {
		give_up(c, STAT_MIRROR_BEHIND);
		return;
	}
	if (r->up.end) {
		copy_trailers(q, &r->up);
		c->whole = true;
		untie(c);
		end_content(c);
	}
	request_event(q, REQ_CLIENT_DATA);
}

void mirror_leave(struct request *r)
{
	struct mirror_copy *c = container_of(r->copy->client, struct mirror_copy, side);

	mirror_feed(r); /* what came last */
	if (c->of == r)
		give_up(c, STAT_MIRROR_CUT);
}

/* --- beginning and end ---------------------------------------------------------------------- */

static uint32_t at_most(uint32_t ms)
{
	return ms < MIRROR_SILENCE_MS ? ms : MIRROR_SILENCE_MS;
}

/* Nothing of the route's policy holds for a copy but its timeouts; it is tried once, unless it
 * went out on a connection that had just been closed. */
static bool give_route(struct request *q, const struct request *r,
		       const struct policy_mirror_view *v)
{
	struct policy *p = aside_policy(q, r);

	if (p == NULL)
		return false;
	p->next_when = 0;
	p->connect_ms = at_most(p->connect_ms);
	p->send_ms = at_most(p->send_ms);
	p->read_ms = at_most(p->read_ms);
	q->route = (struct route_view){.kind = ROUTE_PROXY, .cluster = v->cluster, .policy = p};
	q->up_tls = v->profile == 0 ? 0 : tls_upstream_profile(r->w, v->profile);
	return true;
}

static struct mirror_copy *prepare(struct request *q, struct request *r,
				   const struct policy_mirror_view *v)
{
	struct mirror_copy *c = mirror_side_give(q);

	q->told = (struct told){.https = r->told.https, .port = r->told.port};
	q->step = STEP_PICK;
	if (c == NULL || mirror_head(v, r, q) == -1 || !give_route(q, r, v))
		return NULL;
	q->out = q->in;
	c->content = q->in.framing != FRAMING_NONE;
	return c;
}

static void tie(struct mirror_copy *c, struct request *r)
{
	c->of = r;
	r->copy = c->side.request;
	r->up.tapped = true;
	mirror_feed(r); /* what is there already */
}

/* NULL: it cannot be made. */
static struct mirror_copy *make(struct request *r, const struct policy_mirror_view *v)
{
	struct request *q = aside_new(r);
	struct mirror_copy *c = q == NULL ? NULL : prepare(q, r, v);

	if (q == NULL || c != NULL)
		return c;
	aside_drop(q);
	return NULL;
}

void mirror_begin(struct request *r)
{
	struct slot *slot = r->w->slot;
	struct policy_mirror_view v;
	struct mirror_copy *c;

	if (!policy_mirror_read(policy_find(r->route.policy, POLICY_OPT_MIRROR), &v)) {
		stat_add(slot, STAT_MIRROR_UNMADE, 1);
		return;
	}
	if (!has_place(r, &v)) {
		stat_add(slot, STAT_MIRROR_CROWDED, 1);
		return;
	}
	c = make(r, &v);
	if (c == NULL) {
		stat_add(slot, STAT_MIRROR_UNMADE, 1);
		return;
	}
	take_place(c, v.cluster);
	driver_post(c->side.request);
	if (c->content)
		tie(c, r);
	else
		c->side.request->up.end = true;
}

void mirror_ended(struct mirror_copy *c)
{
	struct worker *w = c->side.request->w;

	untie(c);
	w->mirrors->chunks -= c->backlog.chunks + chunks_of(c->content);
	backlog_clear(&c->backlog);
	w->mirrors->under_way--;
	w->mirrors->of[c->shard]--;
	stat_add(w->slot, c->answered ? STAT_MIRROR_ANSWERED : c->end, 1);
	stat_sub(w->slot, STAT_MIRROR_ACTIVE, 1);
	stat_add(w->slot, STAT_REQ_ACTIVE, 1); /* which request_free() takes away */
}

void mirror_stop(struct worker *w)
{
	uint32_t n = w->mirrors == NULL ? 0 : w->mirrors->under_way;

	stat_add(w->slot, STAT_MIRROR_CUT, n);
	stat_sub(w->slot, STAT_MIRROR_ACTIVE, n);
}
