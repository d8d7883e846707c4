/* h2_out: see h2_out.h. */
#include "worker/http2/h2_out.h"

#include <errno.h>

#include "common/check.h"

#define COPY_BELOW 2048 /* a smaller piece is copied: an iovec costs more */
#define IOV_MAX_   64

static struct slice *at(struct h2_out *o, uint32_t i)
{
	return &o->ring[(o->first + i) & (H2_OUT_SLICES - 1)];
}

bool h2_out_full(const struct h2_out *o)
{
	return o->bytes >= H2_OUT_FULL || o->n + H2_OUT_SPARE > H2_OUT_SLICES;
}

/* n bytes of c from off on are the next to be sent; a reference is taken. */
static int append(struct h2_out *o, struct chunk *c, uint32_t off, uint32_t n)
{
	struct slice *last = o->n > 0 ? at(o, o->n - 1) : NULL;

	o->bytes += n;
	if (last != NULL && last->chunk == c && last->off + last->n == off) {
		last->n += n;
		return 0;
	}
	if (o->n == H2_OUT_SLICES)
		return -1;
	*at(o, o->n++) = (struct slice){chunk_ref(c), off, n};
	return 0;
}

static int new_tail(struct h2_out *o, struct slab *chunks)
{
	chunk_unref(o->tail);
	o->tail = chunk_new(chunks);
	return o->tail == NULL ? -1 : 0;
}

int h2_out_put(struct h2_out *o, struct slab *chunks, const void *bytes, size_t n)
{
	const char *from = bytes;

	while (n > 0) {
		uint32_t part, off;

		if ((o->tail == NULL || chunk_space(o->tail) == 0) && new_tail(o, chunks) == -1)
			return -1;
		part = chunk_space(o->tail);
		if (part > n)
			part = (uint32_t)n;
		off = o->tail->fill;
		memcpy(o->tail->data + off, from, part);
		o->tail->fill += part;
		if (append(o, o->tail, off, part) == -1)
			return -1;
		from += part;
		n -= part;
	}
	return 0;
}

int h2_out_take(struct h2_out *o, struct slab *chunks, struct pipe *p, size_t n)
{
	while (n > 0) {
		struct slice s;
		bool any = pipe_peek(p, &s);
		int rc;

		CHECK(any);
		if (s.n > n)
			s.n = (uint32_t)n;
		rc = s.n < COPY_BELOW ? h2_out_put(o, chunks, s.chunk->data + s.off, s.n)
				      : append(o, s.chunk, s.off, s.n);
		if (rc == -1)
			return -1;
		pipe_consume(p, s.n);
		n -= s.n;
	}
	return 0;
}

static void sent_bytes(struct h2_out *o, size_t n)
{
	o->bytes -= (uint32_t)n;
	while (n > 0) {
		struct slice *s = at(o, 0);

		if (n < s->n) {
			s->off += (uint32_t)n;
			s->n -= (uint32_t)n;
			return;
		}
		n -= s->n;
		chunk_unref(s->chunk);
		o->first++;
		o->n--;
	}
}

enum h2_out_state h2_out_flush(struct h2_out *o, struct conn *c, uint64_t *sent)
{
	struct iovec iov[IOV_MAX_];

	while (o->n > 0) {
		unsigned used = 0;
		ssize_t n;

		for (; used < o->n && used < IOV_MAX_; used++)
			iov[used] = (struct iovec){at(o, used)->chunk->data + at(o, used)->off,
						   at(o, used)->n};
		n = conn_writev(c, iov, used);
		if (n == -1)
			return errno == EAGAIN || errno == ENOBUFS ? H2_OUT_BLOCKED : H2_OUT_DEAD;
		*sent += (uint64_t)n;
		sent_bytes(o, (size_t)n);
	}
	chunk_unref(o->tail);
	o->tail = NULL;
	return H2_OUT_EMPTY;
}

void h2_out_clear(struct h2_out *o)
{
	sent_bytes(o, o->bytes);
	chunk_unref(o->tail);
	o->tail = NULL;
}
