/* cluster_kind: the small numbers of a cluster that master, table and worker share. */
#ifndef SILEX_COMMON_TABLE_CLUSTER_KIND_H
#define SILEX_COMMON_TABLE_CLUSTER_KIND_H

enum balance {
	BALANCE_ROUND_ROBIN = 0,
	BALANCE_EWMA = 1,
	BALANCE_HASH = 2
};
enum cluster_protocol {
	CLUSTER_HTTP = 0,
	CLUSTER_HTTPS = 1,
	CLUSTER_H2C = 2,
	CLUSTER_H2 = 3,
	CLUSTER_AUTO = 4 /* HTTP or HTTPS, as the client came */
};
enum path_kind {
	PATH_EXACT = 0,
	PATH_PREFIX = 1,
	PATH_REGEX = 2
};

#endif
