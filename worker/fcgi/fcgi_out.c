/* fcgi_out: see fcgi_out.h. */
#include "worker/fcgi/fcgi_out.h"

#include <errno.h>
#include <string.h>

static void append(struct chunk *c, const void *bytes, size_t n)
{
	if (n > 0)
		memcpy(c->data + c->fill, bytes, n);
	c->fill += (uint32_t)n;
}

static void append_header(struct chunk *c, enum fcgi_type type, size_t n)
{
	uint8_t header[FCGI_HEADER];

	fcgi_write_header(header, type, (uint16_t)n);
	append(c, header, sizeof(header));
}

int fcgi_out_begin(struct fcgi_out *o, struct str params, bool has_content)
{
	size_t records = params.n / FCGI_CONTENT_MAX + 2; /* the empty one, too */
	uint8_t begin[FCGI_BEGIN_BYTES];
	struct chunk *c =
	    chunk_new_large((uint32_t)(sizeof(begin) + params.n + records * FCGI_HEADER));

	if (c == NULL) {
		errno = ENOMEM;
		return -1;
	}
	fcgi_write_begin(begin);
	append(c, begin, sizeof(begin));
	while (params.n > 0) {
		struct str part = str_head(params, FCGI_CONTENT_MAX);

		append_header(c, FCGI_PARAMS, part.n);
		append(c, part.p, part.n);
		params = str_from_at(params, part.n);
	}
	append_header(c, FCGI_PARAMS, 0);
	*o = (struct fcgi_out){.head = c, .begun = true, .has_content = has_content};
	return 0;
}

/* Between two records: begin the next one, for all the pipe holds, or the last. */
static void prepare(struct fcgi_out *o, const struct pipe *p)
{
	uint32_t n = o->has_content ? p->bytes : 0;

	if (o->last || o->left > 0 || o->mark_n > 0)
		return;
	if (n == 0 && o->has_content && !p->end)
		return;
	o->left = n < FCGI_CONTENT_MAX ? n : FCGI_CONTENT_MAX;
	fcgi_write_header(o->mark, FCGI_STDIN, (uint16_t)o->left);
	o->mark_n = FCGI_HEADER;
	o->mark_at = 0;
	o->last = n == 0;
}

struct batch {
	struct iovec iov[PIPE_SLICES + 2];
	unsigned n;
	size_t bytes, content;
};

static void add(struct batch *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	b->iov[b->n++] = (struct iovec){(void *)(uintptr_t)p, n};
	b->bytes += n;
}

static struct batch gather(const struct fcgi_out *o, const struct pipe *p)
{
	struct batch b = {.n = 0};

	if (o->head != NULL)
		add(&b, o->head->data + o->head_at, o->head->fill - o->head_at);
	add(&b, o->mark + o->mark_at, (size_t)(o->mark_n - o->mark_at));
	if (o->left > 0) {
		b.n += pipe_iov(p, b.iov + b.n, PIPE_SLICES, o->left, &b.content);
		b.bytes += b.content;
	}
	return b;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* n bytes of the batch are sent. */
static void account(struct fcgi_out *o, struct pipe *p, const struct batch *b, size_t n)
{
	size_t part = o->head == NULL ? 0 : least(n, o->head->fill - o->head_at);

	o->sent += n;
	o->head_at += (uint32_t)part;
	n -= part;
	if (o->head != NULL && o->head_at == o->head->fill)
		fcgi_out_clear(o);
	part = least(n, (size_t)(o->mark_n - o->mark_at));
	o->mark_at = (uint8_t)(o->mark_at + part);
	n -= part;
	if (o->mark_at == o->mark_n)
		o->mark_at = o->mark_n = 0;
	part = least(n, b->content);
	o->left -= (uint32_t)part;
	if (part > 0)
		pipe_consume(p, part);
}

static enum fcgi_out_state flush(struct fcgi_out *o, struct conn *c, struct pipe *p)
{
	for (;;) {
		struct batch b;
		ssize_t n;

		prepare(o, p);
		b = gather(o, p);
		if (b.bytes == 0)
			return o->last ? FCGI_OUT_DONE : FCGI_OUT_WAIT;
		n = conn_writev(c, b.iov, b.n);
		if (n == -1)
			return errno == EAGAIN || errno == ENOBUFS ? FCGI_OUT_BLOCKED
								   : FCGI_OUT_DEAD;
		account(o, p, &b, (size_t)n);
		if ((size_t)n < b.bytes)
			return FCGI_OUT_BLOCKED;
	}
}

enum fcgi_out_state fcgi_out_flush(struct fcgi_out *o, struct conn *c, struct pipe *p)
{
	enum fcgi_out_state s = flush(o, c, p);

	o->state = (uint8_t)s;
	return s;
}

void fcgi_out_clear(struct fcgi_out *o)
{
	chunk_unref(o->head);
	o->head = NULL;
	o->head_at = 0;
}
