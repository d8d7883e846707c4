/* location: the locations of a snippet, each with a program of its own. See build.h. */
#include <stdio.h>
#include <stdlib.h>

#include "master/translate/regex_check.h"
#include "master/translate/snippet/build.h"
#include "master/translate/snippet/program.h"

static bool kind_of(struct build *b, const struct directive *d, enum snip_kind *kind,
		    struct str *text)
{
	static const struct {
		const char *word;
		enum snip_kind kind;
	} kinds[] = {{"=", SNIP_EXACT},
		     {"^~", SNIP_PREFIX_FIRST},
		     {"~", SNIP_REGEX},
		     {"~*", SNIP_REGEX_ANY_CASE}};

	*kind = SNIP_PREFIX;
	*text = d->word[d->n - 1];
	if (d->n == 2)
		return true;
	for (size_t i = 0; d->n == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(d->word[1], str_from(kinds[i].word))) {
			*kind = kinds[i].kind;
			return true;
		}
	return build_refuse(b, d, "location takes =, ^~, ~, ~* or nothing, and a path");
}

static bool place_ok(struct build *b, const struct directive *d, enum snip_kind kind,
		     struct str text)
{
	char err[REGEX_ERROR_MAX];
	bool regex = kind == SNIP_REGEX || kind == SNIP_REGEX_ANY_CASE;

	if (!regex && (text.n == 0 || text.p[0] != '/'))
		return build_refuse(b, d, "the path of a location must begin with \"/\"");
	if (regex && !regex_check(text, err))
		return build_refuse(b, d, "\"" STR_FMT "\" is no regular expression: %s",
				    STR_ARG(str_head(text, 60)), err);
	return true;
}

/* Its block in a program of its own. What is refused in it closes only this location. */
bool location_read(struct build *b, const struct directive *d)
{
	struct program *outer = b->p, *own = program_new();
	unsigned depth = b->depth - 1, line = d->line;
	enum build_block around = b->block;
	bool captures = b->captures, ok, regex;
	enum snip_kind kind;
	struct text bytes;
	struct str text;

	ok = kind_of(b, d, &kind, &text) && place_ok(b, d, kind, text);
	if (!ok) {
		program_free(own);
		return false;
	}
	regex = kind == SNIP_REGEX || kind == SNIP_REGEX_ANY_CASE;
	text_growing(&bytes, SNIP_HOST_MAX);
	b->p = own;
	b->block = IN_LOCATION;
	b->captures = captures || regex;
	ok = block_read(b) && program_write(own, &bytes, SNIP_HOST_MAX);
	if (!ok && !b->fatal) {
		char why[BUILD_WHY_MAX + 60];

		(void)snprintf(why, sizeof(why), "%s: the location of line %u",
			       b->why[0] != '\0' ? b->why : "it is too long", line);
		b->user->tell(b->user->arg, SNIPPET_LOCATION_CLOSED, why);
		ok = block_each(b, depth, NULL, NULL);
		bytes.n = 0;
		program_put_location(outer, kind, true, text, STR_NONE);
	} else if (ok) {
		program_put_location(outer, kind, false, text, str_make(bytes.p, bytes.n));
	}
	free(bytes.p);
	program_free(own);
	b->p = outer;
	b->block = around;
	b->scope = 0;
	b->captures = captures;
	return ok;
}
