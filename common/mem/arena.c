/*
 * arena: see arena.h.
 *
 * A chunk is one slab object: a header of 16 bytes, then the bytes handed out. A piece that does
 * not fit in what is left of the newest chunk takes a new chunk; the rest of the old one is lost
 * until the reset, which is cheaper than looking for it. Under AddressSanitizer a "chunk" is one
 * piece, so that reading past a piece, or after the reset, is seen.
 */
#include "common/mem/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem/asan.h"

struct arena_chunk {
	_Alignas(16) struct arena_chunk *next; /* the pieces follow */
};
_Static_assert(sizeof(struct arena_chunk) == 16, "pieces are 16-byte aligned");

void arena_init(struct arena *a, struct slab *slab, size_t limit)
{
	*a = (struct arena){.slab = slab, .limit = limit};
}

void arena_init_with(struct arena *a, struct slab *slab, size_t limit, void *mem, size_t n)
{
	arena_init(a, slab, limit);
	a->next = mem;
	a->end = a->next + n;
}

static __attribute__((noinline)) int arena_grow(struct arena *a, size_t n)
{
	size_t size = UNDER_ASAN ? sizeof(struct arena_chunk) + n : slab_size(a->slab);
	struct arena_chunk *c = UNDER_ASAN ? malloc(size) : slab_get(a->slab);

	if (c == NULL)
		return -1;
	c->next = a->chunks;
	a->chunks = c;
	a->next = (char *)(c + 1);
	a->end = (char *)c + size;
	return 0;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t want = (n + 15) & ~(size_t)15;
	void *piece;

	if (want < n || want > a->limit - a->used ||
	    want > slab_size(a->slab) - sizeof(struct arena_chunk))
		return NULL;
	if (UNDER_ASAN || want > (size_t)(a->end - a->next)) {
		if (arena_grow(a, UNDER_ASAN ? n : want) == -1)
			return NULL;
	}
	piece = a->next;
	a->next += UNDER_ASAN ? 0 : want;
	a->used += want;
	return piece;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	void *piece = arena_alloc(a, n);

	return piece == NULL ? NULL : memset(piece, 0, n);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *copy = s.n == SIZE_MAX ? NULL : arena_alloc(a, s.n + 1);

	if (copy == NULL)
		return STR_NONE;
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return str_make(copy, s.n);
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		if (UNDER_ASAN)
			free(c);
		else
			slab_put(a->slab, c);
	}
	a->next = a->end = NULL;
	a->used = 0;
}
