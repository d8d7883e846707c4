/*
 * table_alloc: see table_alloc.h.
 *
 * Classes: every multiple of 16 up to 512, then four to a doubling. Free blocks are not joined as
 * a rule: sizes of hosts, clusters and nodes come back all the time. When the table cannot grow
 * any more, a larger free block is split, of whatever kind, and at last neighbours are joined. The
 * object grows by an eighth of itself, or by just what is needed when /dev/shm has no more than
 * that.
 */
#include "master/table/table_alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/check.h"
#include "common/table/shm.h"

#define SMALL_MAX     512u
#define SMALL_CLASSES (SMALL_MAX / TABLE_UNIT)
#define META_FRESH    0x80u
#define GROW_LEAST    (256u * 1024)
#define PAGE          4096u
#define REGION        65536u

struct retired {
	uint64_t version; /* the first that does not reach it */
	shm_ref ref;
};

static uint64_t class_bytes(unsigned c)
{
	unsigned above;

	CHECK(c < ALLOC_CLASSES);
	if (c < SMALL_CLASSES)
		return (c + 1) * TABLE_UNIT;
	above = c - SMALL_CLASSES;
	return (uint64_t)(5 + above % 4) << (7 + above / 4); /* 640, 768, 896, 1024, 1280, ... */
}

/* The smallest class that holds n bytes; ALLOC_CLASSES when there is none. */
static unsigned class_of(uint64_t n)
{
	unsigned doubling, quarter;

	if (n <= SMALL_MAX)
		return n == 0 ? 0 : (unsigned)((n - 1) / TABLE_UNIT);
	doubling =
	    63u - (unsigned)__builtin_clzll(n - 1); /* n is in (2^doubling, 2^(doubling+1)] */
	if (doubling > 31)
		return ALLOC_CLASSES;
	quarter = (unsigned)((n - 1) >> (doubling - 2)) & 3u;
	return SMALL_CLASSES + (doubling - 9) * 4 + quarter;
}

/* Of meta and kinds together: address space, until a block needs the page. */
static size_t private_bytes(uint64_t max)
{
	return (size_t)(max / TABLE_UNIT + max / PAGE);
}

int alloc_init(struct table_alloc *a, char *base, int fd, uint64_t max, uint64_t file)
{
	uint8_t *meta = mmap(NULL, private_bytes(max), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (meta == MAP_FAILED)
		return -1;
	*a = (struct table_alloc){
	    .base = base,
	    .fd = fd,
	    .max = max,
	    .file = file,
	    .top = TABLE_HEAD,
	    .meta = meta,
	    .kinds = meta + max / TABLE_UNIT,
	};
	return 0;
}

void alloc_free(struct table_alloc *a)
{
	if (a->meta != NULL)
		munmap(a->meta, private_bytes(a->max));
	for (unsigned k = 0; k < ALLOC_KINDS; k++)
		for (unsigned c = 0; c < ALLOC_CLASSES; c++)
			vec_free(&a->pools[k].free[c]);
	vec_free(&a->fresh);
	vec_free(&a->retiring);
	vec_free(&a->retired);
	*a = (struct table_alloc){.fd = -1};
}

static uint64_t block_bytes(const struct table_alloc *a, shm_ref ref)
{
	CHECK(ref < a->max / TABLE_UNIT && (a->meta[ref] & ~META_FRESH) != 0);
	return class_bytes((a->meta[ref] & ~META_FRESH) - 1u);
}

bool alloc_is_fresh(const struct table_alloc *a, shm_ref ref)
{
	return (a->meta[ref] & META_FRESH) != 0;
}

/* The list of the kind whose region it is in. */
static void put_on_list(struct table_alloc *a, unsigned cls, shm_ref ref)
{
	struct alloc_pool *pool = &a->pools[a->kinds[ref / (PAGE / TABLE_UNIT)]];
	shm_ref *place = vec_push(&pool->free[cls], sizeof(*place));

	if (place == NULL)
		a->lost += class_bytes(cls);
	else
		*place = ref;
}

/* Unused bytes become free blocks of the largest classes that fit. */
static void put_pieces(struct table_alloc *a, uint64_t at, uint64_t bytes)
{
	while (bytes >= TABLE_UNIT) {
		unsigned cls = class_of(bytes);

		cls = cls < ALLOC_CLASSES ? cls : ALLOC_CLASSES - 1;
		while (cls > 0 && class_bytes(cls) > bytes)
			cls--;
		put_on_list(a, cls, (shm_ref)(at / TABLE_UNIT));
		at += class_bytes(cls);
		bytes -= class_bytes(cls);
	}
}

static void release(struct table_alloc *a, shm_ref ref)
{
	unsigned cls = (a->meta[ref] & ~META_FRESH) - 1u;

	a->used -= block_bytes(a, ref);
	a->meta[ref] = 0;
	a->came_back = true;
	put_on_list(a, cls, ref);
}

static int grow_to(struct table_alloc *a, uint64_t bytes)
{
	if (bytes > a->max) {
		errno = ENOSPC;
		return -1;
	}
	if (shm_grow(a->fd, a->file, bytes) == -1)
		return -1;
	a->file = bytes;
	return 0;
}

static int grow(struct table_alloc *a, uint64_t need)
{
	uint64_t step = a->file / 8 > GROW_LEAST ? a->file / 8 : GROW_LEAST;
	uint64_t least = (need + PAGE - 1) / PAGE * PAGE;
	uint64_t want = (a->file + step) / PAGE * PAGE;

	want = want > a->max ? a->max : want;
	if (want > least && grow_to(a, want) == 0)
		return 0;
	return grow_to(a, least);
}

/* A region of at least that many bytes for this kind; what was left of its last one is free. */
static int take_region(struct table_alloc *a, enum alloc_kind kind, uint64_t bytes)
{
	struct alloc_pool *pool = &a->pools[kind];
	uint64_t least = (bytes + PAGE - 1) / PAGE * PAGE;
	uint64_t size = least > REGION ? least : REGION;

	if (a->top + size > a->file && grow(a, a->top + size) == -1) {
		size = least;
		if (a->top + size > a->file && grow(a, a->top + size) == -1)
			return -1;
	}
	put_pieces(a, pool->at, pool->end - pool->at);
	memset(a->kinds + a->top / PAGE, (int)kind, size / PAGE);
	pool->at = a->top;
	pool->end = a->top + size;
	a->top += size;
	return 0;
}

static shm_ref take_new(struct table_alloc *a, enum alloc_kind kind, uint64_t bytes)
{
	struct alloc_pool *pool = &a->pools[kind];
	shm_ref ref;

	if (pool->end - pool->at < bytes && take_region(a, kind, bytes) == -1)
		return 0;
	ref = (shm_ref)(pool->at / TABLE_UNIT);
	pool->at += bytes;
	return ref;
}

static shm_ref pop(struct alloc_pool *pool, unsigned cls)
{
	struct vec *v = &pool->free[cls];

	return v->n == 0 ? 0 : ((shm_ref *)v->items)[--v->n];
}

struct run { /* of free bytes */
	uint64_t at, bytes;
};

static int by_place(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Every free block, taken off its list. False when there is no memory to think in. */
static bool take_all_free(struct table_alloc *a, struct vec *runs)
{
	size_t n = 0;

	for (unsigned k = 0; k < ALLOC_KINDS; k++)
		for (unsigned c = 0; c < ALLOC_CLASSES; c++)
			n += a->pools[k].free[c].n;
	if (vec_reserve(runs, n, sizeof(struct run)) == -1)
		return false;
	for (unsigned k = 0; k < ALLOC_KINDS; k++) {
		for (unsigned c = 0; c < ALLOC_CLASSES; c++) {
			for (shm_ref ref; (ref = pop(&a->pools[k], c)) != 0;) {
				struct run *r = vec_push(runs, sizeof(*r));

				CHECK(r != NULL);
				*r = (struct run){(uint64_t)ref * TABLE_UNIT, class_bytes(c)};
			}
		}
	}
	return true;
}

/* Make neighbours one. Done only when the table is full, and only if something came back since. */
static void join_free(struct table_alloc *a)
{
	struct vec v = {NULL, 0, 0};
	struct run *r, now = {0, 0};

	if (!a->came_back || !take_all_free(a, &v))
		return;
	a->came_back = false;
	r = v.items;
	if (v.n > 0)
		qsort(r, v.n, sizeof(*r), by_place);
	for (size_t i = 0; i < v.n; i++) {
		if (r[i].at == now.at + now.bytes) {
			now.bytes += r[i].bytes;
			continue;
		}
		put_pieces(a, now.at, now.bytes);
		now = r[i];
	}
	put_pieces(a, now.at, now.bytes);
	vec_free(&v);
}

/* From any kind, of this class or cut from a larger one. */
static shm_ref take_anywhere(struct table_alloc *a, unsigned cls)
{
	uint64_t bytes = class_bytes(cls);

	for (unsigned c = cls; c < ALLOC_CLASSES; c++) {
		for (unsigned k = 0; k < ALLOC_KINDS; k++) {
			shm_ref ref = pop(&a->pools[k], c);

			if (ref == 0)
				continue;
			put_pieces(a, (uint64_t)ref * TABLE_UNIT + bytes, class_bytes(c) - bytes);
			return ref;
		}
	}
	for (unsigned k = 0; k < ALLOC_KINDS; k++)
		if (a->pools[k].end - a->pools[k].at >= bytes)
			return take_new(a, k, bytes);
	return 0;
}

shm_ref alloc_take(struct table_alloc *a, enum alloc_kind kind, size_t n)
{
	unsigned cls = class_of(n);
	shm_ref *place, ref;

	if (cls >= ALLOC_CLASSES) {
		errno = ENOSPC;
		return 0;
	}
	place = vec_push(&a->fresh, sizeof(*place));
	if (place == NULL)
		return 0;
	ref = pop(&a->pools[kind], cls);
	if (ref == 0)
		ref = take_new(a, kind, class_bytes(cls));
	if (ref == 0)
		ref = take_anywhere(a, cls);
	if (ref == 0) {
		join_free(a);
		ref = take_anywhere(a, cls);
	}
	if (ref == 0) {
		a->fresh.n--;
		errno = ENOSPC;
		return 0;
	}
	*place = ref;
	CHECK(a->meta[ref] == 0);
	a->meta[ref] = (uint8_t)((cls + 1) | META_FRESH);
	a->used += class_bytes(cls);
	a->copied += n;
	return ref;
}

int alloc_retire(struct table_alloc *a, shm_ref ref)
{
	shm_ref *place;

	if (alloc_is_fresh(a, ref)) {
		release(a, ref);
		return 0;
	}
	place = vec_push(&a->retiring, sizeof(*place));
	if (place == NULL)
		return -1;
	*place = ref;
	return 0;
}

int alloc_prepare(struct table_alloc *a)
{
	size_t n = a->retired.n;

	/* Forget what was reclaimed, when it is most of the list. */
	if (a->retired_from > 1024 && a->retired_from > n / 2) {
		struct retired *r = a->retired.items;

		memmove(r, r + a->retired_from, (n - a->retired_from) * sizeof(*r));
		a->retired.n = n - a->retired_from;
		a->retired_from = 0;
	}
	return vec_reserve(&a->retired, a->retiring.n, sizeof(struct retired));
}

/* A block given back and taken again is in the list twice: the mark says what it is. */
static void each_fresh(struct table_alloc *a, bool keep)
{
	const shm_ref *ref = a->fresh.items;

	for (size_t i = 0; i < a->fresh.n; i++) {
		if (!alloc_is_fresh(a, ref[i]))
			continue;
		if (keep)
			a->meta[ref[i]] &= (uint8_t)~META_FRESH;
		else
			release(a, ref[i]);
	}
	a->fresh.n = 0;
}

void alloc_commit(struct table_alloc *a, uint64_t version)
{
	const shm_ref *ref = a->retiring.items;

	each_fresh(a, true);
	for (size_t i = 0; i < a->retiring.n; i++) {
		struct retired *r = vec_push(&a->retired, sizeof(*r));

		CHECK(r != NULL); /* alloc_prepare() made the room */
		*r = (struct retired){version, ref[i]};
		a->waiting += block_bytes(a, ref[i]);
	}
	a->retiring.n = 0;
}

void alloc_rollback(struct table_alloc *a)
{
	each_fresh(a, false);
	a->retiring.n = 0;
}

void alloc_reclaim(struct table_alloc *a, uint64_t oldest)
{
	const struct retired *r = a->retired.items;

	while (a->retired_from < a->retired.n && r[a->retired_from].version <= oldest) {
		a->waiting -= block_bytes(a, r[a->retired_from].ref);
		release(a, r[a->retired_from].ref);
		a->retired_from++;
	}
}
