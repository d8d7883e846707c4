/* chunk: see chunk.h. */
#include "worker/flow/chunk.h"

#include <stdlib.h>

#include "common/check.h"

struct chunk *chunk_new(struct slab *slab)
{
	struct chunk *c = slab_get(slab);

	if (c == NULL)
		return NULL;
	c->slab = slab;
	c->refs = 1;
	c->fill = 0;
	c->size = CHUNK_DATA;
	return c;
}

struct chunk *chunk_new_large(uint32_t size)
{
	struct chunk *c = malloc(sizeof(*c) + size);

	if (c == NULL)
		return NULL;
	c->slab = NULL;
	c->refs = 1;
	c->fill = 0;
	c->size = size;
	return c;
}

void chunk_free(struct chunk *c)
{
	CHECK(c->refs == 0);
	if (c->slab == NULL)
		free(c);
	else
		slab_put(c->slab, c);
}
