/*
 * balance: how a cluster spreads its requests, from the annotations of the Ingresses that use it
 * (facts: routing §2, annotations §5): load-balance, upstream-hash-by* and service-upstream of
 * the oldest, and cookie affinity of the oldest that asks for it.
 *
 * Templates are compiled here, once; a worker only walks them.
 */
#ifndef SILEX_MASTER_BALANCE_BALANCE_H
#define SILEX_MASTER_BALANCE_BALANCE_H

#include "common/vars/vars.h"
#include "k8s/settings/annot.h"
#include "master/table/model.h"

/* A value that is not used, or not all of it, and why: the rest of a sentence. */
typedef void balance_tell_fn(void *arg, struct str annotation, const char *why);

/*
 * Sets .balance, .opts.subset, .hash and .cookie of *m; what the last two borrow is the caller's to
 * free(): *hold. oldest: NULL = nobody's annotations, the defaults hold; sticky: who asks for
 * affinity, NULL = nobody. tell may be NULL.
 */
void balance_make(struct model_cluster *m, const struct annots *oldest, const struct annots *sticky,
		  balance_tell_fn *tell, void *arg, void **hold);

/* The same for the same settings; another one, as far as a hash can tell, for others. */
uint64_t balance_digest(const struct model_cluster *m);

#endif
