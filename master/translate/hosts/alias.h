/*
 * alias: server-alias (facts: annotations §0, §1): more names of a host, under which the same is
 * served, whoever's rules the host has.
 *
 * A name that some Ingress has a rule for, or that is the other name of a host (www.h), stays what
 * it is. Of a host the oldest Ingress that has the annotation counts; of an Ingress with several
 * hosts the first in the order of their names gets it; of several that want one name the oldest.
 * What is rendered is the host: its other names are put with it, so that one fault is told once.
 */
#ifndef SILEX_MASTER_TRANSLATE_HOSTS_ALIAS_H
#define SILEX_MASTER_TRANSLATE_HOSTS_ALIAS_H

#include "common/str.h"
#include "master/translate/graph/graph.h"

struct translate;

/* The names that i gives its hosts into the graph; what is no name is told in its scope. */
void alias_attach(struct translate *t, struct g_ingress *i);

/* The host that h is another name of; NULL: h is nobody's, or stands for itself. */
struct g_host *alias_of(const struct g_host *h);

struct alias_walk { /* all zero at first */
	const struct g_link *of_host, *given;
	bool done;
};
/* The other names of a host, one after another; NULL at the end. Names that its Ingresses give, but
 * that are not (any more) its own, are marked where the table has them as they should not be. */
struct g_host *alias_next(struct translate *t, struct g_host *of, struct alias_walk *walk);

/* Tell those who want h as another name in vain; in h's scope. */
void alias_tell(struct translate *t, struct g_host *h);

#endif
