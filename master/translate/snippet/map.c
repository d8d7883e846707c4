/*
 * map: `map` and `geo` of an http-snippet, into policy_map.h. As in nginx: texts are compared in
 * any case, "~" and "~*" begin regular expressions, `hostnames` gives "*.a", ".a" and "a.*" their
 * meaning, a backslash takes the meaning from the first character, values may hold variables (of
 * geo they do not). Without `default` that is empty.
 */
#include <stdlib.h>

#include "common/policy/policy.h"
#include "common/policy/policy_map.h"
#include "master/translate/regex_check.h"
#include "master/translate/snippet/build.h"

#define TEXT_MAX LEX_TEXT_MAX

struct map {
	bool geo, hostnames;
	unsigned depth; /* of its block */
	char source_space[512], value_space[TEXT_MAX];
	struct text source, value, entries;
};

/* --- entries ------------------------------------------------------------------------------- */

static bool put(struct build *b, const struct directive *d, struct map *m, enum map_kind kind,
		struct str text, struct str value)
{
	struct map_entry e = {.kind = (uint16_t)kind,
			      .text_n = (uint16_t)text.n, /* of a text of LEX_TEXT_MAX */
			      .value_n = (uint16_t)value.n};

	text_str(&m->entries, str_make((const char *)&e, sizeof(e)));
	text_str(&m->entries, text);
	text_str(&m->entries, value);
	return m->entries.full ? build_refuse(b, d, "the map is too long") : true;
}

/* What a text means, and what of it is compared. */
static bool kind_of(struct build *b, const struct directive *d, const struct map *m,
		    struct str *text, enum map_kind *kind)
{
	char err[REGEX_ERROR_MAX];

	*kind = MAP_TEXT;
	if (str_starts(*text, STR("~"))) {
		bool any = str_starts(*text, STR("~*"));

		*kind = any ? MAP_REGEX_ANY_CASE : MAP_REGEX;
		*text = str_from_at(*text, any ? 2 : 1);
		return regex_check(*text, err) ||
		       build_refuse(b, d, "\"" STR_FMT "\" is no regular expression: %s",
				    STR_ARG(str_head(*text, 60)), err);
	}
	if (m->hostnames && str_starts(*text, STR("*."))) {
		*kind = MAP_ENDS;
		*text = str_from_at(*text, 1);
	} else if (m->hostnames && text->n > 1 && text->p[0] == '.') {
		*kind = MAP_BELOW;
	} else if (m->hostnames && str_ends(*text, STR(".*"))) {
		*kind = MAP_BEGINS;
		text->n--;
	} else if (str_starts(*text, STR("\\"))) {
		*text = str_from_at(*text, 1);
	}
	return true;
}

static bool value_of(struct build *b, const struct directive *d, const struct map *m, bool captures,
		     struct text *out)
{
	bool ok;

	if (m->geo) {
		template_literal(out, d->word[1]);
		return true;
	}
	b->captures = captures;
	ok = template_decides(b, d, d->word[1], out);
	b->captures = false;
	return ok;
}

static bool put_net(struct build *b, const struct directive *d, struct map *m)
{
	struct policy_net net;
	char space[TEXT_MAX];
	struct text value;

	if (!policy_net_parse(d->word[0], &net))
		return build_refuse(b, d, "\"" STR_FMT "\" is no network such as 192.0.2.0/24",
				    STR_ARG(str_head(d->word[0], 60)));
	text_fixed(&value, space, sizeof(space));
	template_literal(&value, d->word[1]);
	return put(b, d, m, MAP_NET, str_make((const char *)&net, sizeof(net)),
		   str_make(value.p, value.n));
}

static bool put_text(struct build *b, const struct directive *d, struct map *m)
{
	struct str text = d->word[0];
	enum map_kind kind = MAP_TEXT;
	char space[TEXT_MAX];
	struct text value;
	bool regex;

	if (!kind_of(b, d, m, &text, &kind))
		return false;
	regex = kind == MAP_REGEX || kind == MAP_REGEX_ANY_CASE;
	text_fixed(&value, space, sizeof(space));
	return value_of(b, d, m, regex, &value) &&
	       put(b, d, m, kind, text, str_make(value.p, value.n));
}

/* A line of the block. */
static bool line(struct build *b, const struct directive *d, void *arg)
{
	struct map *m = arg;
	struct str word = d->word[0];

	if (b->depth > m->depth)
		return build_refuse(b, d, "a block cannot stand here");
	if (d->n == 1 && !m->geo && str_eq(word, STR("hostnames"))) {
		m->hostnames = true;
		return true;
	}
	if (d->n == 1 && !m->geo && str_eq(word, STR("volatile")))
		return true; /* a value is never kept */
	if (d->n != 2 || str_eq(word, STR("include")))
		return build_refuse(b, d,
				    "\"" STR_FMT "\" cannot stand here: each line is a text and "
				    "the value it stands for",
				    STR_ARG(str_head(word, 40)));
	if (str_eq(word, STR("default"))) {
		m->value.n = 0;
		return value_of(b, d, m, false, &m->value);
	}
	return m->geo ? put_net(b, d, m) : put_text(b, d, m);
}

/* --- the head ------------------------------------------------------------------------------ */

/* "$name" in lower case, without "$". */
static bool name_of(struct str word, char to[SNIPPET_NAME_MAX + 1], struct str *name)
{
	if (word.n < 2 || word.n > SNIPPET_NAME_MAX || word.p[0] != '$')
		return false;
	for (size_t i = 1; i < word.n; i++) {
		char c = ascii_lower(word.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
		to[i - 1] = c;
	}
	*name = str_make(to, word.n - 1);
	return true;
}

bool map_names(const struct directive *d, char to[SNIPPET_NAME_MAX + 1], struct str *name)
{
	bool geo = str_eq(d->word[0], STR("geo"));

	if (!geo && (d->n != 3 || !str_eq(d->word[0], STR("map"))))
		return false;
	return (d->n == 3 || (geo && d->n == 2)) && name_of(d->word[d->n - 1], to, name);
}

static bool compile_source(struct build *b, const struct directive *d, struct map *m)
{
	return template_decides(b, d, m->geo && d->n == 2 ? STR("$remote_addr") : d->word[1],
				&m->source);
}

static void write_map(const struct map *m, struct str name, struct text *out)
{
	struct map_head head = {.name_n = (uint16_t)name.n,
				.source_n = (uint16_t)m->source.n,
				.default_n = (uint16_t)m->value.n,
				.geo = m->geo,
				.hostnames = m->hostnames,
				.entries_n = (uint32_t)m->entries.n};

	text_str(out, str_make((const char *)&head, sizeof(head)));
	text_str(out, name);
	text_str(out, str_make(m->source.p, m->source.n));
	text_str(out, str_make(m->value.p, m->value.n));
	text_str(out, str_make(m->entries.p, m->entries.n));
}

/* What nginx would say of itself in forwarded fields is settled by other means; any other of its
 * variables could be what a rule looks at. */
static bool known_already(struct build *b, const struct directive *d, struct str name)
{
	if (!str_starts(name, STR("pass_")))
		return build_refuse(b, d, "$" STR_FMT " is known already and keeps its meaning",
				    STR_ARG(name));
	return build_leave_out(b, d,
			       "$" STR_FMT " keeps its meaning: use-forwarded-headers or the PROXY "
			       "protocol tell what the client spoke",
			       STR_ARG(name)) &&
	       block_each(b, b->depth - 1, NULL, NULL);
}

bool map_read(struct build *b, const struct directive *d)
{
	struct directive at = *d; /* its words stay where they are */
	struct map m = {.geo = str_eq(d->word[0], STR("geo")), .depth = b->depth};
	char lower[SNIPPET_NAME_MAX + 1];
	struct str name;
	bool ok;

	if (!map_names(d, lower, &name))
		return build_refuse(b, d,
				    m.geo ? "geo takes an address, and a variable"
					  : "map takes a value, and a variable");
	if (vars_builtin(name))
		return known_already(b, d, name);
	text_fixed(&m.source, m.source_space, sizeof(m.source_space));
	text_fixed(&m.value, m.value_space, sizeof(m.value_space));
	text_growing(&m.entries, MAPS_BYTES_MAX);
	ok = compile_source(b, &at, &m) && block_each(b, b->depth - 1, line, &m);
	if (ok)
		write_map(&m, name, b->job->maps);
	free(m.entries.p);
	return ok && (!b->job->maps->full || build_refuse(b, &at, "the maps are too long"));
}
