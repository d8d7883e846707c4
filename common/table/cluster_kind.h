/* cluster_kind: the small numbers of a cluster that master, table and worker share. */
#ifndef SILEX_COMMON_TABLE_CLUSTER_KIND_H
#define SILEX_COMMON_TABLE_CLUSTER_KIND_H

#include <stdbool.h>
#include <stdint.h>

enum balance {
	BALANCE_ROUND_ROBIN = 0,
	BALANCE_EWMA = 1,
	BALANCE_HASH = 2
};
enum cluster_protocol {
	CLUSTER_HTTP = 0,
	CLUSTER_HTTPS = 1, /* HTTP/1.1 over TLS */
	CLUSTER_H2C = 2,   /* HTTP/2 without TLS */
	CLUSTER_H2 = 3,    /* HTTP/2 over TLS, agreed on by ALPN */
	CLUSTER_AUTO = 4   /* HTTP or HTTPS, as the client came */
};

/* Of a connection: is there TLS under it? */
static inline bool cluster_over_tls(uint32_t protocol)
{
	return protocol == CLUSTER_HTTPS || protocol == CLUSTER_H2;
}

enum transport { /* of a service that is passed on byte for byte */
	TRANSPORT_TCP = 0,
	TRANSPORT_UDP = 1,
	TRANSPORTS
};

enum path_kind {
	PATH_EXACT = 0,
	PATH_PREFIX = 1,
	PATH_REGEX = 2
};

#endif
