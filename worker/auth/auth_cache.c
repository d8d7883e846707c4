/* auth_cache: see auth_cache.h. */
#include "worker/auth/auth_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/mem/recent.h"
#include "common/policy/policy_auth_cache.h"
#include "common/check.h"
#include "worker/vars/vars.h"

struct kept {
	struct recent recent;
	struct auth_cache_id id;
	uint64_t until_ms;
	uint16_t status;
	uint16_t n_fields;
	uint32_t n;   /* of bytes */
	char bytes[]; /* the challenge and a NUL, then name, NUL, value, NUL for each field */
};

struct auth_cache {
	uint8_t key[SIPHASH_KEY];
	struct recents all;
};

static void kept_free(struct recent *r)
{
	free(container_of(r, struct kept, recent));
}

static struct auth_cache *cache_of(struct worker *w)
{
	struct auth_cache *c = w->auth_cache;

	if (c != NULL)
		return c;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	if (getrandom(c->key, sizeof(c->key), 0) != (ssize_t)sizeof(c->key)) {
		free(c);
		return NULL;
	}
	recents_init(&c->all, AUTH_CACHE_MOST, kept_free);
	w->auth_cache = c;
	return c;
}

/* --- whose answer it is --------------------------------------------------------------------- */

/* False: there is no telling, so nothing is remembered. */
static bool identify(struct request *r, const struct auth_cache *c, uint64_t space, struct str key,
		     struct auth_cache_id *id)
{
	struct str host = r->in.host, value;
	uint32_t host_n = (uint32_t)host.n;
	char *all;
	size_t n = 0;

	if (!vars_eval(key, r, &value))
		return false;
	all = arena_alloc(&r->arena, sizeof(space) + sizeof(host_n) + host.n + value.n);
	if (all == NULL)
		return false;
	memcpy(all, &space, sizeof(space));
	n += sizeof(space);
	memcpy(all + n, &host_n, sizeof(host_n));
	n += sizeof(host_n);
	for (size_t i = 0; i < host.n; i++)
		all[n++] = ascii_lower(host.p[i]);
	if (value.n > 0)
		memcpy(all + n, value.p, value.n);
	siphash(c->key, all, n + value.n, id->bytes);
	return true;
}

static uint64_t number_of(const struct auth_cache_id *id)
{
	uint64_t n;

	memcpy(&n, id->bytes, sizeof(n));
	return n;
}

static struct kept *find(struct auth_cache *c, const struct auth_cache_id *id)
{
	struct recent *r = recents_find(&c->all, number_of(id));

	return r == NULL ? NULL : container_of(r, struct kept, recent);
}

/* --- an answer that is there ---------------------------------------------------------------- */

static struct str take_text(const char **at)
{
	struct str s = str_from(*at);

	*at += s.n + 1;
	return s;
}

/* It may be gone before the request has ended, so it is copied. */
static bool give(struct request *r, struct auth *a, const struct kept *k)
{
	const char *at = arena_alloc(&r->arena, k->n);

	a->to_endpoint = arena_alloc(&r->arena, (k->n_fields + 1u) * sizeof(*a->to_endpoint));
	if (at == NULL || a->to_endpoint == NULL)
		return false;
	memcpy((char *)(uintptr_t)at, k->bytes, k->n);
	a->challenge = take_text(&at);
	for (uint16_t i = 0; i < k->n_fields; i++) {
		a->to_endpoint[i].name = take_text(&at);
		a->to_endpoint[i].value = take_text(&at);
	}
	a->n_to_endpoint = k->n_fields;
	a->status = k->status;
	a->given = true;
	return true;
}

bool auth_cache_find(struct request *r, struct auth *a)
{
	struct str option = policy_find(r->route.policy, POLICY_OPT_AUTH_CACHE);
	struct policy_auth_cache_view v;
	struct auth_cache *c;
	const struct kept *k;

	if (option.n == 0 || !policy_auth_cache_read(option, &v))
		return false;
	c = cache_of(r->w);
	if (c == NULL || !identify(r, c, v.space, v.key, &a->id))
		return false;
	a->remember = true;
	k = find(c, &a->id);
	if (k == NULL || k->until_ms <= ev_now_ms(r->w->ev) ||
	    memcmp(&k->id, &a->id, sizeof(k->id)) != 0)
		return false;
	return give(r, a, k);
}

/* --- an answer that comes ------------------------------------------------------------------- */

/* What it says of itself, beyond a time that was set: then it is used once. */
static bool forbids(const struct head *h)
{
	static const char *const names[] = {"Cache-Control", "Expires", "Vary", "X-Accel-Expires",
					    "Set-Cookie"};

	for (uint16_t i = 0; i < h->n_fields; i++) {
		struct str name = str_make(h->fields[i].name, h->fields[i].name_n);

		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			if (str_ieq(name, str_from(names[n])))
				return true;
	}
	return false;
}

static size_t size_of(const struct auth *a)
{
	size_t n = a->challenge.n + 1;

	for (uint16_t i = 0; i < a->n_to_endpoint; i++)
		n += a->to_endpoint[i].name.n + a->to_endpoint[i].value.n + 2;
	return n;
}

static char *put_text(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return to + s.n + 1;
}

static struct kept *make(const struct auth *a, uint64_t until_ms)
{
	size_t n = size_of(a);
	struct kept *k = n > AUTH_CACHE_BYTES ? NULL : malloc(sizeof(*k) + n);
	char *to;

	if (k == NULL)
		return NULL;
	*k = (struct kept){.id = a->id,
			   .until_ms = until_ms,
			   .status = a->status,
			   .n_fields = a->n_to_endpoint,
			   .n = (uint32_t)n};
	k->recent.number = number_of(&a->id);
	to = put_text(k->bytes, a->challenge);
	for (uint16_t i = 0; i < a->n_to_endpoint; i++)
		to = put_text(put_text(to, a->to_endpoint[i].name), a->to_endpoint[i].value);
	return k;
}

static bool is_verdict(uint16_t status)
{
	return status / 100 == 2 || status == 401 || status == 403;
}

void auth_cache_store(struct request *r, const struct auth *a, const struct head *h)
{
	struct str option = policy_find(r->route.policy, POLICY_OPT_AUTH_CACHE);
	struct auth_cache *c = r->w->auth_cache;
	struct policy_auth_cache_view v;
	uint32_t seconds;
	struct kept *k;

	if (!a->remember || !policy_auth_cache_read(option, &v))
		return;
	seconds = policy_auth_cache_time(&v, a->status);
	if (seconds == 0 || !is_verdict(a->status) || forbids(h))
		return;
	k = make(a, ev_now_ms(r->w->ev) + seconds * 1000ull);
	if (k == NULL)
		return;
	recents_drop(&c->all, k->recent.number);
	recents_add(&c->all, &k->recent);
}
