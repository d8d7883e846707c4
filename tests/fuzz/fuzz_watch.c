/*
 * fuzz_watch: what an API server, or whatever answers in its place, may write into a watch. The
 * first byte chooses the kind of object and the pieces it comes in.
 */
#include <stdlib.h>

#include "k8s/watch/reflector_int.h"

static void refused(void *arg, struct reflector *r, const char *object, const char *why)
{
	(void)arg;
	(void)r;
	if (object[0] == '\0' || why[0] == '\0')
		abort(); /* never in silence */
}

static const struct reflector_ops ops = {.refused = refused};

static bool line(void *arg, struct str text)
{
	enum apply_result did = reflector_apply_event(arg, text);

	return did == APPLY_OK || did == APPLY_INITIAL_END;
}

static void too_long(void *arg, struct str first)
{
	(void)arg;
	(void)first;
}

static const struct lines_ops line_ops = {.line = line, .too_long = too_long};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ev *ev;
	struct reflector r = {.magic = REFLECTOR_MAGIC, .ops = &ops, .ask = ASK_WATCHLIST};
	size_t piece;

	if (ev == NULL)
		ev = ev_new(EV_BACKEND_POLL);
	if (size < 1 || ev == NULL)
		return 0;
	r.ev = ev;
	r.store = store_new();
	r.scope.kind = (enum obj_kind)(data[0] % OBJ_KINDS);
	piece = (size_t)(data[0] / OBJ_KINDS) + 1;
	lines_init(&r.lines);
	reflector_picture_begin(&r);
	for (size_t at = 1; at < size; at += piece)
		if (!lines_feed(
			&r.lines,
			str_make((const char *)data + at, size - at < piece ? size - at : piece),
			4096, &line_ops, &r))
			break;
	reflector_picture_end(&r);
	(void)reflector_apply_page(&r, str_make((const char *)data + 1, size - 1));
	lines_clear(&r.lines);
	free(r.continue_token);
	store_free(r.store);
	return 0;
}
