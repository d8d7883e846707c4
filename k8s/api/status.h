/*
 * status: writes status.loadBalancer.ingress of the Ingresses Silex serves.
 *
 * Only the leader calls it (lease.h). An Ingress whose status already says the same is left alone;
 * at most STATUS_RUNNING_MAX writes are under way; 409 is tried again with the fresh object, 404
 * is given up in silence (facts: routing §12, faults §A.25). What must not happen here: finding
 * out which addresses are ours (addresses.h).
 */
#ifndef SILEX_K8S_API_STATUS_H
#define SILEX_K8S_API_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ev.h"
#include "k8s/api/client.h"
#include "k8s/store.h"

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

/* ours(arg, ingress): does Silex serve it? NULL with errno ENOMEM. */
struct status_writer *status_new(struct ev *ev, struct api_client *client,
				 const struct store *store,
				 bool (*ours)(void *arg, const struct ingress *i), void *arg);
void status_free(struct status_writer *w); /* NULL is ignored */

/* Bring every Ingress of ours to these addresses (n == 0: clear them). done(arg) when no write is
 * left, successful or not; a call while one is under way restarts with the new addresses. */
void status_sync(struct status_writer *w, const struct status_addresses *want,
		 void (*done)(void *arg));
/* Leadership is lost: start no further write. */
void status_stop(struct status_writer *w);

struct status_stats {
	uint64_t written, unchanged, failed;
};
void status_stats(const struct status_writer *w, struct status_stats *out);

#endif
