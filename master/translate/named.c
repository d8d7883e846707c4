/* named: see named.h. */
#include "master/translate/named.h"

#include "common/policy/policy_header.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/state.h"

bool named_split(struct str ref, struct str *ns, struct str *name)
{
	ptrdiff_t slash = str_chr(ref, '/');

	*ns = slash == -1 ? STR_NONE : str_head(ref, (size_t)slash);
	*name = slash == -1 ? ref : str_from_at(ref, (size_t)slash + 1);
	return name->n > 0 && str_chr(*name, '/') == -1 && (slash == -1 || ns->n > 0);
}

bool named_split_full(struct str ref, struct str *ns, struct str *name)
{
	return named_split(ref, ns, name) && ns->n > 0;
}

/* The object, NULL when there is none (yet). */
static const struct obj *follow(struct translate *t, struct g_ingress *i, struct str ns,
				struct str name)
{
	const struct translate_sink *sink = &t->sink;
	struct g_named *n = mem_zalloc(sizeof(*n));
	const struct obj *o;

	if (sink->configmap_ref != NULL)
		sink->configmap_ref(sink->secrets, ns, name);
	n->ns = ns;
	n->name = name;
	o = store_get(t->store, OBJ_CONFIGMAP, ns, name);
	n->waits = o == NULL && sink->settling != NULL && sink->settling(sink->secrets);
	SLIST_INSERT_HEAD(&i->named, n, of_ingress);
	return o;
}

const char *named_follow(struct translate *t, struct g_ingress *i, struct str ref,
			 const struct configmap **cm)
{
	const struct obj *o;
	struct str ns, name;

	*cm = NULL;
	if (!named_split(ref, &ns, &name))
		return "must be the name of a ConfigMap, with or without its namespace before a "
		       "\"/\"";
	if (ns.n == 0)
		ns = i->ing->o.ns;
	if (!str_eq(ns, i->ing->o.ns) && !t->conf.allow_cross_namespace)
		return "names another namespace, and allow-cross-namespace-resources is off";
	o = follow(t, i, ns, name);
	if (o != NULL)
		*cm = obj_configmap(o);
	return o != NULL || SLIST_FIRST(&i->named)->waits ? NULL
							  : "names a ConfigMap that does not exist";
}

static const char *compile(struct translate *t, struct g_ingress *i, struct str ref,
			   named_put_fn *put, struct text *list, char why[VARS_WHY_MAX])
{
	const struct configmap *cm;
	const char *wrong = named_follow(t, i, ref, &cm);

	return wrong != NULL || cm == NULL ? wrong : put(t, cm, list, why);
}

bool named_list(struct translate *t, struct g_ingress *i, const char *annotation, struct str ref,
		named_put_fn *put, struct str *out)
{
	char why[VARS_WHY_MAX];
	const char *wrong;
	struct text list;

	if (ref.n == 0)
		return true;
	text_growing(&list, POLICY_LIST_MAX);
	wrong = compile(t, i, ref, put, &list, why);
	*out = str_make(list.p, wrong == NULL ? list.n : 0);
	if (wrong == NULL)
		return true;
	finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed", &i->ing->o,
		      "annotation %s: \"" STR_FMT
		      "\" %s: its paths answer 503 until that is mended",
		      annotation, STR_ARG(str_head(ref, 100)), wrong);
	return false;
}

void named_detach(struct translate *t, struct g_ingress *i)
{
	struct g_named *n;

	while ((n = SLIST_FIRST(&i->named)) != NULL) {
		SLIST_REMOVE_HEAD(&i->named, of_ingress);
		if (t->sink.configmap_unref != NULL)
			t->sink.configmap_unref(t->sink.secrets, n->ns, n->name);
		free(n);
	}
}

bool named_is(const struct g_ingress *i, const struct obj *configmap)
{
	const struct g_named *n;

	SLIST_FOREACH(n, &i->named, of_ingress)
	if (str_eq(n->name, configmap->name) && str_eq(n->ns, configmap->ns))
		return true;
	return false;
}

bool named_waits(const struct g_ingress *i)
{
	const struct g_named *n;

	SLIST_FOREACH(n, &i->named, of_ingress)
	if (n->waits)
		return true;
	return false;
}
