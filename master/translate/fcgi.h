/*
 * fcgi: fastcgi-params-configmap and fastcgi-index (facts: annotations §2), compiled for the table.
 *
 * A parameter that cannot be one closes the Ingress' paths (503), as ingress-nginx takes none of
 * an Ingress whose fastcgi-* annotations it cannot read.
 */
#ifndef SILEX_MASTER_TRANSLATE_FCGI_H
#define SILEX_MASTER_TRANSLATE_FCGI_H

#include "master/translate/graph/graph.h"

struct translate;

/* In the Ingress' scope of findings. */
void fcgi_attach(struct translate *t, struct g_ingress *i, struct annots *a);

#endif
