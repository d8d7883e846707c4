/*
 * lines: cuts a watch's byte stream into its newline-ended JSON documents.
 *
 * Neither chunks nor DATA frames are events (facts: kubernetes-api, WATCH): several events come
 * in one piece, one event in many, split in the middle of a character. A document longer than
 * the bound is skipped to its end and reported; the stream goes on.
 */
#ifndef SILEX_K8S_WATCH_LINES_H
#define SILEX_K8S_WATCH_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct lines {
	char *buf; /* the unfinished document */
	size_t n, cap;
	bool skipping; /* it is too long: nothing of it is kept */
};

struct lines_ops {
	bool (*line)(void *arg, struct str line); /* without its newline; false stops */
	void (*too_long)(void *arg, struct str first_bytes);
};

void lines_init(struct lines *l);
void lines_clear(struct lines *l); /* drops a partial document, frees the memory */
/* False when ops->line stopped it or memory is out. max: bytes of one document. */
bool lines_feed(struct lines *l, struct str piece, size_t max, const struct lines_ops *ops,
		void *arg);

#endif
