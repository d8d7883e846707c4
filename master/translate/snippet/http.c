/* http: the blocks of an http-snippet. See build.h. `server`: server.c; `map` and `geo`: map.c. */
#include <stdlib.h>

#include "common/check.h"
#include "master/translate/snippet/build.h"

/* --- all of them --------------------------------------------------------------------------- */

bool http_block(struct build *b, const struct directive *d)
{
	if (str_eq(d->word[0], STR("server")) && d->n == 1)
		return server_read(b, d);
	if (str_eq(d->word[0], STR("map")) || str_eq(d->word[0], STR("geo")))
		return map_read(b, d);
	return false;
}

bool do_open(struct build *b, const struct directive *d)
{
	return build_refuse(b, d, STR_FMT " must open a block", STR_ARG(d->word[0]));
}

/* --- names before they are read ------------------------------------------------------------ */

void snippet_http_names(struct str text, struct snippet_names *out)
{
	struct lex *l = malloc(sizeof(*l));
	struct directive d;
	unsigned depth = 0;
	enum lex_end end;
	struct str name;

	CHECK(l != NULL);
	lex_init(l, text);
	out->n = 0;
	while ((end = lex_next(l, &d)) < LEX_EOF) {
		depth += end == LEX_OPEN;
		depth -= end == LEX_CLOSE && depth > 0;
		if (end != LEX_OPEN || depth != 1 || out->n == SNIPPET_NAMES_MAX ||
		    !map_names(&d, out->name[out->n], &name) || vars_builtin(name))
			continue;
		out->name[out->n++][name.n] = '\0';
	}
	free(l);
}
