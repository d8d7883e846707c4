/*
 * cors: enable-cors and its fellows (facts: annotations §CORS; the Fetch standard's CORS protocol).
 *
 * A request whose Origin is allowed (every request, where "*" is) has its answer's CORS fields set
 * by us, whoever made the answer; what the origin server said about it is replaced. OPTIONS from
 * an allowed origin is answered 204 here. From any other origin nothing is added and OPTIONS
 * goes upstream.
 */
#ifndef SILEX_WORKER_ANSWER_CORS_H
#define SILEX_WORKER_ANSWER_CORS_H

#include "worker/request/request.h"

#define CORS_FIELDS 6 /* most that are added */

/* Is r an OPTIONS request to be answered 204 here? */
bool cors_answers(const struct request *r);
/* Add the fields to the answer h, if the route has CORS and r's origin is allowed. */
void cors_add(struct request *r, struct head *h);

#endif
