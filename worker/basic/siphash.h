/*
 * siphash: SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012): a keyed hash of short input
 * that costs nanoseconds and allocates nothing. Whoever does not know the key can neither make two
 * inputs meet nor guess an input from what comes out.
 */
#ifndef SILEX_WORKER_BASIC_SIPHASH_H
#define SILEX_WORKER_BASIC_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16
#define SIPHASH_LEN 16

void siphash(const uint8_t key[SIPHASH_KEY], const void *in, size_t n, uint8_t out[SIPHASH_LEN]);

#endif
