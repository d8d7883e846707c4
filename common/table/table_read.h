/*
 * table_read: the reader's side of the shared route table. Lock-free, and read-only by mmap.
 *
 * A reader announces the version it uses in its own slot (pins, DESIGN §2.2) and adopts a newer
 * one between two loop turns with table_adopt(). Between two adoptions every lookup sees one
 * whole, consistent picture. No pointer into the table may be kept across table_adopt().
 */
#ifndef SILEX_COMMON_TABLE_TABLE_READ_H
#define SILEX_COMMON_TABLE_TABLE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/mem/arena.h"
#include "common/table/client_tls.h"
#include "common/table/cluster_kind.h"
#include "common/table/cluster_opts.h"
#include "common/table/route_view.h"
#include "common/str.h"

struct table;      /* one mapping */
struct table_pins; /* the two announcement words, in the reader's slot (slot.h) */

/* Map the table behind fd (which may be closed afterwards); pins is where this reader announces.
 * NULL with errno: EINVAL when magic, ABI or size do not fit. */
struct table *table_open(int fd, struct table_pins *pins);
void table_close(struct table *t); /* takes the announcement back, unmaps; NULL is ignored */

/* Announce and use the newest version; O(1), and one load when nothing is new: cheap enough to
 * be called after every wait as well as at the bottom of the loop, so that the first request
 * after an idle minute sees the newest table. Returns it; 0 = nothing was published yet. */
uint64_t table_adopt(struct table *t);
uint64_t table_version(const struct table *t); /* the version in use */
uint64_t table_newest(const struct table *t);  /* one load: the newest published */
/* When the oldest change that a version brought reached the master: microseconds of
 * CLOCK_MONOTONIC, 0 when unknown. Of the last TABLE_HISTORY versions only. */
#define TABLE_HISTORY 64u
uint64_t table_since_us(const struct table *t, uint64_t version);

/*
 * Route a request (facts: routing §3-§5). host: as in the request, without port, any case, with
 * or without its final dot, empty when there was none; path: normalised (worker/wire/path.h),
 * without query; one that does not begin with "/" ("*") fits only the host's "/". The order is
 * exact host, one-label wildcard, catch-all; in the host: exact, regex, longest prefix; then the
 * table's default backend. The policy is copied into the arena. Valid in every state: before the
 * first version everything is ROUTE_NOT_FOUND with the built-in policy.
 * Returns 0, or -1 when the arena is full.
 */
int table_route(const struct table *t, struct str host, struct str path, struct arena *a,
		struct route_view *out);

/*
 * Does this pattern of the table match path? The reader knows no regular expressions (the worker
 * links PCRE2, common does not): without a matcher PATH_REGEX paths never fit. The pattern is
 * borrowed until the next table_adopt(); case is ignored, anchored at the start (§5).
 */
typedef bool table_regex_fn(void *arg, struct str pattern, struct str path);
void table_set_regex(struct table *t, table_regex_fn *fn, void *arg);

enum endpoint_state {
	ENDPOINT_READY = 0,
	ENDPOINT_TERMINATING = 1, /* serving, but going away: only when no READY one is left */
	ENDPOINT_DOWN = 2,        /* by an active health check */
};

#define TABLE_SINCE_MS 100 /* so that 32 bits last for years */

/* One endpoint as it lies in shared memory. */
struct table_endpoint {
	struct addr addr;
	uint16_t weight; /* >= 1 */
	uint8_t state;   /* enum endpoint_state */
	uint8_t zero;
	uint32_t since; /* when it became READY: CLOCK_MONOTONIC / TABLE_SINCE_MS; 0: long ago, or
			 * nobody asked (slow_start_ms 0) */
};

struct cluster_view { /* borrowed from the table: valid until the next table_adopt() */
	uint64_t id;
	uint64_t generation; /* changes whenever the endpoints do */
	struct str name;     /* "namespace-service-port", for logs */
	const struct table_endpoint *endpoints;
	uint32_t n_endpoints;
	uint8_t balance;  /* enum balance (cluster_kind.h) */
	uint8_t protocol; /* enum cluster_protocol */
	uint32_t flags;
	const struct cluster_opts *opts; /* never NULL */
	struct str
	    cookie;      /* struct cluster_cookie and its texts, not aligned; empty: no affinity */
	struct str hash; /* BALANCE_HASH: the key's program (common/vars/vars.h) */
};

/* False when the current version has no such cluster. */
bool table_cluster(const struct table *t, uint64_t id, struct cluster_view *out);

struct stream_view { /* what lies behind a port of a TCP or UDP service */
	uint64_t cluster;
	bool proxy_in;     /* clients send a PROXY header */
	uint8_t proxy_out; /* endpoints want one of this version (1, 2); 0: none */
};
/* False when the current version has no service at this port. */
bool table_stream(const struct table *t, enum transport transport, uint16_t port,
		  struct stream_view *out);
/* Is this (TCP) port one of a server of http-snippet? *proxy_in: clients send a PROXY header. */
bool table_is_server(const struct table *t, uint16_t port, bool *proxy_in);

/* Is TLS passed through for anybody at all? */
bool table_passes_through(const struct table *t);
/* The cluster that TLS for this server name (SNI, any case) is passed through to: that of the exact
 * name, or of a one-label wildcard where no host of that very name is served. False: to nobody. */
bool table_passthrough(const struct table *t, struct str sni, uint64_t *cluster);

/* As table_route(), at a port of such a server: out->server is what it answers, and out->policy the
 * same; NULL: the current version has no such server any more. */
int table_route_server(const struct table *t, uint16_t port, struct arena *a,
		       struct route_view *out);

struct group_view { /* who a route belongs to, for logs and metric labels; borrowed likewise */
	struct str ns, ingress, service, path, host;
	struct str canary; /* the cluster that took the request instead, empty: none */
};
/* False for 0 and for a number the current version does not use. Numbers are small and dense
 * enough to index an array; one is given to somebody else only after every reader has adopted a
 * version without it. */
bool table_group(const struct table *t, uint32_t group, struct group_view *out);

struct cert_view {           /* borrowed likewise */
	uint64_t generation; /* another one whenever anything of the certificate is */
	const uint8_t *key;  /* 32 bytes: SHA-256 of the SubjectPublicKeyInfo */
	struct str chain;    /* table_cert_next() walks it, leaf first */
	struct str ocsp;     /* DER, empty when there is none */
	int64_t ocsp_until;  /* when it must not be stapled any more, seconds since 1970 */
	int64_t not_after;   /* seconds since 1970 */
	struct str labels;   /* table_cert_label() walks it; empty when nobody knows them */
};
/* The certificate for a server name (SNI), any case, empty when the client sent none: exact name,
 * else one-label wildcard, else the default. False: there is not even a default. */
bool table_cert(const struct table *t, struct str sni, struct cert_view *out);
/* The next DER certificate of a chain; false at its end. */
bool table_cert_next(struct str *rest, struct str *der);
/* What metrics say of it, one enum cert_label after the other; false at the end. */
enum cert_label {
#define CERT_LABEL(id, name) CERT_##id,
#include "common/table/cert_label_tbl.h"
#undef CERT_LABEL
	CERT_LABELS
};
bool table_cert_label(struct str *rest, struct str *text);

/* Does a rule name this host, or a wildcard above it? The catch-all is none. */
/* What maps and geo of the ConfigMap define (policy_map.h); STR_NONE: nothing. */
struct str table_maps(const struct table *t);
bool table_has_host(const struct table *t, struct str host);
/* What the host that serves this name, as table_route() finds it, wants of its clients' TLS;
 * borrowed likewise. False: nothing of its own. */
bool table_tls(const struct table *t, struct str host, struct client_tls *out);
/* How to speak TLS to the endpoints of routes that name this profile (POLICY_OPT_UP_TLS); borrowed
 * likewise. */
struct profile_view {
	struct cert_view cert; /* ours, when .cert.chain is not empty; .cert.generation: another
				* one whenever anything of the profile is; never 0 */
	struct str ca;         /* table_cert_next() walks it; empty: none */
	struct str ciphers;    /* of TLS 1.2, in OpenSSL's notation; empty: OpenSSL's choice */
	struct str name;       /* the endpoint's certificate must have, and SNI; empty: none */
	bool verify, sni;      /* verify needs ca; sni needs name */
	uint8_t depth;         /* most CA certificates between the endpoint's and the root */
	uint8_t versions;      /* enum profile_version */
};
enum profile_version {
	PROFILE_TLS12 = 1u << 0,
	PROFILE_TLS13 = 1u << 1,
};
/* False: the Secret is missing or bad, and nothing must be sent. */
bool table_profile(const struct table *t, uint64_t id, struct profile_view *out);

/* Every name with a certificate ("*.x" below x, "" the default); fn returns false to stop. */
void table_each_cert(const struct table *t,
		     bool (*fn)(void *arg, struct str name, const struct cert_view *c), void *arg);

/* Figures for metrics and `silex show table`. */
struct table_info {
	uint64_t version, hosts, routes, clusters, endpoints, groups, certs;
	uint64_t bytes_mapped;  /* address space: the most it can grow to */
	uint64_t bytes_file;    /* reserved in /dev/shm */
	uint64_t bytes_used;    /* of live blocks, those waiting for reclamation included */
	uint64_t bytes_retired; /* waiting until no reader can see them */
};
void table_info(const struct table *t, struct table_info *out);

/* Walk for `silex show`: fn returns false to stop. */
void table_each_host(const struct table *t,
		     bool (*fn)(void *arg, struct str host, uint32_t n_paths), void *arg);

/* The same of the paths of all hosts: fn hears of each path's cluster (0: none) and group. n hosts
 * a call: *at is where to go on, 0 at first, and stays good when the table changes in between. True
 * when there are more hosts. */
bool table_each_path(const struct table *t, uint64_t *at, uint64_t n,
		     void (*fn)(void *arg, uint64_t cluster, uint32_t group), void *arg);

#endif
