/*
 * proxyproto: the PROXY protocol's header, versions 1 and 2 (haproxy.org, proxy-protocol.txt): in
 * front of everything else, the peer says on whose behalf it connects.
 *
 * Reading is pure: bytes in, addresses out, nothing kept. It says only what the peer claims;
 * whether that is believed is decided elsewhere (client_id.h). Strict: single blanks, canonical
 * numbers, no address that is none, nothing longer than it may be. What version 2 appends (TLVs)
 * is skipped unread.
 */
#ifndef SILEX_WORKER_ACCEPT_PROXYPROTO_H
#define SILEX_WORKER_ACCEPT_PROXYPROTO_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/str.h"

#define PROXYPROTO_V1_MAX    107               /* bytes of a whole header, as the protocol says */
#define PROXYPROTO_V2_MAX    4096              /* TLVs included; more is refused */
#define PROXYPROTO_WRITE_MAX PROXYPROTO_V1_MAX /* version 2 needs 52 */
#define PROXYPROTO_LOOK      128 /* bytes within which everything is said that we use */

enum proxyproto_result {
	PROXYPROTO_MORE, /* so far so good */
	PROXYPROTO_DONE,
	PROXYPROTO_BAD, /* no PROXY header, or a broken one */
};

struct proxyproto {
	bool local; /* the peer speaks for itself (LOCAL, UNKNOWN), or for no TCP address */
	struct addr from, to; /* when not local: of the connection that the peer took */
	size_t length;        /* of the header: of version 2 it may end behind the bytes seen */
};

/* MORE never comes with PROXYPROTO_LOOK bytes or more; *out is set on DONE only. */
enum proxyproto_result proxyproto_read(struct str bytes, struct proxyproto *out);

/* A header of this version (1: what ingress-nginx sends to TCP services; 2) for a connection of
 * `from` to `to`. Addresses of two families, or of none, become UNKNOWN, in version 2 UNSPEC.
 * Returns its length. */
size_t proxyproto_write(unsigned version, const struct addr *from, const struct addr *to,
			char buf[PROXYPROTO_WRITE_MAX]);

#endif
