/*
 * annot: an Ingress' annotations, read by ingress-nginx' rules (facts: annotations §0).
 *
 * One table (annot_tbl.h) says what exists: names, types, bounds, defaults, risk, scope, target
 * field. What a user writes is never dropped in silence: an invalid value, an annotation that is
 * known but not supported yet, an unknown name ("did you mean ...") each give a finding.
 * A feature arrives by turning its ANNOT_LATER row into an ANNOT row with a field in struct
 * annots (or in the fixed part of struct policy, for plain numbers).
 */
#ifndef SILEX_K8S_SETTINGS_ANNOT_H
#define SILEX_K8S_SETTINGS_ANNOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/table/client_tls.h"
#include "common/table/cluster_kind.h"
#include "common/table/cluster_opts.h"
#include "common/policy/policy.h"
#include "common/str.h"
#include "k8s/objects/obj.h"

enum annot_id {
#define ANNOT(id, name, type, scale, min, max, dflt, risk, scope, field, text) ANNOT_##id,
#define ANNOT_IDLE(name, type, risk, scope, text)
#define ANNOT_LATER(name, type, risk, scope, text)
#define ANNOT_ALIAS(name, canonical)
#include "k8s/settings/annot_tbl.h"
	ANNOT_IDS
};

enum annot_type {
	ANNOT_BOOL,
	ANNOT_INT,
	ANNOT_SIZE,
	ANNOT_PROTOCOL,       /* words of backend-protocol: enum cluster_protocol */
	ANNOT_NEXT,           /* words of proxy-next-upstream: enum policy_next */
	ANNOT_VERIFY,         /* words of auth-tls-verify-client: enum tls_verify */
	ANNOT_BALANCE,        /* one of a few words (annot_words.h): enum balance, */
	ANNOT_AFFINITY_TYPE,  /* enum affinity, */
	ANNOT_AFFINITY_MODES, /* enum affinity_mode, */
	ANNOT_CANARY_MODES,   /* 1: legacy, */
	ANNOT_SAME_SITE,      /* enum same_site */
	ANNOT_HTTP_VERSIONS,  /* 1: HTTP/1.0, */
	ANNOT_CONNECTIONS,    /* 1: close, 2: keep-alive */
	ANNOT_STRING,         /* visible characters and spaces */
	ANNOT_PATH,           /* ... that begin with "/" */
	ANNOT_URL,            /* ... with http:// or https:// */
	ANNOT_PLACE,          /* one of these two */
	ANNOT_HOST,           /* a host name, with or without port */
	ANNOT_WORD,           /* visible characters that a cookie's name or path may have */
	ANNOT_NETS,           /* addresses and networks, comma separated */
	ANNOT_TEXT,           /* one word */
	ANNOT_EDIT,           /* "off", or two words */
	ANNOT_SNIPPET,        /* anything: who reads it judges it */
};

enum { /* annotations whose value is kept as it is */
	ANNOT_TEXTS = 0
#define ANNOT(id, name, type, scale, min, max, dflt, risk, scope, field, text) \
	+(ANNOT_##type >= ANNOT_STRING)
#define ANNOT_IDLE(name, type, risk, scope, text)
#define ANNOT_LATER(name, type, risk, scope, text)
#define ANNOT_ALIAS(name, canonical)
#include "k8s/settings/annot_tbl.h"
};

enum annot_risk {
	RISK_LOW,
	RISK_MEDIUM,
	RISK_HIGH,
	RISK_CRITICAL
};
enum annot_scope {
	SCOPE_LOCATION,
	SCOPE_INGRESS
};

#define ANNOT_WORDS ((ANNOT_IDS + 63) / 64)

/* What the translation compiles of them, each in memory of its own, which annots_made_free() frees.
 * Nothing but struct str may be in it. */
struct annots_made {
	struct str path_program, host_program;     /* snippet/: of the snippets */
	struct str auth_program;                   /* ... of auth-snippet */
	struct str own_headers;                    /* headers.c: what custom_headers names */
	struct str fcgi_list;                      /* fcgi.c: what fcgi_params names */
	struct str auth_option, auth_cache_option; /* auth/auth.c */
	struct str basic_option;                   /* auth/basic_auth.c */
	struct str edits;                          /* edits.c */
	struct str mirror_option;                  /* mirror/mirror.c */
};

#define ANNOT_MADE (sizeof(struct annots_made) / sizeof(struct str))

/* The values of one Ingress. Strings are borrowed from it, but for those that are made. */
struct annots {
	uint64_t set[ANNOT_WORDS]; /* bit ANNOT_x: given and valid; else it is the default */
	uint64_t bad[ANNOT_WORDS]; /* ... given and not valid, which was reported */
	struct str rewrite_target, app_root, permanent_redirect, temporal_redirect, upstream_vhost;
	struct str allow, deny; /* empty: not given */
	uint64_t zone;          /* whose limits: a hash of namespace and name; 0: it has none */
	uint32_t limit_rps, limit_rpm, limit_connections, limit_burst;
	struct str limit_allow;
	bool http10;                           /* become policy flags, */
	uint16_t connection;                   /* likewise */
	uint64_t limit_rate, limit_rate_after; /* bytes */
	struct str cors_origin, cors_methods, cors_headers, cors_expose;
	bool enable_cors, cors_credentials;
	uint32_t cors_max_age;
	struct str proxy_ssl_secret, proxy_ssl_verify, proxy_ssl_ciphers, proxy_ssl_protocols;
	struct str proxy_ssl_name, proxy_ssl_sni;
	uint16_t proxy_ssl_depth;
	struct str auth_tls_secret, auth_tls_error_page, auth_tls_match, ssl_ciphers;
	uint16_t auth_tls_verify; /* enum tls_verify */
	uint16_t auth_tls_depth;
	bool auth_tls_pass, ssl_prefer_ours;
	struct str auth_url, auth_method, auth_signin, auth_signin_param, auth_names;
	struct str auth_set_headers, auth_redirect, auth_snippet, auth_type, satisfy;
	bool auth_always_cookie, global_auth;
	struct str no_auth_locations; /* of the settings: paths for which that does not count */
	struct str auth_cache_key, auth_cache_duration;
	struct str auth_secret, auth_secret_type, auth_realm;
	struct str mirror_target, mirror_body, mirror_host;
	bool use_regex, access_log;
	struct str forwarded_prefix, custom_headers;
	struct str path_snippet, host_snippet;
	/* Lists of policy_header.h that hold for all: the translation's own (headers.c). */
	struct str request_headers, response_headers;
	struct str hash_by; /* template with variables; empty: not given */
	uint16_t balance;   /* enum balance */
	uint16_t hash_subset_size;
	bool hash_subset, service_upstream;
	uint16_t affinity, affinity_mode, cookie_same_site; /* enums of cluster_kind.h */
	bool cookie_spares_old, cookie_secure, cookie_changes;
	struct str cookie_name, cookie_path, cookie_domain;
	struct str canary_header, canary_value, canary_pattern, canary_cookie;
	uint32_t canary_weight, canary_total;
	bool canary, canary_legacy;
	int64_t cookie_expires, cookie_max_age; /* seconds; only when set */
	uint16_t permanent_code, temporal_code;
	uint16_t protocol; /* enum cluster_protocol */
	struct str fcgi_index, fcgi_params;
	bool ssl_passthrough;
	bool ssl_redirect, force_ssl_redirect, preserve_trailing_slash; /* become policy flags, */
	bool relative_redirects, port_in_redirects;                     /* likewise */
	bool www;
	struct str server_alias;
	struct str redirect_from, redirect_to, edit_cookie_domain, edit_cookie_path;
	struct str default_backend, http_errors;
	bool pass_errors;
	struct policy_errors errors; /* made of them by the translation (errors.c) */
	struct policy policy; /* numbers that go to the table as they are, .size = the fixed part */
	struct annots_made made;
};

/* Its strings that are borrowed from the Ingress, and those that are made; not those that belong
 * to the settings, for all Ingresses alike. */
#define ANNOT_STRINGS (ANNOT_TEXTS + ANNOT_MADE)
void annots_strings(struct annots *a, struct str *out[ANNOT_STRINGS]);
void annots_made_free(struct annots *a);

enum annot_severity {
	ANNOT_NOTE,   /* accepted, has no effect by nature */
	ANNOT_WARN,   /* ignored, or the default is used */
	ANNOT_REFUSE, /* the whole Ingress is refused (risk above annotations-risk-level) */
};

struct annot_finding {
	struct str annotation; /* full name, borrowed from the object */
	enum annot_severity severity;
	const char *text; /* one sentence: what is wrong and how to mend it */
};

typedef void annot_report_fn(void *arg, const struct annot_finding *f);

struct annot_conf {
	struct str prefix;        /* --annotations-prefix, without "/" */
	enum annot_risk risk_max; /* annotations-risk-level */
};

#define ANNOT_CONF_DEFAULT \
	((struct annot_conf){.prefix = STR("nginx.ingress.kubernetes.io"), .risk_max = RISK_HIGH})

/* The defaults of the table, before the ConfigMap has its say. */
void annots_defaults(struct annots *a);
/*
 * Read o's annotations over *defaults into *out and report every finding (report may be NULL).
 * Returns false when the Ingress is refused as a whole; *out is then *defaults.
 */
bool annots_parse(const struct obj *o, const struct annot_conf *conf, const struct annots *defaults,
		  struct annots *out, annot_report_fn *report, void *arg);

/*
 * Set one value as if annotated (the ConfigMap's keys of the same name follow the same rules).
 * Returns NULL, or what is wrong with the value; *a is then unchanged.
 */
const char *annots_set(struct annots *a, enum annot_id id, struct str value);

/* The next item of a comma separated value, trimmed; empty ones are passed over. */
bool annot_csv_next(struct str *rest, struct str *item);

static inline bool annots_has(const struct annots *a, enum annot_id id)
{
	return (a->set[id / 64] >> (id % 64) & 1) != 0;
}

/* Given, but with a value that is not valid: where the default would be laxer, who asks for it
 * fails closed. */
static inline bool annots_spoilt(const struct annots *a, enum annot_id id)
{
	return (a->bad[id / 64] >> (id % 64) & 1) != 0;
}

/* One row, for documentation and `silex explain`. */
#define ANNOT_ID_LATER (-1) /* known, not supported yet */
#define ANNOT_ID_IDLE  (-2) /* accepted; nothing to do */

struct annot_row {
	const char *name, *text;
	const char *alias_of; /* NULL: canonical */
	const char *dflt;     /* as written; NULL for rows to come */
	int id;               /* enum annot_id, or one of the two below */
	enum annot_type type;
	enum annot_risk risk;
	enum annot_scope scope;
};

/* All rows, canonical names and aliases, in the table's order. */
const struct annot_row *annot_rows(size_t *n);
/* By its name without prefix, an alias by its own; NULL = unknown. */
const struct annot_row *annot_find(struct str name);
/* The row whose name is nearest to a misspelt one; NULL when none is near. */
const struct annot_row *annot_nearest(struct str name);

#endif
