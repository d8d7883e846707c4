/* encoder: see encoder.h. */
#include "worker/compress/encoder.h"

#include <brotli/encode.h>
#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/check.h"

#define GZIP_WINDOW (15 + 16) /* 32 KB, and a gzip header instead of zlib's */
#define GZIP_MEMORY 8
#define BR_WINDOW   19 /* 512 KB, as nginx' module has it */
#define IDLE_MAX    8  /* gzip's that wait for the next answer */

struct encoder {
	SLIST_ENTRY(encoder) next;
	enum coding coding;
	z_stream gzip;
	BrotliEncoderState *br;
};

struct encoders {
	int gzip_level, brotli_level;
	unsigned used, n_idle;
	SLIST_HEAD(, encoder) idle;
};

struct encoders *encoders_new(int gzip_level, int brotli_level)
{
	struct encoders *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->gzip_level = gzip_level;
	s->brotli_level = brotli_level;
	SLIST_INIT(&s->idle);
	return s;
}

static void destroy(struct encoder *e)
{
	if (e->coding == CODING_GZIP)
		(void)deflateEnd(&e->gzip);
	BrotliEncoderDestroyInstance(e->br);
	free(e);
}

void encoders_free(struct encoders *s)
{
	struct encoder *e;

	if (s == NULL)
		return;
	CHECK(s->used == 0);
	while ((e = SLIST_FIRST(&s->idle)) != NULL) {
		SLIST_REMOVE_HEAD(&s->idle, next);
		destroy(e);
	}
	free(s);
}

static struct encoder *idle_one(struct encoders *s, enum coding c)
{
	struct encoder *e = SLIST_FIRST(&s->idle);

	if (c != CODING_GZIP || e == NULL)
		return NULL;
	SLIST_REMOVE_HEAD(&s->idle, next);
	s->n_idle--;
	return e;
}

static bool open_gzip(struct encoder *e, int level)
{
	return deflateInit2(&e->gzip, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			    Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool open_br(struct encoder *e, int level)
{
	e->br = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	return e->br != NULL &&
	       BrotliEncoderSetParameter(e->br, BROTLI_PARAM_QUALITY, (uint32_t)level) &&
	       BrotliEncoderSetParameter(e->br, BROTLI_PARAM_LGWIN, BR_WINDOW);
}

static struct encoder *new_one(const struct encoders *s, enum coding c)
{
	struct encoder *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	if (c == CODING_GZIP ? open_gzip(e, s->gzip_level) : open_br(e, s->brotli_level)) {
		e->coding = c;
		return e;
	}
	destroy(e);
	return NULL;
}

struct encoder *encoder_get(struct encoders *s, enum coding c)
{
	struct encoder *e;

	CHECK(c != CODING_IDENTITY);
	if (s->used >= ENCODERS_MAX)
		return NULL;
	e = idle_one(s, c);
	if (e == NULL)
		e = new_one(s, c);
	if (e != NULL)
		s->used++;
	return e;
}

void encoder_put(struct encoders *s, struct encoder *e)
{
	s->used--;
	if (e->coding != CODING_GZIP || s->n_idle >= IDLE_MAX || deflateReset(&e->gzip) != Z_OK) {
		destroy(e);
		return;
	}
	SLIST_INSERT_HEAD(&s->idle, e, next);
	s->n_idle++;
}

static enum encode_result run_gzip(z_stream *z, enum encode_op op, struct encode_io *io)
{
	static const int flush[] = {
	    [ENCODE_MORE] = Z_NO_FLUSH, [ENCODE_FLUSH] = Z_SYNC_FLUSH, [ENCODE_END] = Z_FINISH};
	size_t n_in = io->n_in, n_out = io->n_out;
	int did;

	z->next_in = (Bytef *)(uintptr_t)io->in;
	z->avail_in = (uInt)n_in;
	z->next_out = io->out;
	z->avail_out = (uInt)n_out;
	did = deflate(z, flush[op]);
	io->in += n_in - z->avail_in;
	io->n_in = z->avail_in;
	io->out += n_out - z->avail_out;
	io->n_out = z->avail_out;
	if (did == Z_STREAM_END || (did == Z_BUF_ERROR && op != ENCODE_END))
		return ENCODE_DONE; /* Z_BUF_ERROR: there was nothing to do */
	if (did != Z_OK)
		return ENCODE_FAILED;
	return op == ENCODE_END || io->n_out == 0 ? ENCODE_FULL : ENCODE_DONE;
}

static enum encode_result run_br(BrotliEncoderState *br, enum encode_op op, struct encode_io *io)
{
	static const BrotliEncoderOperation ops[] = {[ENCODE_MORE] = BROTLI_OPERATION_PROCESS,
						     [ENCODE_FLUSH] = BROTLI_OPERATION_FLUSH,
						     [ENCODE_END] = BROTLI_OPERATION_FINISH};

	if (!BrotliEncoderCompressStream(br, ops[op], &io->n_in, &io->in, &io->n_out, &io->out,
					 NULL))
		return ENCODE_FAILED;
	if (io->n_in > 0 || BrotliEncoderHasMoreOutput(br))
		return ENCODE_FULL;
	return op != ENCODE_END || BrotliEncoderIsFinished(br) ? ENCODE_DONE : ENCODE_FULL;
}

enum encode_result encoder_run(struct encoder *e, enum encode_op op, struct encode_io *io)
{
	CHECK(io->n_out >= ENCODE_ROOM_LEAST);
	return e->coding == CODING_GZIP ? run_gzip(&e->gzip, op, io) : run_br(e->br, op, io);
}
