/*
 * slab: see slab.h.
 *
 * Pages are anonymous mappings of at least 64 KiB and at least 16 objects; the kernel gives the
 * memory only when it is touched, so a large page costs nothing before its objects are used.
 * Free objects are chained through their first word, last freed first: the next request gets the
 * memory that is still in the cache. A page is never given back before slab_free(): the cap is
 * the bound, and a burst leaves behind what the next burst needs.
 * Objects of whole system pages start on a system page.
 */
#include "common/mem/slab.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/mem/asan.h"
#include "common/check.h"

#define SLAB_MAGIC        0x51abu
#define SLAB_PAGE_MIN     ((size_t)64 * 1024)
#define SLAB_PAGE_OBJECTS 16u
#define SLAB_SIZE_MAX     ((size_t)1 << 30)

struct slab_object {
	struct slab_object *next;
};

struct slab_page {
	struct slab_page *next;
	void *mem;
};

struct slab {
	unsigned magic;
	size_t size; /* of an object */
	size_t cap;  /* 0 = none */
	size_t used;
	struct slab_object *free; /* given back, newest first */
	char *fresh, *fresh_end;  /* never handed out, in the newest page */
	size_t page_bytes;
	size_t bytes;
	struct slab_page *pages;
	const char *name;
};

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

struct slab *slab_new(const char *name, size_t size, size_t cap)
{
	struct slab *s;

	CHECK(size > 0 && size <= SLAB_SIZE_MAX);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->magic = SLAB_MAGIC;
	s->name = name;
	s->size = round_up(size, 16);
	s->cap = cap;
	s->page_bytes = round_up(s->size * SLAB_PAGE_OBJECTS, SLAB_PAGE_MIN);
	return s;
}

void slab_free(struct slab *s)
{
	struct slab_page *p;

	if (s == NULL)
		return;
	CHECK_MAGIC(s, SLAB_MAGIC);
	if (s->used != 0)
		BUG("slab %s freed with %zu objects in use", s->name, s->used);
	while ((p = s->pages) != NULL) {
		s->pages = p->next;
		(void)munmap(p->mem, s->page_bytes);
		free(p);
	}
	s->magic = 0;
	free(s);
}

/* Out of the way of slab_get(): one call in thousands. -1 when the system has no memory. */
static __attribute__((noinline)) int slab_grow(struct slab *s)
{
	struct slab_page *p = malloc(sizeof(*p));

	if (p == NULL)
		return -1;
	p->mem =
	    mmap(NULL, s->page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->mem == MAP_FAILED) {
		free(p);
		return -1;
	}
	p->next = s->pages;
	s->pages = p;
	s->bytes += s->page_bytes;
	s->fresh = p->mem;
	s->fresh_end = s->fresh + s->page_bytes / s->size * s->size;
	return 0;
}

void *slab_get(struct slab *s)
{
	void *obj;

	CHECK_MAGIC(s, SLAB_MAGIC);
	if (s->cap != 0 && s->used >= s->cap)
		return NULL;
	if (UNDER_ASAN) {
		obj = malloc(s->size);
	} else if (s->free != NULL) {
		obj = s->free;
		s->free = s->free->next;
	} else {
		if (s->fresh == s->fresh_end && slab_grow(s) == -1)
			return NULL;
		obj = s->fresh;
		s->fresh += s->size;
	}
	if (obj != NULL)
		s->used++;
	return obj;
}

void slab_put(struct slab *s, void *obj)
{
	struct slab_object *o = obj;

	CHECK_MAGIC(s, SLAB_MAGIC);
	if (obj == NULL)
		return;
	CHECK(s->used > 0);
	s->used--;
	if (UNDER_ASAN) {
		free(obj);
		return;
	}
	CHECK(o != s->free); /* the same object given back twice in a row */
	o->next = s->free;
	s->free = o;
}

size_t slab_size(const struct slab *s)
{
	return s->size;
}

size_t slab_used(const struct slab *s)
{
	return s->used;
}

size_t slab_cap(const struct slab *s)
{
	return s->cap;
}

size_t slab_bytes(const struct slab *s)
{
	return UNDER_ASAN ? s->used * s->size : s->bytes;
}
