/*
 * tunnel: after a 101 both connections carry bytes of a protocol that is not ours.
 *
 * The same pipes and the same relay; only the ends are told differently: the end of one
 * direction is passed on as a half-close, the exchange is over when both are. Silence both ways
 * for proxy-read-timeout ends it (TUNNEL_IDLE), which the upstream side watches.
 */
#ifndef SILEX_WORKER_FLOW_TUNNEL_H
#define SILEX_WORKER_FLOW_TUNNEL_H

#include "worker/request/request.h"

/* The 101 is handed to the client side. */
void tunnel_begin(struct request *r);
/* Are both directions ended? ev: what the sides recorded. */
bool tunnel_done(struct request *r, unsigned ev);

#endif
