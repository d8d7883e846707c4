/*
 * h1_char: classes of bytes in HTTP/1 syntax (RFC 9110 §5.6, RFC 3986), one table for all rooms,
 * and the scan that runs over most bytes of every head.
 */
#ifndef SILEX_WORKER_WIRE_H1_CHAR_H
#define SILEX_WORKER_WIRE_H1_CHAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum h1_class {
	H1_TOKEN = 1,   /* tchar */
	H1_PLAIN = 2,   /* letters, digits, "-": names that no gateway interface can confuse */
	H1_TARGET = 4,  /* request-target: visible ASCII but "#", and bytes above 0x7f */
	H1_TEXT = 8,    /* field-vchar, SP, HTAB: what a value may hold */
	H1_HOST = 16,   /* letters, digits, "-", ".", "_": host names as they are in use */
	H1_HEX = 32,    /* hex digit */
	H1_QUOTED = 64, /* qdtext */
};

extern const uint8_t h1_class[256];

static inline bool h1_is(char c, unsigned classes)
{
	return (h1_class[(unsigned char)c] & classes) != 0;
}

static inline const char *h1_skip(const char *p, const char *end, unsigned classes)
{
	while (p < end && h1_is(*p, classes))
		p++;
	return p;
}

static inline bool h1_all(const char *p, size_t n, unsigned classes)
{
	return h1_skip(p, p + n, classes) == p + n;
}

/*
 * First control byte (below 0x20, or 0x7f) in [p, end), or end. Eight bytes at a time: the
 * borrow of the subtraction can only disturb bytes behind a true hit, so the lowest set bit is
 * exact on a little-endian machine.
 */
static inline const char *h1_find_ctl(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;

	for (; end - p >= 8; p += 8) {
		uint64_t v, del, hit;

		memcpy(&v, p, sizeof(v));
		del = v ^ (ones * 0x7f);
		hit = (((v - ones * 0x20) & ~v) | ((del - ones) & ~del)) & high;
		if (hit != 0)
			return p + (__builtin_ctzll(hit) >> 3);
	}
#endif
	while (p < end && (unsigned char)*p >= 0x20 && *p != 0x7f)
		p++;
	return p;
}

/* Value of a hex digit; the caller has checked H1_HEX. */
static inline unsigned h1_hex(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20u) - 'a' + 10;
}

#endif
