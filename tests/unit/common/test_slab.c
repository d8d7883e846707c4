/* test_slab: slab and arena: bounds, order of reuse, alignment, page growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mem/arena.h"
#include "common/mem/asan.h"
#include "common/mem/slab.h"

static void slab_cap_is_hard(void **state)
{
	struct slab *s = slab_new("test", 100, 3);
	void *o[3];

	assert_int_equal(slab_size(s), 112);
	assert_int_equal(slab_cap(s), 3);
	assert_int_equal(slab_bytes(s), 0);
	for (int i = 0; i < 3; i++)
		assert_non_null(o[i] = slab_get(s));
	assert_null(slab_get(s));
	assert_int_equal(slab_used(s), 3);
	slab_put(s, o[1]);
	slab_put(s, NULL);
	assert_int_equal(slab_used(s), 2);
	assert_non_null(o[1] = slab_get(s));
	for (int i = 0; i < 3; i++)
		slab_put(s, o[i]);
	assert_int_equal(slab_used(s), 0);
	slab_free(s);
}

static void slab_reuses_last_freed_first(void **state)
{
	struct slab *s = slab_new("test", 64, 0);
	void *a = slab_get(s), *b = slab_get(s), *c = slab_get(s);

	slab_put(s, a);
	slab_put(s, b);
	if (!UNDER_ASAN) {
		assert_ptr_equal(slab_get(s), b);
		assert_ptr_equal(slab_get(s), a);
		slab_put(s, a);
		slab_put(s, b);
	}
	slab_put(s, c);
	slab_free(s);
}

/* Every object apart, aligned and whole over many pages. */
static void slab_objects_do_not_overlap(void **state)
{
	static const size_t sizes[] = {1, 24, 600, 4096, 16384, 100000};
	void *obj[200];

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		size_t size = sizes[k];
		struct slab *s = slab_new("test", size, 0);

		for (size_t i = 0; i < 200; i++) {
			obj[i] = slab_get(s);
			assert_non_null(obj[i]);
			assert_int_equal((uintptr_t)obj[i] % 16, 0);
			memset(obj[i], (int)i, size);
		}
		assert_true(slab_bytes(s) >= 200 * size);
		for (size_t i = 0; i < 200; i++) {
			const unsigned char *p = obj[i];

			assert_int_equal(p[0], (unsigned char)i);
			assert_int_equal(p[size - 1], (unsigned char)i);
			slab_put(s, obj[i]);
		}
		slab_free(s);
	}
}

static void slab_keeps_pages_for_the_next_burst(void **state)
{
	struct slab *s = slab_new("test", 1000, 0);
	void *obj[500];
	size_t bytes = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 500; i++)
			assert_non_null(obj[i] = slab_get(s));
		assert_true(round == 0 || slab_bytes(s) == bytes);
		bytes = slab_bytes(s);
		for (int i = 0; i < 500; i++)
			slab_put(s, obj[i]);
	}
	slab_free(s);
}

static void arena_pieces_are_apart(void **state)
{
	struct slab *s = slab_new("test", 512, 0);
	struct arena a;
	unsigned char *p[64];

	arena_init(&a, s, 1 << 20);
	assert_int_equal(slab_used(s), 0);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 64; i++) {
			p[i] = arena_alloc(&a, i + 1);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], (int)i, i + 1);
		}
		for (size_t i = 0; i < 64; i++)
			for (size_t j = 0; j <= i; j++)
				assert_int_equal(p[i][j], i);
		arena_reset(&a);
		assert_int_equal(slab_used(s), 0);
		assert_int_equal(a.used, 0);
	}
	slab_free(s);
}

static void arena_refuses_what_is_too_large(void **state)
{
	struct slab *s = slab_new("test", 512, 2);
	struct arena a;

	arena_init(&a, s, 1 << 20);
	assert_null(arena_alloc(&a, 512 - 15));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 14));
	assert_non_null(arena_alloc(&a, 512 - 16));
	arena_reset(&a);

	arena_init(&a, s, 64);
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 17));
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 64));
	arena_reset(&a);
	slab_free(s);
}

#if !UNDER_ASAN /* there every piece is a malloc of its own, and the chunks are not counted */
static void arena_ends_with_its_slab(void **state)
{
	struct slab *s;
	struct arena a;

	s = slab_new("test", 512, 2);
	arena_init(&a, s, 1 << 20);
	assert_non_null(arena_alloc(&a, 400));
	assert_non_null(arena_alloc(&a, 400));
	assert_null(arena_alloc(&a, 400));
	assert_non_null(arena_alloc(&a, 64)); /* still fits in the newest chunk */
	arena_reset(&a);
	slab_free(s);
}
#endif

static void arena_copies(void **state)
{
	struct slab *s = slab_new("test", 512, 0);
	struct arena a;
	struct str c;
	char *z;

	arena_init(&a, s, 1024);
	c = arena_str(&a, STR("hello"));
	assert_int_equal(c.n, 5);
	assert_string_equal(c.p, "hello");
	c = arena_str(&a, STR_NONE);
	assert_non_null(c.p);
	assert_int_equal(c.n, 0);
	z = arena_zalloc(&a, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(z[i], 0);
	assert_null(arena_str(&a, str_make("x", 2000)).p);
	arena_reset(&a);
	slab_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slab_cap_is_hard),
		cmocka_unit_test(slab_reuses_last_freed_first),
		cmocka_unit_test(slab_objects_do_not_overlap),
		cmocka_unit_test(slab_keeps_pages_for_the_next_burst),
		cmocka_unit_test(arena_pieces_are_apart),
		cmocka_unit_test(arena_refuses_what_is_too_large),
#if !UNDER_ASAN
		cmocka_unit_test(arena_ends_with_its_slab),
#endif
		cmocka_unit_test(arena_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
