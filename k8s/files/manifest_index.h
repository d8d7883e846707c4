/*
 * manifest_index: who declares what, over all manifest files.
 *
 * A declaration is one object in one document of one file. Several may name the same object;
 * the first by (path, document, item) wins, only its object is in the store. The others are
 * remembered here without their content: when the winner goes, the next one's file is read
 * again.
 */
#ifndef SILEX_K8S_FILES_MANIFEST_INDEX_H
#define SILEX_K8S_FILES_MANIFEST_INDEX_H

#include <bsd/sys/tree.h>

#include "k8s/objects/obj.h"

struct mfile;

struct mdecl {
	RB_ENTRY(mdecl) link;
	const struct mfile *file;
	struct str path; /* the file's, borrowed */
	uint32_t doc, item, line;
	uint8_t kind;    /* enum obj_kind */
	bool bad;        /* known by name only: its last good version is to stay */
	bool kept;       /* not in the file any more, or unreadable there */
	bool reused;     /* survived a re-read untouched */
	struct obj *obj; /* freshly decoded, on its way to the store */
	struct str ns, name;
	char text[]; /* ns and name */
};

RB_HEAD(mindex, mdecl);

/* A new declaration, not in any index. The names are copied. */
struct mdecl *mdecl_new(const struct mfile *file, struct str path, enum obj_kind kind,
			struct str ns, struct str name);
/* Frees its object too, if it still has one. NULL is ignored. */
void mdecl_free(struct mdecl *d);

void mindex_insert(struct mindex *ix, struct mdecl *d);
void mindex_remove(struct mindex *ix, struct mdecl *d);
/* The winner among the declarations of d's object, or NULL. d need not be in the index. */
struct mdecl *mindex_winner(struct mindex *ix, const struct mdecl *d);
/* The first declaration of d's object in d's file, or NULL. */
struct mdecl *mindex_of_file(struct mindex *ix, const struct mdecl *d);
/* The next declaration of the same object, in rank; NULL when d is the last. */
struct mdecl *mindex_next(struct mdecl *d);

#endif
