/* test_pipe: order, bounds, sharing of chunks, rewinding, and that nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "worker/flow/pipe.h"

static struct slab *chunks;

static int set_up(void **state)
{
	chunks = slab_new("chunks", CHUNK_SIZE, 16);
	return chunks == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	assert_int_equal(slab_used(chunks), 0); /* every test gives everything back */
	slab_free(chunks);
	return 0;
}

static struct chunk *chunk_of(const char *text)
{
	struct chunk *c = chunk_new(chunks);

	assert_non_null(c);
	c->fill = (uint32_t)strlen(text);
	memcpy(c->data, text, c->fill);
	return c;
}

/* Put text as one slice of a chunk of its own. */
static void put(struct pipe *p, const char *text)
{
	struct chunk *c = chunk_of(text);

	pipe_put(p, c, 0, c->fill);
	chunk_unref(c);
}

/* What pipe_iov shows, as text. */
static void expect_unread(const struct pipe *p, size_t most, const char *want)
{
	struct iovec iov[PIPE_SLICES];
	char got[256];
	size_t n, at = 0;
	unsigned used = pipe_iov(p, iov, PIPE_SLICES, most, &n);

	for (unsigned i = 0; i < used; i++) {
		memcpy(got + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	assert_int_equal(at, n);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(got, want, n);
}

static void content_comes_out_in_order(void **state)
{
	struct pipe p;

	pipe_init(&p);
	put(&p, "one");
	put(&p, "two");
	expect_unread(&p, 100, "onetwo");
	expect_unread(&p, 4, "onet");
	pipe_consume(&p, 4);
	expect_unread(&p, 100, "wo");
	put(&p, "!");
	expect_unread(&p, 100, "wo!");
	pipe_consume(&p, 3);
	assert_true(pipe_empty(&p));
	assert_int_equal(p.in, 7);
	assert_int_equal(p.out, 7);
	pipe_clear(&p);
}

static void adjacent_bytes_of_a_chunk_are_one_slice(void **state)
{
	struct chunk *c = chunk_of("abcdef");
	struct pipe p;

	pipe_init(&p);
	for (uint32_t i = 0; i < 6; i++)
		pipe_put(&p, c, i, 1);
	assert_int_equal(p.held, 1);
	assert_int_equal(c->refs, 2);
	expect_unread(&p, 100, "abcdef");
	assert_ptr_equal(pipe_tail(&p, 100), c);
	c->fill++; /* a byte that is not content lies behind the slice now */
	assert_null(pipe_tail(&p, 100));
	chunk_unref(c);
	pipe_clear(&p);
}

static void room_is_bounded_by_slices_and_bytes(void **state)
{
	struct pipe p;
	char big[CHUNK_DATA];

	pipe_init(&p);
	for (int i = 0; i < PIPE_SLICES; i++) {
		assert_true(pipe_room(&p) > 0);
		put(&p, "x");
	}
	assert_int_equal(pipe_room(&p), 0);
	pipe_consume(&p, 1);
	assert_true(pipe_room(&p) > 0);
	pipe_clear(&p);
	pipe_init(&p);
	memset(big, 'b', sizeof(big));
	assert_int_equal(pipe_write(&p, chunks, big, sizeof(big)), sizeof(big));
	while (pipe_room(&p) > 0)
		assert_true(pipe_write(&p, chunks, big, sizeof(big)) > 0);
	assert_in_range(p.bytes, PIPE_CAP, PIPE_CAP + CHUNK_DATA);
	assert_int_equal(pipe_write(&p, chunks, big, 1), 0);
	pipe_clear(&p);
}

static void kept_content_can_be_read_again(void **state)
{
	struct pipe p;

	pipe_init(&p);
	p.keep = true;
	put(&p, "head");
	put(&p, "tail");
	pipe_consume(&p, 6);
	put(&p, "more");
	assert_true(pipe_rewind(&p));
	expect_unread(&p, 100, "headtailmore");
	assert_int_equal(p.out, 0);
	pipe_consume(&p, 12);
	assert_true(pipe_rewind(&p));
	expect_unread(&p, 100, "headtailmore");
	pipe_clear(&p);
}

static void kept_content_gives_way_to_new(void **state)
{
	struct pipe p;

	pipe_init(&p);
	p.keep = true;
	for (int i = 0; i < PIPE_SLICES; i++)
		put(&p, "x");
	pipe_consume(&p, PIPE_SLICES);
	assert_int_equal(p.held, PIPE_SLICES);
	assert_true(pipe_room(&p) > 0);
	put(&p, "new");
	expect_unread(&p, 100, "new");
	assert_false(pipe_rewind(&p));
	pipe_clear(&p);
}

static void a_tail_that_follows_kept_content_is_kept_whole(void **state)
{
	struct chunk *c = chunk_of("abcd");
	struct pipe p;

	pipe_init(&p);
	p.keep = true;
	pipe_put(&p, c, 0, 2);
	pipe_consume(&p, 2);
	pipe_put(&p, c, 2, 2); /* must not be joined to the slice that is consumed */
	expect_unread(&p, 100, "cd");
	assert_true(pipe_rewind(&p));
	expect_unread(&p, 100, "abcd");
	chunk_unref(c);
	pipe_clear(&p);
}

static void forgetting_makes_a_rewind_impossible(void **state)
{
	struct pipe p;

	pipe_init(&p);
	p.keep = true;
	assert_true(pipe_rewind(&p)); /* nothing was consumed */
	put(&p, "ab");
	pipe_consume(&p, 1);
	pipe_forget(&p);
	assert_false(pipe_rewind(&p));
	expect_unread(&p, 100, "b");
	pipe_clear(&p);
}

static void writing_stops_when_memory_is_out(void **state)
{
	struct chunk *all[16];
	struct pipe p;

	pipe_init(&p);
	for (int i = 0; i < 16; i++)
		all[i] = chunk_new(chunks);
	assert_int_equal(pipe_write(&p, chunks, "x", 1), 0);
	for (int i = 0; i < 16; i++)
		chunk_unref(all[i]);
	assert_int_equal(pipe_write(&p, chunks, "x", 1), 1);
	pipe_clear(&p);
}

/* What lies behind the first *seen bytes, as text. */
static void expect_seen(const struct pipe *p, uint64_t *seen, const char *want)
{
	struct slice s;

	while (pipe_see(p, seen, &s)) {
		assert_true(strlen(want) >= s.n);
		assert_memory_equal(s.chunk->data + s.off, want, s.n);
		want += s.n;
	}
	assert_string_equal(want, "");
	assert_int_equal(*seen, p->in);
}

static void somebody_may_read_along(void **state)
{
	uint64_t seen = 0, late = 0;
	struct slice s;
	struct pipe p;

	pipe_init(&p);
	p.keep = true;
	expect_seen(&p, &seen, "");
	put(&p, "abc");
	put(&p, "de");
	expect_seen(&p, &seen, "abcde");
	pipe_consume(&p, 4);
	put(&p, "fgh");
	expect_seen(&p, &seen, "fgh");
	assert_true(pipe_rewind(&p)); /* sent again is not new */
	expect_seen(&p, &seen, "");
	pipe_consume(&p, 1);
	assert_false(pipe_see(&p, &late, &s)); /* it comes too late */
	assert_int_equal(late, 0);
	late = 1;
	expect_seen(&p, &late, "bcdefgh");
	pipe_clear(&p);
	late = 1;
	assert_false(pipe_see(&p, &late, &s));
}

/* Random puts, reads and rewinds against a plain copy of the bytes. */
static void random_lives_agree_with_a_plain_copy(void **state)
{
	static char model[1 << 20];

	srand(1);
	for (int life = 0; life < 200; life++) {
		size_t in = 0, out = 0;
		uint64_t seen = 0;
		struct slice s;
		struct pipe p;

		pipe_init(&p);
		p.keep = life % 2 == 0;
		for (int step = 0; step < 200; step++) {
			struct iovec iov[PIPE_SLICES];
			size_t n;

			if (rand() % 2 == 0 && in < sizeof(model) - 100) {
				for (size_t i = 0; i < 100; i++)
					model[in + i] = (char)rand();
				in += pipe_write(&p, chunks, model + in, (size_t)(rand() % 100));
			}
			for (uint64_t at = seen; pipe_see(&p, &seen, &s); at = seen)
				assert_memory_equal(s.chunk->data + s.off, model + at, s.n);
			assert_int_equal(seen, in);
			(void)pipe_iov(&p, iov, PIPE_SLICES, 1 + (size_t)(rand() % 300), &n);
			if (n > 0) {
				size_t first = iov[0].iov_len;

				assert_memory_equal(iov[0].iov_base, model + out, first);
				pipe_consume(&p, first);
				out += first;
			}
			if (rand() % 50 == 0 && pipe_rewind(&p))
				out = 0;
			assert_int_equal(p.bytes, in - out);
		}
		pipe_clear(&p);
	}
}

static void a_paced_pipe_gives_no_more_than_is_granted(void **state)
{
	struct pipe p;

	pipe_init(&p);
	put(&p, "abcdef");
	assert_int_equal(pipe_sendable(&p), 6);
	assert_true(pipe_allowed(&p) == UINT64_MAX);
	p.paced = true;
	p.allow = 4;
	assert_int_equal(pipe_sendable(&p), 4);
	expect_unread(&p, pipe_allowed(&p), "abcd");
	pipe_consume(&p, 3);
	assert_int_equal(pipe_sendable(&p), 1);
	pipe_consume(&p, 1);
	assert_int_equal(pipe_sendable(&p), 0);
	assert_false(pipe_empty(&p));
	p.allow = 100;
	assert_int_equal(pipe_sendable(&p), 2);
	pipe_spliced(&p, 90); /* through the kernel: counted, not in slices */
	assert_int_equal(pipe_allowed(&p), 10);
	assert_int_equal(p.out, 94);
	pipe_consume(&p, 2);
	pipe_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(content_comes_out_in_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(adjacent_bytes_of_a_chunk_are_one_slice, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(room_is_bounded_by_slices_and_bytes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(kept_content_can_be_read_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(kept_content_gives_way_to_new, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_tail_that_follows_kept_content_is_kept_whole, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(forgetting_makes_a_rewind_impossible, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(writing_stops_when_memory_is_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_paced_pipe_gives_no_more_than_is_granted, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(somebody_may_read_along, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(random_lives_agree_with_a_plain_copy, set_up,
					    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
