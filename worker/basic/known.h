/*
 * known: credentials that were right a short while ago, so that a client that sends them with
 * every request costs no verification each.
 *
 * Not the credentials: a keyed hash of list, user and password (siphash.h), whose key is made in
 * this process and leaves it never. A list that changes has another number (basic_msg.h), so that
 * what was known of the old one is not found any more. Only what was right is kept: a wrong guess
 * must not push right ones out, nor be answered sooner than the first time. Bounded: of those that
 * fall together the oldest goes.
 */
#ifndef SILEX_WORKER_BASIC_KNOWN_H
#define SILEX_WORKER_BASIC_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "worker/basic/siphash.h"

#define KNOWN_MS   300000u /* after that they are looked at again */
#define KNOWN_SETS 1024u
#define KNOWN_WAYS 4u

struct known;

struct known_digest {
	uint8_t bytes[SIPHASH_LEN];
};

struct known *known_new(void); /* NULL with errno: no memory, or no chance */
void known_free(struct known *k);

/* user and password as bounded by basic_msg.h. */
struct known_digest known_digest(const struct known *k, uint64_t list, struct str user,
				 struct str password);
bool known_has(const struct known *k, const struct known_digest *d, uint64_t now_ms);
void known_add(struct known *k, const struct known_digest *d, uint64_t now_ms);

#endif
