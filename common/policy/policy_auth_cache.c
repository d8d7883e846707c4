/* policy_auth_cache: see policy_auth_cache.h. */
#include "common/policy/policy_auth_cache.h"

bool policy_auth_cache_read(struct str option, struct policy_auth_cache_view *out)
{
	struct str rest = str_from_at(option, sizeof(struct policy_auth_cache));
	struct policy_auth_cache h;
	size_t n;

	if (option.n < sizeof(h))
		return false;
	memcpy(&h, option.p, sizeof(h));
	if (h.n_times > rest.n / sizeof(struct policy_auth_time))
		return false;
	n = h.n_times * sizeof(struct policy_auth_time);
	*out = (struct policy_auth_cache_view){h.space, str_head(rest, n), str_from_at(rest, n)};
	return true;
}

uint32_t policy_auth_cache_time(const struct policy_auth_cache_view *v, uint16_t status)
{
	uint32_t any = 0;

	for (size_t at = 0; at + sizeof(struct policy_auth_time) <= v->times.n;
	     at += sizeof(struct policy_auth_time)) {
		struct policy_auth_time t;

		memcpy(&t, v->times.p + at, sizeof(t));
		if (t.status == status)
			return t.seconds;
		if (t.status == 0)
			any = t.seconds;
	}
	return any;
}
