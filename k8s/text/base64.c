/* base64: see base64.h. */
#include "k8s/text/base64.h"

#include "common/base64_digit.h"

/* The last group: k characters of it are data, the rest "=". */
static ptrdiff_t last_group(uint32_t bits, int k, int pads, char *out)
{
	if (k == 0)
		return pads == 0 ? 0 : -1;
	if (k == 1 || k + pads != 4)
		return -1;
	bits <<= 6 * (4 - k);
	out[0] = (char)(bits >> 16);
	if (k == 3)
		out[1] = (char)(bits >> 8);
	return k - 1;
}

ptrdiff_t base64_decode(struct str s, char *out)
{
	uint32_t bits = 0;
	int k = 0, pads = 0;
	char *o = out;
	ptrdiff_t tail;

	for (size_t i = 0; i < s.n; i++) {
		int v = base64_digit(s.p[i]);

		if (s.p[i] == '\n' || s.p[i] == '\r')
			continue;
		if (s.p[i] == '=') {
			pads++;
			continue;
		}
		if (v == -1 || pads > 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		if (++k < 4)
			continue;
		*o++ = (char)(bits >> 16);
		*o++ = (char)(bits >> 8);
		*o++ = (char)bits;
		k = 0;
		bits = 0;
	}
	tail = last_group(bits, k, pads, o);
	return tail == -1 ? -1 : o - out + tail;
}
