/*
 * paths: which claims to the paths of one host are granted, and in the table's terms
 * (facts: routing §2 and §4). Pure: no objects, no table.
 *
 * Same path and same type: the first claim wins. ImplementationSpecific is Prefix. A Prefix
 * "/foo/" becomes PREFIX "/foo" with slash_only; beside a Prefix "/foo" it takes what is below,
 * and the other keeps "/foo" itself as EXACT.
 */
#ifndef SILEX_MASTER_TRANSLATE_HOSTS_PATHS_H
#define SILEX_MASTER_TRANSLATE_HOSTS_PATHS_H

#include "master/table/model.h"

struct claim {
	struct str path; /* as written; empty counts as "/" */
	bool exact;
	struct model_path to; /* what is behind it; path, kind and slash_only are filled in */
	const void *owner;    /* the caller's */
	uint32_t order;       /* set by paths_grant() */
};

/* loser and winner are claims; winner NULL: the loser's path can never match. */
typedef void paths_lost_fn(void *arg, const struct claim *loser, const struct claim *winner);

/* claims come in order of precedence and are sorted here. out has room for n; returns how many
 * were granted. Paths borrow from the claims. */
uint32_t paths_grant(struct claim *claims, uint32_t n, struct model_path *out, paths_lost_fn *lost,
		     void *arg);

/* The same on a host whose paths are all regexes (§5): longest text first, of texts equally long
 * the one that sorts last; Exact and Prefix are the same then, and the first claim to a text wins.
 */
uint32_t paths_grant_regex(struct claim *claims, uint32_t n, struct model_path *out,
			   paths_lost_fn *lost, void *arg);

/* Could a normalised request path ever equal or lie below this one? */
bool paths_can_match(struct str path);

#endif
