/*
 * request: the test origin's strict reading of heads and content.
 *
 * A proxy must only forward canonical requests, so anything else ends here in a 400 that names
 * the fault in X-Origin-Bad: one Host, CRLF line ends, no obs-fold, no space before a colon,
 * Content-Length or exactly `chunked` and never both, chunk sizes without extensions.
 */
#include "tests/origin/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void bad(struct conn *c, const char *why)
{
	fprintf(stderr, "origin %s: bad request: %s\n", origin_name, why);
	out_fmt(c,
		"HTTP/1.1 400 Bad Request\r\nX-Origin: %s\r\nX-Origin-Bad: %s\r\n"
		"Connection: close\r\nContent-Length: 0\r\n\r\n",
		origin_name, why);
	c->rq.close = true;
	c->src = (struct source){0};
	c->state = REPLY;
}

static void keep(struct conn *c, const char *p, size_t n)
{
	size_t room = KEEP_MAX - c->kept_len;
	if (n > room)
		n = room;
	if (c->kept == NULL && (c->kept = malloc(KEEP_MAX)) == NULL)
		abort();
	memcpy(c->kept + c->kept_len, p, n);
	c->kept_len += n;
}

static void content(struct conn *c, const char *p, size_t n)
{
	uint64_t h = c->rq.body_hash;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
	c->rq.body_hash = h;
	c->rq.body_bytes += n;
	keep(c, p, n);
	c->trailers_at = c->kept_len;
}

static void in_eat(struct conn *c, size_t n)
{
	memmove(c->in, c->in + n, c->in_len - n);
	c->in_len -= n;
}

/* The first line of the input without its CRLF; false when it is not complete yet. */
static bool in_line(const struct conn *c, struct span *line)
{
	const char *e = memmem(c->in, c->in_len, "\r\n", 2);
	if (e == NULL)
		return false;
	*line = (struct span){c->in, (size_t)(e - c->in)};
	return true;
}

static bool number(struct span s, unsigned base, uint64_t *out)
{
	uint64_t n = 0;
	if (s.n == 0 || s.n > 15)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i];
		unsigned d = b >= '0' && b <= '9'   ? b - 48u
			     : b >= 'a' && b <= 'f' ? b - 'a' + 10u
			     : b >= 'A' && b <= 'F' ? b - 'A' + 10u
						    : 99;
		if (d >= base)
			return false;
		n = n * base + d;
	}
	*out = n;
	return true;
}

static void chunk_size(struct conn *c, struct span line)
{
	if (!number(line, 16, &c->rq.body_left)) {
		bad(c, "chunk size");
		return;
	}
	c->rq.chunk = c->rq.body_left == 0 ? CHUNK_TRAILER : CHUNK_DATA;
	in_eat(c, line.n + 2);
}

static void chunk_trailer(struct conn *c, struct span line)
{
	if (line.n == 0)
		c->rq.chunk = CHUNK_DONE;
	else {
		keep(c, line.p, line.n);
		keep(c, "\n", 1);
	}
	in_eat(c, line.n + 2);
}

static bool read_counted(struct conn *c)
{
	size_t n = c->in_len < c->rq.body_left ? c->in_len : (size_t)c->rq.body_left;
	content(c, c->in, n);
	in_eat(c, n);
	c->rq.body_left -= n;
	return c->rq.body_left == 0;
}

static bool read_chunked(struct conn *c)
{
	struct span line;
	while (c->rq.chunk != CHUNK_DONE && c->state == READ_BODY) {
		if (c->rq.chunk == CHUNK_DATA) {
			if (!read_counted(c))
				return false;
			c->rq.chunk = CHUNK_END;
			continue;
		}
		if (!in_line(c, &line)) {
			if (c->in_len > 8192)
				bad(c, "line too long in chunked content");
			return false;
		}
		if (c->rq.chunk == CHUNK_SIZE)
			chunk_size(c, line);
		else if (c->rq.chunk == CHUNK_TRAILER)
			chunk_trailer(c, line);
		else if (line.n != 0)
			bad(c, "no CRLF after a chunk");
		else {
			c->rq.chunk = CHUNK_SIZE;
			in_eat(c, 2);
		}
	}
	return c->rq.chunk == CHUNK_DONE;
}

bool request_read_body(struct conn *c)
{
	bool done = c->rq.chunked ? read_chunked(c) : read_counted(c);
	if (c->state != READ_BODY)
		return true;
	if (!done)
		return false;
	if (c->rq.answered)
		c->state = REPLY;
	else
		answer(c);
	return true;
}

static const char *parse_line(struct request *r, struct span line)
{
	const char *end = line.p + line.n;
	const char *a = memchr(line.p, ' ', line.n);
	const char *b = a != NULL ? memchr(a + 1, ' ', (size_t)(end - a - 1)) : NULL;

	if (b == NULL || a == line.p || b == a + 1)
		return "request line";
	r->method = (struct span){line.p, (size_t)(a - line.p)};
	r->target = (struct span){a + 1, (size_t)(b - a - 1)};
	r->version = (struct span){b + 1, (size_t)(end - b - 1)};
	if (!span_is(r->version, "HTTP/1.1") && !span_is(r->version, "HTTP/1.0"))
		return "version";
	r->http10 = r->version.p[r->version.n - 1] == '0';
	r->close = r->http10;
	r->head_only = span_is(r->method, "HEAD");
	return NULL;
}

static const char *parse_field(struct request *r, struct span line)
{
	const char *colon = memchr(line.p, ':', line.n);
	if (r->nfields == FIELD_MAX)
		return "too many fields";
	if (colon == NULL || colon == line.p || memchr(line.p, '\0', line.n) != NULL ||
	    memchr(line.p, '\r', line.n) != NULL || memchr(line.p, '\n', line.n) != NULL)
		return "field line";
	for (const char *p = line.p; p < colon; p++)
		if (*p <= ' ')
			return "space in a field name";
	struct field *f = &r->fields[r->nfields++];
	f->name = (struct span){line.p, (size_t)(colon - line.p)};
	f->value = (struct span){colon + 1, line.n - f->name.n - 1};
	while (f->value.n > 0 && (*f->value.p == ' ' || *f->value.p == '\t'))
		f->value.p++, f->value.n--;
	while (f->value.n > 0 && (f->value.p[f->value.n - 1] == ' '))
		f->value.n--;
	return NULL;
}

/* What the fields say about framing and the connection. */
static const char *judge_fields(struct request *r)
{
	unsigned hosts = 0, lengths = 0, codings = 0;
	for (unsigned i = 0; i < r->nfields; i++) {
		struct field *f = &r->fields[i];
		if (span_is(f->name, "host"))
			hosts++;
		else if (span_is(f->name, "content-length")) {
			lengths++;
			if (!number(f->value, 10, &r->body_left))
				return "content-length";
		} else if (span_is(f->name, "transfer-encoding")) {
			codings++;
			if (!span_is(f->value, "chunked"))
				return "transfer-encoding";
		} else if (span_is(f->name, "connection") && span_is(f->value, "close"))
			r->close = true;
		else if (span_is(f->name, "expect"))
			r->expect = true;
		else if (span_is(f->name, "upgrade"))
			r->upgrade = true;
	}
	r->chunked = codings == 1;
	if (hosts > 1 || (hosts == 0 && !r->http10))
		return "not exactly one host";
	return lengths + codings > 1 ? "ambiguous length" : NULL;
}

static const char *parse_head(struct request *r, struct span head)
{
	const char *why = NULL;
	for (unsigned n = 0; head.n > 0 && why == NULL; n++) {
		const char *e = memmem(head.p, head.n, "\r\n", 2);
		struct span line = {head.p, (size_t)(e - head.p)};
		why = n == 0 ? parse_line(r, line) : parse_field(r, line);
		head.p += line.n + 2;
		head.n -= line.n + 2;
	}
	return why != NULL ? why : judge_fields(r);
}

static void start(struct conn *c)
{
	bool has_body = c->rq.chunked || c->rq.body_left > 0;
	if (has_body && answer_is_early(c))
		answer(c);
	else if (has_body && c->rq.expect)
		out_fmt(c, "HTTP/1.1 100 Continue\r\n\r\n");
	if (has_body)
		c->state = READ_BODY;
	else
		answer(c);
}

bool request_read_head(struct conn *c)
{
	const char *e = memmem(c->in, c->in_len, "\r\n\r\n", 4);
	if (e == NULL) {
		if (c->in_len == IN_MAX)
			bad(c, "head too large");
		return c->state != READ_HEAD;
	}
	size_t n = (size_t)(e - c->in) + 2; /* the last field's CRLF included, the empty line not */
	c->head = c->head != NULL ? c->head : malloc(IN_MAX);
	if (c->head == NULL)
		abort();
	memcpy(c->head, c->in, n);
	in_eat(c, n + 2);
	c->nth++;
	c->kept_len = c->trailers_at = 0;
	/* Not the fields themselves: they are many, and counted. */
	memset(&c->rq, 0, offsetof(struct request, fields));
	c->rq.nfields = 0;
	c->rq.body_left = c->rq.body_bytes = 0;
	c->rq.body_hash = 0xcbf29ce484222325u;
	c->rq.chunk = CHUNK_SIZE;
	c->rq.chunked = c->rq.head_only = c->rq.close = c->rq.http10 = false;
	c->rq.expect = c->rq.upgrade = c->rq.answered = false;
	const char *why = parse_head(&c->rq, (struct span){c->head, n});
	if (why != NULL)
		bad(c, why);
	else
		start(c);
	return true;
}
