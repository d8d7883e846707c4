/*
 * userlist: users and their hashes as the auth process has them, by the number of the list
 * (basic_msg.h). All of it is wiped when it goes.
 */
#ifndef SILEX_MASTER_BASIC_USERLIST_H
#define SILEX_MASTER_BASIC_USERLIST_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define USERLIST_BYTES_MAX (2u << 20) /* a Secret holds 1 MiB at most */

struct job; /* jobs.h */

struct userlist {
	RB_ENTRY(userlist) entry;
	uint64_t number;
	char *bytes;
	size_t bytes_n;
	struct userlist_user {
		struct str name, hash; /* in bytes */
	} * users;                     /* by name, each once */
	uint32_t n_users;
	/* Whose passwords wait to be looked at: jobs.c. */
	TAILQ_HEAD(, job) jobs;
	TAILQ_ENTRY(userlist) turn;
	unsigned n_jobs;
};

RB_HEAD(userlists, userlist);

/* Takes bytes over (malloc'ed), an htpasswd file of n bytes; lines that are not good are left out.
 * NULL when memory is out, or there is no user in it. */
struct userlist *userlist_put(struct userlists *all, uint64_t number, char *bytes, size_t n);
struct userlist *userlist_find(struct userlists *all, uint64_t number);
/* It has no jobs any more. */
void userlist_drop(struct userlists *all, struct userlist *l);

/*
 * The hash of this user; of nobody, one to be compared with all the same, so that a name that does
 * not exist takes as long as one that does: *known says which.
 */
struct str userlist_hash(const struct userlist *l, struct str user, bool *known);

#endif
