/*
 * aside: pieces of memory of objects that go before their object does: the certificates and keys
 * of Secrets, which are read once and let go of, thousands at a time.
 *
 * They come from large regions of their own, which are given back to the system as soon as the last
 * piece in them is let go of: among what stays, their places would be holes that nothing fills.
 * Under AddressSanitizer every piece is a malloc.
 */
#ifndef SILEX_K8S_OBJECTS_ASIDE_H
#define SILEX_K8S_OBJECTS_ASIDE_H

#include <stddef.h>

struct aside_region;

struct aside {
	struct aside *next; /* the owner's: of the same object */
	struct aside_region *region;
	size_t size;
	char bytes[];
};

/* size bytes, not zeroed. Never NULL. */
struct aside *aside_new(size_t size);
/* Overwritten, and gone. */
void aside_free(struct aside *a);
/* Bytes held from the system: for tests. */
size_t aside_held(void);

#endif
