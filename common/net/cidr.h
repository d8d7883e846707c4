/*
 * cidr: networks, and sets of them ("10.0.0.0/8, 2001:db8::/32").
 *
 * For whatever asks "does this address belong to ...": whose word is believed about the client
 * (proxy-real-ip-cidr), and who may come in. A set is a binary trie over address bits in one flat
 * array of indices: no pointers, so it may be copied and shared as bytes; matching allocates
 * nothing and takes at most as many steps as the longest prefix has bits. A network inside
 * another of the same set costs nothing.
 *
 * One address has one meaning: IPv4-mapped IPv6 (::ffff:a.b.c.d) is IPv4 on both sides, or a list
 * of IPv4 networks could be passed by writing the same address differently.
 */
#ifndef SILEX_COMMON_NET_CIDR_H
#define SILEX_COMMON_NET_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"

#define CIDR_NODES_MAX (1u << 20) /* of one set: 8 MiB, some ten thousand scattered networks */

struct cidr {
	uint8_t family; /* 4, 6 */
	uint8_t bits;   /* of the prefix */
	uint8_t ip[16]; /* network order; zero behind the prefix */
};

/* "192.0.2.0/24", or an address alone as a network of one. Bits behind the prefix are cleared,
 * as ingress-nginx does it. False when it is none. */
bool cidr_parse(struct str text, struct cidr *out);
bool cidr_has(const struct cidr *c, const struct addr *a);

struct cidr_node {
	uint32_t child[2]; /* by the next bit: an index, CIDR_NOTHING or CIDR_ALL */
};

#define CIDR_NOTHING 0u
#define CIDR_ALL     UINT32_MAX

struct cidr_set {
	uint32_t root[2]; /* IPv4, IPv6: as a child */
	uint32_t n, cap;
	struct cidr_node *nodes; /* [0] is not used */
};

/* An empty set: has nobody. */
void cidr_set_init(struct cidr_set *s);
void cidr_set_free(struct cidr_set *s);
/* 0, or -1 with errno ENOMEM, or ENOSPC over CIDR_NODES_MAX; the set is then as before, but for
 * nodes that match nothing. */
int cidr_set_add(struct cidr_set *s, const struct cidr *c);
/* Adds every network of a comma-separated list, blanks allowed. 0, or -1 with errno: EINVAL with
 * the element that is none in *bad (may be NULL), or as cidr_set_add(). */
int cidr_set_add_list(struct cidr_set *s, struct str list, struct str *bad);
/* False for an address of no family. */
bool cidr_set_has(const struct cidr_set *s, const struct addr *a);

#endif
