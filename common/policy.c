/* policy: see policy.h. */
#include "common/policy.h"

struct str policy_find(const struct policy *p, enum policy_opt type)
{
	size_t at = sizeof(*p);

	while (at + sizeof(struct policy_opt_head) <= p->size) {
		const struct policy_opt_head *h = (const void *)((const char *)p + at);
		size_t body = at + sizeof(*h);

		if (h->len > p->size - body)
			return STR_NONE;
		if (h->type == type)
			return str_make((const char *)p + body, h->len);
		at = body + ((h->len + 7u) & ~(size_t)7);
	}
	return STR_NONE;
}

void policy_defaults(struct policy *p)
{
	*p = (struct policy){
	    .size = sizeof(*p),
	    .body_max_bytes = 1024 * 1024,
	    .connect_ms = 5000,
	    .send_ms = 60000,
	    .read_ms = 60000,
	    .next_when = NEXT_ERROR | NEXT_TIMEOUT,
	    .next_tries = 3,
	    .head_max_bytes = 4096,
	};
}
