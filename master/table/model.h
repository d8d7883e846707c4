/*
 * model: what the objects mean, in the terms of the table.
 *
 * master/translate* makes these from Kubernetes objects, master/table_write* stores them.
 * Everything is borrowed for the duration of the call that takes it.
 */
#ifndef SILEX_MASTER_TABLE_MODEL_H
#define SILEX_MASTER_TABLE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/table/cluster_kind.h"
#include "common/policy/policy.h"
#include "common/str.h"
#include "common/table/table_read.h"

struct model_cluster {
	uint64_t id;     /* model_cluster_id() of something unambiguous; never 0 */
	struct str name; /* "namespace-service-port" */
	const struct table_endpoint *endpoints;
	uint32_t n_endpoints;
	enum balance balance;
	enum cluster_protocol protocol;
	uint32_t flags;
	struct cluster_opts opts;
	struct str cookie, hash; /* as in struct cluster_view */
};

struct model_port {
	enum transport transport;
	uint16_t port;
};

struct model_stream { /* a port of a TCP or UDP service, or of a server of http-snippet */
	enum transport transport;
	uint16_t port;
	uint64_t cluster;
	bool proxy_in;               /* clients send a PROXY header */
	uint8_t proxy_out;           /* endpoints want one of this version; 0: none */
	const struct policy *policy; /* what a server of http-snippet answers; NULL: a service */
};

struct model_path {
	struct str path; /* normalised; for PATH_PREFIX without its final "/" unless it is "/" */
	enum path_kind kind; /* PREFIX matches the path itself and everything below path + "/" */
	bool slash_only;  /* PREFIX given as "/foo/": "/foo" itself is a 301 to "/foo/". Where both
			   * "/foo" and "/foo/" are given: this one, and an EXACT "/foo" */
	uint64_t cluster; /* 0: a rule without a backend, answers 503 */
	bool default_backend; /* reached as a default backend */
	const struct policy *policy;
	struct str ns, ingress, service; /* the statistics group, with host and path */
	struct str canary; /* its canary's cluster by name: a group of its own; empty: none */
};

struct model_tls {               /* what a host wants of its clients' TLS */
	struct client_tls wants; /* but for its generations and what it has of a CA */
	const struct str *ca;    /* DER certificates that vouch for clients */
	const struct str *crls;  /* DER */
	uint32_t n_ca, n_crls;
};

struct model_host {
	struct str name; /* any case; "*.example.com" one-label wildcard; "" the catch-all */
	bool has_cert;
	const struct model_tls *tls;    /* NULL: nothing of its own */
	const struct policy *server;    /* what server-snippet means; NULL: nothing */
	const struct model_path *paths; /* no two alike in (path, kind). Regexes are tried in the
					 * order given, for the rest the order means nothing */
	uint32_t n_paths;
};

struct model_cert {              /* a certificate under one server name */
	struct str name;         /* as a host's; "" the default */
	const uint8_t *key;      /* 32 bytes: SHA-256 of the SubjectPublicKeyInfo */
	const struct str *chain; /* DER, leaf first */
	uint32_t n_chain;
	struct str ocsp;                /* DER; empty = none */
	int64_t ocsp_until;             /* seconds since 1970 */
	int64_t not_after;              /* seconds since 1970 */
	struct str labels[CERT_LABELS]; /* 255 bytes each at most */
};

struct model_profile { /* TLS towards endpoints; see struct profile_view */
	uint64_t id;
	const uint8_t *key;      /* as a model_cert's; with a chain only */
	const struct str *chain; /* our certificate, DER, leaf first */
	uint32_t n_chain;        /* 0: none */
	const struct str *ca;    /* DER */
	uint32_t n_ca;
	struct str ciphers, name;
	bool verify, sni;
	uint8_t depth, versions;
};

/* A 64-bit id for a cluster name, never 0: the same for the life of this process, another in the
 * next, so that nobody can choose a Service name that collides with somebody else's. */
uint64_t model_cluster_id(struct str name);

#endif
