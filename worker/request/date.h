/* date: the value of a Date field, made once a second, and of others (RFC 9110 §5.6.7). */
#ifndef SILEX_WORKER_REQUEST_DATE_H
#define SILEX_WORKER_REQUEST_DATE_H

#include "common/str.h"
#include "worker/worker.h"

#define DATE_LEN 29

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
void date_text(int64_t unix_s, char to[DATE_LEN + 1]);
/* Of now. Borrowed from w, valid until the next call. */
struct str date_now(struct worker *w);

#endif
