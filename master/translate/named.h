/*
 * named: a ConfigMap that an annotation of an Ingress names, followed as long as the Ingress is
 * attached.
 */
#ifndef SILEX_MASTER_TRANSLATE_NAMED_H
#define SILEX_MASTER_TRANSLATE_NAMED_H

#include "common/text.h"
#include "common/vars/vars.h"
#include "k8s/objects/obj.h"
#include "master/translate/graph/graph.h"

struct translate;

/* "[namespace/]name"; ns is empty without one. False: it is no such reference. */
bool named_split(struct str ref, struct str *ns, struct str *name);
/* The same of "namespace/name", and nothing less. */
bool named_split_full(struct str ref, struct str *ns, struct str *name);
/*
 * Follow ref, "[namespace/]name", the Ingress' own namespace by default. NULL, and *cm, which is
 * NULL too while the object may still come (translate_settled() looks again); or what is wrong, as
 * the rest of a sentence that begins with the value.
 */
const char *named_follow(struct translate *t, struct g_ingress *i, struct str ref,
			 const struct configmap **cm);
/* Puts a ConfigMap's entries into a list (policy_header.h). NULL, or what is wrong, as the rest of
 * such a sentence: in why, or a text that lives for ever. */
typedef const char *named_put_fn(struct translate *t, const struct configmap *cm, struct text *list,
				 char why[VARS_WHY_MAX]);
/* The list that an annotation of this name and value asks for into *out, in memory of its own;
 * empty when nothing is asked for, or it may still come. False: it cannot be used, which must close
 * the Ingress' paths (503); told in its scope. */
bool named_list(struct translate *t, struct g_ingress *i, const char *annotation, struct str ref,
		named_put_fn *put, struct str *out);
/* Follow none any longer. */
void named_detach(struct translate *t, struct g_ingress *i);
/* Does it follow this one? */
bool named_is(const struct g_ingress *i, const struct obj *configmap);
/* Has one of them not come yet? */
bool named_waits(const struct g_ingress *i);

#endif
