/*
 * chunk: a reference-counted 16 KiB buffer from the worker's slab.
 *
 * Bytes of a body are received into a chunk once and never copied again: the pipe and the side
 * that received them hold references, writev() sends from the place. A connection without work
 * holds no chunk. Single-threaded: the count is a plain integer.
 * What must not happen here: growth. The slab's cap is the worker's memory limit for bodies.
 */
#ifndef SILEX_WORKER_FLOW_CHUNK_H
#define SILEX_WORKER_FLOW_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "common/mem/slab.h"

#define CHUNK_SIZE 16384 /* object size of worker->chunks */

struct chunk {
	struct slab *slab; /* where it goes back to; NULL: malloc'ed, chunk_new_large() */
	uint32_t refs;
	uint32_t fill;           /* bytes of data[] in use: the next receive goes behind them */
	uint32_t size;           /* of data[] */
	_Alignas(8) char data[]; /* also an array of fields: chunk_new_large() */
};

#define CHUNK_DATA ((uint32_t)(CHUNK_SIZE - offsetof(struct chunk, data)))

/* One reference, empty; NULL at the slab's cap. slab's object size must be CHUNK_SIZE. */
struct chunk *chunk_new(struct slab *slab);
/* For the rare head that is larger than a chunk: `size` bytes of data from malloc; NULL. */
struct chunk *chunk_new_large(uint32_t size);
void chunk_free(struct chunk *c); /* internal to chunk_unref */

static inline struct chunk *chunk_ref(struct chunk *c)
{
	c->refs++;
	return c;
}

/* NULL is ignored. */
static inline void chunk_unref(struct chunk *c)
{
	if (c != NULL && --c->refs == 0)
		chunk_free(c);
}

static inline uint32_t chunk_space(const struct chunk *c)
{
	return c->size - c->fill;
}

#endif
