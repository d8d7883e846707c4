/*
 * h1_write: heads out, with memcpy and one bound check per piece.
 *
 * `struct out` remembers an overflow instead of reporting it at every step: pieces that do not
 * fit are not written, and the end of the function tells the caller -1.
 */
#include <stdbool.h>
#include <string.h>

#include "common/check.h"
#include "worker/wire/h1_write.h"

struct out {
	char *p;
	char *end;
	bool full;
};

static inline char *take(struct out *o, size_t n)
{
	char *at = o->p;

	if ((size_t)(o->end - o->p) < n || o->full) {
		o->full = true;
		return NULL;
	}
	o->p += n;
	return at;
}

static inline void put(struct out *o, struct str s)
{
	char *at = take(o, s.n);

	if (at != NULL && s.n > 0)
		memcpy(at, s.p, s.n);
}

static inline void put_field(struct out *o, const struct field *f)
{
	char *at = take(o, (size_t)f->name_n + 2 + f->value_n + 2);

	if (at == NULL)
		return;
	memcpy(at, f->name, f->name_n);
	at += f->name_n;
	*at++ = ':';
	*at++ = ' ';
	if (f->value_n > 0)
		memcpy(at, f->value, f->value_n);
	at += f->value_n;
	*at++ = '\r';
	*at = '\n';
}

static void put_named(struct out *o, struct str name_colon, struct str value)
{
	put(o, name_colon);
	put(o, value);
	put(o, STR("\r\n"));
}

static void put_u64(struct out *o, uint64_t v)
{
	char text[20];
	size_t i = sizeof(text);

	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	put(o, str_make(text + i, sizeof(text) - i));
}

/* Everything but what is dropped or derived anew. Returns whether a Date was among them. */
static bool put_fields(struct out *o, const struct field *fields, unsigned n)
{
	bool date = false;

	for (unsigned i = 0; i < n; i++) {
		if (fields[i].drop || (field_infos[fields[i].id].flags & FIELD_FRAMING))
			continue;
		date |= fields[i].id == FIELD_DATE;
		put_field(o, &fields[i]);
	}
	return date;
}

static void put_framing(struct out *o, const struct head *h)
{
	if (h->framing == FRAMING_CHUNKED) {
		put(o, STR("Transfer-Encoding: chunked\r\n"));
	} else if (h->framing == FRAMING_LENGTH || (h->framing == FRAMING_NONE && h->has_length)) {
		put(o, STR("Content-Length: "));
		put_u64(o, h->length);
		put(o, STR("\r\n"));
	}
}

static void put_connection(struct out *o, const struct head *h, enum h1_connection conn)
{
	switch (conn) {
	case H1_CONNECTION_NONE:
		return;
	case H1_CONNECTION_KEEP_ALIVE:
		put(o, STR("Connection: keep-alive\r\n"));
		return;
	case H1_CONNECTION_CLOSE:
		put(o, STR("Connection: close\r\n"));
		return;
	case H1_CONNECTION_UPGRADE:
		put(o, STR("Connection: upgrade\r\n"));
		put_named(o, STR("Upgrade: "), h->upgrade_proto);
		return;
	}
}

static ptrdiff_t finish(struct out *o, const char *buf)
{
	put(o, STR("\r\n"));
	return o->full ? -1 : o->p - buf;
}

ptrdiff_t h1_write_request(char *buf, size_t cap, const struct head *h, enum h1_connection conn,
			   bool http10)
{
	struct out o = {.p = buf, .end = buf + cap};

	put(&o, h->method_text);
	put(&o, STR(" "));
	if (h->target.n > 0 && h->target.p[0] == '?') /* absolute form without path */
		put(&o, STR("/"));
	put(&o, h->target);
	put(&o, http10 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n"));
	if (h->authority.n > 0)
		put_named(&o, STR("Host: "), h->authority);
	put_fields(&o, h->fields, h->n_fields);
	put_framing(&o, h);
	if (h->expect_continue)
		put(&o, STR("Expect: 100-continue\r\n"));
	if (h->te_trailers && conn == H1_CONNECTION_NONE) /* RFC 9110 §10.1.4: both or none */
		put(&o, STR("TE: trailers\r\nConnection: te\r\n"));
	put_connection(&o, h, conn);
	return finish(&o, buf);
}

static void put_status_line(struct out *o, const struct head *h)
{
	CHECK(h->status >= 100 && h->status <= 599);
	put(o, STR("HTTP/1.1 "));
	put_u64(o, h->status);
	put(o, STR(" "));
	put(o, h->reason_phrase.n > 0 ? h->reason_phrase : h1_status_phrase(h->status));
	put(o, STR("\r\n"));
}

ptrdiff_t h1_write_response(char *buf, size_t cap, const struct head *h, enum h1_connection conn,
			    struct str date)
{
	struct out o = {.p = buf, .end = buf + cap};
	bool dated;

	put_status_line(&o, h);
	dated = put_fields(&o, h->fields, h->n_fields);
	if (!dated && date.n > 0 && h->status >= 200)
		put_named(&o, STR("Date: "), date);
	if (h->status >= 200 && h->status != 204)
		put_framing(&o, h);
	if (h->status == 426 && h->upgrade_proto.n > 0) {
		/* RFC 9110 §15.5.22: the answer names what to upgrade to. */
		put_named(&o, STR("Upgrade: "), h->upgrade_proto);
		put(&o, conn == H1_CONNECTION_CLOSE ? STR("Connection: close, upgrade\r\n")
						    : STR("Connection: upgrade\r\n"));
	} else {
		put_connection(&o, h, conn);
	}
	return finish(&o, buf);
}

ptrdiff_t h1_write_trailers(char *buf, size_t cap, const struct field *fields, uint16_t n)
{
	struct out o = {.p = buf, .end = buf + cap};

	put(&o, STR("0\r\n"));
	for (unsigned i = 0; i < n; i++)
		if (!fields[i].drop && !(field_infos[fields[i].id].flags & FIELD_NO_TRAILER))
			put_field(&o, &fields[i]);
	return finish(&o, buf);
}

struct str h1_status_phrase(unsigned status)
{
	static const struct str phrases[600] = {
#define STATUS(code, text) [code] = {text, sizeof(text) - 1},
#include "worker/wire/h1_status_tbl.h"
#undef STATUS
	};

	if (status >= 600 || phrases[status].n == 0)
		return STR("Status");
	return phrases[status];
}
