/*
 * h1_target: request targets and authorities (RFC 9112 §3.2, RFC 3986 §3.2). Internal to http1/.
 */
#ifndef SILEX_WORKER_WIRE_H1_TARGET_H
#define SILEX_WORKER_WIRE_H1_TARGET_H

#include "worker/head/head.h"
#include "worker/wire/h1_fault.h"

struct authority {
	struct str whole; /* host[:port]; an empty port is cut off */
	struct str host;  /* without port and final dot; an IPv6 literal keeps its brackets */
	uint16_t port;    /* 0 = none */
};

/*
 * A host of letters, digits, "-", "_" and single dots, or an IPv6 literal in brackets; a port of
 * 1..65535. Narrower than RFC 3986's reg-name on purpose: no host in use needs more, and "a,b"
 * or "%41" are read differently by different servers.
 */
enum h1_fault h1_authority(struct str s, struct authority *out);
/* Into h->authority, host and port; left alone when s is none. */
enum h1_fault h1_set_authority(struct head *h, struct str s);

/*
 * Fill h->form, target, authority, host and port from the raw target; h->method is set. All
 * bytes of raw are of class H1_TARGET. Origin and asterisk form leave the authority empty.
 */
enum h1_fault h1_target(struct str raw, struct head *h);

#endif
