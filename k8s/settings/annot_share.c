/* annot_share: see annot_share.h. */
#include "k8s/settings/annot_share.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"

struct annot_shared {
	RB_ENTRY(annot_shared) entry;
	uint64_t hash;
	uint64_t number; /* of those with the same hash, in the order they came */
	size_t refs;
	struct annots a; /* its own strings lie in text, one behind the other */
	size_t text_n;
	char text[];
};

/* What lies between the members is cleared (annots_defaults()), so that the bytes can be compared;
 * at worst two that say the same are both kept. */
union rest {
	struct annots a;
	char bytes[sizeof(struct annots)];
};

/* A struct annots taken apart: its own strings, and the rest without their places. Strings of the
 * settings are in the rest: they are the same where they lie at one place. */
struct content {
	union rest rest;
	struct {
		struct str s;
		size_t at; /* in rest */
	} own[ANNOT_STRINGS];
	size_t n, text_n;
	uint64_t hash;
};

static int shared_cmp(const struct annot_shared *x, const struct annot_shared *y)
{
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* RB_GENERATE_STATIC says __unused, which only the BSDs' own headers define. */
RB_GENERATE_INTERNAL(annot_tree, annot_shared, entry, shared_cmp, static __attribute__((unused)))

static struct str *string_at(union rest *r, size_t at)
{
	return (struct str *)(void *)(r->bytes + at);
}

static void take_apart(struct content *c, const struct annots *a, const struct annots *defaults)
{
	struct str *strings[ANNOT_STRINGS];

	memcpy(&c->rest, a, sizeof(*a));
	annots_strings(&c->rest.a, strings);
	c->n = c->text_n = 0;
	for (size_t i = 0; i < ANNOT_STRINGS; i++) {
		struct str *s = strings[i];
		size_t at = (size_t)((char *)s - c->rest.bytes);
		const char *settings =
		    ((const struct str *)(const void *)((const char *)defaults + at))->p;

		if (s->n > 0 && s->p == settings)
			continue;
		if (s->n > 0) {
			c->own[c->n].s = *s;
			c->own[c->n++].at = at;
			c->text_n += s->n;
		}
		s->p = NULL;
	}
	c->hash = hash_str(str_make(c->rest.bytes, sizeof(c->rest)), 0);
	for (size_t i = 0; i < c->n; i++)
		c->hash = hash_str(c->own[i].s, c->hash);
}

static bool is_same(const struct annot_shared *s, const struct content *c)
{
	const char *text = s->text;
	union rest rest;

	if (s->text_n != c->text_n)
		return false;
	memcpy(&rest, &s->a, sizeof(s->a));
	for (size_t i = 0; i < c->n; i++) {
		struct str *one = string_at(&rest, c->own[i].at);

		if (one->p != text || !str_eq(*one, c->own[i].s))
			return false;
		one->p = NULL;
		text += one->n;
	}
	return memcmp(rest.bytes, c->rest.bytes, sizeof(rest)) == 0;
}

static struct annot_shared *put_together(struct content *c)
{
	struct annot_shared *s = malloc(sizeof(*s) + c->text_n);
	char *text;

	CHECK(s != NULL);
	text = s->text;
	for (size_t i = 0; i < c->n; i++) {
		memcpy(text, c->own[i].s.p, c->own[i].s.n);
		string_at(&c->rest, c->own[i].at)->p = text;
		text += c->own[i].s.n;
	}
	s->hash = c->hash;
	s->refs = 0;
	s->text_n = c->text_n;
	memcpy(&s->a, &c->rest, sizeof(s->a));
	return s;
}

/* The one with this content; NULL, and how many others have its hash. */
static struct annot_shared *find(struct annot_shares *s, const struct content *c, uint64_t *others)
{
	struct annot_shared key, *one;

	key.hash = c->hash;
	key.number = 0;
	*others = 0;
	for (one = RB_NFIND(annot_tree, &s->all, &key); one != NULL && one->hash == c->hash;
	     one = RB_NEXT(annot_tree, NULL, one)) {
		if (is_same(one, c))
			return one;
		*others = one->number + 1;
	}
	return NULL;
}

const struct annots *annots_share(struct annot_shares *s, const struct annots *a,
				  const struct annots *defaults)
{
	struct content c;
	struct annot_shared *one;
	uint64_t number;

	take_apart(&c, a, defaults);
	one = find(s, &c, &number);
	if (one == NULL) {
		one = put_together(&c);
		one->number = number;
		CHECK(RB_INSERT(annot_tree, &s->all, one) == NULL);
		s->n++;
	}
	one->refs++;
	return &one->a;
}

void annots_unshare(struct annot_shares *s, const struct annots *a)
{
	struct annot_shared *one;

	if (a == NULL)
		return;
	one = (struct annot_shared *)((uintptr_t)a - offsetof(struct annot_shared, a));
	CHECK(one->refs > 0);
	if (--one->refs > 0)
		return;
	RB_REMOVE(annot_tree, &s->all, one);
	s->n--;
	free(one);
}
