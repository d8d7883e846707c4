/* known: see known.h. */
#include "worker/basic/known.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/check.h"
#include "common/process/basic_msg.h"

struct entry {
	struct known_digest digest;
	uint64_t until_ms; /* 0: none */
};

struct known {
	uint8_t key[SIPHASH_KEY];
	struct entry entries[KNOWN_SETS][KNOWN_WAYS];
};

struct known *known_new(void)
{
	struct known *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	if (getrandom(k->key, sizeof(k->key), 0) == (ssize_t)sizeof(k->key))
		return k;
	free(k);
	return NULL;
}

void known_free(struct known *k)
{
	if (k == NULL)
		return;
	explicit_bzero(k, sizeof(*k));
	free(k);
}

struct known_digest known_digest(const struct known *k, uint64_t list, struct str user,
				 struct str password)
{
	char all[sizeof(uint64_t) + sizeof(uint32_t) + BASIC_NAME_MAX + BASIC_PASSWORD_MAX];
	uint32_t user_n = (uint32_t)user.n;
	struct known_digest d;
	size_t n = 0;

	CHECK(user.n <= BASIC_NAME_MAX && password.n <= BASIC_PASSWORD_MAX);
	memcpy(all, &list, sizeof(list));
	n += sizeof(list);
	memcpy(all + n, &user_n, sizeof(user_n));
	n += sizeof(user_n);
	if (user.n > 0)
		memcpy(all + n, user.p, user.n);
	n += user.n;
	if (password.n > 0)
		memcpy(all + n, password.p, password.n);
	n += password.n;
	siphash(k->key, all, n, d.bytes);
	explicit_bzero(all, n);
	return d;
}

static uint32_t set_of(const struct known_digest *d)
{
	uint32_t x;

	memcpy(&x, d->bytes, sizeof(x));
	return x % KNOWN_SETS;
}

static bool is(const struct entry *e, const struct known_digest *d)
{
	return memcmp(e->digest.bytes, d->bytes, sizeof(d->bytes)) == 0;
}

bool known_has(const struct known *k, const struct known_digest *d, uint64_t now_ms)
{
	const struct entry *set = k->entries[set_of(d)];

	for (unsigned i = 0; i < KNOWN_WAYS; i++)
		if (set[i].until_ms > now_ms && is(&set[i], d))
			return true;
	return false;
}

void known_add(struct known *k, const struct known_digest *d, uint64_t now_ms)
{
	struct entry *set = k->entries[set_of(d)], *to = &set[0];

	for (unsigned i = 0; i < KNOWN_WAYS; i++) {
		if (is(&set[i], d)) {
			to = &set[i];
			break;
		}
		if (set[i].until_ms < to->until_ms)
			to = &set[i];
	}
	to->digest = *d;
	to->until_ms = now_ms + KNOWN_MS;
}
