/* lines: see lines.h. Whole documents are handed on in place, without a copy. */
#include "k8s/watch/lines.h"

#include <stdlib.h>
#include <string.h>

#define SHOW_MAX   200
#define KEEP_BYTES ((size_t)64 * 1024) /* a larger buffer is given back after use */

void lines_init(struct lines *l)
{
	*l = (struct lines){0};
}

void lines_clear(struct lines *l)
{
	free(l->buf);
	lines_init(l);
}

static bool append(struct lines *l, struct str part)
{
	size_t cap = l->cap == 0 ? 4096 : l->cap;
	char *grown;

	while (cap < l->n + part.n)
		cap *= 2;
	if (cap != l->cap) {
		grown = realloc(l->buf, cap);
		if (grown == NULL)
			return false;
		l->buf = grown;
		l->cap = cap;
	}
	memcpy(l->buf + l->n, part.p, part.n);
	l->n += part.n;
	return true;
}

/* Keep the unfinished rest, or start skipping when it has become too long. */
static bool hold(struct lines *l, struct str part, size_t max, const struct lines_ops *ops,
		 void *arg)
{
	if (l->skipping || part.n == 0)
		return true;
	if (part.n > max - l->n) {
		struct str seen = l->n > 0 ? str_make(l->buf, l->n) : part;

		seen.n = seen.n > SHOW_MAX ? SHOW_MAX : seen.n;
		ops->too_long(arg, seen);
		l->skipping = true;
		l->n = 0;
		return true;
	}
	return append(l, part);
}

static bool finish(struct lines *l, struct str part, size_t max, const struct lines_ops *ops,
		   void *arg)
{
	struct str whole = part;
	bool go_on;

	if (!hold(l, l->n > 0 || part.n > max ? part : STR_NONE, max, ops, arg))
		return false;
	if (l->skipping) {
		l->skipping = false;
		return true;
	}
	if (l->n > 0)
		whole = str_make(l->buf, l->n);
	go_on = whole.n == 0 || ops->line(arg, whole);
	l->n = 0;
	if (l->cap > KEEP_BYTES) {
		free(l->buf);
		l->buf = NULL;
		l->cap = 0;
	}
	return go_on;
}

bool lines_feed(struct lines *l, struct str piece, size_t max, const struct lines_ops *ops,
		void *arg)
{
	ptrdiff_t nl;

	while ((nl = str_chr(piece, '\n')) != -1) {
		if (!finish(l, str_make(piece.p, (size_t)nl), max, ops, arg))
			return false;
		piece = str_from_at(piece, (size_t)nl + 1);
	}
	return hold(l, piece, max, ops, arg);
}
