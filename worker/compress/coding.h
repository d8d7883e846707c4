/*
 * coding: which content coding an answer may have for this client (RFC 9110 §12.5.3).
 *
 * The Accept-Encoding fields of a request are put into a struct coding_wish, one after another;
 * then the best of what is offered is chosen. What a field says that is no list of codings with
 * weights counts as nothing said: an answer without a coding is always right.
 * What must not happen here: knowledge of answers and of how a coding is made.
 */
#ifndef SILEX_WORKER_COMPRESS_CODING_H
#define SILEX_WORKER_COMPRESS_CODING_H

#include <stdint.h>

#include "common/str.h"

/* In the order of preference among equals: the last wins. */
enum coding {
	CODING_IDENTITY,
	CODING_GZIP,
	CODING_BR,
	CODINGS
};

struct coding_wish {
	int16_t weight[CODINGS]; /* thousandths; -1: not named */
	int16_t others;          /* of "*"; -1: not named */
};

void coding_wish_init(struct coding_wish *w);
/* One field's value. A coding that is named twice has the weight it was given last. */
void coding_wish_add(struct coding_wish *w, struct str accept_encoding);
/* The coding of the highest weight among identity and those offered (bits 1 << enum coding); one
 * that is not accepted, and one that identity is preferred to, is not chosen. */
enum coding coding_choose(const struct coding_wish *w, unsigned offered);
/* Its name in Content-Encoding; of identity "". */
struct str coding_name(enum coding c);

#endif
