/* h2_fields: see h2_fields.h. */
#include "worker/http2/head/h2_fields.h"

#include "common/check.h"
#include "worker/wire/h1_char.h"

#define FIELDS_FIRST   24
#define ARRAY_IN_ARENA 3840
#define ARENA_PIECE    1024 /* a longer string goes to the large buffer */
#define NAME_MAX_      1024
#define TRAILERS_MAX   32
#define LINE_EXTRA     4 /* ": " and CRLF */

struct h2_limits h2_limits_request(const struct request *r)
{
	const struct conf *conf = r->w->conf;

	return (struct h2_limits){
	    .start_line_max = (uint32_t)conf->client_header_line_bytes,
	    .line_max = (uint32_t)conf->client_header_line_bytes,
	    .head_max = (uint32_t)conf->client_header_bytes,
	    .fields_max = (uint32_t)conf->max_header_fields,
	    .gateway_names = r->w->conf->ignore_invalid_headers,
	    .underscores = r->w->conf->underscores_in_headers,
	};
}

struct h2_limits h2_limits_answer(const struct request *r)
{
	uint32_t head = r->route.policy->head_max_bytes;

	return (struct h2_limits){
	    .start_line_max = head,
	    .line_max = head,
	    .head_max = head,
	    .fields_max = (uint32_t)r->w->conf->max_header_fields,
	};
}

static struct str text_of(nghttp2_rcbuf *b)
{
	nghttp2_vec v = nghttp2_rcbuf_get_buf(b);

	return str_make((const char *)v.base, v.len);
}

/* Space for n bytes with the life of the head. */
static char *space(struct h2_fields *f, const struct h2_store *to, size_t n, uint32_t head_max)
{
	struct chunk *c = *to->large;
	char *p;

	if (n <= ARENA_PIECE && (p = arena_alloc(&to->r->arena, n)) != NULL)
		return p;
	if (c == NULL) {
		/* Twice: the joined cookie is a copy of its crumbs. */
		c = *to->large = chunk_new_large(head_max * 2);
		f->large_n = 0;
	}
	if (c == NULL || c->size - f->large_n < n)
		return NULL;
	p = c->data + f->large_n;
	f->large_n += (uint32_t)n;
	return p;
}

/* The string for the head's life; those of the static table live for ever. */
static struct str keep(struct h2_fields *f, const struct h2_store *to, uint32_t head_max,
		       nghttp2_rcbuf *b)
{
	struct str s = text_of(b);
	char *p;

	if (s.n == 0 || nghttp2_rcbuf_is_static(b))
		return s;
	p = space(f, to, s.n, head_max);
	if (p == NULL) {
		f->fault = H1_FAULT_HEAD_LONG;
		return STR_NONE;
	}
	memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}

/* Room for n fields in the array. */
static int reserve(const struct h2_store *to, uint32_t n)
{
	struct head *h = to->head;
	uint32_t cap = h->cap_fields == 0 ? FIELDS_FIRST + to->spare : h->cap_fields;
	struct field *a;
	size_t bytes;

	if (n <= h->cap_fields)
		return 0;
	while (cap < n)
		cap += cap / 2;
	if (cap > UINT16_MAX)
		return -1;
	bytes = cap * sizeof(*a);
	if (bytes <= ARRAY_IN_ARENA) {
		a = arena_alloc(&to->r->arena, bytes);
	} else {
		struct chunk *c = chunk_new_large((uint32_t)bytes);

		a = c == NULL ? NULL : (struct field *)(void *)c->data;
		if (a != NULL && h->n_fields > 0)
			memcpy(a, h->fields, h->n_fields * sizeof(*a));
		chunk_unref(*to->array);
		*to->array = c;
	}
	if (a == NULL)
		return -1;
	if (bytes <= ARRAY_IN_ARENA && h->n_fields > 0)
		memcpy(a, h->fields, h->n_fields * sizeof(*a));
	h->fields = a;
	h->cap_fields = (uint16_t)cap;
	return 0;
}

/* Count against the limits; false: do not keep it. */
static bool within(struct h2_fields *f, const struct h2_limits *l, struct str name,
		   struct str value)
{
	size_t line = name.n + value.n + LINE_EXTRA;
	bool path = str_eq(name, STR(":path"));

	f->count++;
	f->bytes += (uint32_t)line;
	if (f->bytes > l->head_max * H2_FIELDS_HARD || f->count > l->fields_max * H2_FIELDS_HARD)
		f->hard = true;
	if (f->fault != H1_OK || f->malformed || f->hard)
		return false;
	if (path && line > l->start_line_max)
		f->fault = H1_FAULT_START_LINE_LONG;
	else if (line > l->line_max)
		f->fault = H1_FAULT_LINE_LONG;
	else if (f->bytes > l->head_max)
		f->fault = H1_FAULT_HEAD_LONG;
	else if (f->count > l->fields_max)
		f->fault = H1_FAULT_FIELDS_MANY;
	else if (name.n > NAME_MAX_)
		f->fault = H1_FAULT_NAME_LONG;
	return f->fault == H1_OK;
}

static void pseudo(struct h2_fields *f, const struct h2_store *to, const struct h2_limits *l,
		   struct str name, nghttp2_rcbuf *value)
{
	struct head *h = to->head;
	struct str v = keep(f, to, l->head_max, value);
	uint64_t status;

	if (str_eq(name, STR(":method")))
		h->method_text = v;
	else if (str_eq(name, STR(":path")))
		h->target = v;
	else if (str_eq(name, STR(":scheme")))
		f->scheme = v;
	else if (str_eq(name, STR(":authority")))
		f->authority = v;
	else if (str_eq(name, STR(":protocol")))
		f->protocol = v;
	else if (str_eq(name, STR(":status")) && str_u64(v, 999, &status))
		h->status = (uint16_t)status;
	else
		f->malformed = true; /* nghttp2 has refused it before us */
}

/* RFC 9113 §8.2.2, and the fields that live in members of the head. */
static void framing_field(struct h2_fields *f, const struct h2_store *to, const struct h2_limits *l,
			  enum field_id id, nghttp2_rcbuf *value)
{
	struct str v = text_of(value);

	switch (id) {
	case FIELD_HOST:
		f->malformed |= f->n_hosts > 0;
		f->n_hosts = 1;
		f->host = keep(f, to, l->head_max, value);
		break;
	case FIELD_CONTENT_LENGTH:
		f->malformed |= f->n_lengths > 0 || !str_u64(v, INT64_MAX, &f->length);
		f->n_lengths = 1;
		break;
	case FIELD_TE:
		f->malformed |= !str_ieq(v, STR("trailers"));
		to->head->te_trailers = true;
		break;
	case FIELD_EXPECT:
		if (!str_ieq(v, STR("100-continue")))
			f->fault = H1_FAULT_EXPECTATION;
		f->expect = true;
		break;
	case FIELD_HTTP2_SETTINGS:
		break;
	default: /* Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade */
		f->malformed = true;
		break;
	}
}

static void regular(struct h2_fields *f, const struct h2_store *to, const struct h2_limits *l,
		    enum field_id id, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
	struct str n, v;

	if (reserve(to, to->head->n_fields + 1u + to->spare) == -1) {
		f->fault = H1_FAULT_FIELDS_MANY;
		return;
	}
	n = keep(f, to, l->head_max, name);
	v = keep(f, to, l->head_max, value);
	if (f->fault != H1_OK)
		return;
	if (id == FIELD_COOKIE && f->n_crumbs < UINT8_MAX)
		f->n_crumbs++;
	to->head->has_trailer_field |= id == FIELD_TRAILER;
	(void)head_add(to->head, id, n, v);
}

static bool is_plain(const struct h2_limits *l, struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!h1_is(name.p[i], H1_PLAIN) && !(l->underscores && name.p[i] == '_'))
			return false;
	return true;
}

void h2_fields_add(struct h2_fields *f, const struct h2_store *to, const struct h2_limits *l,
		   nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
	struct str n = text_of(name);
	enum field_id id;

	if (!within(f, l, n, text_of(value)))
		return;
	if (n.n > 0 && n.p[0] == ':') {
		pseudo(f, to, l, n, value);
		return;
	}
	id = field_lookup(n.p, n.n);
	if (field_infos[id].flags & FIELD_FRAMING)
		framing_field(f, to, l, id, value);
	else if (!l->gateway_names || is_plain(l, n))
		regular(f, to, l, id, name, value);
}

/* RFC 9113 §8.2.3: crumbs become one field again before anybody else reads them. */
static void join_crumbs(struct h2_fields *f, const struct h2_store *to)
{
	struct head *h = to->head;
	struct field *first = NULL;
	size_t n = 0, at = 0;
	char *p;

	for (uint16_t i = 0; i < h->n_fields; i++)
		if (h->fields[i].id == FIELD_COOKIE)
			n += h->fields[i].value_n + 2u;
	p = space(f, to, n, (uint32_t)n);
	if (p == NULL) {
		f->fault = H1_FAULT_HEAD_LONG;
		return;
	}
	for (uint16_t i = 0; i < h->n_fields; i++) {
		struct field *c = &h->fields[i];

		if (c->id != FIELD_COOKIE)
			continue;
		if (first == NULL)
			first = c;
		else
			c->drop = 1;
		if (at > 0) {
			p[at++] = ';';
			p[at++] = ' ';
		}
		if (c->value_n > 0)
			memcpy(p + at, c->value, c->value_n);
		at += c->value_n;
	}
	CHECK(first != NULL && at <= n);
	first->value = p;
	first->value_n = (uint32_t)at;
}

void h2_fields_end(struct h2_fields *f, const struct h2_store *to)
{
	if (f->fault == H1_OK && reserve(to, to->head->n_fields + (uint32_t)to->spare) == -1)
		f->fault = H1_FAULT_HEAD_LONG;
	if (f->fault == H1_OK && f->n_crumbs > 1)
		join_crumbs(f, to);
}

void h2_fields_trailer(struct h2_fields *f, struct request *r, struct pipe *p, bool gateway_names,
		       nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
	struct str n = text_of(name), v = text_of(value);
	enum field_id id;

	f->count++;
	f->bytes += (uint32_t)(n.n + v.n + LINE_EXTRA);
	f->hard |= f->count > TRAILERS_MAX * H2_FIELDS_HARD || f->bytes > 8192 * H2_FIELDS_HARD;
	if (n.n == 0 || n.p[0] == ':' || p->n_trailers >= TRAILERS_MAX || f->bytes > 8192)
		return; /* RFC 9110 §6.5.1: trailers may be discarded */
	id = field_lookup(n.p, n.n);
	if ((field_infos[id].flags & FIELD_NO_TRAILER) != 0 ||
	    !h1_all(n.p, n.n, gateway_names ? H1_PLAIN : H1_TOKEN))
		return;
	if (p->trailers == NULL)
		p->trailers = arena_alloc(&r->arena, TRAILERS_MAX * sizeof(*p->trailers));
	if (p->trailers == NULL)
		return;
	n = arena_str(&r->arena, n);
	v = arena_str(&r->arena, v);
	if (n.p == NULL || v.p == NULL)
		return;
	p->trailers[p->n_trailers++] = (struct field){.name = n.p,
						      .value = v.p,
						      .value_n = (uint32_t)v.n,
						      .name_n = (uint16_t)n.n,
						      .id = (uint8_t)id};
}
