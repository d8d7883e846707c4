/* aside: see aside.h. Within a region pieces are only ever added, until it is empty again. */
#include "k8s/objects/aside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/check.h"
#include "common/mem/asan.h"

#define REGION_BYTES ((size_t)256 * 1024)

struct aside_region {
	size_t size; /* of the mapping */
	size_t used; /* from its start */
	size_t live; /* pieces */
};

/* One process decodes, one object at a time. */
static struct aside_region *current; /* NULL: none; where the next piece is taken */
static size_t held;

static size_t round_up(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static struct aside_region *map_region(size_t least)
{
	size_t size = REGION_BYTES;
	struct aside_region *r;

	while (size < least + round_up(sizeof(*r)))
		size *= 2;
	r = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(r != MAP_FAILED);
	*r = (struct aside_region){.size = size, .used = round_up(sizeof(*r))};
	held += size;
	return r;
}

static void unmap_region(struct aside_region *r)
{
	held -= r->size;
	(void)munmap(r, r->size);
}

struct aside *aside_new(size_t size)
{
	size_t n = round_up(sizeof(struct aside) + size);
	struct aside *a;

	CHECK(n > size);
	if (UNDER_ASAN) {
		a = malloc(n);
		CHECK(a != NULL);
		*a = (struct aside){.size = size};
		return a;
	}
	if (current == NULL || n > current->size - current->used)
		current = map_region(n); /* the former goes with its last piece */
	a = (struct aside *)(void *)((char *)current + current->used);
	*a = (struct aside){.region = current, .size = size};
	current->used += n;
	current->live++;
	return a;
}

void aside_free(struct aside *a)
{
	struct aside_region *r = a->region;

	explicit_bzero(a, sizeof(*a) + a->size);
	if (r == NULL) {
		free(a);
		return;
	}
	CHECK(r->live > 0);
	if (--r->live > 0)
		return;
	if (r == current)
		current = NULL;
	unmap_region(r);
}

size_t aside_held(void)
{
	return held;
}
