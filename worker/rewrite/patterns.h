/*
 * patterns: a list of texts as in nginx' map: each is the whole value in any case, or "~regex", or
 * "~*regex" (any case), searched in it. Read once when the settings arrive; no list costs one
 * comparison with NULL.
 */
#ifndef SILEX_WORKER_REWRITE_PATTERNS_H
#define SILEX_WORKER_REWRITE_PATTERNS_H

#include "common/str.h"
#include "worker/rewrite/regex.h"

struct patterns;

/* csv: comma separated, copied. NULL when it names nothing, or memory is out. Expressions that do
 * not compile are left out; the master has told of them. */
struct patterns *patterns_new(struct str csv, struct regexes *x);
void patterns_free(struct patterns *p); /* NULL is ignored */

/* REGEX_FAILED: one of them took more than its limits. p may be NULL: no. */
enum regex_result patterns_match(const struct patterns *p, struct regexes *x, struct str value);

#endif
