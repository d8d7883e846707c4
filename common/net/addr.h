/*
 * addr: an IP address and port in 20 bytes, the same in shared memory, in logs and as pool key.
 */
#ifndef SILEX_COMMON_NET_ADDR_H
#define SILEX_COMMON_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/str.h"

#define ADDR_TEXT_MAX 56 /* "[v6]:port" and a NUL */

struct addr {
	uint8_t family; /* 4, 6; 0 = none */
	uint8_t zero;
	uint16_t port;  /* host byte order */
	uint8_t ip[16]; /* network order; IPv4 in the first four, the rest zero */
};
_Static_assert(sizeof(struct addr) == 20, "addr is part of the shared layout");

/* A literal IPv4 or IPv6 address without port or zone; false when it is none. */
bool addr_parse(struct str ip, uint16_t port, struct addr *out);
/* IPv4-mapped IPv6 becomes IPv4. family 0 for anything that is not AF_INET or AF_INET6. */
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
/* Returns the length to pass to connect(). */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* IPv4-mapped IPv6 (::ffff:a.b.c.d) becomes IPv4, so that an address has one form only. */
void addr_unmap(struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);
/* Text without / with port into buf (ADDR_TEXT_MAX); returns its length. */
size_t addr_ip_text(const struct addr *a, char *buf);
size_t addr_text(const struct addr *a, char *buf);

#endif
