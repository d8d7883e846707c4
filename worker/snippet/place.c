/* place: see place.h. */
#include "worker/snippet/place.h"

/* How long a prefix location of nginx the request's own route would be. */
static size_t route_length(const struct request *r)
{
	size_t n = r->route.path_n;

	if ((r->route.flags & ROUTE_REGEX) != 0)
		return 0;
	return n <= 1 ? 1 : n + (r->path.n > n); /* "/foo" is also "/foo/" */
}

static bool is_exact_route(const struct request *r)
{
	return (r->route.flags & ROUTE_EXACT) != 0 ||
	       ((r->route.flags & ROUTE_REGEX) == 0 && r->route.path_n > 1 &&
		r->path.n == r->route.path_n);
}

static bool find_exact(struct str locations, struct str path, struct snip_location *out)
{
	while (snip_next_location(&locations, out))
		if (out->kind == SNIP_EXACT && str_eq(out->text, path))
			return true;
	return false;
}

/* The longest one that is at least `least` bytes long. */
static bool find_prefix(struct str locations, struct str path, size_t least,
			struct snip_location *out)
{
	struct snip_location l;
	bool found = false;

	while (snip_next_location(&locations, &l)) {
		if ((l.kind != SNIP_PREFIX && l.kind != SNIP_PREFIX_FIRST) || l.text.n < least ||
		    !str_starts(path, l.text))
			continue;
		*out = l;
		found = true;
		least = l.text.n + 1;
	}
	return found;
}

static enum regex_result find_regex(struct request *r, struct str locations,
				    struct snip_location *out)
{
	while (snip_next_location(&locations, out)) {
		struct regex_groups groups;
		enum regex_result found;

		if (out->kind != SNIP_REGEX && out->kind != SNIP_REGEX_ANY_CASE)
			continue;
		found = regex_capture(r->w->regexes, out->text, r->path,
				      out->kind == SNIP_REGEX_ANY_CASE, &groups);
		if (found == REGEX_YES)
			r->snip->groups = groups;
		if (found != REGEX_NO)
			return found;
	}
	return REGEX_NO;
}

/* least: how long a prefix must be; regex_first: the route is a regex, which a prefix gives way to.
 */
static enum regex_result find(struct request *r, struct str locations, size_t least,
			      bool regex_first, struct snip_location *out)
{
	struct snip_location prefix;
	bool better = find_prefix(locations, r->path, least, &prefix);
	enum regex_result found;

	if (better && prefix.kind == SNIP_PREFIX_FIRST) {
		*out = prefix;
		return REGEX_YES;
	}
	found = find_regex(r, locations, out);
	if (found != REGEX_NO || !better || regex_first)
		return found;
	*out = prefix;
	return REGEX_YES;
}

enum regex_result place_find(struct request *r, const struct snip *program,
			     struct snip_location *out)
{
	if (find_exact(program->locations, r->path, out))
		return REGEX_YES;
	if (is_exact_route(r))
		return REGEX_NO;
	return find(r, program->locations, route_length(r), (r->route.flags & ROUTE_REGEX) != 0,
		    out);
}

enum regex_result place_find_inner(struct request *r, const struct snip *program,
				   struct snip_location *out)
{
	if (find_exact(program->locations, r->path, out))
		return REGEX_YES;
	return find(r, program->locations, 0, false, out);
}
