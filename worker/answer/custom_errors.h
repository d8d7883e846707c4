/*
 * custom_errors: another Service answers in place of an error: custom-http-errors,
 * default-backend (facts: annotations §1).
 *
 * The request starts anew at step rewrite, towards that Service, without its content: path "/",
 * and fields that say what was wrong with what (for a Service without endpoints: the path as it
 * was). Once only: whatever goes wrong then, the client is told the first error, by us.
 * It never leads to the route's own endpoints, so nobody passes who was refused (CVE-2026-24513).
 */
#ifndef SILEX_WORKER_ANSWER_CUSTOM_ERRORS_H
#define SILEX_WORKER_ANSWER_CUSTOM_ERRORS_H

#include "worker/request/request.h"

#define CUSTOM_ERRORS_FIELDS 7 /* that custom_errors_head() adds */

/* An answer of this status is due, made here because of why, or the endpoint's (REASON_NONE).
 * True: the request goes elsewhere instead, r->step says on; what the endpoint said is let go. */
bool custom_errors_take(struct request *r, uint16_t status, enum reason why);
/* Makes r->out, which has room (headers_reserve), the head for that Service. 0, or -1: memory is
 * out. */
int custom_errors_head(struct request *r);

#endif
