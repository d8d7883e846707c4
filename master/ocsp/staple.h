/*
 * staple: OCSP responses for the certificates that are served, fetched ahead (`enable-ocsp`).
 *
 * The master asks, workers only staple what the table has. A few questions at a time, each bounded
 * in time and size; an answer is kept until its nextUpdate, three days at most, and asked for
 * again at half of that, at a time that differs from certificate to certificate. What fails is
 * logged once for as long as it lasts, counted, and tried again later and later. Nothing that a
 * responder does or leaves undone touches the certificate itself: it is served, without staple.
 * The address comes from the certificate, so whoever may write a Secret that an Ingress names can
 * have the master POST some hundred bytes to an http address; what it answers goes nowhere but
 * through ocsp_answer_check(). That is in the nature of OCSP, and why it is off at first.
 */
#ifndef SILEX_MASTER_OCSP_STAPLE_H
#define SILEX_MASTER_OCSP_STAPLE_H

#include "common/loop/ev.h"
#include "common/process/board.h"
#include "master/certs/cert_pair.h"

#define STAPLE_CONNECT_MS 1000 /* ingress-nginx' bounds: connect and send, and then read */
#define STAPLE_READ_MS    2000
#define STAPLE_AT_ONCE    8

struct stapler;
struct staple; /* of one certificate */

/* board is borrowed. NULL: libcurl cannot be loaded, or memory is out; logged. */
struct stapler *stapler_new(struct ev *ev, struct board *board);
void stapler_free(struct stapler *s); /* its staples must be gone; NULL is ignored */

/* Asks soon. p is read during the call only; name is what the log calls it. changed(arg) when
 * staple_response() answers something else. NULL: there is nobody to ask, which is logged. */
struct staple *staple_new(struct stapler *s, const struct cert_pair *p, const char *name,
			  void (*changed)(void *arg), void *arg);
void staple_free(struct staple *t); /* NULL is ignored */
/* What may be stapled now, and until when (seconds since 1970); empty: nothing. Borrowed. NULL is
 * a certificate without staple. */
struct str staple_response(const struct staple *t, int64_t *until);

#endif
