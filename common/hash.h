/*
 * hash: the one hash of the tree, XXH3-64 with a seed.
 *
 * Shared memory is written by one binary and read by another, so everything that hashes goes
 * through here. Not for secrets; where an attacker chooses the keys, the seed must be random
 * (the table's is), and a collision may cost time but never a wrong answer.
 */
#ifndef SILEX_COMMON_HASH_H
#define SILEX_COMMON_HASH_H

#include <stdint.h>
#include <xxhash.h>

#include "common/str.h"

static inline uint64_t hash_str(struct str s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s.n == 0 ? "" : s.p, s.n, seed);
}

#endif
