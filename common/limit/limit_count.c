/* limit_count: see limit_count.h. */
#include "common/limit/limit_count.h"

#include <stddef.h>

#define COUNT_BITS 16u
#define COUNT_MAX  (((uint64_t)1 << COUNT_BITS) - 1)

static uint64_t load(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static void store(_Atomic uint64_t *cell, uint64_t v)
{
	atomic_store_explicit(cell, v, memory_order_relaxed);
}

static unsigned line_of(uint64_t key)
{
	return (unsigned)(key & (LIMIT_COUNT_LINES - 1));
}

/* The key's cell; NULL: it has none. */
static _Atomic uint64_t *find(struct limit_counts *c, uint64_t key)
{
	struct limit_count_line *line = &c->line[line_of(key)];

	for (unsigned i = 0; i < LIMIT_COUNT_CELLS; i++) {
		uint64_t v = load(&line->cell[i]);

		if (v != 0 && v >> COUNT_BITS == key >> COUNT_BITS)
			return &line->cell[i];
	}
	return NULL;
}

bool limit_count_enter(struct limit_counts *own, uint64_t key)
{
	struct limit_count_line *line = &own->line[line_of(key)];
	_Atomic uint64_t *cell = find(own, key);

	if (cell != NULL) {
		if ((load(cell) & COUNT_MAX) == COUNT_MAX)
			return false;
		store(cell, load(cell) + 1);
		return true;
	}
	for (unsigned i = 0; i < LIMIT_COUNT_CELLS; i++) {
		if (load(&line->cell[i]) == 0) {
			store(&line->cell[i], (key & ~COUNT_MAX) | 1);
			return true;
		}
	}
	return false;
}

void limit_count_leave(struct limit_counts *own, uint64_t key)
{
	_Atomic uint64_t *cell = find(own, key);

	if (cell == NULL)
		return;
	store(cell, (load(cell) & COUNT_MAX) > 1 ? load(cell) - 1 : 0);
}

uint32_t limit_count_of(const struct limit_counts *c, uint64_t key)
{
	const _Atomic uint64_t *cell = find((struct limit_counts *)(uintptr_t)c, key);

	return cell == NULL ? 0 : (uint32_t)(load(cell) & COUNT_MAX);
}

void limit_counts_clear(struct limit_counts *c)
{
	for (unsigned l = 0; l < LIMIT_COUNT_LINES; l++)
		for (unsigned i = 0; i < LIMIT_COUNT_CELLS; i++)
			store(&c->line[l].cell[i], 0);
}
