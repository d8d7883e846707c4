/* test_coding: which coding a client gets, and that encoders get everything out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "worker/compress/coding.h"
#include "worker/compress/encoder.h"

#define BOTH (1u << CODING_GZIP | 1u << CODING_BR)

static const struct {
	const char *field;
	unsigned offered;
	enum coding chosen;
} choices[] = {
    {"", BOTH, CODING_IDENTITY},
    {"gzip", BOTH, CODING_GZIP},
    {"GZip", BOTH, CODING_GZIP},
    {"x-gzip", BOTH, CODING_GZIP},
    {"gzip, br", BOTH, CODING_BR},
    {"gzip, br", 1u << CODING_GZIP, CODING_GZIP},
    {"br", 1u << CODING_GZIP, CODING_IDENTITY},
    {"gzip;q=0.8, br;q=0.799", BOTH, CODING_GZIP},
    {"gzip ; q=0.8\t,br; Q=0.9", BOTH, CODING_BR},
    {"*", BOTH, CODING_BR},
    {"*;q=0", BOTH, CODING_IDENTITY},
    {"br;q=0,*", BOTH, CODING_GZIP},
    {"gzip;q=0.5, identity", BOTH, CODING_IDENTITY},
    {"gzip;q=0.5, identity;q=0.5", BOTH, CODING_GZIP},
    {"identity;q=0", BOTH, CODING_IDENTITY},
    {"gzip;q=1.001", BOTH, CODING_IDENTITY},
    {"gzip;q=0.1234", BOTH, CODING_IDENTITY},
    {"gzip;q=-1", BOTH, CODING_IDENTITY},
    {"gzip;q=", BOTH, CODING_IDENTITY},
    {"gzip;level=9", BOTH, CODING_IDENTITY},
    {"gzipped, gz", BOTH, CODING_IDENTITY},
    {",, ,gzip,", BOTH, CODING_GZIP},
};

static void test_choices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		struct coding_wish w;

		coding_wish_init(&w);
		coding_wish_add(&w, str_from(choices[i].field));
		if (coding_choose(&w, choices[i].offered) != choices[i].chosen)
			fail_msg("\"%s\": %u", choices[i].field,
				 (unsigned)coding_choose(&w, choices[i].offered));
	}
}

static void test_several_fields(void **state)
{
	struct coding_wish w;

	(void)state;
	coding_wish_init(&w);
	coding_wish_add(&w, STR("gzip;q=0"));
	coding_wish_add(&w, STR("*;q=0.3, gzip"));
	assert_int_equal(coding_choose(&w, 1u << CODING_GZIP), CODING_GZIP);
	assert_int_equal(coding_choose(&w, BOTH), CODING_GZIP);
}

/* Run op to its end with room for `step` bytes at a time; what came is appended to out. */
static size_t run(struct encoder *e, enum encode_op op, struct encode_io *io, uint8_t *out,
		  size_t at, size_t step)
{
	enum encode_result did;

	do {
		io->out = out + at;
		io->n_out = step;
		did = encoder_run(e, op, io);
		assert_int_not_equal(did, ENCODE_FAILED);
		at += step - io->n_out;
	} while (did == ENCODE_FULL);
	return at;
}

static void inflate_all(const uint8_t *coded, size_t n, const uint8_t *want, size_t n_want)
{
	uint8_t *got = malloc(n_want + 1);
	z_stream z = {.next_in = (Bytef *)(uintptr_t)coded,
		      .avail_in = (uInt)n,
		      .next_out = got,
		      .avail_out = (uInt)n_want + 1};

	assert_non_null(got);
	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, n_want);
	assert_memory_equal(got, want, n_want);
	assert_int_equal(inflateEnd(&z), Z_OK);
	free(got);
}

/* Used twice, flushed in between, with hardly any room: nothing is lost or left over. */
static void test_gzip_whole(void **state)
{
	static const size_t steps[] = {ENCODE_ROOM_LEAST, 61, 512, 65536};
	struct encoders *s = encoders_new(6, 4);
	uint8_t in[20000], out[65536 * 2];

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * i >> (i % 7));
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct encoder *e = encoder_get(s, CODING_GZIP);
		struct encode_io io = {.in = in, .n_in = 9000};
		size_t at;

		assert_non_null(e);
		at = run(e, ENCODE_MORE, &io, out, 0, steps[i]);
		at = run(e, ENCODE_FLUSH, &io, out, at, steps[i]);
		io.n_in = sizeof(in) - 9000;
		at = run(e, ENCODE_MORE, &io, out, at, steps[i]);
		at = run(e, ENCODE_END, &io, out, at, steps[i]);
		inflate_all(out, at, in, sizeof(in));
		encoder_put(s, e);
	}
	encoders_free(s);
}

static void test_bound(void **state)
{
	struct encoders *s = encoders_new(1, 0);
	struct encoder *e[ENCODERS_MAX];

	(void)state;
	for (unsigned i = 0; i < ENCODERS_MAX; i++)
		assert_non_null(e[i] = encoder_get(s, i % 16 == 0 ? CODING_BR : CODING_GZIP));
	assert_null(encoder_get(s, CODING_GZIP));
	encoder_put(s, e[0]);
	assert_non_null(e[0] = encoder_get(s, CODING_GZIP));
	for (unsigned i = 0; i < ENCODERS_MAX; i++)
		encoder_put(s, e[i]);
	encoders_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_choices),
	    cmocka_unit_test(test_several_fields),
	    cmocka_unit_test(test_gzip_whole),
	    cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
