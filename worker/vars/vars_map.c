/*
 * vars_map: variables that `map` and `geo` of the ConfigMap's http-snippet define (policy_map.h),
 * as nginx finds their value: the text itself, else of host names the longest name with a "*", else
 * the first regular expression in their order, else the default; of networks the smallest. What is
 * empty fits no expression.
 *
 * A value that cannot be told (an expression that gives up, maps in maps without end or beyond
 * MAP_LOOKS_MAX, a source beyond SOURCE_MAX) makes the text full: who needs it fails closed, a log
 * line does without.
 */
#include <string.h>

#include "common/policy/policy.h"
#include "common/policy/policy_map.h"
#include "worker/rewrite/regex.h"
#include "worker/vars/vars_int.h"

#define SOURCE_MAX 8192

struct search {
	struct regexes *regexes;
	struct str subject;
	struct map_entry_view best; /* .value of it */
	bool found, failed;
	struct regex_groups groups; /* of best, when it is a regular expression */
};

static bool ends(struct str s, struct str with)
{
	return s.n >= with.n && str_ieq(str_from_at(s, s.n - with.n), with);
}

static bool fits_name(const struct map_entry_view *e, struct str s)
{
	switch (e->kind) {
	case MAP_ENDS:
		return s.n > e->text.n && ends(s, e->text);
	case MAP_BELOW:
		return ends(s, e->text) || str_ieq(s, str_from_at(e->text, 1));
	case MAP_BEGINS:
		return s.n > e->text.n && str_ieq(str_head(s, e->text.n), e->text);
	default:
		return false;
	}
}

/* Names that end so come before those that begin so, longer ones before shorter. */
static bool is_better(const struct map_entry_view *e, const struct map_entry_view *best)
{
	bool begins = e->kind == MAP_BEGINS, best_begins = best->kind == MAP_BEGINS;

	return begins == best_begins ? e->text.n > best->text.n : best_begins;
}

static void find_text(struct search *f, struct str entries)
{
	struct map_entry_view e;

	while (map_next_entry(&entries, &e)) {
		bool whole = e.kind == MAP_TEXT && str_ieq(e.text, f->subject);

		if (!whole &&
		    (!fits_name(&e, f->subject) || (f->found && !is_better(&e, &f->best))))
			continue;
		f->best = e;
		f->found = true;
		if (whole)
			return;
	}
}

static void find_regex(struct search *f, struct str entries)
{
	struct map_entry_view e;

	while (map_next_entry(&entries, &e)) {
		if (e.kind != MAP_REGEX && e.kind != MAP_REGEX_ANY_CASE)
			continue;
		switch (regex_capture(f->regexes, e.text, f->subject, e.kind == MAP_REGEX_ANY_CASE,
				      &f->groups)) {
		case REGEX_NO:
			continue;
		case REGEX_YES:
			f->best = e;
			f->found = true;
			return;
		case REGEX_FAILED:
			f->failed = true;
			return;
		}
	}
}

/* What is no address has the default. */
static void find_net(struct search *f, struct str entries)
{
	struct policy_net at, net;
	struct map_entry_view e;
	int bits = -1;

	if (str_chr(f->subject, '/') != -1 || !policy_net_parse(f->subject, &at))
		return;
	while (map_next_entry(&entries, &e)) {
		if (e.kind != MAP_NET || e.text.n != sizeof(net))
			continue;
		memcpy(&net, e.text.p, sizeof(net));
		if ((int)net.bits < bits || !policy_net_has(&net, at.family, at.ip))
			continue;
		bits = net.bits;
		f->best = e;
		f->found = true;
	}
}

static void find(struct search *f, const struct map_view *m)
{
	if (m->geo) {
		find_net(f, m->entries);
		return;
	}
	if (m->hostnames && str_ends(f->subject, STR(".")))
		f->subject.n--;
	find_text(f, m->entries);
	if (!f->found && f->subject.n > 0)
		find_regex(f, m->entries);
}

/* One map more than what is being evaluated. */
static struct vars_out deeper(const struct vars_out *o)
{
	struct vars_out in = *o;

	in.depth++;
	return in;
}

static bool read_source(const struct vars_out *o, struct str program, struct text *t)
{
	struct vars_out in = deeper(o);

	in.style = (struct vars_style){VARS_PLAIN, SOURCE_MAX + 1};
	in.groups = NULL;
	in.lenient = false; /* half a source is another one */
	in.t = t;
	vars_walk(program, &in);
	return !t->full;
}

/* It cannot be told. */
static bool give_up(struct vars_out *o)
{
	o->t->full = o->t->full || !o->lenient;
	return !o->lenient;
}

bool var_named(struct vars_out *o)
{
	struct search f = {.regexes = o->r->w->regexes};
	struct vars_out in = deeper(o);
	char buf[SOURCE_MAX];
	struct map_view m;
	struct text t;

	if (!map_find(table_maps(o->r->w->table), o->rest, &m))
		return false;
	text_fixed(&t, buf, sizeof(buf));
	if (o->depth == MAP_DEPTH_MAX || ++*o->looks > MAP_LOOKS_MAX ||
	    !read_source(o, m.source, &t))
		return give_up(o);
	f.subject = str_make(t.p, t.n);
	find(&f, &m);
	if (f.failed)
		return give_up(o);
	in.groups = f.found && (f.best.kind == MAP_REGEX || f.best.kind == MAP_REGEX_ANY_CASE)
			? &f.groups
			: NULL;
	vars_walk(f.found ? f.best.value : m.value, &in);
	return true;
}
