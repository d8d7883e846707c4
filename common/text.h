/*
 * text: building text in a bounded buffer, without printf.
 *
 * Either in memory of the caller's or in memory that grows to a limit. What does not fit any more
 * is left out whole and `full` is set: no partial number, no cut escape, nothing behind the end.
 * The text is not NUL-terminated.
 */
#ifndef SILEX_COMMON_TEXT_H
#define SILEX_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

struct text {
	char *p;
	size_t n, cap;
	size_t limit; /* grows up to this; == cap for a fixed buffer */
	bool full;    /* something did not fit */
};

/* In the caller's memory. */
void text_fixed(struct text *t, char *buf, size_t cap);
/* In malloc'ed memory of at most limit bytes: t->p is the caller's to free, NULL while empty. */
void text_growing(struct text *t, size_t limit);

/* Room for n more bytes at t->p + t->n, or false. */
bool text_reserve(struct text *t, size_t n);

static inline void text_char(struct text *t, char c)
{
	if (t->n < t->cap || text_reserve(t, 1))
		t->p[t->n++] = c;
}

static inline void text_str(struct text *t, struct str s)
{
	if (s.n == 0 || (s.n > t->cap - t->n && !text_reserve(t, s.n)))
		return;
	memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

void text_u64(struct text *t, uint64_t v);
/* v / 1000000 with `digits` decimals, 0 to 6, rounded down: microseconds as seconds. */
void text_seconds(struct text *t, uint64_t us, unsigned digits);

/*
 * A value from outside, at most `most` bytes of it in the output; "..." follows when it was cut.
 * text_hex: nginx' escape: '"', '\', and bytes outside 0x20..0x7e as \xNN.
 * text_json: the inside of a JSON string (RFC 8259 §7): valid UTF-8 stays, a byte that is none
 * becomes U+FFFD.
 */
void text_hex(struct text *t, struct str s, size_t most);
void text_json(struct text *t, struct str s, size_t most);

/* A string literal. */
#define text_lit(t, lit) text_str((t), STR(lit))

#endif
