/*
 * sticky: cookie affinity (facts: annotations §5).
 *
 * The cookie's value is "key|cluster". Balanced: the key is any text, and who has the best claim
 * to it gets the request (upstream/pick.h), so that a client stays where it is until its endpoint
 * goes, and new endpoints get their part of the clients. Persistent: the key is an endpoint's, and
 * the client stays as long as that endpoint can be picked. The cluster is the cluster's name,
 * hashed: it says whether a client belongs to a canary or to its primary. Nothing in it is secret
 * or trusted: a client may choose its endpoint, as it can by asking often.
 */
#ifndef SILEX_WORKER_AFFINITY_STICKY_H
#define SILEX_WORKER_AFFINITY_STICKY_H

#include "worker/request/request.h"
#include "worker/upstream/pick.h"

/* A cluster's cookie (cluster_opts.h), read. */
struct sticky {
	struct cluster_cookie c;
	struct str name, domain;
};

/* False: it has none. Borrowed from c. */
bool sticky_read(const struct cluster_view *c, struct sticky *out);

/* Does the request's cookie say that it belongs to this cluster? */
bool sticky_belongs(const struct request *r, const struct sticky *s, struct str cluster_name);

/*
 * Pick as s says an endpoint of c, which may be a canary of the cluster that s is from. A new
 * cookie, where this location gives one, is kept in r->set_cookie. False: there is no endpoint.
 */
bool sticky_pick(struct request *r, const struct sticky *s, const struct cluster_view *c,
		 const struct pick_ask *ask, struct addr *out);

/* The new cookie, if there is one, into the answer's head. */
void sticky_add(struct request *r, struct head *h);

#endif
