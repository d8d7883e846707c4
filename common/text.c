/* text: see text.h. */
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_FIRST ((size_t)4096)

void text_fixed(struct text *t, char *buf, size_t cap)
{
	*t = (struct text){.p = buf, .cap = cap, .limit = cap};
}

void text_growing(struct text *t, size_t limit)
{
	*t = (struct text){.limit = limit};
}

static __attribute__((noinline)) bool grow(struct text *t, size_t n)
{
	size_t cap = t->cap < TEXT_FIRST ? TEXT_FIRST : t->cap;
	char *p;

	if (n > t->limit - t->n)
		return false;
	while (cap < t->n + n)
		cap = cap > t->limit / 2 ? t->limit : cap * 2;
	p = realloc(t->p, cap);
	if (p == NULL)
		return false;
	t->p = p;
	t->cap = cap;
	return true;
}

bool text_reserve(struct text *t, size_t n)
{
	if (n <= t->cap - t->n)
		return true;
	if (t->cap < t->limit && grow(t, n))
		return true;
	t->full = true;
	return false;
}

void text_u64(struct text *t, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	text_str(t, str_make(digits + at, sizeof(digits) - at));
}

void text_seconds(struct text *t, uint64_t us, unsigned digits)
{
	uint64_t part = us % 1000000;
	char text[7] = ".";

	for (unsigned i = 6; i > 0; i--) {
		text[i] = (char)('0' + part % 10);
		part /= 10;
	}
	if (!text_reserve(t, 20 + sizeof(text)))
		return;
	text_u64(t, us / 1000000);
	if (digits > 0)
		text_str(t, str_make(text, 1 + (digits > 6 ? 6 : digits)));
}

/*
 * Both escapes walk the value in runs of plain bytes, copied at once, and put one escape between
 * two runs. `left` is what may still be written; the first thing that does not fit ends it.
 */
struct escaper {
	struct text *t;
	size_t left;
	bool cut;
};

static void put(struct escaper *e, const char *p, size_t n)
{
	if (e->cut || n > e->left || !text_reserve(e->t, n)) {
		e->cut = true;
		return;
	}
	text_str(e->t, str_make(p, n));
	e->left -= n;
}

/* A plain run may be cut anywhere. */
static void put_run(struct escaper *e, const char *p, size_t n)
{
	if (n > e->left) {
		put(e, p, e->left);
		e->cut = true;
	} else if (n > 0) {
		put(e, p, n);
	}
}

static void finish(struct escaper *e)
{
	if (e->cut)
		text_lit(e->t, "...");
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

static size_t plain_run(struct str s, size_t at)
{
	size_t end = at;

	while (end < s.n && is_plain((unsigned char)s.p[end]))
		end++;
	return end - at;
}

static const char hex_upper[] = "0123456789ABCDEF";

void text_hex(struct text *t, struct str s, size_t most)
{
	struct escaper e = {.t = t, .left = most};

	for (size_t at = 0; at < s.n && !e.cut; at++) {
		size_t run = plain_run(s, at);
		unsigned char c;

		put_run(&e, s.p + at, run);
		at += run;
		if (at == s.n)
			break;
		c = (unsigned char)s.p[at];
		put(&e, (char[]){'\\', 'x', hex_upper[c >> 4], hex_upper[c & 15]}, 4);
	}
	finish(&e);
}

/* Length of the well-formed UTF-8 sequence at p (Unicode table 3-7), 0 when there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	unsigned char low = 0x80, high = 0xbf;

	if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

/* Writes one byte or sequence that is not plain; returns how many bytes of p it was. */
static size_t put_json(struct escaper *e, const unsigned char *p, size_t n)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	size_t len;

	if (p[0] >= 0x80) {
		len = utf8_sequence(p, n);
		put(e, len > 0 ? (const char *)p : "\xef\xbf\xbd", len > 0 ? len : 3);
		return len > 0 ? len : 1;
	}
	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
		if (p[0] == (unsigned char)shorts[i]) {
			put(e, (char[]){'\\', shorts[i + 1]}, 2);
			return 1;
		}
	}
	put(e, (char[]){'\\', 'u', '0', '0', hex_upper[p[0] >> 4], hex_upper[p[0] & 15]}, 6);
	return 1;
}

void text_json(struct text *t, struct str s, size_t most)
{
	struct escaper e = {.t = t, .left = most};
	size_t at = 0;

	while (at < s.n && !e.cut) {
		size_t run = plain_run(s, at);

		put_run(&e, s.p + at, run);
		at += run;
		if (at < s.n)
			at += put_json(&e, (const unsigned char *)s.p + at, s.n - at);
	}
	finish(&e);
}
