/*
 * secure: the master's part of TLS in one place: the keys process, its channels to the workers,
 * and the ticket keys. Exists only with an HTTPS port.
 *
 * Order after the birth of a keys process: the certificates give it their keys (certs.h); when
 * the last one is acknowledged every worker gets a channel to it, not before, so that no question
 * meets a process that does not have the answer yet. But not later than SECURE_PATIENCE_MS after
 * the birth: keys that cannot be read again, because their source is away, must not cost the others
 * their handshakes. What is asked of a key that is missing is refused at once, and counted.
 */
#ifndef SILEX_MASTER_KEYS_SECURE_H
#define SILEX_MASTER_KEYS_SECURE_H

#include <sys/types.h>

#include "common/conf/conf.h"
#include "common/loop/ev.h"

#define SECURE_PATIENCE_MS 1000u /* handshakes wait for two seconds (worker/sign/signer.h) */

struct keys;
struct proc;
struct secure;
struct sources;
struct workers;

/* NULL with errno ENOMEM. Starts nothing. */
struct secure *secure_new(struct ev *ev, const struct conf *conf);
void secure_free(struct secure *s); /* ends the keys process; NULL is ignored */
struct keys *secure_keys(struct secure *s);
/* Both borrowed. Starts the keys process. */
void secure_start(struct secure *s, struct sources *sources, struct workers *workers);

/* A worker was started: what it needs of this. */
void secure_worker(struct secure *s, struct proc *p);
/* sources_ops.keys_ready */
void secure_keys_ready(struct secure *s);
/* Of the keys process; 0: there is none. */
pid_t secure_pid(const struct secure *s);
/* SIGCHLD. */
void secure_reap(struct secure *s);

#endif
