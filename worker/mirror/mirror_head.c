/*
 * mirror_head: the head of a copy: that which the endpoint gets, with the target and Host of
 * mirror-target and mirror-host; see mirror.h. The copy may outlive its request, so it has its own
 * of everything.
 */
#include "worker/mirror/mirror.h"
#include "worker/request/headers.h"
#include "worker/rewrite/uri.h"
#include "worker/vars/vars.h"

#define TEXTS_IN_ARENA 3072 /* an arena's piece is smaller than its chunk */

static struct str put(char **to, struct str s)
{
	struct str copy = str_make(*to, s.n);

	if (s.n > 0)
		memcpy(*to, s.p, s.n);
	*to += s.n;
	return copy;
}

static size_t texts_of(const struct head *h)
{
	size_t n = h->method_text.n;

	for (uint16_t i = 0; i < h->n_fields; i++)
		if (h->fields[i].drop == 0)
			n += (size_t)h->fields[i].name_n + h->fields[i].value_n;
	return n;
}

static char *make_space(struct request *q, size_t n)
{
	char *to = n > TEXTS_IN_ARENA ? NULL : arena_alloc(&q->arena, n);

	if (to != NULL || n > UINT32_MAX)
		return to;
	q->in_bytes = chunk_new_large((uint32_t)n);
	return q->in_bytes == NULL ? NULL : q->in_bytes->data;
}

/* What cannot stand in a request line is escaped; "?..." means "/?...". */
static bool put_target(char **to, struct str target, struct head *h)
{
	h->target = str_make(*to, uri_put_target(*to, target));
	*to += h->target.n;
	return h->target.n > 0 && (h->target.p[0] == '/' || h->target.p[0] == '?');
}

static int put_all(char *to, struct str host, struct str target, const struct head *from,
		   struct head *h)
{
	h->method_text = put(&to, from->method_text);
	h->authority = h->host = put(&to, host);
	if (!put_target(&to, target, h))
		return -1;
	for (uint16_t i = 0; i < from->n_fields; i++) {
		const struct field *f = &from->fields[i];

		if (f->drop == 0 &&
		    head_add(h, (enum field_id)f->id, put(&to, str_make(f->name, f->name_n)),
			     put(&to, str_make(f->value, f->value_n))) == -1)
			return -1;
	}
	return 0;
}

/* A variable may bring anything. */
static bool is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("-._:[]", c) == NULL))
			return false;
	}
	return s.n > 0;
}

/* $request_uri alone, which nearly everybody writes, may be as long as it came. */
static bool eval_target(struct str program, struct request *r, struct str *out)
{
	struct str rest = program, text;
	struct vars_op op;

	if (vars_next(&rest, &op, &text) && op.id == VAR_REQUEST_URI && rest.n == 0) {
		*out = r->in.target;
		return true;
	}
	return vars_eval(program, r, out);
}

static void begin_head(const struct policy_mirror_view *v, const struct request *r, struct head *h)
{
	const struct head *from = &r->out;

	*h = (struct head){
	    .version = 11,
	    .method = from->method,
	    .form = TARGET_ORIGIN,
	    .keep_alive = true,
	    .te_trailers = from->te_trailers,
	    .framing = from->framing,
	    .length = from->length,
	    .has_length = from->has_length,
	};
	if (from->framing == FRAMING_NONE || (v->flags & MIRROR_CONTENT) != 0)
		return;
	h->framing = FRAMING_NONE;
	h->has_length = false;
	h->length = 0;
}

int mirror_head(const struct policy_mirror_view *v, struct request *r, struct request *q)
{
	struct str host, target;
	char *to;

	if (!vars_eval(v->host, r, &host) || !is_host(host) || !eval_target(v->target, r, &target))
		return -1;
	begin_head(v, r, &q->in);
	to = make_space(q, texts_of(&r->out) + host.n + target.n * 3);
	if (to == NULL || headers_room(q, &q->in, r->out.n_fields, &q->in_array) == -1)
		return -1;
	return put_all(to, host, target, &r->out, &q->in);
}
