/*
 * take: is this Ingress ours? (facts: routing §1)
 *
 *   1. spec.ingressClassName names an IngressClass: it must exist, and its controller be ours
 *      (or its name, with ingress-class-by-name);
 *   2. else the annotation kubernetes.io/ingress.class must equal ingress-class;
 *   3. else only with watch-ingress-without-class.
 * Before that: its namespace is watched, by name and by labels. After it: no spec.defaultBackend
 * with disable-catch-all, and no path that was made to break out of nginx' configuration.
 */
#ifndef SILEX_MASTER_TRANSLATE_GRAPH_TAKE_H
#define SILEX_MASTER_TRANSLATE_GRAPH_TAKE_H

#include "common/conf/conf.h"
#include "k8s/objects/store.h"

enum take {
	TAKE_YES,
	TAKE_NOT_OURS,      /* clearly somebody else's: nothing to tell */
	TAKE_NO_SUCH_CLASS, /* its IngressClass does not exist */
	TAKE_NO_CLASS,      /* it names no class */
	TAKE_CATCH_ALL,     /* spec.defaultBackend with disable-catch-all */
	TAKE_INSPECTED,     /* a path is of a known attack, with deep-inspect */
};

enum take take_ingress(const struct conf *conf, const struct store *store,
		       const struct ingress *ing);

/* What of a path ingress-nginx' inspector takes for an attack; NULL: nothing. To Silex a path is
 * data and does no harm: it is refused because whoever writes such a thing means harm, and
 * because ingress-nginx does. */
const char *take_inspect(struct str path);

#endif
