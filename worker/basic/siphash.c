/* siphash: see siphash.h. */
#include "worker/basic/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static uint64_t load(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static void store(uint64_t x, uint8_t *p)
{
	x = htole64(x);
	memcpy(p, &x, sizeof(x));
}

static void mix(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v, 2);
	v[0] ^= word;
}

void siphash(const uint8_t key[SIPHASH_KEY], const void *in, size_t n, uint8_t out[SIPHASH_LEN])
{
	uint64_t k0 = load(key), k1 = load(key + 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
			 k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
	uint8_t last[8] = {0};
	const uint8_t *p = in;
	size_t left = n;

	for (; left >= 8; left -= 8, p += 8)
		absorb(v, load(p));
	if (left > 0)
		memcpy(last, p, left);
	last[7] = (uint8_t)n;
	absorb(v, load(last));
	v[2] ^= 0xee;
	mix(v, 4);
	store(v[0] ^ v[1] ^ v[2] ^ v[3], out);
	v[1] ^= 0xdd;
	mix(v, 4);
	store(v[0] ^ v[1] ^ v[2] ^ v[3], out + 8);
	explicit_bzero(last, sizeof(last));
	explicit_bzero(v, sizeof(v));
}
