/*
 * jobs: passwords that wait to be looked at, and the verifiers that look.
 *
 * A bounded queue of which one list may have half, and lists take turns: whoever guesses at one
 * Secret's passwords makes nobody else wait for more than a verification. What waited for
 * BASIC_WAIT_MS is not looked at any more, because who asked has given up by then.
 */
#ifndef SILEX_MASTER_BASIC_JOBS_H
#define SILEX_MASTER_BASIC_JOBS_H

#include "common/loop/ev.h"
#include "common/process/basic_msg.h"
#include "common/process/sandbox.h"
#include "master/basic/userlist.h"

#define JOBS_MAX         64
#define JOBS_OF_LIST_MAX 32
#define JOBS_VERIFIERS   4 /* most of them */

struct jobs;

struct jobs_ops {
	/* who and id as they were given. */
	void (*done)(void *arg, void *who, uint64_t id, enum basic_verdict verdict);
	/* A verifier is gone, which cannot be replaced in here: the process must end. */
	void (*broken)(void *arg);
};

/* Starts n verifiers (1 to JOBS_VERIFIERS), before the caller confines itself. NULL with errno. */
struct jobs *jobs_new(struct ev *ev, unsigned n, const struct sandbox *sandbox,
		      const struct jobs_ops *ops, void *arg);
void jobs_free(struct jobs *j); /* NULL is ignored; lists are the caller's */

/* Look at this; password is copied. False: too many wait, done() is not called. */
bool jobs_add(struct jobs *j, void *who, uint64_t id, struct userlist *l, struct str user,
	      struct str password);
/* Nobody waits for what `who` asked. */
void jobs_forget(struct jobs *j, const void *who);
/* The list goes: what waits for it is answered BASIC_UNKNOWN. */
void jobs_drop_list(struct jobs *j, struct userlist *l);

#endif
