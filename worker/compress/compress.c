/* compress: see compress.h. */
#include "worker/compress/compress.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/compress/compress_rules.h"
#include "worker/compress/encoder.h"
#include "worker/request/request.h"
#include "worker/rewrite/regex.h"

#define LEAST_ROOM 512 /* of a chunk, for it to be written on */

struct squeeze {
	struct compress_rules *rules;
	struct encoders *encoders;
	struct str disable; /* gzip-disable: a regular expression for User-Agent; empty: none */
};

struct squeeze *squeeze_new(const struct conf *conf, bool *failed)
{
	struct compress_rules *rules = compress_rules_new(conf, failed);
	struct squeeze *s;

	if (rules == NULL)
		return NULL;
	s = calloc(1, sizeof(*s));
	*failed = s == NULL;
	if (s == NULL) {
		compress_rules_free(rules);
		return NULL;
	}
	s->rules = rules;
	s->disable = str_from(conf->gzip_disable);
	s->encoders = encoders_new((int)conf->gzip_level, (int)conf->brotli_level);
	if (s->encoders != NULL)
		return s;
	*failed = true;
	squeeze_free(s);
	return NULL;
}

void squeeze_free(struct squeeze *s)
{
	if (s == NULL)
		return;
	compress_rules_free(s->rules);
	encoders_free(s->encoders);
	free(s);
}

/* --- the decision ---------------------------------------------------------------------------- */

static enum coding wanted(const struct request *r, unsigned offered)
{
	struct coding_wish wish;

	coding_wish_init(&wish);
	for (uint16_t i = 0; i < r->in.n_fields; i++) {
		const struct field *f = &r->in.fields[i];

		if (f->id == FIELD_ACCEPT_ENCODING)
			coding_wish_add(&wish, str_make(f->value, f->value_n));
	}
	return coding_choose(&wish, offered);
}

/* Only gzip has such clients: nobody ever had to be spared br. */
static bool is_spared(const struct request *r)
{
	struct str pattern = r->w->squeeze->disable;

	return pattern.n > 0 && regex_search(r->w->regexes, pattern,
					     head_value(&r->in, FIELD_USER_AGENT)) != REGEX_NO;
}

static bool varies_already(const struct head *h)
{
	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (f->id == FIELD_VARY && !f->drop &&
		    str_ieq(str_make(f->value, f->value_n), STR("Accept-Encoding")))
			return true;
	}
	return false;
}

/* Whether it is coded or not: caches must know that it might have been (RFC 9110 §12.5.5). */
static bool add_vary(struct head *h)
{
	return varies_already(h) ||
	       head_add(h, FIELD_VARY, field_infos[FIELD_VARY].name, STR("Accept-Encoding")) == 0;
}

/* Other bytes than those the origin named: equal at most in meaning (RFC 9110 §8.8.1). */
static bool weaken_etag(struct request *r)
{
	struct field *f = (struct field *)(uintptr_t)head_find(&r->resp, FIELD_ETAG);
	char *weak;

	if (f == NULL || str_starts(str_make(f->value, f->value_n), STR("W/")))
		return true;
	weak = arena_alloc(&r->arena, f->value_n + 2);
	if (weak == NULL)
		return false;
	memcpy(weak, "W/", 2);
	memcpy(weak + 2, f->value, f->value_n);
	f->value = weak;
	f->value_n += 2;
	return true;
}

static bool edit_head(struct request *r, enum coding coding)
{
	struct head *h = &r->resp;

	if (!weaken_etag(r) ||
	    head_add(h, FIELD_CONTENT_ENCODING, field_infos[FIELD_CONTENT_ENCODING].name,
		     coding_name(coding)) == -1)
		return false;
	for (uint16_t i = 0; i < h->n_fields; i++)
		if (str_ieq(str_make(h->fields[i].name, h->fields[i].name_n), STR("Accept-Ranges")))
			h->fields[i].drop = 1; /* ranges of what? */
	h->framing = FRAMING_CHUNKED;
	h->has_length = false;
	h->length = 0;
	return true;
}

static struct compress *compress_new(struct squeeze *s, enum coding coding)
{
	struct compress *c = malloc(sizeof(*c));
	struct encoder *e = encoder_get(s->encoders, coding);

	if (c == NULL || e == NULL) {
		free(c);
		if (e != NULL)
			encoder_put(s->encoders, e);
		return NULL;
	}
	pipe_init(&c->out);
	c->encoder = e;
	c->dirty = false;
	c->in = c->coded = 0;
	return c;
}

void compress_begin(struct request *r)
{
	struct squeeze *s = r->w->squeeze;
	unsigned offered = compress_offered(s->rules, r->in.method, &r->resp);
	enum coding coding;

	if (offered == 0 || r->in.version < 11 || r->aside || !add_vary(&r->resp))
		return;
	coding = wanted(r, is_spared(r) ? offered & ~(1u << CODING_GZIP) : offered);
	if (coding == CODING_IDENTITY)
		return;
	r->compress = compress_new(s, coding);
	if (r->compress == NULL)
		stat_add(r->w->slot, STAT_COMPRESS_LEFT, 1);
	else if (edit_head(r, coding))
		stat_add(r->w->slot, STAT_COMPRESSED, 1);
	else
		compress_end(r);
}

/* --- the content ----------------------------------------------------------------------------- */

/* One call of the encoder, into the end of `out`. */
static enum encode_result encode(struct request *r, enum encode_op op, struct encode_io *io)
{
	struct compress *c = r->compress;
	struct chunk *to = pipe_tail(&c->out, LEAST_ROOM);
	bool fresh = to == NULL;
	enum encode_result did;
	uint32_t n;

	if (fresh && (to = chunk_new(r->w->chunks)) == NULL)
		return ENCODE_FAILED;
	io->out = (uint8_t *)to->data + to->fill;
	io->n_out = chunk_space(to);
	did = encoder_run(c->encoder, op, io);
	n = chunk_space(to) - (uint32_t)io->n_out;
	if (n > 0) {
		pipe_put(&c->out, to, to->fill, n);
		to->fill += n;
	}
	if (fresh)
		chunk_unref(to); /* the slice holds it now */
	c->coded += n;
	return did;
}

/* Everything r->down holds. FULL: `out` has no room for more. */
static enum encode_result take_content(struct request *r)
{
	struct compress *c = r->compress;
	struct slice s;

	while (pipe_peek(&r->down, &s)) {
		struct encode_io io = {.in = (const uint8_t *)s.chunk->data + s.off, .n_in = s.n};

		if (pipe_room(&c->out) == 0)
			return ENCODE_FULL;
		if (encode(r, ENCODE_MORE, &io) == ENCODE_FAILED)
			return ENCODE_FAILED;
		c->dirty = true;
		c->in += s.n - io.n_in;
		pipe_consume(&r->down, s.n - io.n_in);
	}
	return ENCODE_DONE;
}

static enum encode_result finish(struct request *r, enum encode_op op)
{
	struct encode_io io = {.n_in = 0};
	enum encode_result did = ENCODE_FULL;

	while (did == ENCODE_FULL && pipe_room(&r->compress->out) > 0)
		did = encode(r, op, &io);
	return did;
}

static void end_out(struct request *r)
{
	r->compress->out.trailers = r->down.trailers;
	r->compress->out.n_trailers = r->down.n_trailers;
	r->compress->out.end = true;
}

int compress_run(struct request *r)
{
	struct compress *c = r->compress;
	enum encode_result did = take_content(r);

	CHECK(r->down.kernel == NULL);
	if (did == ENCODE_DONE && !c->out.end && (c->dirty || r->down.end)) {
		did = finish(r, r->down.end ? ENCODE_END : ENCODE_FLUSH);
		if (did == ENCODE_DONE) {
			c->dirty = false;
			if (r->down.end)
				end_out(r);
		}
	}
	return did == ENCODE_FAILED ? -1 : 0;
}

void compress_end(struct request *r)
{
	struct compress *c = r->compress;

	if (c == NULL)
		return;
	pipe_clear(&c->out);
	encoder_put(r->w->squeeze->encoders, c->encoder);
	free(c);
	r->compress = NULL;
}
