/*
 * rewrite: see rewrite.h. As nginx' rewrite directive: the pattern is searched in the normalised
 * path, the replacement is the whole new URI, the client's query is appended unless the
 * replacement ends in "?". Only a "?" of the replacement itself begins a query; one that was
 * escaped in the path stays escaped.
 */
#include "worker/rewrite/rewrite.h"

#include <string.h>

#include "common/check.h"
#include "worker/rewrite/regex.h"
#include "worker/rewrite/uri.h"

struct parts {
	struct str pattern, path, query; /* of the replacement */
	bool has_query;
};

static bool read_option(const struct policy *p, struct parts *to)
{
	struct str opt = policy_find(p, POLICY_OPT_REWRITE), text;
	struct policy_rewrite head;
	ptrdiff_t mark;

	if (opt.n < sizeof(head))
		return false;
	memcpy(&head, opt.p, sizeof(head));
	text = str_from_at(opt, sizeof(head));
	if (head.pattern_n > text.n)
		return false;
	to->pattern = str_make(text.p, head.pattern_n);
	to->path = str_from_at(text, head.pattern_n);
	mark = str_chr(to->path, '?');
	to->has_query = mark != -1;
	to->query = mark == -1 ? STR_NONE : str_from_at(to->path, (size_t)mark + 1);
	if (mark != -1)
		to->path.n = (size_t)mark;
	return true;
}

static bool is_url(struct str s)
{
	return str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

static size_t put(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return s.n;
}

static struct str join(struct request *r, const struct parts *with, struct str path,
		       struct str query)
{
	bool drops = with->has_query && with->query.n == 0; /* "/new?" */
	struct str old = drops ? STR_NONE : r->query;
	char *to = arena_alloc(&r->arena, 3 * path.n + 3 * query.n + old.n + 4);
	size_t n = 0;

	if (to == NULL)
		return STR_NONE;
	if (is_url(path)) {
		n += put(to, path);
	} else {
		if (path.n == 0 || path.p[0] != '/')
			to[n++] = '/';
		n += uri_put_path(to + n, path);
	}
	if (query.n > 0 || old.p != NULL)
		to[n++] = '?';
	n += uri_put_query(to + n, query);
	if (query.n > 0 && old.n > 0)
		to[n++] = '&';
	n += put(to + n, old);
	return str_make(to, n);
}

enum rewrite_result rewrite_target(struct request *r, struct str *out)
{
	struct regexes *x = r->w->regexes;
	struct str path, query = STR_NONE;
	enum regex_result found;
	struct parts with;

	if (!read_option(r->route.policy, &with))
		return REWRITE_NONE;
	found = regex_replace(x, with.pattern, r->path, with.path, &r->arena, &path);
	if (found == REGEX_YES && with.query.n > 0)
		found = regex_replace(x, with.pattern, r->path, with.query, &r->arena, &query);
	if (found != REGEX_YES)
		return found == REGEX_NO ? REWRITE_NONE : REWRITE_FAILED;
	*out = join(r, &with, path, query);
	if (out->p == NULL)
		return REWRITE_FAILED;
	return is_url(*out) ? REWRITE_REDIRECT : REWRITE_TARGET;
}

int rewrite_prefix(struct request *r, struct str *out)
{
	struct str prefix = policy_find(r->route.policy, POLICY_OPT_PREFIX);
	struct parts with;

	*out = STR_NONE;
	if (prefix.n == 0 || !read_option(r->route.policy, &with))
		return 0;
	if (regex_replace(r->w->regexes, with.pattern, r->path, prefix, &r->arena, out) !=
	    REGEX_YES)
		return -1;
	/* A part of a decoded path: what could not stand in a field's value must not. */
	for (size_t i = 0; i < out->n; i++)
		if ((unsigned char)out->p[i] < 0x20 || out->p[i] == 0x7f)
			*out = STR_NONE;
	return 0;
}
