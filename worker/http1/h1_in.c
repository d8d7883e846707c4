/* h1_in: see h1_in.h. */
#include "worker/http1/h1_in.h"

#include <errno.h>

#include "common/check.h"
#include "worker/flow/receive.h"
#include "worker/flow/splice.h"

#define TRAILERS_MAX 32

void h1_in_clear(struct h1_in *in)
{
	chunk_unref(in->buf);
	in->buf = NULL;
	in->at = 0;
	in->scan.seen = 0;
}

void h1_in_trim(struct h1_in *in)
{
	if (in->buf != NULL && in->at == in->buf->fill) {
		chunk_unref(in->buf);
		in->buf = NULL;
		in->at = 0;
	}
}

/* Move the unused rest to the front of another chunk. */
static int move_rest(struct h1_in *in, struct chunk *to)
{
	struct str rest = h1_in_rest(in);

	if (to == NULL)
		return -1;
	CHECK(rest.n <= to->size);
	memcpy(to->data, rest.p, rest.n);
	to->fill = (uint32_t)rest.n;
	chunk_unref(in->buf);
	in->buf = to;
	in->at = 0;
	return 0;
}

/* The rest fills the buffer: it is an incomplete head (or trailer section). */
static int make_space(struct h1_in *in, struct worker *w, uint32_t most)
{
	struct str rest = h1_in_rest(in);

	if (chunk_space(in->buf) > 0)
		return 0;
	if (rest.n < CHUNK_DATA / 2)
		return move_rest(in, chunk_new(w->chunks));
	if (rest.n >= most)
		return -1;
	return move_rest(
	    in, chunk_new_large((uint32_t)rest.n * 2 > most ? most + 1 : (uint32_t)rest.n * 2));
}

ssize_t h1_in_recv(struct h1_in *in, struct conn *c, const struct pipe *p, uint32_t most)
{
	bool rest = h1_in_rest(in).n > 0;
	uint32_t space;
	ssize_t n;

	if ((rest ? make_space(in, c->w, most)
		  : receive_buffer(&in->buf, &in->at, c->w->chunks, p)) == -1) {
		stat_add(c->w->slot, STAT_SLAB_EXHAUSTED, 1);
		errno = ENOBUFS;
		return -1;
	}
	space = chunk_space(in->buf);
	n = conn_recv(c, in->buf->data + in->buf->fill, space);
	in->bulk = n == (ssize_t)space && space >= RECEIVE_LEAST;
	if (n > 0)
		in->buf->fill += (uint32_t)n;
	else
		h1_in_trim(in);
	return n;
}

bool h1_in_splices(const struct h1_in *in, struct worker *w, struct pipe *p)
{
	bool worth = in->framing == FRAMING_LENGTH ? in->left >= w->conf->splice_threshold_bytes
						   : in->framing == FRAMING_CLOSE && in->bulk;

	if (p->kernel != NULL)
		return true;
	if (!p->splice_ok || p->tapped || !worth || h1_in_rest(in).n > 0)
		return false;
	p->kernel = splice_open(w->splices);
	p->splice_ok = p->kernel != NULL; /* none to be had: do not ask again */
	return p->kernel != NULL;
}

static void message_ends(struct h1_in *in, struct pipe *p)
{
	in->done = true;
	in->scan.seen = 0; /* what follows is a head */
	p->end = true;
}

/* A few bytes now and then are cheaper to copy. */
static void end_bulk(struct h1_in *in, struct pipe *p)
{
	splice_close(p->kernel);
	p->kernel = NULL;
	in->bulk = false;
}

ssize_t h1_in_splice(struct h1_in *in, struct conn *c, struct pipe *p)
{
	bool length = in->framing == FRAMING_LENGTH;
	size_t n = length && in->left < SPLICE_PIPE_BYTES ? (size_t)in->left : SPLICE_PIPE_BYTES;
	ssize_t got = splice_in(p->kernel, c->fd, n);

	if (got > 0)
		p->in += (uint64_t)got;
	if (got > 0 && length) {
		in->left -= (uint64_t)got;
		if (in->left == 0)
			message_ends(in, p);
	}
	if (got == -1 && errno == EAGAIN && !length && splice_bytes(p->kernel) == 0) {
		end_bulk(in, p);
		errno = EAGAIN;
	}
	return got;
}

void h1_in_head_done(struct h1_in *in, size_t n, enum framing framing, uint64_t length)
{
	in->at += (uint32_t)n;
	in->framing = (uint8_t)framing;
	in->scan.seen = 0;
	if (framing == FRAMING_LENGTH)
		in->left = length;
	in->done = framing == FRAMING_NONE || (framing == FRAMING_LENGTH && length == 0);
	if (framing == FRAMING_CHUNKED)
		h1_chunk_init(&in->chunk);
}

/* Put n bytes of the rest into the pipe. */
static void put(struct h1_in *in, struct pipe *p, size_t n)
{
	if (n > 0)
		pipe_put(p, in->buf, in->at, (uint32_t)n);
	in->at += (uint32_t)n;
}

/* Trailers borrow from the receive buffer; give them the request's life. Lost when memory is
 * out: RFC 9110 §6.5.1 lets them be discarded. */
static void keep_trailers(struct pipe *p, struct arena *a, const struct field *from, uint16_t n)
{
	struct field *to = n == 0 ? NULL : arena_alloc(a, n * sizeof(*to));

	if (to == NULL)
		return;
	for (uint16_t i = 0; i < n; i++) {
		struct str name = arena_str(a, str_make(from[i].name, from[i].name_n));
		struct str value = arena_str(a, str_make(from[i].value, from[i].value_n));

		if (name.p == NULL || value.p == NULL)
			return;
		to[i] = from[i];
		to[i].name = name.p;
		to[i].value = value.p;
	}
	p->trailers = to;
	p->n_trailers = n;
}

static int chunked_content(struct h1_in *in, struct pipe *p, struct arena *a)
{
	struct field trailers[TRAILERS_MAX];
	uint16_t n_trailers = 0;

	while (pipe_room(p) > 0) {
		struct str rest = h1_in_rest(in), data = STR_NONE;
		size_t used = 0;

		switch (h1_chunk_next(&in->chunk, rest, &used, &data, trailers, TRAILERS_MAX,
				      &n_trailers)) {
		case H1_CHUNK_MORE:
			in->at += (uint32_t)used;
			return 0;
		case H1_CHUNK_DATA:
			pipe_put(p, in->buf, (uint32_t)(data.p - in->buf->data), (uint32_t)data.n);
			in->at += (uint32_t)used;
			break;
		case H1_CHUNK_END:
			keep_trailers(p, a, trailers, n_trailers);
			in->at += (uint32_t)used;
			message_ends(in, p);
			return 0;
		case H1_CHUNK_BAD:
			return -1;
		}
	}
	return 0;
}

int h1_in_content(struct h1_in *in, struct pipe *p, struct arena *a)
{
	size_t n = h1_in_rest(in).n;

	switch ((enum framing)in->framing) {
	case FRAMING_CHUNKED:
		if (!in->done)
			return chunked_content(in, p, a);
		break;
	case FRAMING_LENGTH:
		if (n > in->left)
			n = (size_t)in->left;
		if (n > 0 && pipe_room(p) > 0) {
			put(in, p, n);
			in->left -= n;
		}
		in->done = in->left == 0;
		break;
	case FRAMING_CLOSE:
		if (n > 0 && pipe_room(p) > 0)
			put(in, p, n);
		break;
	case FRAMING_NONE:
		break;
	}
	if (in->done)
		message_ends(in, p);
	return 0;
}
