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
	struct annots a; /* its strings lie in text, one behind the other */
	size_t text_n;
	char text[];
};

/* All but where its strings lie. */
static void bare(struct annots *to, const struct annots *a)
{
	struct str *strings[ANNOT_STRINGS];

	memcpy(to, a, sizeof(*to));
	annots_strings(to, strings);
	for (size_t i = 0; i < ANNOT_STRINGS; i++)
		strings[i]->p = NULL;
}

static int shared_cmp(const struct annot_shared *x, const struct annot_shared *y)
{
	struct annots a, b;
	int c;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->text_n != y->text_n)
		return x->text_n < y->text_n ? -1 : 1;
	c = memcmp(x->text, y->text, x->text_n);
	if (c != 0)
		return c;
	bare(&a, &x->a);
	bare(&b, &y->a);
	return memcmp(&a, &b, sizeof(a));
}

/* RB_GENERATE_STATIC says __unused, which only the BSDs' own headers define. */
RB_GENERATE_INTERNAL(annot_tree, annot_shared, entry, shared_cmp, static __attribute__((unused)))

static size_t text_bytes(struct str *const strings[ANNOT_STRINGS])
{
	size_t n = 0;

	for (size_t i = 0; i < ANNOT_STRINGS; i++)
		n += strings[i]->n;
	return n;
}

static void move_text(struct annot_shared *to, struct str *const strings[ANNOT_STRINGS])
{
	for (size_t i = 0; i < ANNOT_STRINGS; i++) {
		struct str *s = strings[i];

		if (s->n == 0) {
			*s = STR_NONE;
			continue;
		}
		memcpy(to->text + to->text_n, s->p, s->n);
		s->p = to->text + to->text_n;
		to->text_n += s->n;
	}
}

static struct annot_shared *copy(const struct annots *a)
{
	struct str *strings[ANNOT_STRINGS];
	struct annots b;
	struct annot_shared *s;

	memcpy(&b, a, sizeof(b));
	annots_strings(&b, strings);
	s = malloc(sizeof(*s) + text_bytes(strings));
	CHECK(s != NULL);
	s->refs = 0;
	s->text_n = 0;
	move_text(s, strings);
	memcpy(&s->a, &b, sizeof(b));
	bare(&b, &s->a);
	s->hash = hash_str(str_make(s->text, s->text_n),
			   hash_str(str_make((const char *)&b, sizeof(b)), 0));
	return s;
}

const struct annots *annots_share(struct annot_shares *s, const struct annots *a)
{
	struct annot_shared *made = copy(a);
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
