/* manifest_index: see manifest_index.h. */
#include "k8s/files/manifest_index.h"

#include <stdlib.h>

#include "common/check.h"

static int key_cmp(const struct mdecl *a, const struct mdecl *b)
{
	int c = (a->kind > b->kind) - (a->kind < b->kind);

	if (c == 0)
		c = obj_str_cmp(a->ns, b->ns);
	return c != 0 ? c : obj_str_cmp(a->name, b->name);
}

static int decl_cmp(const struct mdecl *a, const struct mdecl *b)
{
	int c = key_cmp(a, b);

	if (c == 0)
		c = obj_str_cmp(a->path, b->path);
	if (c == 0)
		c = (a->doc > b->doc) - (a->doc < b->doc);
	return c != 0 ? c : (a->item > b->item) - (a->item < b->item);
}

#define TREE_STATIC __attribute__((unused)) static
/* clang-format off */
RB_GENERATE_INTERNAL(mindex, mdecl, link, decl_cmp, TREE_STATIC)
/* clang-format on */

static struct str copy(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return str_make(to, s.n);
}

struct mdecl *mdecl_new(const struct mfile *file, struct str path, enum obj_kind kind,
			struct str ns, struct str name)
{
	struct mdecl *d = calloc(1, sizeof(*d) + ns.n + name.n);

	CHECK(d != NULL);
	d->file = file;
	d->path = path;
	d->kind = (uint8_t)kind;
	d->ns = copy(d->text, ns);
	d->name = copy(d->text + ns.n, name);
	return d;
}

void mdecl_free(struct mdecl *d)
{
	if (d == NULL)
		return;
	obj_free(d->obj);
	free(d);
}

void mindex_insert(struct mindex *ix, struct mdecl *d)
{
	CHECK(RB_INSERT(mindex, ix, d) == NULL);
}

void mindex_remove(struct mindex *ix, struct mdecl *d)
{
	RB_REMOVE(mindex, ix, d);
}

static struct mdecl *first_at(struct mindex *ix, const struct mdecl *d, struct str path)
{
	struct mdecl probe = {.kind = d->kind, .ns = d->ns, .name = d->name, .path = path};
	struct mdecl *hit = RB_NFIND(mindex, ix, &probe);

	return hit != NULL && key_cmp(hit, d) == 0 ? hit : NULL;
}

struct mdecl *mindex_winner(struct mindex *ix, const struct mdecl *d)
{
	return first_at(ix, d, STR_NONE);
}

struct mdecl *mindex_of_file(struct mindex *ix, const struct mdecl *d)
{
	struct mdecl *hit = first_at(ix, d, d->path);

	return hit != NULL && hit->file == d->file ? hit : NULL;
}

struct mdecl *mindex_next(struct mdecl *d)
{
	struct mdecl *next = RB_NEXT(mindex, NULL, d);

	return next != NULL && key_cmp(next, d) == 0 ? next : NULL;
}
