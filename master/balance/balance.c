/* balance: see balance.h. */
#include "master/balance/balance.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"

#define SUBSET_SIZE 3 /* what 0 means */

struct block {
	struct text hash;
	char why[VARS_WHY_MAX];
	char cookie[sizeof(struct cluster_cookie) + 2 * 2048]; /* texts: 2000 each (annot.c) */
};

static void set_hash(struct model_cluster *m, const struct annots *a, struct block *b,
		     balance_tell_fn *tell, void *arg)
{
	enum vars_result result;

	if (a->hash_by.n == 0)
		return;
	result = vars_compile(a->hash_by, &b->hash, b->why);
	if (result != VARS_OK && tell != NULL)
		tell(arg, STR("upstream-hash-by"), b->why);
	if (result == VARS_BAD)
		return;
	m->balance = BALANCE_HASH;
	m->hash = str_make(b->hash.p, b->hash.n);
	if (a->hash_subset)
		m->opts.subset = a->hash_subset_size == 0 ? SUBSET_SIZE : a->hash_subset_size;
}

static uint8_t cookie_flags(const struct annots *a)
{
	return (uint8_t)((annots_has(a, ANNOT_COOKIE_EXPIRES) ? COOKIE_EXPIRES : 0) |
			 (annots_has(a, ANNOT_COOKIE_MAX_AGE) ? COOKIE_MAX_AGE : 0) |
			 (a->cookie_secure ? COOKIE_SECURE : 0) |
			 (a->cookie_spares_old ? COOKIE_SPARES_OLD : 0) |
			 (a->cookie_changes ? COOKIE_CHANGE_ON_FAILURE : 0) |
			 (a->affinity_mode == AFFINITY_PERSISTENT ? COOKIE_PERSISTENT : 0));
}

static void set_cookie(struct model_cluster *m, const struct annots *a, struct block *b)
{
	const struct str texts[] = {a->cookie_name, a->cookie_domain};
	struct cluster_cookie c = {
	    .expires_s = a->cookie_expires,
	    .max_age_s = a->cookie_max_age,
	    .name_n = (uint16_t)texts[0].n,
	    .domain_n = (uint16_t)texts[1].n,
	    .flags = cookie_flags(a),
	    .same_site = (uint8_t)a->cookie_same_site,
	};
	size_t n = sizeof(c);

	memcpy(b->cookie, &c, sizeof(c));
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CHECK(n + texts[i].n <= sizeof(b->cookie));
		if (texts[i].n > 0)
			memcpy(b->cookie + n, texts[i].p, texts[i].n);
		n += texts[i].n;
	}
	m->cookie = str_make(b->cookie, n);
}

void balance_make(struct model_cluster *m, const struct annots *oldest, const struct annots *sticky,
		  balance_tell_fn *tell, void *arg, void **hold)
{
	struct block *b = calloc(1, sizeof(*b) + VARS_PROGRAM_MAX);

	CHECK(b != NULL);
	*hold = b;
	text_fixed(&b->hash, (char *)(b + 1), VARS_PROGRAM_MAX);
	if (oldest != NULL) {
		m->balance = (enum balance)oldest->balance;
		set_hash(m, oldest, b, tell, arg);
	}
	if (sticky != NULL)
		set_cookie(m, sticky, b);
}

uint64_t balance_digest(const struct model_cluster *m)
{
	uint64_t fixed[] = {m->balance, m->protocol, m->opts.subset, m->hash.n, m->cookie.n};
	uint64_t h = hash_str(str_make((const char *)fixed, sizeof(fixed)), 1);

	return hash_str(m->cookie, hash_str(m->hash, h));
}
