/* h2_write: see h2_write.h. */
#include "worker/http2/h2_write.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

struct list {
	nghttp2_nv *nv;
	size_t n, cap;
	bool full;
};

static void add(struct list *l, struct str name, struct str value)
{
	if (l->n == l->cap) {
		l->full = true;
		return;
	}
	l->nv[l->n++] = (nghttp2_nv){.name = (uint8_t *)name.p,
				     .namelen = name.n,
				     .value = (uint8_t *)value.p,
				     .valuelen = value.n};
}

/* A text that lives for ever. */
static void add_static(struct list *l, struct str name, struct str value)
{
	add(l, name, value);
	if (!l->full)
		l->nv[l->n - 1].flags =
		    NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
}

/* Everything but what is dropped or derived anew. Returns whether a Date was among them. */
static bool add_fields(struct list *l, const struct head *h)
{
	bool date = false;

	for (unsigned i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (f->drop || (field_infos[f->id].flags & FIELD_FRAMING) != 0)
			continue;
		date |= f->id == FIELD_DATE;
		add(l, str_make(f->name, f->name_n), str_make(f->value, f->value_n));
	}
	return date;
}

static void add_length(struct list *l, const struct head *h, struct h2_write_text *text)
{
	int n;

	if (h->framing != FRAMING_LENGTH && !(h->framing == FRAMING_NONE && h->has_length))
		return;
	n = snprintf(text->length, sizeof(text->length), "%llu", (unsigned long long)h->length);
	add(l, STR("content-length"), str_make(text->length, (size_t)n));
}

static ptrdiff_t done(const struct list *l)
{
	if (!l->full)
		return (ptrdiff_t)l->n;
	errno = EMSGSIZE;
	return -1;
}

ptrdiff_t h2_write_response(nghttp2_nv *nv, size_t cap, const struct head *h, uint16_t status,
			    struct str date, struct h2_write_text *text)
{
	struct list l = {.nv = nv, .cap = cap};
	bool dated;

	text->status[0] = (char)('0' + status / 100);
	text->status[1] = (char)('0' + status / 10 % 10);
	text->status[2] = (char)('0' + status % 10);
	add(&l, STR(":status"), str_make(text->status, 3));
	dated = add_fields(&l, h);
	if (!dated && date.n > 0 && status >= 200)
		add(&l, STR("date"), date);
	if (status >= 200 && status != 204)
		add_length(&l, h, text);
	return done(&l);
}

/* "/", "?query" and "*" as struct head has them, in the form of RFC 9113 §8.3.1. */
static struct str path_of(const struct head *h)
{
	return h->target.n == 0 ? STR("/") : h->target;
}

ptrdiff_t h2_write_request(nghttp2_nv *nv, size_t cap, const struct head *h, struct str scheme,
			   struct h2_write_text *text)
{
	struct list l = {.nv = nv, .cap = cap};

	add(&l, STR(":method"), h->method_text);
	add_static(&l, STR(":scheme"), scheme);
	add(&l, STR(":path"), path_of(h));
	if (h->authority.n > 0)
		add(&l, STR(":authority"), h->authority);
	(void)add_fields(&l, h);
	add_length(&l, h, text);
	if (h->te_trailers)
		add_static(&l, STR("te"), STR("trailers"));
	return done(&l);
}
