/*
 * pace: limit-rate and limit-rate-after (facts: annotations §8): the content of one answer goes to
 * the client no faster than so many bytes a second, whatever protocol and kind of pipe it takes.
 *
 * The pipe the client's side sends from is told how much it may give away (pipe.allow); what is
 * behind that stays there, and backpressure does the rest: a full pipe stops the endpoint, and no
 * deadline runs for somebody who waits for us. Bytes are granted a tenth of a second's worth at a
 * time, by a timer that is armed only while there is something to send. A pause of the endpoint
 * is made up for by one second's worth at most.
 */
#ifndef SILEX_WORKER_REQUEST_PACE_H
#define SILEX_WORKER_REQUEST_PACE_H

#include "worker/request/request.h"

/* The answer's head is about to be sent, everything else about it is decided. 0, or -1: memory is
 * out. Sets r->pace where the route asks for it. */
int pace_begin(struct request *r);
/* Before content is sent: grant what is due by now. r->pace must not be NULL. */
void pace_grant(struct request *r);
/* After it was: wake up when more is due, if there is more. r->pace must not be NULL. */
void pace_wait(struct request *r);
/* Nothing is sent any more. No-op without r->pace. */
void pace_end(struct request *r);

#endif
