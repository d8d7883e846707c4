/*
 * pipe: see pipe.h. The ring, oldest first:
 *
 *     first                    first + kept              first + held
 *       | kept for a rewind ...  | unread ...               | free ...
 *
 * `cut` bytes of the first unread slice are consumed already.
 */
#include "worker/flow/pipe.h"

#include <string.h>

#include "common/check.h"
#include "worker/flow/splice.h"

static struct slice *slice_at(const struct pipe *p, unsigned i)
{
	return (struct slice *)&p->ring[(p->first + i) & (PIPE_SLICES - 1)];
}

void pipe_init(struct pipe *p)
{
	memset(p, 0, offsetof(struct pipe, ring));
}

/* Give up the oldest slice, which nobody will read again. */
static void drop_first(struct pipe *p)
{
	chunk_unref(slice_at(p, 0)->chunk);
	p->first = (p->first + 1) & (PIPE_SLICES - 1);
	p->held--;
}

void pipe_forget(struct pipe *p)
{
	p->keep = false;
	if (p->out > 0)
		p->lost = true;
	for (; p->kept > 0; p->kept--)
		drop_first(p);
}

void pipe_clear(struct pipe *p)
{
	while (p->held > 0)
		drop_first(p);
	p->kept = 0;
	p->cut = 0;
	p->bytes = 0;
	if (p->kernel != NULL)
		splice_close(p->kernel);
	p->kernel = NULL;
}

uint32_t pipe_room(const struct pipe *p)
{
	if (p->kernel != NULL) {
		size_t held = splice_bytes(p->kernel);

		return held >= SPLICE_PIPE_BYTES ? 0 : (uint32_t)(SPLICE_PIPE_BYTES - held);
	}
	/* A kept slice is given up by pipe_put() when its place is needed. */
	if (p->held - p->kept >= PIPE_SLICES || p->bytes >= PIPE_CAP)
		return 0;
	return PIPE_CAP - p->bytes;
}

void pipe_put(struct pipe *p, struct chunk *c, uint32_t off, uint32_t n)
{
	struct slice *last = p->held > p->kept ? slice_at(p, p->held - 1u) : NULL;

	p->in += n;
	p->bytes += n;
	if (last != NULL && last->chunk == c && last->off + last->n == off) {
		last->n += n;
		return;
	}
	if (p->held == PIPE_SLICES)
		pipe_forget(p);
	CHECK(p->held < PIPE_SLICES);
	*slice_at(p, p->held) = (struct slice){chunk_ref(c), off, n};
	p->held++;
}

struct chunk *pipe_tail(const struct pipe *p, uint32_t least)
{
	const struct slice *last;

	if (p->held == p->kept)
		return NULL;
	last = slice_at(p, p->held - 1u);
	if (last->off + last->n != last->chunk->fill || chunk_space(last->chunk) < least)
		return NULL;
	return last->chunk;
}

size_t pipe_write(struct pipe *p, struct slab *chunks, const char *bytes, size_t n)
{
	size_t done = 0;

	while (done < n && pipe_room(p) > 0) {
		struct chunk *c = pipe_tail(p, 1);
		bool fresh = c == NULL;
		uint32_t at, part;

		if (fresh && (c = chunk_new(chunks)) == NULL)
			break;
		at = c->fill;
		part = chunk_space(c);
		if (part > n - done)
			part = (uint32_t)(n - done);
		memcpy(c->data + at, bytes + done, part);
		c->fill += part;
		pipe_put(p, c, at, part);
		if (fresh)
			chunk_unref(c); /* the slice holds it now */
		done += part;
	}
	return done;
}

unsigned pipe_iov(const struct pipe *p, struct iovec *iov, unsigned max, size_t most, size_t *bytes)
{
	uint32_t cut = p->cut;
	unsigned used = 0;

	*bytes = 0;
	for (unsigned i = p->kept; i < p->held && used < max && *bytes < most; i++) {
		const struct slice *s = slice_at(p, i);
		size_t n = s->n - cut;

		if (n > most - *bytes)
			n = most - *bytes;
		iov[used++] = (struct iovec){s->chunk->data + s->off + cut, n};
		*bytes += n;
		cut = 0;
	}
	return used;
}

bool pipe_peek(const struct pipe *p, struct slice *out)
{
	if (p->held == p->kept)
		return false;
	*out = *slice_at(p, p->kept);
	out->off += p->cut;
	out->n -= p->cut;
	return true;
}

bool pipe_see(const struct pipe *p, uint64_t *seen, struct slice *out)
{
	uint64_t left = p->in - *seen;
	uint32_t before, cut = p->cut;

	if (left == 0 || left > p->bytes)
		return false;
	before = p->bytes - (uint32_t)left; /* unread, and seen */
	for (unsigned i = p->kept; i < p->held; i++) {
		const struct slice *s = slice_at(p, i);

		if (before < s->n - cut) {
			*out = (struct slice){s->chunk, s->off + cut + before, s->n - cut - before};
			*seen += out->n;
			return true;
		}
		before -= s->n - cut;
		cut = 0;
	}
	return false;
}

static void count_out(struct pipe *p, size_t n)
{
	p->out += n;
	if (p->paced)
		p->allow -= n < p->allow ? (uint32_t)n : p->allow;
}

void pipe_spliced(struct pipe *p, size_t n)
{
	count_out(p, n);
	p->lost = true;
}

void pipe_consume(struct pipe *p, size_t n)
{
	CHECK(n <= p->bytes);
	p->bytes -= (uint32_t)n;
	count_out(p, n);
	while (n > 0) {
		uint32_t left = slice_at(p, p->kept)->n - p->cut;

		if (n < left) {
			p->cut += (uint32_t)n;
			return;
		}
		n -= left;
		p->cut = 0;
		if (p->keep)
			p->kept++;
		else
			drop_first(p);
	}
	if (!p->keep)
		p->lost = true;
}

bool pipe_rewind(struct pipe *p)
{
	if (p->out == 0)
		return true;
	if (p->lost || !p->keep)
		return false;
	p->bytes += (uint32_t)p->out; /* nothing was lost: all of it is still in the ring */
	p->out = 0;
	p->cut = 0;
	p->kept = 0;
	return true;
}

bool pipe_empty(const struct pipe *p)
{
	return p->bytes == 0 && (p->kernel == NULL || splice_bytes(p->kernel) == 0);
}
