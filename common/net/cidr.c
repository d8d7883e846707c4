/* cidr: see cidr.h. A prefix ends in CIDR_ALL; what is below it is never looked at again. */
#include "common/net/cidr.h"

#include <errno.h>
#include <stdlib.h>

#include "common/conf/conf.h"

#define NODES_FIRST 64

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const uint8_t *ip, unsigned bits)
{
	return bits >= 96 && memcmp(ip, mapped, sizeof(mapped)) == 0;
}

/* The address as this room sees it: 4 or 16 bytes in *ip. 0: no address. */
static unsigned meaning(const struct addr *a, const uint8_t **ip)
{
	*ip = a->ip;
	if (a->family != 6)
		return a->family == 4 ? 4 : 0;
	if (!is_mapped(a->ip, 128))
		return 6;
	*ip = a->ip + sizeof(mapped);
	return 4;
}

static void clear_behind(uint8_t *ip, unsigned bits, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned left = bits > i * 8 ? bits - i * 8 : 0;

		if (left < 8)
			ip[i] &= (uint8_t)(0xff00u >> left);
	}
}

bool cidr_parse(struct str text, struct cidr *out)
{
	ptrdiff_t slash = str_chr(text, '/');
	struct str ip = slash == -1 ? text : str_make(text.p, (size_t)slash);
	struct addr a;
	uint64_t most, bits;

	if (!addr_parse(ip, 0, &a))
		return false;
	most = bits = a.family == 4 ? 32 : 128;
	if (slash != -1 && !str_u64(str_from_at(text, (size_t)slash + 1), most, &bits))
		return false;
	*out = (struct cidr){.family = a.family, .bits = (uint8_t)bits};
	memcpy(out->ip, a.ip, sizeof(out->ip));
	if (a.family == 6 && is_mapped(a.ip, out->bits)) {
		*out = (struct cidr){.family = 4, .bits = (uint8_t)(bits - 96)};
		memcpy(out->ip, a.ip + sizeof(mapped), 4);
	}
	clear_behind(out->ip, out->bits, sizeof(out->ip));
	return true;
}

static unsigned bit_of(const uint8_t *ip, unsigned at)
{
	return (unsigned)ip[at / 8] >> (7 - at % 8) & 1u;
}

bool cidr_has(const struct cidr *c, const struct addr *a)
{
	const uint8_t *ip;

	if (meaning(a, &ip) != c->family)
		return false;
	for (unsigned i = 0; i < c->bits; i++)
		if (bit_of(ip, i) != bit_of(c->ip, i))
			return false;
	return true;
}

void cidr_set_init(struct cidr_set *s)
{
	*s = (struct cidr_set){.n = 1};
}

void cidr_set_free(struct cidr_set *s)
{
	free(s->nodes);
	cidr_set_init(s);
}

/* Room for n more nodes. */
static int reserve(struct cidr_set *s, uint32_t n)
{
	uint32_t cap = s->cap == 0 ? NODES_FIRST : s->cap;
	struct cidr_node *more;

	if (s->n + n > CIDR_NODES_MAX) {
		errno = ENOSPC;
		return -1;
	}
	while (cap < s->n + n)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	more = reallocarray(s->nodes, cap, sizeof(*more));
	if (more == NULL)
		return -1;
	s->nodes = more;
	s->cap = cap;
	return 0;
}

int cidr_set_add(struct cidr_set *s, const struct cidr *c)
{
	uint32_t *at = &s->root[c->family == 6];

	if (reserve(s, c->bits) == -1)
		return -1;
	for (unsigned i = 0; i < c->bits && *at != CIDR_ALL; i++) {
		if (*at == CIDR_NOTHING) {
			s->nodes[s->n] = (struct cidr_node){{CIDR_NOTHING, CIDR_NOTHING}};
			*at = s->n++;
		}
		at = &s->nodes[*at].child[bit_of(c->ip, i)];
	}
	*at = CIDR_ALL;
	return 0;
}

int cidr_set_add_list(struct cidr_set *s, struct str list, struct str *bad)
{
	struct str one;
	struct cidr c;

	while (conf_csv_next(&list, &one)) {
		if (!cidr_parse(one, &c)) {
			if (bad != NULL)
				*bad = one;
			errno = EINVAL;
			return -1;
		}
		if (cidr_set_add(s, &c) == -1)
			return -1;
	}
	return 0;
}

bool cidr_set_has(const struct cidr_set *s, const struct addr *a)
{
	const uint8_t *ip;
	unsigned family = meaning(a, &ip);
	uint32_t at;

	if (family == 0)
		return false;
	at = s->root[family == 6];
	for (unsigned i = 0; at != CIDR_NOTHING && at != CIDR_ALL; i++)
		at = s->nodes[at].child[bit_of(ip, i)];
	return at == CIDR_ALL;
}
