/*
 * Path normalisation against a second, plain implementation: decode everything, split at "/",
 * then walk the segments with a stack.
 */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/wire/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int hex(int c)
{
	const char *digits = "0123456789abcdef", *at;

	if (c >= 'A' && c <= 'F')
		c += 'a' - 'A';
	at = c != 0 ? strchr(digits, c) : NULL;
	return at == NULL ? -1 : (int)(at - digits);
}

/* Decoded bytes of s in out; -1 for a bad escape or NUL. */
static ptrdiff_t decode(struct str s, char *out)
{
	ptrdiff_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int c = (unsigned char)s.p[i];

		if (c == '%') {
			if (i + 2 >= s.n || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)
				return -1;
			c = hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]);
			i += 2;
		}
		if (c == 0)
			return -1;
		out[n++] = (char)c;
	}
	return n;
}

/* Segments of text into out, as the reference sees it; -1 above the root. */
static ptrdiff_t reference(struct str text, char *out)
{
	size_t *stack = malloc((text.n + 1) * sizeof(*stack)), depth = 0, n = 1;
	bool open = false;

	out[0] = '/';
	for (size_t i = 1; i <= text.n;) {
		size_t end = i;
		struct str seg;

		while (end < text.n && text.p[end] != '/')
			end++;
		seg = str_make(text.p + i, end - i);
		i = end + 1;
		open = false;
		if (seg.n == 0 || str_eq(seg, STR(".")))
			continue;
		if (str_eq(seg, STR(".."))) {
			if (depth == 0) {
				free(stack);
				return -1;
			}
			n = stack[--depth];
			continue;
		}
		stack[depth++] = n;
		memcpy(out + n, seg.p, seg.n);
		n += seg.n;
		open = end == text.n;
		if (!open)
			out[n++] = '/';
	}
	free(stack);
	return (ptrdiff_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str target = str_make((const char *)data, n);
	char *buf = malloc(n + 1), *text = malloc(n + 1), *want = malloc(n + 2);
	struct path out;
	ptrdiff_t len = -1;
	int rc;

	if (n > 0 && data[0] == '/') {
		rc = path_normalise(target, buf, &out);
		len = decode(out.raw, text);
		if (len >= 0)
			len = reference(str_make(text, (size_t)len), want);
		CHECK((rc == -1) == (len == -1));
		CHECK(rc == -1 || str_eq(out.path, str_make(want, (size_t)len)));
	}
	free(buf);
	free(text);
	free(want);
	return 0;
}
