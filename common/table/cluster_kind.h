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
enum affinity {
	AFFINITY_NONE = 0,
	AFFINITY_COOKIE = 1
};
enum affinity_mode {
	AFFINITY_BALANCED = 0,
	AFFINITY_PERSISTENT = 1
};
enum same_site {
	SAMESITE_UNSET = 0,
	SAMESITE_NONE = 1,
	SAMESITE_LAX = 2,
	SAMESITE_STRICT = 3
};
enum cluster_protocol {
	CLUSTER_HTTP = 0,
	CLUSTER_HTTPS = 1, /* HTTP/1.1 over TLS */
	CLUSTER_H2C = 2,   /* HTTP/2 without TLS */
	CLUSTER_H2 = 3,    /* HTTP/2 over TLS, agreed on by ALPN */
	CLUSTER_AUTO = 4,  /* HTTP or HTTPS, as the client came */
	CLUSTER_FCGI = 5   /* FastCGI */
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

enum cluster_flag {                   /* cluster_view.flags */
	CLUSTER_NO_SERVICE = 1u << 0, /* there is no such Service, or it has no such port */
};

#endif
