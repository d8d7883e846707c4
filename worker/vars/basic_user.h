/*
 * basic_user: $remote_user: the user of "Authorization: Basic" (RFC 7617), whether anybody asked
 * for it or not. For logs only: nothing was checked.
 */
#ifndef SILEX_WORKER_VARS_BASIC_USER_H
#define SILEX_WORKER_VARS_BASIC_USER_H

#include "worker/request/request.h"

#define BASIC_USER_MAX 64 /* no more of it is decoded */

/* In buf; STR_NONE when there is none. */
struct str basic_user(const struct request *r, char buf[BASIC_USER_MAX]);

/* Is this the field that names one? */
bool basic_user_is(const struct field *f);

#endif
