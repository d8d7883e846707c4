/*
 * receive: where the next bytes of content are received to, so that they can go into a pipe as they
 * lie.
 */
#ifndef SILEX_WORKER_FLOW_RECEIVE_H
#define SILEX_WORKER_FLOW_RECEIVE_H

#include "worker/flow/pipe.h"

#define RECEIVE_LEAST 4096 /* a chunk with less space is not worth a system call for content */

/* *buf (NULL: there is none yet), all of which is used, becomes a chunk with space behind its fill
 * mark: itself, the tail of p (may be NULL) where that saves memory, or a new one; *at is where
 * what comes will begin. 0, or -1: memory is out, *buf is NULL. */
static inline int receive_buffer(struct chunk **buf, uint32_t *at, struct slab *chunks,
				 const struct pipe *p)
{
	struct chunk *tail = p == NULL ? NULL : pipe_tail(p, RECEIVE_LEAST);

	if (*buf != NULL && (*buf)->refs == 1) {
		*at = (*buf)->fill = 0;
		return 0;
	}
	if (*buf != NULL && chunk_space(*buf) >= RECEIVE_LEAST)
		return 0;
	chunk_unref(*buf);
	*buf = tail != NULL ? chunk_ref(tail) : chunk_new(chunks);
	*at = *buf == NULL ? 0 : (*buf)->fill;
	return *buf == NULL ? -1 : 0;
}

#endif
