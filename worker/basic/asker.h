/*
 * asker: asks the auth process about passwords without stopping the worker, and remembers what was
 * right (known.h).
 *
 * A question waits in the worker until the auth process has answered: the answer, or that none
 * came within BASIC_WAIT_MS, is told by done(). Questions about the same credentials are asked
 * once. If the auth process dies its successor's channel is put in with asker_attach(), and what
 * is open is asked again. Everything but BASIC_RIGHT keeps the request out.
 * What must not happen here: a password that is kept when its question has ended.
 */
#ifndef SILEX_WORKER_BASIC_ASKER_H
#define SILEX_WORKER_BASIC_ASKER_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/process/basic_msg.h"
#include "common/str.h"
#include "worker/basic/known.h"
#include "worker/worker.h"

#define ASKER_WAITING_MAX 256 /* of one worker; one more is answered BASIC_BUSY at once */

enum asker_end {          /* besides enum basic_verdict */
	ASKER_LATE = 100, /* no answer in time */
};

/* One question, in the asker's hands until done() or asker_forget(). */
struct asker_wait {
	TAILQ_ENTRY(asker_wait) link; /* oldest first */
	uint64_t by_ms;
	struct known_digest digest;
	bool sent, follows; /* somebody else's question asks the same */
	void (*done)(struct asker_wait *w, unsigned end); /* enum basic_verdict or asker_end */
	size_t n;
	struct basic_ask ask; /* wiped at the end */
};

/* The worker's, made when first wanted; NULL: memory is out. */
struct asker *asker_of(struct worker *w);
void asker_free(struct asker *a); /* NULL is ignored; nothing may be open */

/* The channel to the auth process; taken over (an old one is closed). 0, or -1 with errno. */
int asker_attach(struct asker *a, int fd);

/* What credentials of a list are known by (known.h). */
struct known_digest asker_digest(const struct asker *a, uint64_t list, struct str user,
				 struct str password);
/* Were they right a short while ago? */
bool asker_knows(const struct asker *a, const struct known_digest *d);
/* Ask; lengths as basic_msg.h bounds them, both copied. w->done and w->digest are set. False: too
 * many wait already, done() is not called. */
bool asker_ask(struct asker *a, struct asker_wait *w, uint64_t list, struct str user,
	       struct str password);
/* Nobody waits for it any more. */
void asker_forget(struct asker *a, struct asker_wait *w);

#endif
