/* vec: a growing array of fixed-size items in the master's private memory. Errors, not aborts. */
#ifndef SILEX_MASTER_TABLE_VEC_H
#define SILEX_MASTER_TABLE_VEC_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct vec {
	void *items;
	size_t n, cap;
};

/* The next `more` pushes cannot fail. 0, or -1 with errno ENOMEM. */
static inline int vec_reserve(struct vec *v, size_t more, size_t item)
{
	size_t cap = v->cap < 8 ? 8 : v->cap, need, bytes;
	void *p;

	if (v->cap - v->n >= more)
		return 0;
	if (__builtin_add_overflow(v->n, more, &need) || need > SIZE_MAX / 2) {
		errno = ENOMEM;
		return -1;
	}
	while (cap < need)
		cap *= 2;
	p = __builtin_mul_overflow(cap, item, &bytes) ? NULL : realloc(v->items, bytes);
	if (p == NULL) {
		errno = ENOMEM;
		return -1;
	}
	v->items = p;
	v->cap = cap;
	return 0;
}

/* Room for one more item of this size behind the last: its place, or NULL with errno ENOMEM. */
static inline void *vec_push(struct vec *v, size_t item)
{
	if (vec_reserve(v, 1, item) == -1)
		return NULL;
	return (char *)v->items + v->n++ * item;
}

static inline void vec_free(struct vec *v)
{
	free(v->items);
	*v = (struct vec){NULL, 0, 0};
}

#endif
