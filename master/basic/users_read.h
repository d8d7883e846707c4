/*
 * users_read: a Secret as lines for the auth process, each of which can be used, and words about
 * those that cannot.
 */
#ifndef SILEX_MASTER_BASIC_USERS_READ_H
#define SILEX_MASTER_BASIC_USERS_READ_H

#include "k8s/objects/obj.h"
#include "master/basic/users.h"

#define USERS_WHY_MAX 240

struct users_read {
	int fd;                     /* memfd with the lines; -1: there are none, why says why */
	uint32_t bytes;             /* in it */
	char why[USERS_WHY_MAX];    /* "": the list can be used */
	char remark[USERS_WHY_MAX]; /* what was left out; "": nothing */
};

/* s NULL: there is no such Secret. The descriptor is the caller's. */
void users_read(const struct secret *s, enum users_form form, struct users_read *out);

#endif
