/*
 * objmem: the one allocation of an object.
 *
 * A decoder runs twice over the same tree: first as a draft into memory that grows as needed,
 * which tells the exact size, then into one allocation of that size. Decoding is cheap beside
 * parsing, and 30,000 objects that live for weeks carry no slack. Both runs must ask for the
 * same pieces in the same order; that is checked.
 *
 * What an object may let go of before its own end lies aside: in pieces of their own
 * (aside.h).
 */
#ifndef SILEX_K8S_OBJECTS_OBJMEM_H
#define SILEX_K8S_OBJECTS_OBJMEM_H

#include "k8s/text/json.h"
#include "k8s/objects/aside.h"
#include "k8s/objects/obj.h"

#define OBJ_MEM_FIRST 4096

struct obj_mem {
	char *base;               /* of the current piece of memory */
	size_t from;              /* value of .used at .base */
	size_t size;              /* of the current piece */
	size_t used;              /* bytes asked for so far, alignment included */
	struct obj_chunk *chunks; /* further pieces of a draft */
	struct aside *aside;      /* of the final run: the object's */
	bool draft;
	uint64_t first[OBJ_MEM_FIRST / 8]; /* the draft's first piece: most objects need no other */
};

void obj_mem_draft(struct obj_mem *m);
/* Give the draft's memory back, overwritten. */
void obj_mem_draft_end(struct obj_mem *m);
/* size bytes, as a draft measured; the memory belongs to the object that begins at m->base. */
void obj_mem_final(struct obj_mem *m, size_t size);

/* Zeroed, 8-byte aligned. Never NULL. */
void *obj_mem_alloc(struct obj_mem *m, size_t n);
/* n bytes, not zeroed, that lie aside; n > 0. */
char *obj_mem_aside(struct obj_mem *m, size_t n);
/* n things of size each; NULL for none. */
void *obj_mem_array(struct obj_mem *m, size_t n, size_t size);
/* A NUL-terminated copy; the empty string becomes STR_NONE. */
struct str obj_mem_str(struct obj_mem *m, struct str s);

/* An array of strings, each judged by check (NULL: any); see names.h. */
void obj_mem_strs(struct obj_mem *m, const struct jv *in, const char *key,
		  const char *(*check)(struct str), struct obj_strs *out);

/* How a map's values are to be kept: fn copies the entry's value into *out. */
typedef void obj_value_fn(struct obj_mem *m, const struct jv *entry, struct str *out);
void obj_value_text(struct obj_mem *m, const struct jv *entry, struct str *out);
/* A map of strings, sorted by key; keys judged by check (NULL: any), key skip left out. */
void obj_mem_map(struct obj_mem *m, const struct jv *in, const char *key,
		 const char *(*check)(struct str), const char *skip, obj_value_fn *value,
		 struct obj_map *out);

#endif
