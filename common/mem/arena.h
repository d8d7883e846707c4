/*
 * arena: memory that lives exactly as long as one request.
 *
 * Bump allocation from chunks of one slab; everything is given back at once. No free of single
 * pieces, no destructor. Limited: when the limit is reached arena_alloc answers NULL and the
 * request ends with a counted reason. Under AddressSanitizer every piece is a malloc.
 */
#ifndef SILEX_COMMON_MEM_ARENA_H
#define SILEX_COMMON_MEM_ARENA_H

#include <stddef.h>

#include "common/mem/slab.h"
#include "common/str.h"

struct arena_chunk;

struct arena {
	struct slab *slab;          /* chunks come from here */
	struct arena_chunk *chunks; /* newest first */
	char *next, *end;           /* free run in the newest chunk */
	size_t used, limit;         /* bytes handed out, at most */
};

/* slab's object size is the chunk size. Takes no chunk yet. */
void arena_init(struct arena *a, struct slab *slab, size_t limit);
/* The same, and the first n bytes come from mem: 16-byte aligned, the caller's, as long as a lives.
 */
void arena_init_with(struct arena *a, struct slab *slab, size_t limit, void *mem, size_t n);
/* 16-byte aligned, not zeroed; NULL beyond the limit, or when n does not fit in one chunk. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);
/* A copy of s, NUL-terminated behind its end (not counted in n). .p == NULL when out of memory. */
struct str arena_str(struct arena *a, struct str s);
/* Give everything back. The arena may be used again. */
void arena_reset(struct arena *a);

#endif
