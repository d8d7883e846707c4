/*
 * path: one scan says whether a path is normal already; only others are rewritten into a buffer.
 *
 * The rewriting reads decoded bytes one by one and keeps the output normal after every segment,
 * so a ".." simply cuts the output back to the slash before the last segment. "%3F", "%23" and
 * "%25" decode to plain bytes of a segment, never to a delimiter.
 */
#include <string.h>

#include "worker/wire/h1_char.h"
#include "worker/wire/path.h"

/* A path is normal when it has no "%" and no segment that is empty (but the last), "." or "..". */
static bool is_normal(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;

	if (memchr(s.p, '%', s.n) != NULL || memchr(s.p, '\0', s.n) != NULL)
		return false;
	while ((p = memchr(p, '/', (size_t)(end - p))) != NULL) {
		p++;
		if (p < end && (*p == '/' || *p == '.'))
			return false; /* perhaps ".well-known": the slow way finds out */
	}
	return true;
}

/* One byte, decoded, from *p; -1 for a malformed escape or NUL. */
static int next_byte(const char **p, const char *end)
{
	int byte = (unsigned char)*(*p)++;

	if (byte == '%') {
		if (end - *p < 2 || !h1_is((*p)[0], H1_HEX) || !h1_is((*p)[1], H1_HEX))
			return -1;
		byte = (int)(h1_hex((*p)[0]) << 4 | h1_hex((*p)[1]));
		*p += 2;
	}
	return byte == 0 ? -1 : byte;
}

/*
 * The segment [seg, w) is over. Returns where the output goes on: behind it, or, when it was "."
 * or "..", back at the start of it or of its parent; NULL above the root. out[0] is "/".
 */
static char *close_segment(const char *out, char *seg, char *w)
{
	size_t n = (size_t)(w - seg);

	if (n == 1 && seg[0] == '.')
		return seg;
	if (n != 2 || seg[0] != '.' || seg[1] != '.')
		return w;
	if (seg == out + 1)
		return NULL;
	for (seg--; seg[-1] != '/'; seg--)
		;
	return seg;
}

/* Rewrites s, which starts with "/", to out. Returns the length, or 0 when s is malformed. */
static size_t rewrite(struct str s, char *out)
{
	const char *p = s.p + 1, *end = s.p + s.n;
	char *seg = out + 1, *w = out + 1;

	out[0] = '/';
	while (p < end) {
		int byte = next_byte(&p, end);

		if (byte == -1)
			return 0;
		if (byte != '/') {
			*w++ = (char)byte;
			continue;
		}
		w = close_segment(out, seg, w);
		if (w == NULL)
			return 0;
		if (w[-1] != '/')
			*w++ = '/';
		seg = w;
	}
	w = close_segment(out, seg, w);
	return w == NULL ? 0 : (size_t)(w - out);
}

int path_normalise(struct str target, char *buf, struct path *out)
{
	ptrdiff_t mark = str_chr(target, '?');
	size_t n;

	out->raw = str_make(target.p, mark < 0 ? target.n : (size_t)mark);
	out->query =
	    mark < 0 ? STR_NONE : str_make(target.p + mark + 1, target.n - (size_t)mark - 1);
	out->path = out->raw;
	if (out->raw.n == 0) /* absolute form without path */
		out->path = STR("/");
	if (out->path.p[0] != '/' || is_normal(out->path))
		return 0;
	n = rewrite(out->raw, buf);
	out->path = str_make(buf, n);
	return n == 0 ? -1 : 0;
}
