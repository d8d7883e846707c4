/*
 * basic: what the instance does for basic authentication beside the table: the auth process
 * (authd.h), started when the first list of users is there, and one channel to it for each worker.
 *
 * As with private keys (keys/secure.h): after the birth of an auth process the lists are put again
 * (users.h), and when the last one is there every worker gets its channel, but not later than
 * BASIC_PATIENCE_MS after the birth; what is asked about a list that is missing is refused.
 */
#ifndef SILEX_MASTER_BASIC_BASIC_H
#define SILEX_MASTER_BASIC_BASIC_H

#include <sys/types.h>

#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "master/basic/users.h"

#define BASIC_PATIENCE_MS 1000u /* requests wait for two seconds (basic_msg.h) */

struct basic;
struct proc;
struct workers;

/* NULL with errno ENOMEM. Starts nothing. */
struct basic *basic_new(struct ev *ev, const struct conf *conf);
void basic_free(struct basic *b); /* ends the auth process; NULL is ignored */
/* For users_new(). */
struct users_process basic_process(struct basic *b);
/* Both borrowed. Before the first list is put. */
void basic_start(struct basic *b, struct users *users, struct workers *workers);

/* A worker was started: what it needs of this. */
void basic_worker(struct basic *b, struct proc *p);
/* users_ops.settled */
void basic_lists_ready(struct basic *b);
/* Of the auth process; 0: there is none. */
pid_t basic_pid(const struct basic *b);
/* SIGCHLD. */
void basic_reap(struct basic *b);

#endif
