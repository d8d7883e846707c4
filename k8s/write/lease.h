/*
 * lease: leader election by a coordination.k8s.io/v1 Lease, as client-go does it, so that
 * Silex and ingress-nginx replicas respect each other during a migration.
 *
 * Times follow the lease's duration (--election-ttl, 30 s): renew every quarter, give up
 * leadership when half of it passed without a successful renewal. All of it is counted on the
 * monotonic clock from what *we* saw, never by comparing the server's times with ours (faults
 * §A.24): a paused leader stops believing in itself before anybody else may start.
 */
#ifndef SILEX_K8S_WRITE_LEASE_H
#define SILEX_K8S_WRITE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop/ev.h"
#include "k8s/api/client.h"

struct lease;

struct lease_conf {
	const char *ns, *name;
	const char *identity; /* holderIdentity: the pod's name */
	uint32_t ttl_ms;      /* leaseDurationSeconds, at least 4 s */
};

/* changed(arg, leader): leadership won or lost. conf's strings are copied. NULL with errno. */
struct lease *lease_new(struct ev *ev, struct api_client *client, const struct lease_conf *conf,
			void (*changed)(void *arg, bool leader), void *arg);
void lease_free(struct lease *l); /* without releasing; NULL is ignored */

/* May we write now? True only while the last renewal is younger than the renew deadline. */
bool lease_held(const struct lease *l);
/* Who holds it as far as known; "" when nobody. */
const char *lease_holder(const struct lease *l);
/* Give it up so that a successor need not wait; done(arg) follows, also when it failed. */
void lease_release(struct lease *l, void (*done)(void *arg), void *arg);

#endif
