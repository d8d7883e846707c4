/*
 * regex: the patterns of the table, compiled when they are first met and kept.
 *
 * A pattern comes from an Ingress, the subject from a client, and either may be malicious: the
 * limits of regex_limits.h hold for each match. A match that reaches them is not "no": it is
 * remembered (regex_gave_up), and the request is answered 500 instead of being routed on.
 * Compiled patterns are private to this worker and bounded in number; the key is the text, so
 * a new version of the table finds them again.
 */
#ifndef SILEX_WORKER_REWRITE_REGEX_H
#define SILEX_WORKER_REWRITE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mem/arena.h"
#include "common/str.h"

struct regexes;

struct regexes *regexes_new(void); /* NULL: ENOMEM */
void regexes_free(struct regexes *x);

/* table_regex_fn: does "^pattern" match path, in any case? arg: the regexes. */
bool regex_matches(void *arg, struct str pattern, struct str path);

/*
 * Does pattern match a part of a certificate's subject (RFC 2253), beginning where an attribute
 * does? "CN=a" is found in "O=x,CN=abc" and not in "O=CN=a". Case counts.
 */
bool regex_finds_name(struct regexes *x, struct str pattern, struct str subject);

enum regex_result {
	REGEX_NO,
	REGEX_YES,
	REGEX_FAILED, /* gave up, or memory is out */
};

/*
 * Search pattern anywhere in subject; when found *out is `replacement` with its $1..$9, ${1} and
 * $name put in, in the arena. A group that took no part is empty, a "$" before anything else
 * stays.
 */
enum regex_result regex_replace(struct regexes *x, struct str pattern, struct str subject,
				struct str replacement, struct arena *a, struct str *out);

#define REGEX_GROUPS 10

struct regex_groups { /* the whole match and $1 to $9; those that took no part are empty */
	unsigned n;
	struct str v[REGEX_GROUPS]; /* borrowed from the subject */
};

/* Search pattern anywhere in subject; *out when it is found. */
enum regex_result regex_capture(struct regexes *x, struct str pattern, struct str subject,
				bool any_case, struct regex_groups *out);
/* Is pattern found anywhere in subject, in any case? */
enum regex_result regex_search(struct regexes *x, struct str pattern, struct str subject);
/* ... where case counts? */
enum regex_result regex_search_case(struct regexes *x, struct str pattern, struct str subject);
/* What the groups of a pattern took, the whole match first; borrowed from the subject, empty where
 * one took no part. any_case: as regex_search(), else as regex_search_case(). */
#define REGEX_GROUPS 10
enum regex_result regex_groups(struct regexes *x, struct str pattern, bool any_case,
			       struct str subject, struct str groups[REGEX_GROUPS]);
bool regex_compiles(struct regexes *x, struct str pattern);

/* Has a match been given up since the last call? */
bool regex_gave_up(struct regexes *x);

#endif
