/*
 * location: the Location of redirects that are made here (RFC 9110 §10.2.2), absolute as
 * ingress-nginx makes them.
 */
#ifndef SILEX_WORKER_ANSWER_LOCATION_H
#define SILEX_WORKER_ANSWER_LOCATION_H

#include "worker/request/driver.h"

struct location {
	bool https;
	struct str host; /* may have a port of its own; empty: the place is relative */
	uint16_t port;   /* 0: none is named */
	struct str uri;  /* path and query, as they may stand in a URI; or empty */
};

/* Answer with status and this place; borrowed during the call. 503 when memory is out. */
enum step_next location_reply(struct request *r, uint16_t status, const struct location *to);
/* The status of http-redirect-code. */
uint16_t location_status(const struct worker *w);
/* Where use-port-in-redirects asks for it: our port, unless it goes without saying. 0: none. */
uint16_t location_port(const struct request *r);
/* The URI as the client sent it, without its last "/" (facts: annotations §2). */
struct str location_uri(const struct request *r);

#endif
