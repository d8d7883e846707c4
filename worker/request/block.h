/*
 * block: block-cidrs, block-user-agents, block-referers: clients that nobody shall serve,
 * whatever an Ingress says (nginx' own deny gives way to a location's allow; this does not).
 */
#ifndef SILEX_WORKER_REQUEST_BLOCK_H
#define SILEX_WORKER_REQUEST_BLOCK_H

#include "worker/request/request.h"

struct block;

/* From the settings; NULL when nobody is blocked. *failed is set when memory is out. */
struct block *block_new(const struct conf *conf, struct regexes *x, bool *failed);
void block_free(struct block *b); /* NULL is ignored */

/* To be answered 403? An expression that takes more than its limits blocks. */
bool block_hits(const struct block *b, const struct request *r);

#endif
