/*
 * h2_fields: the fields of one message head or trailer section as HPACK yields them, one by one,
 * kept for the request's life.
 *
 * The limits are those of an HTTP/1 head. A head over them is not kept any further, but must be
 * decoded to its end, since the compression state is shared: therefore a second, harder limit
 * (H2_FIELDS_HARD times as much) ends the connection. Every field counts, each cookie crumb too
 * (the HTTP/2 bomb of 2026: thousands of indexed crumbs of one byte on the wire).
 */
#ifndef SILEX_WORKER_HTTP2_HEAD_H2_FIELDS_H
#define SILEX_WORKER_HTTP2_HEAD_H2_FIELDS_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "worker/head/head.h"
#include "worker/wire/h1_fault.h"
#include "worker/request/request.h"

#define H2_FIELDS_HARD 4

struct h2_fields {
	struct str scheme, authority, protocol; /* pseudo-fields without a place in struct head */
	struct str host;                        /* the Host field */
	struct str cookie;                      /* all crumbs joined, or the only one */
	uint64_t length;
	uint32_t bytes;   /* names, values and 4 each, as an HTTP/1 head would count them */
	uint32_t count;   /* field lines */
	uint32_t large_n; /* used bytes of the large buffer */
	uint8_t n_hosts, n_lengths, n_crumbs;
	bool expect;
	uint8_t fault; /* enum h1_fault: answered when the head is whole */
	bool malformed;
	bool hard; /* over the hard limit */
};

struct h2_limits {
	uint32_t start_line_max, line_max, head_max, fields_max;
	bool gateway_names; /* drop names with other bytes than letters, digits and "-" */
	bool underscores;   /* ... and "_" */
};

struct h2_limits h2_limits_request(const struct request *r);
struct h2_limits h2_limits_answer(const struct request *r);

/* Where the bytes and the array of one head are kept. */
struct h2_store {
	struct request *r;
	struct head *head;
	struct chunk **large; /* strings that the arena has no place for */
	struct chunk **array; /* the same for the fields */
	uint16_t spare;       /* fields that steps will append */
};

/* One field. Faults are noted in *f, never returned. */
void h2_fields_add(struct h2_fields *f, const struct h2_store *to, const struct h2_limits *l,
		   nghttp2_rcbuf *name, nghttp2_rcbuf *value);
/* Room for the fields that steps append, and the joined cookie. */
void h2_fields_end(struct h2_fields *f, const struct h2_store *to);
/* A field of a trailer section of p. */
void h2_fields_trailer(struct h2_fields *f, struct request *r, struct pipe *p, bool gateway_names,
		       nghttp2_rcbuf *name, nghttp2_rcbuf *value);

#endif
