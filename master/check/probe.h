/*
 * probe: one check of one endpoint, on the loop and never waiting.
 *
 * Connect; over TLS shake hands; then send what ask.h made and have the answer judged
 * (answer.h). The rest of an answer is drained up to a bound, so that the endpoint does not see
 * a reset.
 */
#ifndef SILEX_MASTER_CHECK_PROBE_H
#define SILEX_MASTER_CHECK_PROBE_H

#include <openssl/types.h>
#include <stdbool.h>

#include "common/net/addr.h"
#include "common/loop/ev.h"
#include "common/str.h"
#include "common/loop/timer.h"
#include "master/check/answer.h"

struct probe;

struct probe_ask {
	struct addr to;
	uint32_t timeout_ms;
	struct str request; /* borrowed until the end; empty: a connection is enough */
	bool grpc;          /* the answer is gRPC's, not HTTP/1's */
	uint16_t low, high; /* statuses that are good */
	SSL_CTX *tls;       /* NULL: plain */
	const char *name;   /* of the endpoint in TLS, "" = none; borrowed as request is */
};

/* The probe is over and may be started again or freed. why: NULL = good, else what was wrong. */
typedef void probe_fn(struct probe *p, const char *why);

struct probe {
	struct ev *ev; /* NULL: not under way */
	struct ev_fd watch;
	struct timer deadline;
	probe_fn *done;
	struct probe_ask ask;
	int fd;
	SSL *ssl;       /* NULL: plain */
	bool connected; /* ... */
	bool greeted;   /* the handshake is over, or there is none */
	bool asked;     /* the request is out whole */
	size_t sent;    /* of the request */
	unsigned drained;
	struct answer answer;
};

/* p is zero or over. done is never called inside. 0, or -1 with errno: no descriptor, no memory. */
int probe_start(struct probe *p, struct ev *ev, const struct probe_ask *ask, probe_fn *done);
/* No-op when it is not under way. done is not called. */
void probe_cancel(struct probe *p);

#endif
