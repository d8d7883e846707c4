/*
 * slab: fixed-size objects from large pages, last freed first, with a hard cap.
 *
 * The hot path's only source of memory besides the arena. An empty slab answers NULL and the
 * caller says why it could not go on: memory is bounded by configuration, never by luck.
 * Under AddressSanitizer every object is a malloc of its own, so that use-after-free shows.
 */
#ifndef SILEX_COMMON_MEM_SLAB_H
#define SILEX_COMMON_MEM_SLAB_H

#include <stddef.h>

struct slab;

/* name is kept (a literal); size in bytes; cap = most objects at once, 0 = no cap. NULL: ENOMEM. */
struct slab *slab_new(const char *name, size_t size, size_t cap);
void slab_free(struct slab *s);           /* every object must be back; NULL is ignored */
void *slab_get(struct slab *s);           /* not zeroed; NULL at the cap or out of memory */
void slab_put(struct slab *s, void *obj); /* NULL is ignored */
size_t slab_size(const struct slab *s);   /* of one object, as asked for, rounded up to 16 */
size_t slab_used(const struct slab *s);
size_t slab_cap(const struct slab *s);
size_t slab_bytes(const struct slab *s); /* held from the system, used or not */

#endif
