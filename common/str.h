/*
 * str: a borrowed run of bytes.
 *
 * The data path never uses NUL-terminated strings: a header value may hold any byte, and
 * strlen() on an attacker's bytes is a loop somebody else controls. A struct str is passed by
 * value, owns nothing, and is valid only as long as whatever it points into.
 */
#ifndef SILEX_COMMON_STR_H
#define SILEX_COMMON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p; /* NULL only together with n == 0 */
	size_t n;
};

#define STR(lit)   ((struct str){("" lit), sizeof(lit) - 1}) /* literals only */
#define STR_NONE   ((struct str){NULL, 0})
#define STR_FMT    "%.*s" /* printf("x=" STR_FMT, STR_ARG(s)) */
#define STR_ARG(s) ((int)(s).n), ((s).p != NULL ? (s).p : "")

static inline struct str str_make(const char *p, size_t n)
{
	return (struct str){p, n};
}

/* A NUL-terminated string seen as a slice; NULL becomes the empty slice. */
static inline struct str str_from(const char *z)
{
	return z == NULL ? STR_NONE : (struct str){z, strlen(z)};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only: header names, host names and schemes are ASCII by their RFCs; no locale. */
static inline char ascii_lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : c;
}

static inline bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Bytes [from, s.n), or empty when from is past the end. */
static inline struct str str_from_at(struct str s, size_t from)
{
	return from >= s.n ? STR_NONE : (struct str){s.p + from, s.n - from};
}

/* The first n bytes, or all of them. */
static inline struct str str_head(struct str s, size_t n)
{
	return s.n > n ? (struct str){s.p, n} : s;
}

/* Index of the first c, or -1. */
static inline ptrdiff_t str_chr(struct str s, char c)
{
	const char *hit = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return hit == NULL ? -1 : hit - s.p;
}

/* Without leading and trailing SP and HTAB: OWS of RFC 9110 §5.6.3. */
static inline struct str str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/*
 * An unsigned decimal number: 1 to 19 digits and nothing else (no sign, no blank), <= max.
 * Returns false and leaves *out alone otherwise. Used for every number an attacker can write.
 */
static inline bool str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 19)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

#endif
