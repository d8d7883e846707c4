/*
 * h1_parse: start lines, the loop over field lines, and the way back to the caller.
 *
 * h1_field reads lines, h1_target and h1_framing judge; this room only drives them over one
 * buffer and keeps the accounts (what is complete, what is over a limit).
 */
#include <string.h>

#include "common/check.h"
#include "worker/wire/h1_char.h"
#include "worker/wire/h1_field.h"
#include "worker/wire/h1_framing.h"
#include "worker/wire/h1_parse.h"
#include "worker/wire/h1_target.h"

#define EMPTY_LINES_MAX 2

static struct h1_cursor cursor_over(struct str in, const struct h1_limits *limits)
{
	return (struct h1_cursor){
	    .start = in.p, .line = in.p, .p = in.p, .end = in.p + in.n, .limits = limits};
}

/* The start line ends before it is whole. */
static enum h1_fault start_short(const struct h1_cursor *c)
{
	return (size_t)(c->end - c->line) > c->limits->start_line_max ? H1_FAULT_START_LINE_LONG
								      : H1_SHORT;
}

static enum h1_fault start_line_end(struct h1_cursor *c, enum h1_fault otherwise)
{
	enum h1_fault fault = h1_line_end(c);

	if (fault == H1_SHORT || fault == H1_FAULT_LINE_LONG || fault == H1_FAULT_HEAD_LONG)
		return start_short(c);
	if (fault == H1_OK && (size_t)(c->p - c->line) > c->limits->start_line_max)
		return H1_FAULT_START_LINE_LONG;
	return fault == H1_FAULT_VALUE ? otherwise : fault;
}

/* RFC 9112 §2.2: tolerate the CRLF some clients send behind a body. */
static enum h1_fault skip_empty_lines(struct h1_cursor *c)
{
	for (unsigned i = 0; c->p < c->end && *c->p == '\r'; i++) {
		enum h1_fault fault;

		if (i == EMPTY_LINES_MAX)
			return H1_FAULT_EMPTY_LINES;
		fault = h1_line_end(c);
		if (fault != H1_OK)
			return fault;
	}
	c->line = c->p;
	return H1_OK;
}

static enum h1_fault read_method(struct h1_cursor *c, struct head *h)
{
	const char *s = h1_skip(c->p, c->end, H1_TOKEN);

	if (s == c->end)
		return start_short(c);
	if (s == c->p || *s != ' ')
		return *s == '\n' ? H1_FAULT_BARE_LF : H1_FAULT_METHOD;
	h->method_text = str_make(c->p, (size_t)(s - c->p));
	h->method = method_parse(h->method_text);
	c->p = s + 1;
	return H1_OK;
}

static enum h1_fault read_target(struct h1_cursor *c, struct str *raw)
{
	const char *s = h1_skip(c->p, c->end, H1_TARGET);

	if (s == c->end)
		return start_short(c);
	*raw = str_make(c->p, (size_t)(s - c->p));
	if (*s == '\r' || *s == '\n') {
		if ((size_t)(s - c->line) > c->limits->start_line_max)
			return H1_FAULT_START_LINE_LONG;
		return H1_FAULT_NO_VERSION;
	}
	if (*s == '#')
		return H1_FAULT_FRAGMENT;
	if (*s != ' ')
		return H1_FAULT_TARGET;
	if (raw->n == 0)
		return H1_FAULT_REQUEST_LINE;
	c->p = s + 1;
	return H1_OK;
}

/* "HTTP/x.y": its number in *version as 10 * x + y. */
static enum h1_fault read_version(struct h1_cursor *c, uint8_t *version, enum h1_fault otherwise)
{
	static const char form[] = "HTTP/";
	size_t have = (size_t)(c->end - c->p), n = sizeof(form) - 1;

	if (memcmp(c->p, form, have < n ? have : n) != 0)
		return otherwise;
	if (have < n + 3)
		return start_short(c);
	if (c->p[5] < '0' || c->p[5] > '9' || c->p[6] != '.' || c->p[7] < '0' || c->p[7] > '9')
		return otherwise;
	if (c->p[5] != '1')
		return H1_FAULT_VERSION;
	*version = (uint8_t)(10 + c->p[7] - '0');
	c->p += n + 3;
	return H1_OK;
}

static enum h1_fault request_line(struct h1_cursor *c, struct head *h)
{
	enum h1_fault fault = skip_empty_lines(c);
	struct str raw;

	if (fault == H1_OK)
		fault = read_method(c, h);
	if (fault == H1_OK)
		fault = read_target(c, &raw);
	if (fault == H1_OK)
		fault = read_version(c, &h->version, H1_FAULT_REQUEST_LINE);
	if (fault == H1_OK)
		fault = start_line_end(c, H1_FAULT_REQUEST_LINE);
	if (fault != H1_OK)
		return fault;
	if (h->version > 11) /* RFC 9110 §2.5: a higher minor is read as the highest we know */
		h->version = 11;
	return h1_target(raw, h);
}

/* Three digits, then SP phrase or the line end: many origins leave both out. */
static enum h1_fault read_status(struct h1_cursor *c, struct head *h)
{
	const char *s = c->p;

	if (c->end - s < 4)
		return start_short(c);
	for (int i = 0; i < 3; i++)
		if (s[i] < '0' || s[i] > '9')
			return H1_FAULT_STATUS_LINE;
	h->status = (uint16_t)((s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0'));
	if (h->status < 100 || h->status > 599)
		return H1_FAULT_STATUS;
	c->p = s + 3;
	if (*c->p == '\r')
		return H1_OK;
	if (*c->p != ' ')
		return *c->p == '\n' ? H1_FAULT_BARE_LF : H1_FAULT_STATUS_LINE;
	s = ++c->p;
	c->p = h1_skip(s, c->end, H1_TEXT);
	h->reason_phrase = str_trim(str_make(s, (size_t)(c->p - s)));
	return H1_OK;
}

static enum h1_fault status_line(struct h1_cursor *c, struct head *h)
{
	enum h1_fault fault = read_version(c, &h->version, H1_FAULT_STATUS_LINE);

	if (fault != H1_OK)
		return fault;
	if (h->version > 11)
		return H1_FAULT_VERSION;
	if (c->p == c->end)
		return start_short(c);
	if (*c->p++ != ' ')
		return H1_FAULT_STATUS_LINE;
	fault = read_status(c, h);
	return fault == H1_OK ? start_line_end(c, H1_FAULT_STATUS_LINE) : fault;
}

/* Everything between the start line and the empty line. */
static enum h1_fault read_fields(struct h1_cursor *c, struct head *h, struct h1_framing *fr)
{
	for (unsigned lines = 0;; lines++) {
		struct field f;
		enum h1_fault fault = h1_field_line(c, &f);

		if (fault != H1_OK || f.name_n == 0)
			return fault;
		if (lines == c->limits->fields_max)
			return H1_FAULT_FIELDS_MANY;
		if (field_infos[f.id].flags & FIELD_FRAMING) {
			fault = h1_framing_note(fr, &f);
			if (fault != H1_OK)
				return fault;
		} else if (!f.drop) {
			if (h->n_fields == h->cap_fields)
				return H1_FAULT_FIELDS_MANY;
			h->has_trailer_field |= f.id == FIELD_TRAILER;
			h->fields[h->n_fields++] = f;
		}
	}
}

/*
 * Whether a parse can end otherwise than the last one, which was H1_SHORT: a line end has come
 * since, or a limit may have been passed.
 */
static bool worth_parsing(struct str in, const struct h1_limits *limits, struct h1_scan *scan)
{
	size_t from = scan->seen < in.n ? scan->seen : in.n;
	bool first = scan->seen == 0;

	scan->seen = in.n;
	return first || memchr(in.p + from, '\n', in.n - from) != NULL ||
	       in.n - scan->line > limits->line_max || in.n - scan->line > limits->start_line_max ||
	       in.n > limits->head_max;
}

static void head_reset(struct head *h)
{
	struct field *fields = h->fields;
	uint16_t cap = h->cap_fields;

	*h = (struct head){.fields = fields, .cap_fields = cap};
}

enum h1_verdict h1_parse_request(struct str in, const struct h1_limits *limits,
				 struct h1_scan *scan, struct head *out, size_t *consumed,
				 struct h1_refusal *refusal)
{
	struct h1_cursor c = cursor_over(in, limits);
	struct h1_framing fr = {.n_hosts = 0};
	enum h1_fault fault;

	if (in.n == 0 || !worth_parsing(in, limits, scan))
		return H1_INCOMPLETE;
	head_reset(out);
	c.gateway_names = !limits->odd_names;
	fault = request_line(&c, out);
	if (fault == H1_OK)
		fault = read_fields(&c, out, &fr);
	if (fault == H1_OK)
		fault = h1_framing_request(&fr, out);
	scan->line = (size_t)(c.line - c.start);
	if (fault == H1_SHORT)
		return H1_INCOMPLETE;
	if (fault != H1_OK)
		return h1_refuse(fault, refusal);
	*consumed = (size_t)(c.p - c.start);
	return H1_DONE;
}

static enum h1_verdict refuse_response(enum h1_fault fault, struct h1_refusal *refusal)
{
	h1_refuse(fault, refusal);
	refusal->reason =
	    refusal->reason == REASON_HEAD_TOO_LARGE || refusal->reason == REASON_URI_TOO_LONG
		? REASON_UP_HEAD_TOO_LARGE
		: REASON_UP_BAD_HEAD;
	refusal->status = 502;
	return H1_REFUSED;
}

enum h1_verdict h1_parse_response(struct str in, const struct h1_limits *limits,
				  struct h1_scan *scan, enum method asked, struct head *out,
				  size_t *consumed, struct h1_refusal *refusal)
{
	struct h1_cursor c = cursor_over(in, limits);
	struct h1_framing fr = {.n_hosts = 0};
	enum h1_fault fault;

	if (in.n == 0 || !worth_parsing(in, limits, scan))
		return H1_INCOMPLETE;
	head_reset(out);
	fault = status_line(&c, out);
	if (fault == H1_OK)
		fault = read_fields(&c, out, &fr);
	if (fault == H1_OK)
		fault = h1_framing_response(&fr, asked, out);
	scan->line = (size_t)(c.line - c.start);
	if (fault == H1_SHORT)
		return H1_INCOMPLETE;
	if (fault != H1_OK)
		return refuse_response(fault, refusal);
	*consumed = (size_t)(c.p - c.start);
	return H1_DONE;
}

enum h1_verdict h1_parse_trailers(struct str in, const struct h1_limits *limits,
				  struct field *fields, uint16_t cap, uint16_t *n, size_t *consumed,
				  struct h1_refusal *refusal)
{
	struct h1_cursor c = cursor_over(in, limits);
	unsigned lines = 0;

	c.gateway_names = !limits->odd_names;
	for (*n = 0;; lines++) {
		struct field f;
		enum h1_fault fault = h1_field_line(&c, &f);

		if (fault == H1_SHORT)
			return H1_INCOMPLETE;
		if (fault == H1_OK && f.name_n > 0 && lines == limits->fields_max)
			fault = H1_FAULT_FIELDS_MANY;
		if (fault != H1_OK)
			return h1_refuse(fault, refusal);
		if (f.name_n == 0)
			break;
		if (!f.drop && *n < cap && !(field_infos[f.id].flags & FIELD_NO_TRAILER))
			fields[(*n)++] = f;
	}
	*consumed = (size_t)(c.p - c.start);
	return H1_DONE;
}
