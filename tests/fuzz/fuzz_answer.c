/*
 * What an endpoint answers to a health check: read by the master. The verdict does not depend on
 * how the bytes come, and what is sent back stays bounded.
 */
#include <stdlib.h>

#include "master/check/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The first byte says the kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *bytes = (const char *)data + 1;
	struct answer whole, pieces;

	if (n == 0)
		return 0;
	n--;
	answer_begin(&whole, data[0] & 1, 200, 399);
	answer_begin(&pieces, data[0] & 1, 200, 399);
	answer_take(&whole, bytes, n);
	for (size_t at = 0, step; at < n; at += step) {
		step = 1 + (unsigned char)bytes[at] % 7;
		if (step > n - at)
			step = n - at;
		answer_take(&pieces, bytes + at, step);
	}
	if (whole.judged != pieces.judged || whole.why != pieces.why ||
	    whole.whole != pieces.whole || whole.send_n != pieces.send_n ||
	    whole.send_n > ANSWER_SEND_MAX)
		abort();
	return 0;
}
