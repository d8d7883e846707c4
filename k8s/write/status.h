/*
 * status: writes status.loadBalancer.ingress of the Ingresses Silex serves.
 *
 * Only the leader calls it (lease.h). An Ingress whose status already says the same is left alone;
 * at most STATUS_RUNNING_MAX writes are under way; 409 is tried again with the fresh object, 404
 * is given up in silence (facts: routing §12, faults §A.25). What must not happen here: finding
 * out which addresses are ours (addresses.h).
 */
#ifndef SILEX_K8S_WRITE_STATUS_H
#define SILEX_K8S_WRITE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "k8s/api/client.h"
#include "k8s/objects/store.h"

#define STATUS_RUNNING_MAX   10u
#define STATUS_ADDRESSES_MAX 64u
#define STATUS_TEXT_MAX      254u

struct status_address { /* one of the two is set */
	char ip[64];
	char hostname[STATUS_TEXT_MAX];
};

struct status_addresses { /* sorted, no two alike: status_addresses_add() sees to it */
	struct status_address v[STATUS_ADDRESSES_MAX];
	uint32_t n;
};

/* An IP address literal becomes .ip, anything else .hostname. Full: ignored. */
void status_addresses_add(struct status_addresses *a, struct str text);

struct status_writer;

struct status_ops {
	/* Does Silex serve it? */
	bool (*ours)(void *arg, const struct ingress *i);
	/* Is it still we who write? Asked before each write, so that none starts after the last
	 * moment at which nobody else could have become leader. */
	bool (*may_write)(void *arg);
};

/* Everything is borrowed. NULL with errno ENOMEM. */
struct status_writer *status_new(struct api_client *client, const struct store *store,
				 const struct status_ops *ops, void *arg);
void status_free(struct status_writer *w); /* NULL is ignored */

/* Bring every Ingress of ours to these addresses (n == 0: clear them). done(arg) when no write is
 * left, successful or not. Called while writes are under way it waits for those, so that an old
 * address never lands on a new one; the done() of the earlier call is then never called. */
void status_sync(struct status_writer *w, const struct status_addresses *want,
		 void (*done)(void *arg));
/* Leadership is lost: start no further write. */
void status_stop(struct status_writer *w);

struct status_stats {
	uint64_t written, unchanged, failed;
};
void status_stats(const struct status_writer *w, struct status_stats *out);

#endif
