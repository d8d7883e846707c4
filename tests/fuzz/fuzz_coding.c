/*
 * The Accept-Encoding field: a client may send anything. What is chosen was offered, and nothing
 * is chosen that the field refuses; one field in two parts says the same as in one.
 */
#include <stdlib.h>

#include "worker/compress/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum coding choice(const struct coding_wish *w)
{
	for (unsigned offered = 0; offered < 1u << CODINGS; offered++) {
		enum coding c = coding_choose(w, offered);
		int16_t q = w->weight[c] < 0 ? w->others : w->weight[c];

		if (c >= CODINGS ||
		    (c != CODING_IDENTITY && ((offered & 1u << c) == 0 || q <= 0 || q > 1000)))
			abort();
	}
	return coding_choose(w, ~0u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str all = str_make((const char *)data, n);
	ptrdiff_t comma = str_chr(all, ',');
	struct coding_wish one, two;

	coding_wish_init(&one);
	coding_wish_add(&one, all);
	coding_wish_init(&two);
	if (comma >= 0) {
		coding_wish_add(&two, str_head(all, (size_t)comma));
		coding_wish_add(&two, str_from_at(all, (size_t)comma + 1));
	} else {
		coding_wish_add(&two, all);
	}
	if (choice(&one) != choice(&two))
		abort();
	return 0;
}
