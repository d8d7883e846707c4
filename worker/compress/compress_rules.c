/* compress_rules: see compress_rules.h. */
#include "worker/compress/compress_rules.h"

#include <stdlib.h>

struct kind { /* one coding's own rules */
	struct str types;
	uint64_t least; /* bytes of content */
};

struct compress_rules {
	unsigned on; /* bits 1 << enum coding */
	struct kind kinds[CODINGS];
};

static void turn_on(struct compress_rules *c, enum coding coding, const char *types, uint64_t least)
{
	c->on |= 1u << coding;
	c->kinds[coding] = (struct kind){str_from(types), least};
}

struct compress_rules *compress_rules_new(const struct conf *conf, bool *failed)
{
	struct compress_rules *c;

	*failed = false;
	if (!conf->use_gzip && !conf->enable_brotli)
		return NULL;
	c = calloc(1, sizeof(*c));
	*failed = c == NULL;
	if (c == NULL)
		return NULL;
	if (conf->use_gzip)
		turn_on(c, CODING_GZIP, conf->gzip_types, conf->gzip_min_length);
	if (conf->enable_brotli)
		turn_on(c, CODING_BR, conf->brotli_types, conf->brotli_min_length);
	return c;
}

void compress_rules_free(struct compress_rules *c)
{
	free(c);
}

static bool parts(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* Take the next word off *list; empty: there is none. */
static struct str next_word(struct str *list)
{
	struct str word;
	size_t at = 0, n = 0;

	while (at < list->n && parts(list->p[at]))
		at++;
	while (at + n < list->n && !parts(list->p[at + n]))
		n++;
	word = str_head(str_from_at(*list, at), n);
	*list = str_from_at(*list, at + n);
	return word;
}

/* The media type alone, without its parameters. */
static struct str media_type(const struct head *h)
{
	struct str type = head_value(h, FIELD_CONTENT_TYPE);
	ptrdiff_t end = str_chr(type, ';');

	return str_trim(end < 0 ? type : str_head(type, (size_t)end));
}

static bool is_listed(struct str types, struct str type)
{
	struct str word;

	if (type.n == 0)
		return false;
	if (str_ieq(type, STR("text/html")))
		return true;
	while ((word = next_word(&types)).n > 0)
		if (str_eq(word, STR("*")) || str_ieq(word, type))
			return true;
	return false;
}

static bool has_directive(const struct head *h, enum field_id id, struct str directive)
{
	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];
		struct str list = str_make(f->value, f->value_n), word;

		if (f->id != id || f->drop)
			continue;
		while ((word = next_word(&list)).n > 0)
			if (str_ieq(word, directive))
				return true;
	}
	return false;
}

/* Of a message that is such, whatever its type. */
static bool may_be_coded(enum method method, const struct head *h)
{
	bool status = h->status == 200 || h->status == 403 || h->status == 404;

	return status && method != METHOD_HEAD && h->framing != FRAMING_NONE &&
	       head_find(h, FIELD_CONTENT_ENCODING) == NULL &&
	       !has_directive(h, FIELD_CACHE_CONTROL, STR("no-transform"));
}

unsigned compress_offered(const struct compress_rules *c, enum method method,
			  const struct head *answer)
{
	struct str type = media_type(answer);
	unsigned offered = 0;

	if (!may_be_coded(method, answer))
		return 0;
	for (unsigned i = 0; i < CODINGS; i++) {
		const struct kind *k = &c->kinds[i];

		if ((c->on & 1u << i) != 0 && is_listed(k->types, type) &&
		    (answer->framing != FRAMING_LENGTH || answer->length >= k->least))
			offered |= 1u << i;
	}
	return offered;
}
