/* annot_share: see annot_share.h. */
#include "k8s/settings/annot_share.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"

struct annot_shared {
	RB_ENTRY(annot_shared) entry;
	uint64_t hash; /* of everything below */
	size_t refs;
	struct annots a; /* its own strings lie in text, one behind the other */
	size_t text_n;
	char text[];
};

/* To be compared as bytes: what lies between the members is cleared (annots_defaults()), and at
 * worst two that say the same are both kept. */
union bare {
	struct annots a;
	char bytes[sizeof(struct annots)];
};

/* All but where its own strings lie. Borrowed ones are the same where they lie at one place. */
static void bare(union bare *to, const struct annot_shared *s)
{
	struct str *strings[ANNOT_STRINGS];

	memcpy(to, &s->a, sizeof(*to));
	annots_strings(&to->a, strings);
	for (size_t i = 0; i < ANNOT_STRINGS; i++) {
		uintptr_t p = (uintptr_t)strings[i]->p, text = (uintptr_t)s->text;

		if (p >= text && p < text + s->text_n)
			strings[i]->p = NULL;
	}
}

static int shared_cmp(const struct annot_shared *x, const struct annot_shared *y)
{
	union bare a, b;
	int c;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->text_n != y->text_n)
		return x->text_n < y->text_n ? -1 : 1;
	c = memcmp(x->text, y->text, x->text_n);
	if (c != 0)
		return c;
	bare(&a, x);
	bare(&b, y);
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

/* RB_GENERATE_STATIC says __unused, which only the BSDs' own headers define. */
RB_GENERATE_INTERNAL(annot_tree, annot_shared, entry, shared_cmp, static __attribute__((unused)))

/* The strings of a that are not the defaults' own; returns how many. */
static size_t own_strings(struct annots *a, const struct annots *defaults,
			  struct str *own[ANNOT_STRINGS])
{
	struct annots d = *defaults;
	struct str *of_a[ANNOT_STRINGS], *of_d[ANNOT_STRINGS];
	size_t n = 0;

	annots_strings(a, of_a);
	annots_strings(&d, of_d);
	for (size_t i = 0; i < ANNOT_STRINGS; i++)
		if (of_a[i]->n == 0)
			of_a[i]->p = NULL;
		else if (of_a[i]->p != of_d[i]->p)
			own[n++] = of_a[i];
	return n;
}

static struct annot_shared *copy(const struct annots *a, const struct annots *defaults)
{
	struct str *own[ANNOT_STRINGS];
	struct annot_shared *s;
	struct annots b;
	union bare content;
	size_t n, bytes = 0;

	memcpy(&b, a, sizeof(b));
	n = own_strings(&b, defaults, own);
	for (size_t i = 0; i < n; i++)
		bytes += own[i]->n;
	s = malloc(sizeof(*s) + bytes);
	CHECK(s != NULL);
	s->refs = 0;
	s->text_n = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(s->text + s->text_n, own[i]->p, own[i]->n);
		own[i]->p = s->text + s->text_n;
		s->text_n += own[i]->n;
	}
	memcpy(&s->a, &b, sizeof(b));
	bare(&content, s);
	s->hash = hash_str(str_make(s->text, s->text_n),
			   hash_str(str_make(content.bytes, sizeof(content.bytes)), 0));
	return s;
}

const struct annots *annots_share(struct annot_shares *s, const struct annots *a,
				  const struct annots *defaults)
{
	struct annot_shared *made = copy(a, defaults);
	struct annot_shared *one = RB_INSERT(annot_tree, &s->all, made);

	if (one != NULL) {
		free(made);
	} else {
		one = made;
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
