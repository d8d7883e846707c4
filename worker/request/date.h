/* date: the value of a Date field, made once a second (RFC 9110 §5.6.7). */
#ifndef SILEX_WORKER_REQUEST_DATE_H
#define SILEX_WORKER_REQUEST_DATE_H

#include "common/str.h"
#include "worker/worker.h"

/* Borrowed from w, valid until the next call. */
struct str date_now(struct worker *w);

#endif
