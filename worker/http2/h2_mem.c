/* h2_mem: see h2_mem.h. */
#include "worker/http2/h2_mem.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static void *counted(struct h2_mem *m, void *p)
{
	if (p != NULL)
		m->used += malloc_usable_size(p);
	return p;
}

static bool fits(const struct h2_mem *m, size_t n)
{
	return n <= m->cap && m->used <= m->cap - n;
}

static void *mem_malloc(size_t n, void *arg)
{
	struct h2_mem *m = arg;

	return fits(m, n) ? counted(m, malloc(n)) : NULL;
}

static void mem_free(void *p, void *arg)
{
	struct h2_mem *m = arg;

	if (p == NULL)
		return;
	m->used -= malloc_usable_size(p);
	free(p);
}

static void *mem_calloc(size_t n, size_t size, void *arg)
{
	struct h2_mem *m = arg;

	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	return fits(m, n * size) ? counted(m, calloc(n, size)) : NULL;
}

static void *mem_realloc(void *p, size_t n, void *arg)
{
	struct h2_mem *m = arg;
	size_t had = p == NULL ? 0 : malloc_usable_size(p);
	void *to;

	if (n > had && !fits(m, n - had))
		return NULL;
	to = realloc(p, n);
	if (to == NULL)
		return NULL;
	m->used -= had;
	return counted(m, to);
}

void h2_mem_init(struct h2_mem *m, size_t cap)
{
	*m = (struct h2_mem){.cap = cap};
	m->ops = (nghttp2_mem){.mem_user_data = m,
			       .malloc = mem_malloc,
			       .free = mem_free,
			       .calloc = mem_calloc,
			       .realloc = mem_realloc};
}
