/* cookie: reading the cookies of a request (RFC 6265 §5.4). */
#ifndef SILEX_WORKER_HEAD_COOKIE_H
#define SILEX_WORKER_HEAD_COOKIE_H

#include "worker/head/head.h"

/* The first cookie of this name, whatever its case, as nginx' $cookie_name; borrowed from h.
 * .p NULL: there is none. HTTP/2 may send each in a field of its own (RFC 9113 §8.2.3). */
struct str cookie_find(const struct head *h, struct str name);

#endif
