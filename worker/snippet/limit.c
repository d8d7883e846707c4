/* limit: limit_req of snippets (policy_snippet.h); see snippet.h. */
#include <string.h>

#include "common/hash.h"
#include "common/limit/limit_rate.h"
#include "common/policy/policy.h"
#include "worker/snippet/snippet_int.h"

static bool next(struct str *list, struct snip_limit *limit, struct str *key)
{
	if (list->n < sizeof(*limit))
		return false;
	memcpy(limit, list->p, sizeof(*limit));
	if (list->n - sizeof(*limit) < limit->key_n)
		return false;
	*key = str_make(list->p + sizeof(*limit), limit->key_n);
	*list = str_from_at(*list, sizeof(*limit) + limit->key_n);
	return true;
}

/* One of them; an empty key is not limited, as in nginx. */
static enum snippet_rate check(struct request *r, const struct snip_limit *limit, struct str key,
			       bool take)
{
	struct limit_rate rate = {limit->interval_us, limit->burst, LIMIT_AHEAD_US};
	enum limit_verdict v;
	struct str value;
	uint64_t hash;

	if (!snippet_value(r, key, &value))
		return SNIPPET_RATE_FAILED;
	if (value.n == 0)
		return SNIPPET_RATE_GOOD;
	hash =
	    hash_str(str_make((const char *)&limit->zone, sizeof(limit->zone)), r->w->limits->seed);
	v = limit_rate_check(r->w->limits, hash_str(value, hash), &rate, ev_now_us(r->w->ev), take);
	if (v == LIMIT_PASS_EVICTED)
		stat_add(r->w->slot, STAT_LIMIT_EVICTED, 1);
	return v == LIMIT_OVER ? SNIPPET_RATE_OVER : SNIPPET_RATE_GOOD;
}

/* A path that has limits of its own, in whatever form, has none of its host's. */
static struct str limits_of(const struct request *r)
{
	struct policy_limit own;
	struct str opt = policy_find(r->route.policy, POLICY_OPT_LIMIT);

	if (opt.n != sizeof(own))
		return snippet_list(r, SNIP_LIMIT);
	memcpy(&own, opt.p, sizeof(own));
	return (own.interval_us | own.interval_us_rpm) != 0 ? snippet_list_of_path(r, SNIP_LIMIT)
							    : snippet_list(r, SNIP_LIMIT);
}

/* All are asked before one takes, so that a refusal costs nothing. */
enum snippet_rate snippet_rate(struct request *r)
{
	struct str list = limits_of(r);

	for (int take = 0; take < 2; take++) {
		struct snip_limit limit;
		struct str rest = list, key;

		while (next(&rest, &limit, &key)) {
			enum snippet_rate rate = check(r, &limit, key, take != 0);

			if (rate != SNIPPET_RATE_GOOD)
				return rate;
		}
	}
	return SNIPPET_RATE_GOOD;
}
