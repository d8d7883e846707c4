/* backlog: see backlog.h. */
#include "worker/mirror/backlog.h"

#include "common/check.h"

#define SLICES ((uint32_t)(CHUNK_DATA / sizeof(struct slice)))

static struct slice *at(const struct backlog *b, uint32_t i)
{
	struct slice *all = (struct slice *)(void *)b->space->data;

	return &all[(b->first + i) % SLICES];
}

static bool has_room(struct backlog *b, struct slab *chunks)
{
	if (b->space == NULL)
		b->space = chunk_new(chunks);
	return b->space != NULL && b->n < SLICES && b->bytes < BACKLOG_BYTES &&
	       b->chunks < BACKLOG_CHUNKS;
}

bool backlog_put(struct backlog *b, struct slab *chunks, const struct slice *s)
{
	struct slice *last;

	if (!has_room(b, chunks))
		return false;
	last = b->n == 0 ? NULL : at(b, b->n - 1);
	b->bytes += s->n;
	if (last != NULL && last->chunk == s->chunk && last->off + last->n == s->off) {
		last->n += s->n;
		return true;
	}
	b->chunks += last == NULL || last->chunk != s->chunk;
	*at(b, b->n++) = (struct slice){chunk_ref(s->chunk), s->off, s->n};
	return true;
}

static void drop_first(struct backlog *b)
{
	struct slice s = *at(b, 0);

	b->first = (b->first + 1) % SLICES;
	b->n--;
	b->bytes -= s.n;
	b->chunks -= b->n == 0 || at(b, 0)->chunk != s.chunk;
	chunk_unref(s.chunk);
}

void backlog_give(struct backlog *b, struct pipe *to)
{
	while (b->n > 0 && pipe_room(to) > 0) {
		const struct slice *s = at(b, 0);

		pipe_put(to, s->chunk, s->off, s->n);
		drop_first(b);
	}
	CHECK(b->n > 0 || (b->bytes == 0 && b->chunks == 0));
}

void backlog_clear(struct backlog *b)
{
	while (b->n > 0)
		drop_first(b);
	chunk_unref(b->space);
	b->space = NULL;
}
