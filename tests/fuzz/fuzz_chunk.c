/*
 * The chunked decoder: the same bytes in any pieces give the same content, the same end and the
 * same verdict. The first byte seeds the sizes of the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/wire/h1_chunk.h"

#define FIELDS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct result {
	char *content;
	size_t content_n, used;
	enum h1_chunk_event last;
	uint16_t n_fields;
};

static void feed(struct h1_chunk *c, struct str in, size_t upto, struct result *r)
{
	struct field fields[FIELDS];
	struct str data;
	size_t used;

	do {
		r->last = h1_chunk_next(c, str_make(in.p + r->used, upto - r->used), &used, &data,
					fields, FIELDS, &r->n_fields);
		CHECK(used <= upto - r->used);
		CHECK(data.n <= used);
		CHECK(data.n == 0 ||
		      (data.p >= in.p + r->used && data.p + data.n <= in.p + r->used + used));
		r->used += used;
		if (data.n > 0)
			memcpy(r->content + r->content_n, data.p, data.n);
		r->content_n += data.n;
	} while (r->last == H1_CHUNK_DATA);
}

static void decode(struct str in, unsigned seed, struct result *r)
{
	struct h1_chunk c;
	size_t upto = 0;

	h1_chunk_init(&c);
	r->last = H1_CHUNK_MORE;
	while (r->last == H1_CHUNK_MORE && upto < in.n) {
		seed = seed * 1103515245u + 12345u;
		upto += 1 + (seed >> 16) % 13;
		feed(&c, in, upto < in.n ? upto : in.n, r);
	}
	CHECK((r->last == H1_CHUNK_BAD) == (c.why != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct result whole = {.last = H1_CHUNK_MORE}, pieces = {.last = H1_CHUNK_MORE};
	struct h1_chunk c;
	struct str in;

	if (n < 2)
		return 0;
	in = str_make((const char *)data + 1, n - 1);
	whole.content = malloc(n);
	pieces.content = malloc(n);
	h1_chunk_init(&c);
	feed(&c, in, in.n, &whole);
	decode(in, data[0], &pieces);
	CHECK(whole.last == pieces.last);
	CHECK(whole.content_n == pieces.content_n && whole.content_n < n);
	CHECK(memcmp(whole.content, pieces.content, whole.content_n) == 0);
	if (whole.last == H1_CHUNK_END)
		CHECK(whole.used == pieces.used && whole.n_fields == pieces.n_fields);
	free(whole.content);
	free(pieces.content);
	return 0;
}
