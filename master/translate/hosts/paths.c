/* paths: which claims are granted. See paths.h. */
#include "master/translate/hosts/paths.h"

#include <stdlib.h>

#include "k8s/objects/obj.h"

#define PATH_MAX_BYTES 65535 /* of the table */

static bool is_root(struct str path)
{
	return path.n == 1;
}

static bool ends_with_slash(struct str path)
{
	return !is_root(path) && path.p[path.n - 1] == '/';
}

/* Is there an element between two slashes that a request loses when it is normalised? */
bool paths_can_match(struct str path)
{
	if (path.n == 0 || path.p[0] != '/' || path.n > PATH_MAX_BYTES)
		return false;
	for (struct str rest = str_from_at(path, 1); rest.n > 0;) {
		ptrdiff_t slash = str_chr(rest, '/');
		struct str element = slash == -1 ? rest : str_make(rest.p, (size_t)slash);

		if (element.n == 0 || str_eq(element, STR(".")) || str_eq(element, STR("..")))
			return false;
		rest = slash == -1 ? STR_NONE : str_from_at(rest, (size_t)slash + 1);
	}
	return true;
}

static int key_cmp(const struct claim *a, const struct claim *b)
{
	int c = obj_str_cmp(a->path, b->path);

	return c != 0 ? c : (int)a->exact - (int)b->exact;
}

static int claim_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = key_cmp(x, y);

	return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

static int search_cmp(const void *key, const void *item)
{
	return key_cmp(key, item);
}

static const struct claim *find(const struct claim *claims, uint32_t n, struct str path, bool exact)
{
	struct claim key = {.path = path, .exact = exact};

	return n == 0 ? NULL : bsearch(&key, claims, n, sizeof(*claims), search_cmp);
}

/* Sort, and keep the first of those alike. */
static uint32_t first_wins(struct claim *claims, uint32_t n, paths_lost_fn *lost, void *arg)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		claims[i].order = i;
		if (claims[i].path.n == 0)
			claims[i].path = STR("/");
	}
	if (n > 1)
		qsort(claims, n, sizeof(*claims), claim_cmp);
	for (uint32_t i = 0; i < n; i++) {
		if (!paths_can_match(claims[i].path))
			lost(arg, &claims[i], NULL);
		else if (kept > 0 && key_cmp(&claims[kept - 1], &claims[i]) == 0)
			lost(arg, &claims[i], &claims[kept - 1]);
		else
			claims[kept++] = claims[i];
	}
	return kept;
}

/* Where does path + "/", with prefix type, lie beside this claim? */
static int below_cmp(const void *key, const void *item)
{
	const struct str *path = key;
	const struct claim *c = item;
	size_t n = path->n < c->path.n ? path->n : c->path.n;
	int order = memcmp(path->p, c->path.p, n);

	if (order != 0)
		return order;
	if (c->path.n <= path->n)
		return 1;
	if (c->path.p[path->n] != '/')
		return '/' - (int)(unsigned char)c->path.p[path->n];
	return c->path.n > path->n + 1 || c->exact ? -1 : 0;
}

/*
 * Prefix "/foo" where Prefix "/foo/" is given too: only "/foo" itself is left for it, and not
 * even that beside an Exact "/foo". *taken_by is then who has it.
 */
static bool only_exact_is_left(const struct claim *c, const struct claim *claims, uint32_t n,
			       const struct claim **taken_by)
{
	*taken_by = NULL;
	if (c->exact || is_root(c->path) || ends_with_slash(c->path) ||
	    bsearch(&c->path, claims, n, sizeof(*claims), below_cmp) == NULL)
		return false;
	*taken_by = find(claims, n, c->path, true);
	return true;
}

static struct model_path granted(const struct claim *c, bool as_exact)
{
	struct model_path p = c->to;

	p.path = c->path;
	p.kind = c->exact || as_exact ? PATH_EXACT : PATH_PREFIX;
	p.slash_only = p.kind == PATH_PREFIX && ends_with_slash(c->path);
	if (p.slash_only)
		p.path.n--;
	return p;
}

uint32_t paths_grant(struct claim *claims, uint32_t n, struct model_path *out, paths_lost_fn *lost,
		     void *arg)
{
	uint32_t made = 0;

	n = first_wins(claims, n, lost, arg);
	for (uint32_t i = 0; i < n; i++) {
		const struct claim *taken_by;
		bool as_exact = only_exact_is_left(&claims[i], claims, n, &taken_by);

		if (taken_by != NULL)
			lost(arg, &claims[i], taken_by);
		else
			out[made++] = granted(&claims[i], as_exact);
	}
	return made;
}

static int regex_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c;

	if (x->path.n != y->path.n)
		return x->path.n > y->path.n ? -1 : 1;
	c = obj_str_cmp(y->path, x->path);
	return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

uint32_t paths_grant_regex(struct claim *claims, uint32_t n, struct model_path *out,
			   paths_lost_fn *lost, void *arg)
{
	uint32_t made = 0, last = 0;

	for (uint32_t i = 0; i < n; i++) {
		claims[i].order = i;
		if (claims[i].path.n == 0)
			claims[i].path = STR("/");
	}
	if (n > 1)
		qsort(claims, n, sizeof(*claims), regex_cmp);
	for (uint32_t i = 0; i < n; i++) {
		if (made > 0 && str_eq(claims[last].path, claims[i].path)) {
			lost(arg, &claims[i], &claims[last]);
			continue;
		}
		last = i;
		out[made] = claims[i].to;
		out[made].path = claims[i].path;
		out[made++].kind = PATH_REGEX;
	}
	return made;
}
