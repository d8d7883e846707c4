/* The allocator of the table: the life of a block, and that no two blocks overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/table/shm.h"
#include "master/table/table_alloc.h"

struct fixture {
	struct table_alloc a;
	char *base;
	int fd;
	size_t max;
};

static void open_alloc(struct fixture *f, size_t max)
{
	f->max = max;
	f->fd = memfd_create("alloc", MFD_CLOEXEC);
	assert_int_not_equal(f->fd, -1);
	assert_int_equal(shm_grow(f->fd, 0, TABLE_HEAD), 0);
	f->base = shm_map(f->fd, max, 1);
	assert_non_null(f->base);
	assert_int_equal(alloc_init(&f->a, f->base, f->fd, max, TABLE_HEAD), 0);
}

static void close_alloc(struct fixture *f)
{
	alloc_free(&f->a);
	munmap(f->base, f->max);
	close(f->fd);
}

static void commit(struct fixture *f, uint64_t version)
{
	assert_int_equal(alloc_prepare(&f->a), 0);
	alloc_commit(&f->a, version);
}

static void life_of_a_block(void **state)
{
	struct fixture f;
	shm_ref a, b;

	open_alloc(&f, 1 << 20);
	a = alloc_take(&f.a, ALLOC_HOST, 100);
	assert_int_not_equal(a, 0);
	assert_true(alloc_is_fresh(&f.a, a));
	assert_int_equal(f.a.used, 112);
	assert_int_equal(alloc_retire(&f.a, a), 0); /* nobody saw it: free at once */
	assert_int_equal(f.a.used, 0);
	b = alloc_take(&f.a, ALLOC_HOST, 97);
	assert_int_equal(b, a);
	commit(&f, 1);
	assert_false(alloc_is_fresh(&f.a, b));

	assert_int_equal(alloc_retire(&f.a, b), 0);
	assert_int_equal(f.a.waiting, 0); /* until the publication, it is still live */
	commit(&f, 2);
	assert_int_equal(f.a.waiting, 112);
	alloc_reclaim(&f.a, 1); /* somebody still looks at version 1 */
	assert_int_equal(f.a.used, 112);
	assert_int_not_equal(alloc_take(&f.a, ALLOC_HOST, 112), b);
	alloc_reclaim(&f.a, 2);
	assert_int_equal(f.a.waiting, 0);
	assert_int_equal(alloc_take(&f.a, ALLOC_HOST, 112), b);
	close_alloc(&f);
}

static void rollback_gives_back_and_keeps(void **state)
{
	struct fixture f;
	shm_ref kept, fresh;

	open_alloc(&f, 1 << 20);
	kept = alloc_take(&f.a, ALLOC_NODE, 64);
	commit(&f, 1);
	fresh = alloc_take(&f.a, ALLOC_NODE, 64);
	assert_int_equal(alloc_retire(&f.a, fresh), 0);
	fresh = alloc_take(&f.a, ALLOC_NODE, 64); /* the same block, twice in the list */
	assert_int_equal(alloc_retire(&f.a, kept), 0);
	alloc_rollback(&f.a);
	assert_int_equal(f.a.used, 64);
	commit(&f, 2);
	alloc_reclaim(&f.a, UINT64_MAX); /* kept was not retired after all */
	assert_int_equal(f.a.used, 64);
	assert_int_equal(alloc_take(&f.a, ALLOC_NODE, 64), fresh);
	close_alloc(&f);
}

static void every_size_fits_its_class(void **state)
{
	struct fixture f;
	uint64_t used = 0;

	open_alloc(&f, 64 << 20);
	for (size_t n = 0; n < 1 << 20; n += n < 2000 ? 1 : n / 7) {
		shm_ref r = alloc_take(&f.a, ALLOC_OTHER, n);

		assert_int_not_equal(r, 0);
		assert_true(f.a.used - used >= n);
		assert_true(f.a.used - used <= n + n / 4 + TABLE_UNIT);
		assert_true((uint64_t)r * TABLE_UNIT + n <= f.a.file);
		used = f.a.used;
		assert_int_equal(alloc_retire(&f.a, r), 0);
		used = f.a.used;
	}
	close_alloc(&f);
}

static void no_room(void **state)
{
	struct fixture f;
	unsigned n = 0;

	open_alloc(&f, 64 * 1024);
	while (alloc_take(&f.a, ALLOC_CLUSTER, 1000) != 0)
		n++;
	assert_int_equal(errno, ENOSPC);
	assert_true(n >= 59 && n <= 60); /* 1,024 bytes each, of 60 KiB */
	assert_true(f.a.file <= f.max);
	assert_int_equal(alloc_take(&f.a, ALLOC_CLUSTER, SIZE_MAX / 2), 0);
	assert_int_equal(errno, ENOSPC);
	alloc_rollback(&f.a);
	assert_int_equal(f.a.used, 0);
	/* The same room as small blocks of another kind: what is free is cut up. */
	for (n = 0; alloc_take(&f.a, ALLOC_HOST, 16) != 0;)
		n++;
	assert_true(n * 16 >= 59 * 1024);
	close_alloc(&f);
}

#define BLOCKS 300

struct block {
	shm_ref ref;
	uint32_t n;
	unsigned char fill;
};

static uint32_t rng(uint32_t below)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 33) % below;
}

static void check_fill(const struct fixture *f, const struct block *b)
{
	const unsigned char *p = alloc_at(&f->a, b->ref);

	for (uint32_t i = 0; i < b->n; i++)
		assert_int_equal(p[i], b->fill);
}

/* Random takes and retires over many versions: a block keeps its content until it is reclaimed. */
static void nothing_overlaps(void **state)
{
	static struct block blocks[BLOCKS];
	struct fixture f;
	uint64_t version = 1;

	open_alloc(&f, 4 << 20);
	for (unsigned step = 0; step < 60000; step++) {
		struct block *b = &blocks[rng(BLOCKS)];

		if (b->ref != 0) {
			check_fill(&f, b);
			assert_int_equal(alloc_retire(&f.a, b->ref), 0);
		}
		b->n = 1 + rng(rng(20) == 0 ? 9000 : 300);
		b->fill = (unsigned char)step;
		b->ref = alloc_take(&f.a, rng(ALLOC_KINDS), b->n);
		assert_int_not_equal(b->ref, 0);
		memset(alloc_at(&f.a, b->ref), b->fill, b->n);
		if (rng(10) == 0) {
			commit(&f, version);
			alloc_reclaim(&f.a, version > 5 ? version - 5 : 0);
			version++;
		}
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		assert_int_equal(blocks[i].ref == 0 ? 0 : alloc_retire(&f.a, blocks[i].ref), 0);
	commit(&f, version);
	alloc_reclaim(&f.a, version);
	assert_int_equal(f.a.used, 0);
	assert_int_equal(f.a.waiting, 0);
	assert_int_equal(f.a.lost, 0);
	close_alloc(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(life_of_a_block),
	    cmocka_unit_test(rollback_gives_back_and_keeps),
	    cmocka_unit_test(every_size_fits_its_class),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(nothing_overlaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
