/* test_mirror: the backlog of a copy: order, bounds, what it holds of memory, that nothing leaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "worker/mirror/backlog.h"

static struct slab *chunks;

static int set_up(void **state)
{
	chunks = slab_new("chunks", CHUNK_SIZE, 200);
	return chunks == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	assert_int_equal(slab_used(chunks), 0);
	slab_free(chunks);
	return 0;
}

static struct chunk *fresh(uint32_t fill)
{
	struct chunk *c = chunk_new(chunks);

	assert_non_null(c);
	c->fill = fill;
	for (uint32_t i = 0; i < fill; i++)
		c->data[i] = (char)('a' + i % 26);
	return c;
}

static bool put(struct backlog *b, struct chunk *c, uint32_t off, uint32_t n)
{
	struct slice s = {c, off, n};

	return backlog_put(b, chunks, &s);
}

static void what_is_adjacent_is_one(void **state)
{
	struct backlog b = {.n = 0};
	struct chunk *c = fresh(100), *other = fresh(10);

	assert_true(put(&b, c, 0, 10) && put(&b, c, 10, 10));
	assert_true(b.n == 1 && b.bytes == 20 && b.chunks == 1);
	assert_true(put(&b, c, 30, 10)); /* something that is no content lies between */
	assert_true(b.n == 2 && b.bytes == 30 && b.chunks == 1);
	assert_true(put(&b, other, 0, 10) && put(&b, c, 40, 10));
	assert_true(b.n == 4 && b.bytes == 50 && b.chunks == 3);
	chunk_unref(c);
	chunk_unref(other);
	backlog_clear(&b);
	assert_true(b.n == 0 && b.bytes == 0 && b.chunks == 0);
}

/* More pieces than a pipe has places for, taken out as it finds room, are the same bytes. */
static void it_comes_out_in_order(void **state)
{
	struct backlog b = {.n = 0};
	struct chunk *c = fresh(4000);
	struct slice s;
	struct pipe p;
	unsigned at = 0;

	pipe_init(&p);
	for (unsigned round = 0; round < 10; round++) { /* the ring comes round */
		for (unsigned i = 0; i < 700; i++)
			assert_true(put(&b, c, i * 3, 2));
		for (at = 0; at < 700; at++) {
			backlog_give(&b, &p);
			assert_true(pipe_peek(&p, &s));
			assert_true(s.chunk == c && s.off == at * 3 && s.n == 2);
			pipe_consume(&p, 2);
		}
		assert_true(b.n == 0 && b.bytes == 0 && b.chunks == 0 && pipe_empty(&p));
	}
	pipe_clear(&p);
	chunk_unref(c);
	backlog_clear(&b);
}

static void it_has_an_end(void **state)
{
	struct backlog b = {.n = 0};
	struct chunk *c = fresh(CHUNK_DATA);
	uint32_t n = 0;

	while (put(&b, c, (n & 1) * 8, 1)) /* never adjacent */
		n++;
	assert_in_range(n, 1000, CHUNK_DATA / sizeof(struct slice));
	assert_int_equal(b.n, n);
	backlog_clear(&b);
	for (n = 0; put(&b, c, (n & 1) * 100, 10000); n++)
		continue;
	assert_in_range(b.bytes, BACKLOG_BYTES, BACKLOG_BYTES + CHUNK_DATA);
	chunk_unref(c);
	backlog_clear(&b);
	for (n = 0;; n++) {
		c = fresh(1);
		if (!put(&b, c, 0, 1))
			break;
		chunk_unref(c);
	}
	chunk_unref(c);
	assert_int_equal(n, BACKLOG_CHUNKS);
	assert_int_equal(slab_used(chunks), BACKLOG_CHUNKS + 1); /* ... and its own */
	backlog_clear(&b);
}

static void without_memory_nothing_has_changed(void **state)
{
	struct backlog b = {.n = 0};
	struct chunk *all[200];

	for (unsigned i = 0; i < 200; i++)
		all[i] = fresh(1);
	assert_false(put(&b, all[0], 0, 1));
	assert_true(b.n == 0 && b.bytes == 0 && all[0]->refs == 1);
	for (unsigned i = 0; i < 200; i++)
		chunk_unref(all[i]);
	backlog_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_adjacent_is_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_comes_out_in_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_has_an_end, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_memory_nothing_has_changed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
