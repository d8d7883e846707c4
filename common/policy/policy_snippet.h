/*
 * policy_snippet: what nginx snippets mean, compiled: POLICY_OPT_SNIPPET of a path's policy
 * (configuration-snippet, location-snippet) and of a host's (server-snippet of its Ingress and of
 * the ConfigMap, and the lists of http-snippet that it does not replace).
 *
 *   | struct snip_head | struct snip_scope[scopes] | ops | locations | lists of scope 0, 1, ... |
 *
 * Ops are nginx' rewrite module (set, if, return, rewrite, break), in the order in which they are
 * done. A scope is what the other directives say in one block: scope 0 the snippet itself, each
 * `if` one of its own, which takes the place of the one around it when its condition holds. Of a
 * scope each list is empty or its own; what is empty is the list of the scope around it, as nginx
 * inherits arrays. Only those of headers-more (SNIP_MORE, SNIP_INPUT) are all done, the outer ones
 * first, as that module merges them.
 *
 * Made by master/translate/snippet/, done by worker/snippet/. No text of a snippet but names,
 * values and regular expressions is in it, and nothing in it can name a file, an address or code.
 * Unaligned, fixed width: to be read by the functions below only, which trust no length.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_SNIPPET_H
#define SILEX_COMMON_POLICY_POLICY_SNIPPET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

/* Bytes of a program: with all else a policy must fit into one piece of a request's arena. */
#define SNIP_PATH_MAX   2800
#define SNIP_HOST_MAX   3600
#define SNIP_SCOPES_MAX 32 /* 1 and the number of ifs */
#define SNIP_LAST_MAX   10 /* how often rewrite may send a request back, as in nginx */

enum snip_list {
	SNIP_MORE,    /* policy_header.h: more_set_headers, more_clear_headers */
	SNIP_EXPIRES, /* policy_header.h: expires */
	SNIP_ADD,     /* policy_header.h: add_header */
	SNIP_HIDE,    /* policy_header.h: proxy_hide_header */
	SNIP_INPUT,   /* policy_header.h: more_set_input_headers, more_clear_input_headers */
	SNIP_SEND,    /* policy_header.h: proxy_set_header */
	SNIP_ACCESS,  /* struct snip_rule[]: allow, deny */
	SNIP_TYPE,    /* default_type */
	SNIP_LOG,     /* access_log: "off", or "on" */
	SNIP_PASS,    /* proxy_pass_request_headers of a question: likewise */
	SNIP_LIMIT,   /* struct snip_limit, each with its key: limit_req */
	SNIP_LISTS
};

struct snip_head {
	uint16_t ops_n, locations_n; /* bytes */
	uint16_t scopes;
	uint16_t zero;
};

struct snip_scope {
	uint16_t n[SNIP_LISTS]; /* bytes of each list */
};

enum snip_code {
	SNIP_SET,     /* a: name, b: template */
	SNIP_IF,      /* how: enum snip_test, a: template, b: regex or template; arg, scope */
	SNIP_RETURN,  /* how: enum snip_what, arg, a: template */
	SNIP_REWRITE, /* how: enum snip_flag, a: regex, b: struct snip_target and two templates */
	SNIP_BREAK,
	SNIP_CODES
};

enum snip_test {
	SNIP_TRUE, /* neither empty nor "0" */
	SNIP_EQUAL,
	SNIP_DIFFERS,
	SNIP_FITS, /* the regex is found */
	SNIP_FITS_ANY_CASE,
	SNIP_FITS_NOT,
	SNIP_FITS_NOT_ANY_CASE,
	SNIP_TESTS
};

enum snip_what { /* what return says beside its status */
	SNIP_NOTHING,
	SNIP_TEXT,
	SNIP_PLACE, /* Location */
};

enum snip_flag {
	SNIP_GO_ON, /* then as last */
	SNIP_LAST,
	SNIP_STAY, /* break */
	SNIP_MOVED_FOR_NOW,
	SNIP_MOVED_FOR_GOOD,
};

struct snip_target {       /* of rewrite: | path | query | */
	uint16_t path_n;   /* bytes of the path's template */
	uint8_t has_query; /* there is a "?" */
	uint8_t drops;     /* ... at the end: the old query goes */
};

struct snip_op {
	uint8_t code, how;
	uint16_t arg;   /* SNIP_RETURN: the status; SNIP_IF: bytes of the ops in its block */
	uint16_t scope; /* of SNIP_IF */
	uint16_t zero;
	uint16_t a_n, b_n; /* bytes behind it */
};

struct snip_rule {
	uint8_t ip[16]; /* as in struct policy_net */
	uint8_t family; /* 4 or 6; 0: everybody */
	uint8_t bits;
	uint8_t allow; /* 1: may come in, 0: 403 */
	uint8_t zero;
};
_Static_assert(sizeof(struct snip_rule) == 20, "rule is part of the shared layout");

struct snip_limit {                  /* behind it: the key, a program of variables */
	uint64_t zone;               /* names it */
	uint32_t interval_us, burst; /* as in limit_rate.h */
	uint16_t key_n;
	uint16_t zero[3];
};
_Static_assert(sizeof(struct snip_limit) == 24, "limit is part of the shared layout");

enum snip_kind { /* of a location in a server-snippet */
	SNIP_EXACT,
	SNIP_PREFIX,
	SNIP_PREFIX_FIRST, /* ^~: no regex is tried behind it */
	SNIP_REGEX,
	SNIP_REGEX_ANY_CASE,
	SNIP_KINDS
};

struct snip_place {
	uint8_t kind;
	uint8_t refused; /* holds what is not understood: answers 503 */
	uint16_t text_n, program_n;
};

/* Read: everything borrows from the option. */
struct snip {
	struct str ops, locations;
	const char *scopes; /* struct snip_scope[n_scopes], unaligned */
	struct str lists;
	uint16_t n_scopes;
};

struct snip_step {
	struct snip_op op;
	struct str a, b;
};

struct snip_location {
	enum snip_kind kind;
	bool refused;
	struct str text, program;
};

/* False: it is none. */
bool snip_read(struct str option, struct snip *out);
/* The next op and the rest; false at the end, or where it is cut. */
bool snip_next(struct str *ops, struct snip_step *out);
bool snip_next_location(struct str *locations, struct snip_location *out);
/* Is there nothing to do? */
bool snip_is_empty(const struct snip *s);
struct str snip_list(const struct snip *s, unsigned scope, enum snip_list list);
/* Are those of the blocks around it done, too, before it? */
bool snip_list_merges(enum snip_list list);

#endif
