/*
 * h1_field: one field line from bytes (RFC 9112 §5). Internal to http1/: heads and trailer
 * sections are read by this code and no other.
 */
#ifndef SILEX_WORKER_WIRE_H1_FIELD_H
#define SILEX_WORKER_WIRE_H1_FIELD_H

#include "worker/head/head.h"
#include "worker/wire/h1_fault.h"
#include "worker/wire/h1_parse.h"

#define H1_NAME_MAX 1024 /* far above any real name, far below what name_n can hold */

struct h1_cursor {
	const char *start; /* first byte of the message */
	const char *line;  /* first byte of the line being read */
	const char *p;     /* next byte to read */
	const char *end;
	const struct h1_limits *limits;
	bool gateway_names; /* drop names a gateway interface could confuse (h1_limits) */
};

/*
 * Read the line at c->p. H1_OK: c->p is behind it and *f is filled, or f->name_n is 0 when it
 * was the empty line that ends the section. f->drop is set for a name the limits tell to drop.
 * H1_SHORT or a fault: c->line is the line concerned.
 */
enum h1_fault h1_field_line(struct h1_cursor *c, struct field *f);

/* H1_SHORT while the unfinished line (at most line_max) and the head are within their limits. */
enum h1_fault h1_short(const struct h1_cursor *c);

/* Expect CRLF at c->p and step over it. */
enum h1_fault h1_line_end(struct h1_cursor *c);

/* Fill *refusal from the table. Returns H1_REFUSED. */
enum h1_verdict h1_refuse(enum h1_fault fault, struct h1_refusal *refusal);

#endif
