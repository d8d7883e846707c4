/* h1_out: see h1_out.h. */
#include "worker/http1/h1_out.h"

#include <errno.h>

#include "common/check.h"
#include "worker/wire/h1_chunk.h"
#include "worker/wire/h1_write.h"
#include "worker/flow/splice.h"

#define TRAILERS_ROOM 8704 /* H1_TRAILERS_MAX and the last chunk line */
#define GATHER_MOST   1024 /* bytes that are copied sooner than sent by a gathering call */

void h1_out_reset(struct h1_out *o)
{
	chunk_unref(o->head);
	*o = (struct h1_out){.state = H1_OUT_WAIT};
}

char *h1_out_reserve(struct h1_out *o, struct worker *w, uint32_t least, uint32_t *cap)
{
	struct chunk *to;
	uint32_t waits = o->head == NULL ? 0 : o->head->fill - o->head_at;

	if (o->head == NULL || chunk_space(o->head) < least) {
		to = waits + least <= CHUNK_DATA ? chunk_new(w->chunks)
						 : chunk_new_large(waits + least);
		if (to == NULL)
			return NULL;
		if (waits > 0)
			memcpy(to->data, o->head->data + o->head_at, waits);
		to->fill = waits;
		chunk_unref(o->head);
		o->head = to;
		o->head_at = 0;
	}
	*cap = chunk_space(o->head);
	return o->head->data + o->head->fill;
}

void h1_out_commit_interim(struct h1_out *o, uint32_t n)
{
	o->head->fill += n;
}

void h1_out_commit(struct h1_out *o, uint32_t n, enum framing framing, uint64_t length)
{
	o->head->fill += n;
	o->framing = (uint8_t)framing;
	o->left = framing == FRAMING_LENGTH ? length : 0;
	o->begun = true;
}

void h1_out_tunnel(struct h1_out *o)
{
	o->framing = FRAMING_CLOSE;
	o->begun = true;
	if (o->state == H1_OUT_DONE)
		o->state = H1_OUT_WAIT;
}

static void set_mark(struct h1_out *o, const char *bytes, size_t n)
{
	CHECK(n <= sizeof(o->mark));
	memcpy(o->mark, bytes, n);
	o->mark_n = (uint8_t)n;
	o->mark_at = 0;
}

/* The chunk line for everything the pipe holds now, and the CRLF of the chunk before it. */
static void begin_chunk(struct h1_out *o, uint32_t n)
{
	char line[2 + H1_CHUNK_SIZE_TEXT] = "\r\n";
	size_t crlf = o->open ? 2 : 0;

	set_mark(o, line + 2 - crlf, crlf + h1_chunk_line(line + 2, n));
	o->open = true;
	o->left = n;
}

/* The last chunk with trailers, through the head buffer; without memory the trailers are lost. */
static bool end_with_trailers(struct h1_out *o, struct conn *c, const struct pipe *p)
{
	uint32_t cap, crlf = o->open ? 2 : 0;
	char *to = h1_out_reserve(o, c->w, TRAILERS_ROOM, &cap);
	ptrdiff_t n;

	if (to == NULL)
		return false;
	memcpy(to, "\r\n", crlf);
	n = h1_write_trailers(to + crlf, cap - crlf, p->trailers, p->n_trailers);
	if (n < 0)
		return false;
	o->head->fill += crlf + (uint32_t)n;
	return true;
}

/* Between two chunks: begin the next one, or the end. */
static void prepare_chunked(struct h1_out *o, struct conn *c, const struct pipe *p)
{
	if (o->last || o->left > 0 || o->mark_n > 0)
		return;
	if (pipe_sendable(p) > 0) {
		begin_chunk(o, pipe_sendable(p));
	} else if (p->end && p->bytes == 0) {
		o->last = true;
		if (p->n_trailers == 0 || !end_with_trailers(o, c, p))
			set_mark(o, &("\r\n" H1_CHUNK_LAST)[o->open ? 0 : 2], o->open ? 7 : 5);
	}
}

/* Everything that can go out now: head, mark, content, and the end when it follows at once. */
struct batch {
	struct iovec iov[PIPE_SLICES + 3];
	unsigned n;
	size_t bytes;
	size_t content;
	bool tail; /* "\r\n0\r\n\r\n" is the last entry */
};

static void batch_add(struct batch *b, const char *p, size_t n)
{
	if (n == 0)
		return;
	b->iov[b->n++] = (struct iovec){(char *)p, n};
	b->bytes += n;
}

/* May content follow the head at all? What the pipe holds is nothing to a message without any. */
static bool has_content(const struct h1_out *o)
{
	return o->begun && o->framing != FRAMING_NONE;
}

static void fill_batch(struct h1_out *o, struct pipe *p, struct batch *b)
{
	size_t most = o->framing == FRAMING_CLOSE ? SIZE_MAX : (size_t)o->left;

	if (most > pipe_allowed(p))
		most = (size_t)pipe_allowed(p);

	b->n = 0;
	b->bytes = b->content = 0;
	b->tail = false;
	if (o->head != NULL)
		batch_add(b, o->head->data + o->head_at, o->head->fill - o->head_at);
	batch_add(b, o->mark + o->mark_at, o->mark_n - o->mark_at);
	if (!has_content(o) || most == 0)
		return;
	b->n += pipe_iov(p, b->iov + b->n, PIPE_SLICES, most, &b->content);
	b->bytes += b->content;
	if (o->framing == FRAMING_CHUNKED && p->end && p->n_trailers == 0 &&
	    b->content == p->bytes && b->content == o->left) {
		batch_add(b, "\r\n" H1_CHUNK_LAST, 7);
		b->tail = true;
	}
}

/* A small message goes out as one piece, copied into the free space behind the head: cheaper than
 * the kernel's walk over a list of pieces (send() against sendmsg() of two: 2.7 % of a round over
 * loopback). The batch still says what the bytes are, and the pipe keeps its own until they are
 * sent. */
static void gather(const struct h1_out *o, struct batch *b)
{
	char *to;

	if (b->n < 2 || o->head == NULL || b->bytes - b->iov[0].iov_len > GATHER_MOST ||
	    b->bytes - b->iov[0].iov_len > chunk_space(o->head))
		return;
	to = o->head->data + o->head->fill;
	for (unsigned i = 1; i < b->n; i++) {
		memcpy(to, b->iov[i].iov_base, b->iov[i].iov_len);
		to += b->iov[i].iov_len;
	}
	b->iov[0].iov_len = b->bytes;
	b->n = 1;
}

static void account_content(struct h1_out *o, struct pipe *p, size_t n)
{
	o->content += n;
	if (o->framing != FRAMING_CLOSE)
		o->left -= n;
	pipe_consume(p, n);
}

/* n bytes of the batch are sent. */
static void account(struct h1_out *o, struct pipe *p, const struct batch *b, size_t n)
{
	size_t part;

	o->sent += n;
	if (o->head != NULL) {
		part = o->head->fill - o->head_at;
		part = part > n ? n : part;
		o->head_at += (uint32_t)part;
		n -= part;
		if (o->head_at == o->head->fill) {
			chunk_unref(o->head);
			o->head = NULL;
			o->head_at = 0;
		}
	}
	part = o->mark_n - o->mark_at;
	part = part > n ? n : part;
	o->mark_at = (uint8_t)(o->mark_at + part);
	n -= part;
	if (o->mark_at == o->mark_n)
		o->mark_at = o->mark_n = 0;
	part = b->content > n ? n : b->content;
	if (part > 0)
		account_content(o, p, part);
	n -= part;
	if (b->tail && o->left == 0) {
		o->last = true;
		set_mark(o, ("\r\n" H1_CHUNK_LAST) + n, 7 - n);
	}
}

static bool message_done(const struct h1_out *o, const struct pipe *p)
{
	if (!o->begun || o->head != NULL || o->mark_n > 0)
		return false;
	switch ((enum framing)o->framing) {
	case FRAMING_LENGTH:
		return o->left == 0;
	case FRAMING_CHUNKED:
		return o->last;
	case FRAMING_CLOSE:
		return p->end && pipe_empty(p);
	case FRAMING_NONE:
		break;
	}
	return true;
}

/* Content that waits in a kernel pipe; slices come first. */
static enum h1_out_state flush_kernel(struct h1_out *o, struct conn *c, struct pipe *p)
{
	size_t most;

	while ((most = splice_bytes(p->kernel)) > 0 && pipe_allowed(p) > 0) {
		ssize_t n = splice_out(p->kernel, c->fd,
				       most > pipe_allowed(p) ? (size_t)pipe_allowed(p) : most);

		if (n <= 0)
			return n == -1 && errno == EAGAIN ? H1_OUT_BLOCKED : H1_OUT_DEAD;
		if (o->framing == FRAMING_LENGTH)
			o->left -= (uint64_t)n;
		o->sent += (uint64_t)n;
		o->content += (uint64_t)n;
		pipe_spliced(p, (size_t)n);
	}
	return H1_OUT_WAIT;
}

static enum h1_out_state flush(struct h1_out *o, struct conn *c, struct pipe *p)
{
	struct batch b;
	ssize_t n;

	for (;;) {
		if (o->begun && o->framing == FRAMING_CHUNKED)
			prepare_chunked(o, c, p);
		fill_batch(o, p, &b);
		if (b.bytes == 0)
			break;
		gather(o, &b);
		n = conn_writev(c, b.iov, b.n);
		if (n == -1)
			return errno == EAGAIN || errno == ENOBUFS ? H1_OUT_BLOCKED : H1_OUT_DEAD;
		account(o, p, &b, (size_t)n);
		if ((size_t)n < b.bytes)
			return H1_OUT_BLOCKED;
	}
	if (p->kernel != NULL && has_content(o)) {
		enum h1_out_state s = flush_kernel(o, c, p);

		if (s != H1_OUT_WAIT)
			return s;
	}
	return message_done(o, p) ? H1_OUT_DONE : H1_OUT_WAIT;
}

enum h1_out_state h1_out_flush(struct h1_out *o, struct conn *c, struct pipe *p)
{
	enum h1_out_state s = flush(o, c, p);

	o->state = (uint8_t)s;
	return s;
}
