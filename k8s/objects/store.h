/*
 * store: the objects as last seen, whatever the source (manifests directory or API server).
 *
 * Owns its objects. One listener is told of every real change, (old, new), and of nothing
 * else: an object put again unchanged (same uid and resourceVersion, or same text in file mode)
 * is silent. A relist replaces a kind by difference, without ever emptying it.
 * Iteration is by age, the order in which Ingresses win (facts: routing §2): creationTimestamp
 * ascending; in file mode then by file path and position in the file (so that, without
 * timestamps, the first file by name wins, whatever the clock or git did to its mtime); equal
 * timestamps from the API: "namespace/name" descending.
 *
 * Private keys, and what else is private in a Secret (secret_is_private()), do not stay here:
 * whoever owns the store calls store_forget_keys() when those who want them have read them. tls.crt
 * goes with them: the table has it, and it is the larger part. Of such a Secret everything else
 * stays, and it counts as unchanged as ever; who needs them once more has the source read the
 * Secret again, and is told of that too (store_listen_again()).
 */
#ifndef SILEX_K8S_OBJECTS_STORE_H
#define SILEX_K8S_OBJECTS_STORE_H

#include <stddef.h>

#include "k8s/objects/obj.h"

struct store;

/*
 * old == NULL: added; new == NULL: deleted. Called after the store has changed: lookups see the
 * new state. old is valid only during the call, new until the change that removes it. The
 * listener must not change the store.
 */
typedef void store_listen_fn(void *arg, const struct obj *old, const struct obj *new);

/* NULL with errno ENOMEM. Freeing tells the listener nothing. */
struct store *store_new(void);
void store_free(struct store *s);
void store_listen(struct store *s, store_listen_fn *fn, void *arg);

/*
 * A Secret whose key has been forgotten was put again, unchanged: `again` has the key. It is valid
 * only during the call, which must not change the store.
 */
typedef void store_again_fn(void *arg, const struct secret *again);
void store_listen_again(struct store *s, store_again_fn *fn, void *arg);

/* Wipe the private key of every Secret that still has one, and let go of its certificate; costs
 * nothing when none has. */
void store_forget_keys(struct store *s);

/* Takes o over. Returns true when something changed (and the listener was told). */
bool store_put(struct store *s, struct obj *o);
/* Returns false when there was no such object. ns is ignored for kinds without namespace. */
bool store_delete(struct store *s, enum obj_kind kind, struct str ns, struct str name);

/*
 * A relist of kind (in one namespace, or ns empty: in all): begin, store_put() page by page, and
 * end deletes what was not put since begin, but nothing that came from a file: that is the
 * manifests' own. To give up half-way just never call end.
 */
void store_replace_begin(struct store *s, enum obj_kind kind);
void store_replace_end(struct store *s, enum obj_kind kind, struct str ns);

const struct obj *store_get(const struct store *s, enum obj_kind kind, struct str ns,
			    struct str name);
/* Oldest first; NULL at the end. A change of the store ends the iteration. */
const struct obj *store_first(const struct store *s, enum obj_kind kind);
const struct obj *store_next(const struct obj *o);
/* The EndpointSlices of a Service, by name. */
const struct endpoint_slice *store_slice_first(const struct store *s, struct str ns,
					       struct str service);
const struct endpoint_slice *store_slice_next(const struct endpoint_slice *e);

size_t store_count(const struct store *s, enum obj_kind kind);
/* Bytes of all objects, without malloc's own overhead. */
size_t store_bytes(const struct store *s);

/* <0, 0, >0: the order described above. */
int obj_age_cmp(const struct obj *a, const struct obj *b);

#endif
