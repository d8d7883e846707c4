/*
 * h1_write: a struct head as HTTP/1.1 bytes, in canonical form.
 *
 * Nothing of the received head's bytes survives but method, target, names and values, which the
 * parser found clean; the framing fields are derived from the members of struct head, anew:
 *   FRAMING_CHUNKED -> Transfer-Encoding: chunked
 *   FRAMING_LENGTH, or FRAMING_NONE with has_length -> Content-Length (never with 1xx and 204)
 *   FRAMING_CLOSE, else -> neither
 * Upgrade, Expect and TE come from upgrade_proto, expect_continue and te_trailers. Fields with
 * `drop` set, and any left-over framing field (flag F), are not written.
 */
#ifndef SILEX_WORKER_WIRE_H1_WRITE_H
#define SILEX_WORKER_WIRE_H1_WRITE_H

#include <stddef.h>

#include "common/str.h"
#include "worker/head/head.h"

enum h1_connection {
	H1_CONNECTION_NONE,       /* no field: HTTP/1.1's default is to live on */
	H1_CONNECTION_KEEP_ALIVE, /* "keep-alive": said to HTTP/1.0 clients */
	H1_CONNECTION_CLOSE,      /* "close" */
	H1_CONNECTION_UPGRADE,    /* "upgrade", and the Upgrade field from h->upgrade_proto */
};

/*
 * "METHOD target HTTP/1.1" (or 1.0: what that version does not know must not be in h), Host
 * (h->authority; left out when that is empty), the fields. h->expect_continue writes "Expect:
 * 100-continue": clear it when the answer is not relayed. Returns the bytes written, or -1 when
 * they do not fit in cap (buf is then undefined).
 */
ptrdiff_t h1_write_request(char *buf, size_t cap, const struct head *h, enum h1_connection conn,
			   bool http10);

/*
 * "HTTP/1.1 status phrase" (the usual phrase when h->reason_phrase is empty), the fields. A Date
 * field is added from `date` ("Sun, 06 Nov 1994 08:49:37 GMT") when the fields have none and the
 * status is not 1xx; date.n == 0 adds none. Returns as h1_write_request.
 */
ptrdiff_t h1_write_response(char *buf, size_t cap, const struct head *h, enum h1_connection conn,
			    struct str date);

/* A trailer section behind the last chunk: "0\r\n", the fields, "\r\n". */
ptrdiff_t h1_write_trailers(char *buf, size_t cap, const struct field *fields, uint16_t n);

/* The usual phrase of a status ("Not Found"), or "Status" for one without. */
struct str h1_status_phrase(unsigned status);

#endif
