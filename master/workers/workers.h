/*
 * workers: who serves. A fixed number of seats, each with one worker; a dead one's seat is taken
 * again at once, with backoff when they die young, and not at all when they exit with code 2.
 *
 * A new configuration replaces the workers one seat after another: the successor is READY before
 * its predecessor is told to drain, so connections are never refused. If a successor does not
 * come up the replacement ends there and the workers that are left stay as they are.
 */
#ifndef SILEX_MASTER_WORKERS_WORKERS_H
#define SILEX_MASTER_WORKERS_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf/conf.h"
#include "common/process/msg.h"
#include "master/workers/proc.h"

struct workers;

struct workers_ops {
	/* A worker became ready, or ended. */
	void (*changed)(void *arg);
	/* The replacement is over: everybody uses the new configuration, or (false) it ended at a
	 * successor that did not come up, and the workers not yet replaced stay as they are. */
	void (*replaced)(void *arg, bool done);
	/* Every seat's worker exited with code 2. */
	void (*hopeless)(void *arg);
};

/* env and ops are borrowed. NULL with errno ENOMEM. */
struct workers *workers_new(const struct proc_env *env, const struct workers_ops *ops, void *arg);
void workers_free(struct workers *ws); /* nobody may live; unlinks the slots */

/* The first start. conf is copied. 0, or -1 when there is no room for the slots (logged). */
int workers_start(struct workers *ws, const struct conf *conf);
/* Not while workers_replacing(), not after workers_stop(). ops->replaced may be called inside. */
bool workers_replacing(const struct workers *ws);
void workers_replace(struct workers *ws, const struct conf *conf);

/* Settings that every worker takes over as it is (conf_live.h), those to come included. */
void workers_set_live(struct workers *ws, const struct conf *conf);

/* SIGCHLD. */
void workers_reap(struct workers *ws);
/* Once every WORKERS_TICK_MS. */
#define WORKERS_TICK_MS 500
void workers_tick(struct workers *ws);

/* Every living worker. */
void workers_each(struct workers *ws, void (*fn)(void *arg, struct proc *p), void *arg);
void workers_tell(struct workers *ws, enum msg_type type, const void *data, size_t len, int fd);
/* Nobody is started any more; everybody drains. Again with less time: the shorter one holds. */
void workers_stop(struct workers *ws, uint64_t timeout_ms);

/* Seats there are, while workers are being replaced those there will be too. */
unsigned workers_seats(const struct workers *ws);
unsigned workers_alive(const struct workers *ws);
/* Every seat has a READY worker. */
bool workers_complete(const struct workers *ws);
/* ... and each of them uses this version of the table, or a newer one. */
bool workers_use(const struct workers *ws, uint64_t version);

#endif
