/*
 * limit_rate: request rates of a node, in /silex.<instance>.limits.
 *
 *     | head | line: 8 cells | line | ...
 *
 * A rate belongs to the node, not to a worker, so this is the one object that all workers write.
 * A cell is one 64-bit word: 20 bits that name the key, 44 bits of its theoretical arrival time in
 * microseconds (GCRA, ITU-T I.371: the leaky bucket with two numbers instead of a queue). It
 * changes by one compare-and-swap and is valid at every instant, so a worker may die anywhere and
 * nothing is ever locked. A key belongs to one line of 64 bytes: a check is one cache line.
 *
 * Where all cells of a line are in use, the one that would be free soonest is taken: its key gets
 * a fresh start, which is counted by the caller. A worker that was taken over can spoil limits and
 * nothing else; a cell farther in the future than its own rate allows counts as free. Where several
 * limits share a key's cell, another's burst may have brought it farther than one's own: most_us.
 */
#ifndef SILEX_COMMON_LIMIT_LIMIT_RATE_H
#define SILEX_COMMON_LIMIT_LIMIT_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LIMIT_RATE_LINES 16384u /* 131,072 keys in 1 MiB */
#define LIMIT_RATE_CELLS 8u

struct limit_rate_line {
	_Alignas(64) _Atomic uint64_t cell[LIMIT_RATE_CELLS];
};

struct limit_rates {
	uint64_t magic;
	uint64_t seed; /* of the keys' hash: random, so that clients cannot choose their line */
	_Atomic uint64_t live; /* newest version that is measured as live (worker/loop/live.h) */
	uint64_t zero[5];
	struct limit_rate_line line[LIMIT_RATE_LINES];
};
_Static_assert(sizeof(struct limit_rate_line) == 64, "a line is a cache line");
_Static_assert(sizeof(struct limit_rates) == 64 + 64u * LIMIT_RATE_LINES, "shared layout");

#define LIMIT_AHEAD_US 86400000000ull /* a day: of limits that share cells */

/* One request every interval_us on average; burst of them more may come at once. */
struct limit_rate {
	uint32_t interval_us; /* > 0 */
	uint32_t burst;
	uint64_t most_us; /* how far ahead a cell may lie; 0: as far as this rate can bring it. No
			   * rate of a shared cell may bring it farther. */
};

enum limit_verdict {
	LIMIT_PASS,
	LIMIT_PASS_EVICTED, /* ... and another key had to be forgotten for it */
	LIMIT_OVER,
};

/* Master: make the object anew, its memory reserved. A read-write descriptor, or -1 with errno
 * (ENOSPC: /dev/shm is full). */
int limit_rates_create(const char *instance);
void limit_rates_unlink(const char *instance);
/* NULL with errno EINVAL when it is something else. The caller keeps fd. */
struct limit_rates *limit_rates_map(int fd);
void limit_rates_unmap(struct limit_rates *l);

/* May one more come under this key (a hash of all its 64 bits) now? When it may and `take`, it is
 * counted. now_us: CLOCK_MONOTONIC, which all processes of the node share. */
enum limit_verdict limit_rate_check(struct limit_rates *l, uint64_t key,
				    const struct limit_rate *rate, uint64_t now_us, bool take);

#endif
