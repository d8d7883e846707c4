/* policy: see policy.h. */
#include "common/policy/policy.h"

#include <string.h>

#include "common/net/addr.h"

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
	    .flags = POLICY_SSL_REDIRECT,
	    .body_max_bytes = 1024 * 1024,
	    .connect_ms = 5000,
	    .send_ms = 60000,
	    .read_ms = 60000,
	    .next_when = NEXT_ERROR | NEXT_TIMEOUT,
	    .next_tries = 3,
	    .head_max_bytes = 4096,
	};
}

bool policy_net_parse(struct str s, struct policy_net *out)
{
	ptrdiff_t slash = str_chr(s, '/');
	uint64_t bits = 128;
	struct addr a;

	if (!addr_parse(slash == -1 ? s : str_make(s.p, (size_t)slash), 0, &a))
		return false;
	if (a.family == 4)
		bits = 32;
	if (slash != -1 && !str_u64(str_from_at(s, (size_t)slash + 1), bits, &bits))
		return false;
	*out = (struct policy_net){.family = a.family, .bits = (uint8_t)bits};
	memcpy(out->ip, a.ip, sizeof(out->ip));
	return true;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool policy_net_has(const struct policy_net *net, uint8_t family, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == 6 && memcmp(ip, mapped, sizeof(mapped)) == 0) {
		family = 4;
		ip += sizeof(mapped);
	}
	return family == net->family && same_prefix(net->ip, ip, net->bits);
}

bool policy_nets_have(struct str nets, uint8_t family, const uint8_t ip[16])
{
	struct policy_net net;

	for (; nets.n >= sizeof(net); nets = str_from_at(nets, sizeof(net))) {
		memcpy(&net, nets.p, sizeof(net));
		if (policy_net_has(&net, family, ip))
			return true;
	}
	return false;
}
