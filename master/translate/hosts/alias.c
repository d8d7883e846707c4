/* alias: see alias.h. */
#include "master/translate/hosts/alias.h"

#include "common/hash.h"
#include "master/translate/state.h"

#define NAME_MAX_BYTES 253

/* --- names --------------------------------------------------------------------------------- */

static bool is_label(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return s.n > 0 && s.n <= 63;
}

/* As a host of a rule: labels, of which the first may be "*". */
static bool is_name(struct str s)
{
	bool more = s.n > 0 && s.n <= NAME_MAX_BYTES;

	if (str_starts(s, STR("*.")))
		s = str_from_at(s, 2);
	while (more) {
		ptrdiff_t dot = str_chr(s, '.');

		if (!is_label(dot == -1 ? s : str_head(s, (size_t)dot)))
			return false;
		more = dot != -1;
		s = more ? str_from_at(s, (size_t)dot + 1) : STR_NONE;
	}
	return s.n == 0 && s.p == NULL;
}

static struct str lower(struct str s, char buf[NAME_MAX_BYTES])
{
	for (size_t i = 0; i < s.n; i++)
		buf[i] = ascii_lower(s.p[i]);
	return str_make(buf, s.n);
}

void alias_attach(struct translate *t, struct g_ingress *i)
{
	struct str rest = i->annots->server_alias, name;
	char buf[NAME_MAX_BYTES];

	if (rest.n > 0 && i->ing->n_rules == 0)
		finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed",
			      &i->ing->o,
			      "server-alias has no effect, because this Ingress has no rule whose "
			      "host could have another name: add one");
	if (i->annots->canary || i->ing->n_rules == 0)
		return;
	while (annot_csv_next(&rest, &name)) {
		if (is_name(name))
			graph_link(&t->graph, i, lower(name, buf), LINK_ALIAS);
		else
			finding_about(
			    &t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed",
			    &i->ing->o,
			    "server-alias: \"%.*s\" is no host name and is left out: give "
			    "names, or *.domain for one label; regular expressions are "
			    "not supported",
			    (int)(name.n < 80 ? name.n : 80), name.p);
	}
}

/* --- who has which ------------------------------------------------------------------------- */

/* The Ingress whose names a host has: the oldest with a rule for it and the annotation. */
static const struct g_ingress *decider(const struct g_host *h)
{
	const struct g_ingress *best = NULL;
	const struct g_link *l;

	LIST_FOREACH (l, &h->links, of_host) {
		const struct g_ingress *i = l->ingress;

		if ((l->why & LINK_RULE) == 0 || i->annots->canary ||
		    i->annots->server_alias.n == 0)
			continue;
		if (best == NULL || obj_age_cmp(&i->ing->o, &best->ing->o) < 0)
			best = i;
	}
	return best;
}

/* Of this Ingress' hosts the one that has its names; NULL: older Ingresses named them all. */
static struct g_host *holder(const struct g_ingress *i)
{
	struct g_host *best = NULL;
	const struct g_link *l;

	SLIST_FOREACH(l, &i->links, of_ingress)
	if ((l->why & LINK_RULE) != 0 && decider(l->host) == i &&
	    (best == NULL || obj_str_cmp(l->host->name, best->name) < 0))
		best = l->host;
	return best;
}

static bool stands_for_itself(const struct g_host *h)
{
	const struct g_link *l;

	LIST_FOREACH (l, &h->links, of_host)
		if ((l->why & (LINK_RULE | LINK_WWW)) != 0 && !l->ingress->annots->canary)
			return true;
	return false;
}

/* The oldest Ingress that gives h to one of its hosts, and can. */
static const struct g_ingress *giver(const struct g_host *h)
{
	const struct g_ingress *best = NULL;
	const struct g_link *l;

	LIST_FOREACH (l, &h->links, of_host) {
		if ((l->why & LINK_ALIAS) == 0 || holder(l->ingress) == NULL)
			continue;
		if (best == NULL || obj_age_cmp(&l->ingress->ing->o, &best->ing->o) < 0)
			best = l->ingress;
	}
	return best;
}

struct g_host *alias_of(const struct g_host *h)
{
	const struct g_ingress *i;

	if (stands_for_itself(h))
		return NULL;
	i = giver(h);
	return i == NULL ? NULL : holder(i);
}

/* --- the names of a host ------------------------------------------------------------------- */

static uint64_t mark_of(const struct g_host *h)
{
	return hash_str(h->name, 1) | 1;
}

/* h is not what this host gives it (any more). It is looked at again where the table may have it as
 * another's than it should: never more often, so that hosts cannot mark each other for ever. */
static void passed_over(struct translate *t, struct g_host *h)
{
	const struct g_host *of = alias_of(h);

	if (stands_for_itself(h))
		return;
	if (of == NULL ? h->mark.live : h->alias_of != mark_of(of))
		graph_mark_host(&t->graph, h);
}

/* Forward to the next link by which an Ingress of this host gives a name. */
static struct g_host *next_given(struct g_host *of, struct alias_walk *w)
{
	if (w->of_host == NULL && w->given == NULL)
		w->of_host = LIST_FIRST(&of->links);
	while (w->of_host != NULL) {
		if (w->given == NULL && (w->of_host->why & LINK_RULE) != 0)
			w->given = SLIST_FIRST(&w->of_host->ingress->links);
		else if (w->given != NULL)
			w->given = SLIST_NEXT(w->given, of_ingress);
		while (w->given != NULL && (w->given->why & LINK_ALIAS) == 0)
			w->given = SLIST_NEXT(w->given, of_ingress);
		if (w->given != NULL)
			return w->given->host;
		w->of_host = LIST_NEXT(w->of_host, of_host);
	}
	return NULL;
}

struct g_host *alias_next(struct translate *t, struct g_host *of, struct alias_walk *w)
{
	struct g_host *h;

	while (!w->done && (h = next_given(of, w)) != NULL) {
		if (alias_of(h) != of) {
			passed_over(t, h);
		} else if (giver(h) == w->of_host->ingress) {
			h->alias_of = mark_of(of);
			return h;
		}
	}
	w->done = true;
	return NULL;
}

/* --- findings ------------------------------------------------------------------------------ */

static void vain(struct translate *t, struct g_host *h, const struct g_ingress *i)
{
	const struct g_ingress *by = giver(h);

	if (stands_for_itself(h))
		finding_about(&t->findings, &h->found, FINDING_WARN, "HostTaken", &i->ing->o,
			      "server-alias " STR_FMT " has no effect, because that host has rules "
			      "of its own, or redirects to its other name: remove one of the two",
			      STR_ARG(h->name));
	else if (holder(i) == NULL)
		finding_about(&t->findings, &h->found, FINDING_WARN, "HostTaken", &i->ing->o,
			      "server-alias " STR_FMT " has no effect, because of a host the "
			      "oldest Ingress that has this annotation counts, and another one is "
			      "older: write all names there",
			      STR_ARG(h->name));
	else if (by != i && by != NULL)
		finding_about(&t->findings, &h->found, FINDING_WARN, "HostTaken", &i->ing->o,
			      "server-alias " STR_FMT " has no effect, because Ingress " STR_FMT
			      "/" STR_FMT " gives it to its host and is older: remove one",
			      STR_ARG(h->name), STR_ARG(by->ing->o.ns), STR_ARG(by->ing->o.name));
}

/* An Ingress with several hosts: a name can lead to one only. */
static void tell_rest(struct translate *t, struct g_host *h, const struct g_ingress *i)
{
	const struct g_host *of = holder(i);
	const struct g_link *l;
	uint32_t n = 0;

	SLIST_FOREACH(l, &i->links, of_ingress)
	n += (l->why & LINK_RULE) != 0;
	if (n > 1)
		finding_about(&t->findings, &h->found, FINDING_WARN, "HostTaken", &i->ing->o,
			      "server-alias " STR_FMT " is another name of host " STR_FMT
			      " alone, not of the other hosts of this Ingress: give these an "
			      "Ingress of their own",
			      STR_ARG(h->name), STR_ARG(of->name.n > 0 ? of->name : STR("*")));
}

void alias_tell(struct translate *t, struct g_host *h)
{
	bool vacant = !stands_for_itself(h);
	const struct g_link *l;

	LIST_FOREACH (l, &h->links, of_host) {
		if ((l->why & LINK_ALIAS) == 0)
			continue;
		vain(t, h, l->ingress);
		if (vacant && giver(h) == l->ingress)
			tell_rest(t, h, l->ingress);
	}
}
