/*
 * limit_count: how many requests of a client are under way, on the whole node.
 *
 * Every worker counts its own in a column of its slot (slot.h), which nobody else writes; who
 * wants the node's number adds the columns up. When a worker dies its column is cleared with its
 * slot, so nothing is ever left counted. A cell is 48 bits that name the key and 16 bits of count,
 * a key belongs to one line of eight; where the line is full the request is not counted, which
 * lets a client have more, never fewer.
 */
#ifndef SILEX_COMMON_LIMIT_LIMIT_COUNT_H
#define SILEX_COMMON_LIMIT_LIMIT_COUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LIMIT_COUNT_LINES 512u /* 4,096 clients with requests under way in a worker, 32 KiB */
#define LIMIT_COUNT_CELLS 8u

struct limit_count_line {
	_Alignas(64) _Atomic uint64_t cell[LIMIT_COUNT_CELLS];
};

struct limit_counts {
	struct limit_count_line line[LIMIT_COUNT_LINES];
};

/* One more under this key (a hash of all its 64 bits). False: no room, it is not counted. */
bool limit_count_enter(struct limit_counts *own, uint64_t key);
/* One less; only for what was entered. */
void limit_count_leave(struct limit_counts *own, uint64_t key);
/* In one column, which another process may be writing. */
uint32_t limit_count_of(const struct limit_counts *c, uint64_t key);
/* The column of a dead worker. */
void limit_counts_clear(struct limit_counts *c);

#endif
