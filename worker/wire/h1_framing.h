/*
 * h1_framing: what the framing fields of one head say, gathered line by line and judged at the
 * end, when the whole head is known (RFC 9112 §6.3, §9; RFC 9110 §7.6.1, §7.8, §10.1).
 * Internal to http1/.
 */
#ifndef SILEX_WORKER_WIRE_H1_FRAMING_H
#define SILEX_WORKER_WIRE_H1_FRAMING_H

#include "worker/head/head.h"
#include "worker/wire/h1_fault.h"

#define H1_NAMED_MAX   4  /* Connection fields that name other fields */
#define H1_OPTIONS_MAX 32 /* options in all of them: bounds the removal to options x fields */

struct h1_framing {
	struct str host, length, te, expect, upgrade; /* the first of each; .p NULL = none */
	struct str named[H1_NAMED_MAX];               /* Connection values with other options */
	uint8_t n_hosts, n_lengths, n_tes, n_expects, n_upgrades; /* saturating at 2 */
	uint8_t n_named, n_options;
	bool close, keep_alive, connection_upgrade, te_trailers;
};

/* Note one framing field (flag F of field_tbl.h). */
enum h1_fault h1_framing_note(struct h1_framing *fr, const struct field *f);

/* Judge and fill the members of *h; method, form, target and version (or status and version)
 * are set, the other fields are in h->fields and those that Connection names are marked drop. */
enum h1_fault h1_framing_request(struct h1_framing *fr, struct head *h);
enum h1_fault h1_framing_response(struct h1_framing *fr, enum method asked, struct head *h);

#endif
