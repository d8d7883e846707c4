/*
 * stream_line: what a line of the access log says about a session of a TCP or UDP service
 * (log-format-stream's default, or JSON). Pure formatting, as access_line.h.
 */
#ifndef SILEX_WORKER_LOG_STREAM_LINE_H
#define SILEX_WORKER_LOG_STREAM_LINE_H

#include <stdint.h>

#include "common/net/addr.h"
#include "common/stat/reason.h"
#include "common/text.h"
#include "worker/log/access_line.h"

/* A session that has ended. */
struct stream_record {
	const char *protocol;     /* "TCP" or "UDP" */
	struct addr client;       /* by a believed PROXY header */
	const struct addr *tries; /* endpoints, in order; borrowed */
	unsigned n_tries;
	uint16_t port;           /* of ours */
	struct str cluster;      /* "namespace-service-port", borrowed; empty: unknown */
	enum reason reason;      /* $status follows from it */
	uint64_t received, sent; /* bytes from and to the client */
	uint64_t start_us;       /* the loop's clock */
};

/* nginx' stream $status: 200, 400 (no good PROXY header), 500 (out of something), 502. */
uint16_t stream_status(enum reason why);
/* One line with its newline, never more than ACCESS_LINE_MAX bytes. */
void stream_line_text(struct text *t, const struct stream_record *r, const struct moment *now);
void stream_line_json(struct text *t, const struct stream_record *r, const struct moment *now);

#endif
