/*
 * settle: see settle.h. The block:
 *
 *     | struct request, cut at REQUEST_SETTLED | tries | policy | fields | texts |
 *
 * It is laid out twice by the same code: once to measure, then to copy.
 */
#include "worker/request/settle.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/auth/auth.h"
#include "worker/log/access_log.h"

struct block {
	const struct request *from;
	char *at; /* NULL: measuring */
	size_t n; /* bytes laid out */
};

static void *place(struct block *b, const void *what, size_t n)
{
	size_t at = b->n;

	b->n += n;
	if (b->at == NULL)
		return NULL;
	if (n > 0)
		memcpy(b->at + at, what, n);
	return b->at + at;
}

static bool is_part(struct str s, struct str of)
{
	return s.n > 0 && (uintptr_t)s.p >= (uintptr_t)of.p &&
	       (uintptr_t)s.p + s.n <= (uintptr_t)of.p + of.n;
}

/* A text that may be a part of another one, which was kept as `kept`. */
static struct str keep_part(struct block *b, struct str s, struct str of, struct str kept)
{
	if (s.n == 0)
		return s.p == NULL ? s : STR("");
	if (!is_part(s, of))
		return str_make(place(b, s.p, s.n), s.n);
	return kept.p == NULL ? STR_NONE : str_make(kept.p + (s.p - of.p), s.n);
}

static struct str keep(struct block *b, struct str s)
{
	return keep_part(b, s, STR_NONE, STR_NONE);
}

/* The path as it was asked for is how the target begins, mostly. */
static struct str keep_path(struct block *b, struct str kept)
{
	const struct request *from = b->from;
	struct str begin = str_head(from->in.target, from->path.n);

	if (!str_eq(begin, from->path))
		return keep(b, from->path);
	return keep_part(b, begin, from->in.target, kept);
}

static void keep_request(struct block *b, struct request *to)
{
	const struct head *in = &b->from->in;
	const struct request *from = b->from;
	struct str target = keep(b, in->target), authority = keep(b, in->authority);

	to->in.target = target;
	to->in.authority = authority;
	to->in.host = keep_part(b, in->host, in->authority, authority);
	to->in.method_text = keep(b, in->method_text);
	to->path = keep_path(b, target);
	to->query = keep_part(b, from->query, in->target, target);
	to->told.host = keep_part(b, from->told.host, in->authority, authority);
	to->request_id = keep(b, from->request_id);
	to->cluster = keep(b, from->cluster);
	to->canary = keep(b, from->canary);
}

/* The fields of a head that the log tells of: first the array, then their texts. */
static void keep_fields(struct block *b, const struct head *h, bool answer, struct head *to)
{
	to->fields = NULL;
	to->n_fields = 0;
	for (uint16_t i = 0; i < h->n_fields; i++) {
		struct field *f;

		if (!access_log_reads(b->from->w->access_log, &h->fields[i], answer))
			continue;
		f = place(b, &h->fields[i], sizeof(*f));
		if (to->n_fields++ == 0)
			to->fields = f;
	}
	to->cap_fields = to->n_fields;
}

static void keep_texts(struct block *b, const struct head *h, bool answer, struct head *to)
{
	for (uint16_t i = 0, n = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];
		struct str name, value;

		if (!access_log_reads(b->from->w->access_log, f, answer))
			continue;
		name = keep(b, str_make(f->name, f->name_n));
		value = keep(b, str_make(f->value, f->value_n));
		if (to->fields != NULL) {
			to->fields[n].name = name.p;
			to->fields[n++].value = value.p;
		}
	}
}

/* Its options have done their work: timeouts and flags are what the end asks for. */
static struct policy *keep_policy(struct block *b, const struct policy *p)
{
	struct policy *to = place(b, p, sizeof(*p));

	if (to != NULL)
		to->size = sizeof(*to);
	return to;
}

/* Everything behind the front of `to`, which is a copy. */
static void lay_out(struct block *b, struct request *to)
{
	const struct request *from = b->from;

	b->n = REQUEST_SETTLED;
	to->tries = place(b, from->tries, from->n_tries * sizeof(*from->tries));
	to->route.policy = keep_policy(b, from->route.policy);
	keep_fields(b, &from->in, false, &to->in);
	keep_fields(b, &from->resp, true, &to->resp);
	keep_texts(b, &from->in, false, &to->in);
	keep_texts(b, &from->resp, true, &to->resp);
	keep_request(b, to);
	to->set_cookie = to->told.forwarded_for = to->in.upgrade_proto = STR_NONE;
}

static size_t measure(const struct request *r)
{
	struct block b = {.from = r};
	struct request nowhere;

	lay_out(&b, &nowhere);
	return b.n;
}

/* The sides, which hold r by its address. */
static void tell(struct request *r)
{
	struct side *const sides[] = {r->client, r->upstream};

	for (unsigned i = 0; i < 2; i++) {
		if (sides[i] == NULL)
			continue;
		sides[i]->request = r;
		if (sides[i]->ops->moved != NULL)
			sides[i]->ops->moved(sides[i]);
	}
}

/* What was only for the way here. */
static void let_go(struct request *r)
{
	CHECK(r->scrape == NULL && r->basic == NULL && r->compress == NULL);
	if (r->auth != NULL)
		auth_forget(r);
	r->auth = NULL;
	r->route.server = NULL;
	chunk_unref(r->in_bytes);
	chunk_unref(r->in_array);
	chunk_unref(r->path_bytes);
	chunk_unref(r->resp_bytes);
	chunk_unref(r->resp_array);
	r->in_bytes = r->in_array = r->path_bytes = r->resp_bytes = r->resp_array = NULL;
	free(r->page_heap);
	r->page_heap = NULL;
}

struct request *request_settle(struct request *r)
{
	struct worker *w = r->w;
	struct block b = {.from = r, .at = malloc(measure(r))};
	struct request *to = (struct request *)(void *)b.at;

	CHECK(!r->queued && !r->settled);
	if (to == NULL)
		return r;
	memcpy(b.at, r, REQUEST_SETTLED);
	lay_out(&b, to);
	to->settled = true;
	let_go(to);
	arena_reset(&r->arena);
	arena_init(&to->arena, w->arenas, REQUEST_ARENA_MAX);
	tell(to);
	r->magic = 0;
	slab_put(w->requests, r);
	return to;
}
