/* policy_make: see policy_make.h. */
#include "master/translate/policy_make.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/policy/policy_auth_cache.h"

#define NETS_MAX 1000 /* what fits into an annotation of 2000 bytes */

struct block {
	char *bytes;
	size_t n;
};

static void append(struct block *b, const void *from, size_t n)
{
	if (n > 0)
		memcpy(b->bytes + b->n, from, n);
	b->n += n;
}

/* One option of two parts. */
static void option(struct block *b, enum policy_opt type, const void *head, size_t head_n,
		   struct str text)
{
	struct policy_opt_head h = {.type = (uint16_t)type, .len = (uint32_t)(head_n + text.n)};
	size_t padded = (h.len + 7u) & ~(size_t)7;

	b->bytes = realloc(b->bytes, b->n + sizeof(h) + padded);
	CHECK(b->bytes != NULL);
	memset(b->bytes + b->n, 0, sizeof(h) + padded);
	append(b, &h, sizeof(h));
	append(b, head, head_n);
	append(b, text.p, text.n);
	b->n += padded - h.len;
}

static void text_option(struct block *b, enum policy_opt type, struct str text)
{
	if (text.n > 0)
		option(b, type, NULL, 0, text);
}

static void nets_option(struct block *b, enum policy_opt type, struct str csv)
{
	struct policy_net *nets = calloc(NETS_MAX, sizeof(*nets));
	struct str one;
	size_t n = 0;

	CHECK(nets != NULL);
	while (n < NETS_MAX && annot_csv_next(&csv, &one))
		n += policy_net_parse(one, &nets[n]);
	if (n > 0)
		option(b, type, nets, n * sizeof(*nets), STR_NONE);
	free(nets);
}

bool policy_limits(const struct annots *a)
{
	return (a->limit_rps | a->limit_rpm | a->limit_connections) != 0;
}

static bool rewrites(const struct annots *a, struct str path)
{
	return a->rewrite_target.n > 0 && !str_eq(a->rewrite_target, path);
}

static void rewrite_option(struct block *b, const struct annots *a, struct str path)
{
	struct policy_rewrite head = {.pattern_n = (uint32_t)path.n};
	char *text;

	if (!rewrites(a, path))
		return;
	text = malloc(path.n + a->rewrite_target.n);
	CHECK(text != NULL);
	memcpy(text, path.p, path.n);
	memcpy(text + path.n, a->rewrite_target.p, a->rewrite_target.n);
	option(b, POLICY_OPT_REWRITE, &head, sizeof(head),
	       str_make(text, path.n + a->rewrite_target.n));
	free(text);
}

static void redirect_option(struct block *b, const struct annots *a)
{
	bool temporal = a->temporal_redirect.n > 0;
	struct policy_redirect head = {.status = temporal ? a->temporal_code : a->permanent_code};
	struct str url = temporal ? a->temporal_redirect : a->permanent_redirect;

	if (url.n > 0)
		option(b, POLICY_OPT_REDIRECT, &head, sizeof(head), url);
}

static uint32_t burst_of(uint32_t rate, uint32_t multiplier)
{
	uint64_t n = (uint64_t)rate * multiplier;

	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void limit_option(struct block *b, const struct annots *a)
{
	struct policy_limit head = {
	    .zone = a->zone,
	    .interval_us = a->limit_rps == 0 ? 0 : 1000000u / a->limit_rps,
	    .burst = burst_of(a->limit_rps, a->limit_burst),
	    .interval_us_rpm = a->limit_rpm == 0 ? 0 : 60000000u / a->limit_rpm,
	    .burst_rpm = burst_of(a->limit_rpm, a->limit_burst),
	    .connections = a->limit_connections,
	};

	if (!policy_limits(a))
		return;
	option(b, POLICY_OPT_LIMIT, &head, sizeof(head), STR_NONE);
	nets_option(b, POLICY_OPT_LIMIT_ALLOW, a->limit_allow);
}

static void pace_option(struct block *b, const struct annots *a)
{
	struct policy_pace head = {.bytes_per_second = a->limit_rate,
				   .after_bytes = a->limit_rate_after};

	if (a->limit_rate > 0)
		option(b, POLICY_OPT_PACE, &head, sizeof(head), STR_NONE);
}

static void cors_option(struct block *b, const struct annots *a)
{
	const struct str texts[] = {a->cors_origin, a->cors_methods, a->cors_headers,
				    a->cors_expose};
	struct policy_cors head = {
	    .max_age = a->cors_max_age,
	    .credentials = a->cors_credentials,
	    .origins_n = (uint16_t)a->cors_origin.n, /* at most 2000 (annot.c) */
	    .methods_n = (uint16_t)a->cors_methods.n,
	    .headers_n = (uint16_t)a->cors_headers.n,
	    .expose_n = (uint16_t)a->cors_expose.n,
	};
	struct block text = {.n = 0};

	if (!a->enable_cors)
		return;
	text.bytes = malloc(texts[0].n + texts[1].n + texts[2].n + texts[3].n + 1);
	CHECK(text.bytes != NULL);
	for (unsigned i = 0; i < 4; i++)
		append(&text, texts[i].p, texts[i].n);
	option(b, POLICY_OPT_CORS, &head, sizeof(head), str_make(text.bytes, text.n));
	free(text.bytes);
}

/* First what holds for all, then the Ingress' own: the last one of a name counts. */
static void headers_option(struct block *b, const struct annots *a)
{
	text_option(b, POLICY_OPT_REQUEST_HEADERS, a->request_headers);
	if (a->response_headers.n + a->made.own_headers.n > 0)
		option(b, POLICY_OPT_RESPONSE_HEADERS, a->response_headers.p, a->response_headers.n,
		       a->made.own_headers);
}

static bool has_headers(const struct annots *a)
{
	return a->request_headers.n + a->response_headers.n + a->made.own_headers.n > 0;
}

/* What could end a cookie's attribute (a path of Kubernetes may hold anything). */
static bool fits_cookie(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] <= 0x20 || path.p[i] >= 0x7f || path.p[i] == ';')
			return false;
	return true;
}

static void affinity_option(struct block *b, const struct annots *a, struct str path)
{
	if (a->affinity != AFFINITY_COOKIE)
		return;
	if (a->cookie_path.n > 0)
		path = a->cookie_path;
	text_option(b, POLICY_OPT_AFFINITY, fits_cookie(path) ? path : STR("/"));
}

static void canary_option(struct block *b, struct policy_canary_of of)
{
	const struct annots *a = of.rules;
	struct block text = {.n = 0};

	if (a == NULL)
		return;
	const struct str texts[] = {a->canary_header, a->canary_value, a->canary_pattern,
				    a->canary_cookie};
	struct policy_canary head = {
	    .cluster = of.cluster,
	    .weight = a->canary_weight,
	    .total = a->canary_total,
	    .header_n = (uint16_t)texts[0].n, /* at most 2000 (annot.c) */
	    .value_n = (uint16_t)texts[1].n,
	    .pattern_n = (uint16_t)texts[2].n,
	    .cookie_n = (uint16_t)texts[3].n,
	    .legacy = a->canary_legacy,
	};

	text.bytes = malloc(texts[0].n + texts[1].n + texts[2].n + texts[3].n + 1);
	CHECK(text.bytes != NULL);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		append(&text, texts[i].p, texts[i].n);
	option(b, POLICY_OPT_CANARY, &head, sizeof(head), str_make(text.bytes, text.n));
	free(text.bytes);
}

/* no-auth-locations are beginnings of an Ingress' paths, as they are written. */
static bool wants(struct str option, const struct annots *a, struct str path)
{
	struct str rest = a->no_auth_locations, location;

	if (option.n == 0)
		return false;
	while (annot_csv_next(&rest, &location))
		if (str_starts(path, location))
			return false;
	return true;
}

/* Answers count for this path, and for this service as it is asked now. */
static void auth_cache_option(struct block *b, const struct annots *a, struct str path)
{
	struct str rest = a->made.auth_cache_option;
	struct policy_auth_cache head;

	if (!wants(a->made.auth_option, a, path) || rest.n < sizeof(head))
		return;
	memcpy(&head, rest.p, sizeof(head));
	head.space = hash_str(path, hash_str(a->made.auth_option, 0));
	option(b, POLICY_OPT_AUTH_CACHE, &head, sizeof(head), str_from_at(rest, sizeof(head)));
}

/* Some status is answered by some Service, or there is one for Services without endpoints. */
static bool has_errors(const struct annots *a)
{
	const struct policy_errors *e = &a->errors;

	return e->clusters[0] != 0 || (e->clusters[1] != 0 && (e->codes[0] | e->codes[1] |
							       e->codes[2] | e->codes[3]) != 0);
}

static bool has_fcgi(const struct annots *a)
{
	return a->protocol == CLUSTER_FCGI && a->fcgi_index.n + a->made.fcgi_list.n > 0;
}

bool policy_has_options(const struct annots *a)
{
	return has_errors(a) || has_fcgi(a) || a->made.path_program.n > 0 ||
	       a->made.auth_option.n + a->made.basic_option.n > 0 || a->made.edits.n > 0 ||
	       a->made.mirror_option.n > 0 || a->limit_rate > 0 || a->enable_cors ||
	       has_headers(a) || policy_limits(a) || a->affinity == AFFINITY_COOKIE ||
	       a->rewrite_target.n + a->permanent_redirect.n + a->temporal_redirect.n +
		       a->upstream_vhost.n + a->allow.n + a->deny.n >
		   0;
}

bool policy_wants_regex(const struct annots *a, struct str path)
{
	return a->use_regex || rewrites(a, path);
}

/* The fixed part; options make it longer. */
static struct block begin(const struct annots *a)
{
	size_t fixed = sizeof(struct policy);
	struct block b = {.bytes = malloc(fixed)};

	CHECK(b.bytes != NULL);
	append(&b, &a->policy, sizeof(a->policy));
	return b;
}

static struct policy *end(const struct block *b)
{
	struct policy *p = (struct policy *)(void *)b->bytes;

	p->size = (uint32_t)b->n;
	return p;
}

struct policy *policy_make(const struct annots *a, struct str path, struct str app_root,
			   const struct policy_up_tls *up_tls, struct policy_canary_of canary)
{
	struct block b = begin(a);
	struct policy *p;

	text_option(&b, POLICY_OPT_APP_ROOT, app_root);
	redirect_option(&b, a);
	nets_option(&b, POLICY_OPT_DENY, a->deny);
	nets_option(&b, POLICY_OPT_ALLOW, a->allow);
	limit_option(&b, a);
	pace_option(&b, a);
	rewrite_option(&b, a, path);
	text_option(&b, POLICY_OPT_VHOST, a->upstream_vhost);
	cors_option(&b, a);
	headers_option(&b, a);
	if (has_fcgi(a)) {
		text_option(&b, POLICY_OPT_FCGI_INDEX, a->fcgi_index);
		text_option(&b, POLICY_OPT_FCGI_PARAMS, a->made.fcgi_list);
	}
	if (rewrites(a, path))
		text_option(&b, POLICY_OPT_PREFIX, a->forwarded_prefix);
	if (up_tls != NULL)
		option(&b, POLICY_OPT_UP_TLS, up_tls, sizeof(*up_tls), STR_NONE);
	affinity_option(&b, a, path);
	canary_option(&b, canary);
	if (wants(a->made.auth_option, a, path))
		text_option(&b, POLICY_OPT_AUTH, a->made.auth_option);
	auth_cache_option(&b, a, path);
	if (wants(a->made.basic_option, a, path))
		text_option(&b, POLICY_OPT_BASIC, a->made.basic_option);
	if (has_errors(a))
		option(&b, POLICY_OPT_ERRORS, &a->errors, sizeof(a->errors), STR_NONE);
	text_option(&b, POLICY_OPT_EDITS, a->made.edits);
	text_option(&b, POLICY_OPT_MIRROR, a->made.mirror_option);
	text_option(&b, POLICY_OPT_SNIPPET, a->made.path_program);
	p = end(&b);
	p->flags |= a->made.edits.n > 0 ? POLICY_EDITS : 0u;
	p->flags |= a->made.path_program.n > 0 ? POLICY_SNIPPET : 0u;
	p->flags |= wants(a->made.auth_option, a, path) ? POLICY_AUTH : 0u;
	p->flags |= wants(a->made.basic_option, a, path) ? POLICY_BASIC : 0u;
	p->flags |= a->limit_rate > 0 ? POLICY_PACE : 0u;
	p->flags |= a->made.mirror_option.n > 0 ? POLICY_MIRROR : 0u;
	p->flags |= has_errors(a) ? POLICY_ERRORS : 0u;
	return p;
}

struct policy *policy_make_host(const struct annots *defaults, struct str program, bool denied)
{
	struct block b = begin(defaults);
	struct policy *p;

	text_option(&b, POLICY_OPT_SNIPPET, program);
	p = end(&b);
	p->flags |= denied ? POLICY_DENY : 0u;
	return p;
}

struct policy *policy_make_server(const struct annots *defaults, struct str program)
{
	struct block b = begin(defaults);

	text_option(&b, POLICY_OPT_RESPONSE_HEADERS, defaults->response_headers);
	text_option(&b, POLICY_OPT_SNIPPET, program);
	return end(&b);
}

struct policy *policy_make_maps(struct str maps)
{
	struct annots defaults;
	struct block b;

	if (maps.n == 0)
		return NULL;
	annots_defaults(&defaults);
	b = begin(&defaults);
	text_option(&b, POLICY_OPT_MAPS, maps);
	return end(&b);
}

struct policy *policy_make_www(const struct annots *a, struct str host)
{
	struct block b = begin(a);

	text_option(&b, POLICY_OPT_WWW, host);
	return end(&b);
}
