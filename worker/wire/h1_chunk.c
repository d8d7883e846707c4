/*
 * h1_chunk: the decoder is a state machine over the bytes of chunk lines (they are few) and jumps
 * over content.
 *
 *      SIZE ─ hex ─► SIZE          ";" ─► NAME_BWS ─► NAME ─ "=" ─► VALUE_BWS ─► TOKEN or QUOTED
 *       │ CR                        ▲                  │ ";" or CR                  │
 *       ▼                           └──────────────────┴────────────────────────────┘
 *      LINE_LF ─► CONTENT ─► CONTENT_CR ─► CONTENT_LF ─► SIZE
 *       └ size 0 ─► LAST ─ CR ─► LAST_LF ─► OVER
 *                     └ a field line ─► TRAILERS (read whole, by h1_field) ─► OVER
 * Blanks are allowed only where the grammar has BWS, never before a line end.
 */
#include "common/check.h"
#include "worker/wire/h1_char.h"
#include "worker/wire/h1_chunk.h"

enum state {
	SIZE,
	SIZE_BWS, /* blanks behind the size or a whole extension: only ";" may follow */
	NAME_BWS,
	NAME,
	EQUALS_BWS, /* blanks behind an extension's name: "=" or ";" may follow */
	VALUE_BWS,
	TOKEN,
	QUOTED,
	ESCAPE,
	QUOTED_END,
	LINE_LF,
	CONTENT,
	CONTENT_CR,
	CONTENT_LF,
	LAST,
	LAST_LF,
	TRAILERS,
	OVER,
	BROKEN,
};

#define OVERHEAD_MAX 16384 /* framing bytes beyond 16 a chunk and twice the content */

void h1_chunk_init(struct h1_chunk *c)
{
	*c = (struct h1_chunk){.state = SIZE};
}

static enum state broken(struct h1_chunk *c, const char *why)
{
	c->why = why;
	return BROKEN;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

/* Neither the expected byte nor anything else the grammar has here. */
static enum state unexpected(struct h1_chunk *c, char ch)
{
	if (ch == '\n')
		return broken(c, "line end without CR in a chunk line");
	if (ch == '\r')
		return broken(c, "chunk line ends too early");
	return broken(c, "syntax of a chunk line");
}

static enum state in_size(struct h1_chunk *c, char ch)
{
	if (h1_is(ch, H1_HEX)) {
		if (++c->digits > 16 || c->left > (uint64_t)INT64_MAX >> 4)
			return broken(c, "chunk size does not fit in 63 bits");
		c->left = c->left << 4 | h1_hex(ch);
		return SIZE;
	}
	if (c->digits == 0)
		return ch == '\n' ? unexpected(c, ch) : broken(c, "chunk line without a size");
	if (ch == '\r')
		return LINE_LF;
	if (ch == ';')
		return NAME_BWS;
	return is_blank(ch) ? SIZE_BWS : unexpected(c, ch);
}

/* Behind a whole extension: the next one, or the end of the line. */
static enum state after_extension(struct h1_chunk *c, char ch)
{
	if (ch == '\r')
		return LINE_LF;
	if (ch == ';')
		return NAME_BWS;
	return is_blank(ch) ? SIZE_BWS : unexpected(c, ch);
}

static enum state in_extension(struct h1_chunk *c, char ch)
{
	switch ((enum state)c->state) {
	case SIZE_BWS:
		return is_blank(ch) ? SIZE_BWS : ch == ';' ? NAME_BWS : unexpected(c, ch);
	case NAME_BWS:
		return is_blank(ch) ? NAME_BWS : h1_is(ch, H1_TOKEN) ? NAME : unexpected(c, ch);
	case NAME:
		if (h1_is(ch, H1_TOKEN))
			return NAME;
		if (is_blank(ch))
			return EQUALS_BWS;
		return ch == '=' ? VALUE_BWS : after_extension(c, ch);
	case EQUALS_BWS:
		if (is_blank(ch))
			return EQUALS_BWS;
		return ch == '=' ? VALUE_BWS : ch == ';' ? NAME_BWS : unexpected(c, ch);
	case VALUE_BWS:
		if (is_blank(ch))
			return VALUE_BWS;
		return ch == '"' ? QUOTED : h1_is(ch, H1_TOKEN) ? TOKEN : unexpected(c, ch);
	case TOKEN:
		return h1_is(ch, H1_TOKEN) ? TOKEN : after_extension(c, ch);
	case QUOTED:
		if (h1_is(ch, H1_QUOTED))
			return QUOTED;
		return ch == '"' ? QUOTED_END : ch == '\\' ? ESCAPE : unexpected(c, ch);
	case ESCAPE:
		return h1_is(ch, H1_TEXT) ? QUOTED : unexpected(c, ch);
	case QUOTED_END:
		return after_extension(c, ch);
	default:
		BUG("chunk state %u", c->state);
	}
}

/* The chunk line is whole: pay for it with content, or be taken for an attack. */
static enum state line_over(struct h1_chunk *c)
{
	uint64_t paid = c->left < OVERHEAD_MAX ? 16 + 2 * c->left : OVERHEAD_MAX;

	c->overhead += c->line_n;
	c->overhead -= paid < c->overhead ? (uint32_t)paid : c->overhead;
	if (c->overhead > OVERHEAD_MAX)
		return broken(c, "chunk extensions far larger than the content");
	c->line_n = 0;
	c->digits = 0;
	return c->left == 0 ? LAST : CONTENT;
}

static enum state expect(struct h1_chunk *c, char ch, char want, enum state next, const char *why)
{
	return ch == want ? next : broken(c, why);
}

/* One byte that is not content. */
static enum state step(struct h1_chunk *c, char ch)
{
	switch ((enum state)c->state) {
	case SIZE:
		return in_size(c, ch);
	case LINE_LF:
		return ch == '\n' ? line_over(c) : broken(c, "CR inside a chunk line");
	case CONTENT_CR:
		return expect(c, ch, '\r', CONTENT_LF, "chunk is longer than its size");
	case CONTENT_LF:
		return expect(c, ch, '\n', SIZE, "line end behind a chunk is not CRLF");
	case LAST_LF:
		return expect(c, ch, '\n', OVER, "line end behind the last chunk is not CRLF");
	default:
		return in_extension(c, ch);
	}
}

static bool reads_bytes(uint8_t state)
{
	return state != CONTENT && state != LAST && state < TRAILERS;
}

static void read_line(struct h1_chunk *c, const char **p, const char *end)
{
	while (*p < end && reads_bytes(c->state)) {
		if (c->state < LINE_LF && ++c->line_n > H1_CHUNK_LINE_MAX - 2)
			c->state = (uint8_t)broken(c, "chunk line over its limit");
		else
			c->state = (uint8_t)step(c, *(*p)++);
	}
}

static enum h1_chunk_event content(struct h1_chunk *c, const char *p, const char *end,
				   struct str *data)
{
	uint64_t have = (uint64_t)(end - p);

	*data = str_make(p, (size_t)(have < c->left ? have : c->left));
	c->left -= data->n;
	if (c->left == 0)
		c->state = CONTENT_CR;
	return H1_CHUNK_DATA;
}

static enum h1_chunk_event trailers(struct h1_chunk *c, struct str in, size_t *consumed,
				    struct field *fields, uint16_t cap, uint16_t *n_fields)
{
	static const struct h1_limits limits = {
	    .line_max = H1_TRAILERS_MAX, .head_max = H1_TRAILERS_MAX, .fields_max = 64};
	struct h1_refusal refusal;

	switch (h1_parse_trailers(in, &limits, fields, cap, n_fields, consumed, &refusal)) {
	case H1_INCOMPLETE:
		*consumed = 0;
		return H1_CHUNK_MORE;
	case H1_DONE:
		c->state = OVER;
		return H1_CHUNK_END;
	case H1_REFUSED:
		break;
	}
	*consumed = 0;
	c->state = (uint8_t)broken(c, refusal.why);
	return H1_CHUNK_BAD;
}

enum h1_chunk_event h1_chunk_next(struct h1_chunk *c, struct str in, size_t *consumed,
				  struct str *data, struct field *fields, uint16_t cap,
				  uint16_t *n_fields)
{
	const char *p = in.p, *end = in.p + in.n;
	enum h1_chunk_event event = H1_CHUNK_MORE;

	*n_fields = 0;
	*data = STR_NONE;
	read_line(c, &p, end);
	if (c->state == LAST && p < end) {
		c->state = *p == '\r' ? LAST_LF : TRAILERS;
		p += *p == '\r';
		if (c->state == LAST_LF)
			read_line(c, &p, end);
	}
	*consumed = (size_t)(p - in.p);
	if (c->state == BROKEN) {
		event = H1_CHUNK_BAD;
	} else if (c->state == OVER) {
		event = H1_CHUNK_END;
	} else if (c->state == CONTENT && p < end) {
		event = content(c, p, end, data);
		*consumed += data->n;
	} else if (c->state == TRAILERS) {
		size_t n;

		event = trailers(c, str_make(p, (size_t)(end - p)), &n, fields, cap, n_fields);
		*consumed += n;
	}
	return event;
}

size_t h1_chunk_line(char *out, uint64_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned len;

	CHECK(n > 0); /* a chunk of size 0 would end the message */
	len = (unsigned)(64 - __builtin_clzll(n) + 3) / 4;
	for (unsigned i = len; i > 0; i--, n >>= 4)
		out[i - 1] = digits[n & 15];
	out[len] = '\r';
	out[len + 1] = '\n';
	return len + 2;
}
