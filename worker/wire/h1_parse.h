/*
 * h1_parse: an HTTP/1.0 or 1.1 message head, from bytes to the neutral struct head (RFC 9112).
 *
 * The whole head is parsed at once over one contiguous buffer; a head that is not complete yet
 * is parsed anew when another line end has arrived (h1_scan remembers how far we looked, so a
 * client that sends byte by byte costs nothing). What is accepted has one reading only: CRLF
 * line ends, no folding, tokens as names, one valid Host, framing by exactly one of
 * Content-Length and `Transfer-Encoding: chunked`. Everything else is refused with a status,
 * a reason and a text; after a refusal the connection has no known boundary and must close.
 */
#ifndef SILEX_WORKER_WIRE_H1_PARSE_H
#define SILEX_WORKER_WIRE_H1_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stat/reason.h"
#include "common/str.h"
#include "worker/head/head.h"

/* Bounds of one head; large-client-header-buffers "4 8k" is the default (facts: routing §6). */
struct h1_limits {
	uint32_t start_line_max; /* bytes of request or status line; beyond: 414 */
	uint32_t line_max;       /* bytes of one field line; beyond: 400 */
	uint32_t head_max;       /* bytes of the whole head; beyond: 400 */
	uint16_t fields_max;     /* field lines; beyond: 400. The caller's array may be smaller */
	bool underscores;        /* keep request field names with "_" (ingress-nginx drops them) */
	bool odd_names;          /* keep every token as name: ingress-nginx' ignore-invalid-headers
				  * false. Else names with other bytes than letters, digits and "-"
				  * are dropped from requests: gateway interfaces read "_", "." and
				  * "-" as the same. Origins' names are never dropped */
};

#define H1_LIMITS_DEFAULT    \
	((struct h1_limits){ \
	    .start_line_max = 8192, .line_max = 8192, .head_max = 32768, .fields_max = 256})

enum h1_verdict {
	H1_INCOMPLETE, /* no complete head yet, nothing wrong so far: read more, call again */
	H1_DONE,       /* `consumed` bytes were the head */
	H1_REFUSED,    /* answer `status`, or 502 when it was an origin's head; then close */
};

/* What was wrong. Valid after H1_REFUSED. */
struct h1_refusal {
	uint16_t status;    /* to answer a request with: 400, 414, 417, 431, 501, 505 */
	enum reason reason; /* BAD_REQUEST, URI_TOO_LONG, ..., UP_BAD_HEAD, UP_HEAD_TOO_LARGE */
	const char *why;    /* static text for the log: "line end without CR" */
};

/* How far an incomplete head was looked at; zero it for every new head. */
struct h1_scan {
	size_t seen; /* bytes that were there at the last call */
	size_t line; /* where the unfinished line began */
};

/*
 * A request head. `in` starts with its first byte and stays valid and unmoved as long as `out`
 * is used: every string in `out` borrows from it. out->fields and out->cap_fields are the
 * caller's array; everything else of *out is set here. On H1_DONE *consumed is the number of
 * bytes up to and including the empty line. One or two empty lines before the request are
 * skipped (RFC 9112 §2.2) and counted in *consumed. *out is undefined unless H1_DONE.
 */
enum h1_verdict h1_parse_request(struct str in, const struct h1_limits *limits,
				 struct h1_scan *scan, struct head *out, size_t *consumed,
				 struct h1_refusal *refusal);

/*
 * A response head; `asked` is the method of the request it answers, which decides with the
 * status how the content ends (RFC 9112 §6.3). 1xx heads are reported like any other
 * (status < 200, FRAMING_NONE); whether a 101 was asked for is the caller's to judge: it must
 * refuse one whose request had no Upgrade. out->keep_alive is false for FRAMING_CLOSE.
 */
enum h1_verdict h1_parse_response(struct str in, const struct h1_limits *limits,
				  struct h1_scan *scan, enum method asked, struct head *out,
				  size_t *consumed, struct h1_refusal *refusal);

/*
 * A trailer section: field lines up to and including the empty line. Fields that must not be
 * trailers (framing, routing, identity: flag T of field_tbl.h) are dropped without a word.
 * Fills fields[0..cap), *n is the number kept; more than cap are dropped, more than fields_max
 * refused.
 */
enum h1_verdict h1_parse_trailers(struct str in, const struct h1_limits *limits,
				  struct field *fields, uint16_t cap, uint16_t *n, size_t *consumed,
				  struct h1_refusal *refusal);

#endif
