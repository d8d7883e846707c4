/* test_h2: the small parts of HTTP/2 that need no connection: frame scan, points, memory, output.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "worker/http2/h2_glitch.h"
#include "worker/http2/h2_mem.h"
#include "worker/http2/h2_out.h"
#include "worker/http2/head/h2_scan.h"

static const uint8_t two_frames[] = {0, 0, 3, 0, 1, 0, 0, 0, 5, 'a', 'b', 'c', /* DATA */
				     0, 0, 0, 4, 0, 0, 0, 0, 0, 0,   0,   8,
				     6, 0, /* SETTINGS, PING */
				     0, 0, 0, 0, 1, 2, 3, 4, 5, 6,   7,   8};

/* However the stream is cut, the same frames are found. */
static void scan_at_every_cut(void **state)
{
	for (size_t cut = 1; cut <= sizeof(two_frames); cut++) {
		struct h2_scan s = {.skip = 0};
		uint8_t types[4];
		uint32_t lengths[4];
		unsigned found = 0;

		for (size_t at = 0; at < sizeof(two_frames);) {
			size_t part = sizeof(two_frames) - at < cut ? sizeof(two_frames) - at : cut;
			size_t used, own = 0, within = 0;
			struct h2_frame f;

			while (within < part && h2_scan_next(&s, two_frames + at + within,
							     part - within, &used, &own, &f)) {
				assert_in_range(own, 1, H2_FRAME_HEAD);
				within += used;
				types[found] = f.type;
				lengths[found++] = f.length;
			}
			at += part;
		}
		assert_int_equal(found, 3);
		assert_int_equal(types[0], 0);
		assert_int_equal(lengths[0], 3);
		assert_int_equal(types[1], 4);
		assert_int_equal(types[2], 6);
		assert_int_equal(lengths[2], 8);
	}
}

static void scan_reads_the_number(void **state)
{
	static const uint8_t head[] = {0xff, 0xff, 0xff, 0xfe, 0x80, 0xff, 0xff, 0xff, 0xff};
	struct h2_scan s = {.skip = 0};
	size_t used, own;
	struct h2_frame f;

	assert_true(h2_scan_next(&s, head, sizeof(head), &used, &own, &f));
	assert_int_equal(f.length, 0xffffff);
	assert_int_equal(f.id, INT32_MAX); /* the reserved bit is ignored */
	assert_int_equal(s.skip, 0xffffff);
}

static void nonsense_adds_up(void **state)
{
	struct h2_glitch g = {.at_ms = 1000};
	unsigned n = 0;

	while (!h2_glitch(&g, H2_GLITCH_RESET, 1000))
		n++;
	assert_int_equal(n, H2_GLITCH_LIMIT / H2_GLITCH_RESET);
}

static void time_and_use_forgive(void **state)
{
	struct h2_glitch g = {.at_ms = 0};

	for (uint64_t ms = 0; ms < 100000; ms += H2_GLITCH_DECAY)
		assert_false(h2_glitch(&g, 1, ms));
	for (unsigned i = 0; i < 100000; i++) {
		h2_glitch_useful(&g);
		assert_false(h2_glitch(&g, 1, 100000));
	}
}

/* Points are never below nothing: use cannot be saved up. */
static void nothing_is_saved_up(void **state)
{
	struct h2_glitch g = {.at_ms = 0};

	for (unsigned i = 0; i < 1000; i++)
		h2_glitch_useful(&g);
	assert_int_equal(g.points, 0);
}

static void memory_is_bounded(void **state)
{
	struct h2_mem m;
	void *a, *b;

	h2_mem_init(&m, 10000);
	a = m.ops.malloc(6000, m.ops.mem_user_data);
	assert_non_null(a);
	assert_null(m.ops.malloc(6000, m.ops.mem_user_data));
	assert_null(m.ops.calloc(SIZE_MAX / 2, 3, m.ops.mem_user_data));
	assert_null(m.ops.realloc(a, 20000, m.ops.mem_user_data));
	b = m.ops.realloc(a, 100, m.ops.mem_user_data);
	assert_non_null(b);
	assert_in_range(m.used, 100, 6100);
	m.ops.free(b, m.ops.mem_user_data);
	m.ops.free(NULL, m.ops.mem_user_data);
	assert_int_equal(m.used, 0);
}

static void output_keeps_what_it_is_given(void **state)
{
	struct slab *chunks = slab_new("chunks", CHUNK_SIZE, 64);
	static char text[9000];
	struct h2_out o = {.n = 0};
	struct pipe p;
	size_t before;

	pipe_init(&p);
	memset(text, 't', sizeof(text));
	assert_int_equal(pipe_write(&p, chunks, text, sizeof(text)), sizeof(text));
	assert_int_equal(h2_out_put(&o, chunks, "headheadh", 9), 0);
	assert_int_equal(h2_out_take(&o, chunks, &p, 8000), 0);
	assert_int_equal(o.bytes, 8009);
	assert_int_equal(p.bytes, 1000);
	assert_int_equal(o.n, 2); /* copied head, content where it lies */
	before = slab_used(chunks);
	assert_int_equal(h2_out_take(&o, chunks, &p, 1000), 0);
	assert_int_equal(slab_used(chunks), before); /* small: copied behind the head */
	assert_true(pipe_empty(&p));
	while (!h2_out_full(&o))
		assert_int_equal(h2_out_put(&o, chunks, text, sizeof(text)), 0);
	assert_int_equal(h2_out_put(&o, chunks, text, 9), 0); /* the frame under way has room */
	h2_out_clear(&o);
	pipe_clear(&p);
	assert_int_equal(slab_used(chunks), 0);
	slab_free(chunks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scan_at_every_cut),
	    cmocka_unit_test(scan_reads_the_number),
	    cmocka_unit_test(nonsense_adds_up),
	    cmocka_unit_test(time_and_use_forgive),
	    cmocka_unit_test(nothing_is_saved_up),
	    cmocka_unit_test(memory_is_bounded),
	    cmocka_unit_test(output_keeps_what_it_is_given),
	};

	return cmocka_run_group_tests_name("h2", tests, NULL, NULL);
}
