/*
 * keys: the master's hold on the keys process (keyd.h): started, fed, started again.
 *
 * Orders go out without blocking; what finds no room waits for room(). A process that dies takes
 * everything with it: born() says that a new, empty one is there, and whoever has keys puts them
 * again. The master keeps no private key for that; it reads the Secrets anew.
 */
#ifndef SILEX_MASTER_KEYS_KEYS_H
#define SILEX_MASTER_KEYS_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "common/process/sign_msg.h"
#include "common/str.h"

struct keys;

struct keys_ops {
	/* The order of that number was obeyed, or (ok false) was no key that can be used. */
	void (*acked)(void *arg, uint64_t order, bool ok, const uint8_t key[SIGN_KEY_ID_LEN]);
	/* A process is there, without keys. */
	void (*born)(void *arg);
	/* Orders that found no room may be given again. */
	void (*room)(void *arg);
};

/* Nothing is started yet. ops is borrowed. NULL with errno ENOMEM. */
struct keys *keys_new(struct ev *ev, const struct conf *conf, const struct keys_ops *ops,
		      void *arg);
/* The first start; a process that cannot be started is tried again later. */
void keys_start(struct keys *k);
void keys_free(struct keys *k); /* ends the process */
/* Of the keys process; 0: there is none. */
pid_t keys_pid(const struct keys *k);
/* SIGCHLD. */
void keys_reap(struct keys *k);

/* Give it a private key (DER). The order's number, or 0: no room (room() follows), or no process
 * (born() follows). The caller wipes its copy. */
uint64_t keys_put(struct keys *k, struct str der);
/* One use of this key less. */
void keys_forget(struct keys *k, const uint8_t key[SIGN_KEY_ID_LEN]);
/* A worker's channel; fd is taken over. False: no process (born() follows). */
bool keys_introduce(struct keys *k, int fd);

#endif
