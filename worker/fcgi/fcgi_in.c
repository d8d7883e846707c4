/* fcgi_in: see fcgi_in.h. */
#include "worker/fcgi/fcgi_in.h"

#include <errno.h>
#include <string.h>

#include "common/check.h"
#include "worker/flow/receive.h"

void fcgi_in_clear(struct fcgi_in *in)
{
	chunk_unref(in->buf);
	in->buf = NULL;
	in->at = 0;
}

static size_t rest(const struct fcgi_in *in)
{
	return in->buf == NULL ? 0 : in->buf->fill - in->at;
}

ssize_t fcgi_in_recv(struct fcgi_in *in, struct conn *c, const struct pipe *p)
{
	ssize_t n;

	CHECK(rest(in) == 0); /* everything received is used before more is */
	if (receive_buffer(&in->buf, &in->at, c->w->chunks, p) == -1) {
		stat_add(c->w->slot, STAT_SLAB_EXHAUSTED, 1);
		errno = ENOBUFS;
		return -1;
	}
	n = conn_recv(c, in->buf->data + in->buf->fill, chunk_space(in->buf));
	if (n > 0)
		in->buf->fill += (uint32_t)n;
	else
		fcgi_in_clear(in);
	return n;
}

/* A record's header, which may come byte by byte. */
static enum fcgi_part next_header(struct fcgi_in *in)
{
	while (in->header_n < FCGI_HEADER) {
		if (rest(in) == 0)
			return FCGI_MORE;
		in->header[in->header_n++] = (uint8_t)in->buf->data[in->at++];
	}
	in->header_n = 0;
	if (!fcgi_read_header(in->header, &in->record))
		return FCGI_BROKEN;
	in->within = true;
	return in->record.type == FCGI_END_REQUEST ? FCGI_ENDED : FCGI_CONTENT;
}

static void skip_padding(struct fcgi_in *in)
{
	size_t n = rest(in) < in->record.padding ? rest(in) : in->record.padding;

	in->at += (uint32_t)n;
	in->record.padding = (uint8_t)(in->record.padding - n);
	in->within = in->record.padding > 0;
}

enum fcgi_part fcgi_in_next(struct fcgi_in *in, struct str *part)
{
	for (;;) {
		enum fcgi_part is = in->within ? FCGI_CONTENT : next_header(in);

		if (is != FCGI_CONTENT)
			return is;
		if (in->record.content > 0) {
			size_t n = rest(in) < in->record.content ? rest(in) : in->record.content;

			if (n == 0)
				return FCGI_MORE;
			*part = str_make(in->buf->data + in->at, n);
			return FCGI_CONTENT;
		}
		skip_padding(in);
		if (in->within)
			return FCGI_MORE;
	}
}

void fcgi_in_take(struct fcgi_in *in, size_t n)
{
	CHECK(n <= in->record.content && n <= rest(in));
	in->at += (uint32_t)n;
	in->record.content = (uint16_t)(in->record.content - n);
}
