/*
 * backlog: content that waits for a target of copies that is slower than the endpoint.
 *
 * A ring of slices on the chunks in which the content was received: nothing is copied. A pipe
 * would do (flow/pipe.h), but its eight slices are full before a connection to the target is made,
 * and here nobody may be asked to stop. So there is more room, as much as proxy-body-size allows
 * unless it was raised, and an end: who does not fit any more is given up.
 */
#ifndef SILEX_WORKER_MIRROR_BACKLOG_H
#define SILEX_WORKER_MIRROR_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/flow/pipe.h"

#define BACKLOG_BYTES  (1024 * 1024)
#define BACKLOG_CHUNKS 96 /* that are kept by it, however little of each is content */

struct backlog {             /* zeroed: empty */
	struct chunk *space; /* the ring lies in its data; NULL: nothing ever waited */
	uint32_t first, n;   /* of the slices */
	uint32_t bytes;      /* in them */
	uint32_t chunks;     /* under them; one that comes again later counts again */
};

/* Behind what waits; takes a reference of its own. False, and nothing has changed: it is full, or
 * memory is out. */
bool backlog_put(struct backlog *b, struct slab *chunks, const struct slice *s);
/* As much into `to` as that has room for. */
void backlog_give(struct backlog *b, struct pipe *to);
/* Give every reference back. */
void backlog_clear(struct backlog *b);

#endif
