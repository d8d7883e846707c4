/*
 * graph_mem: memory of the translation. The master that cannot have a hundred bytes cannot go on;
 * it ends, its supervisor starts it again, and the workers serve on meanwhile (DESIGN §2.4).
 */
#ifndef SILEX_MASTER_TRANSLATE_GRAPH_GRAPH_MEM_H
#define SILEX_MASTER_TRANSLATE_GRAPH_GRAPH_MEM_H

#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/str.h"

static inline void *mem_zalloc(size_t n)
{
	void *p = calloc(1, n);

	CHECK(p != NULL);
	return p;
}

/* A copy, NUL-terminated behind its end. */
static inline struct str mem_str(struct str s)
{
	char *p = mem_zalloc(s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}

static inline void mem_str_free(struct str s)
{
	free((void *)(uintptr_t)s.p);
}

#endif
