/* names: Services that are names in the DNS (type ExternalName): what of theirs is looked up. */
#include "k8s/objects/store.h"
#include "master/translate/auth/auth.h"
#include "master/translate/state.h"
#include "master/translate/translate.h"

void translate_resolve(struct translate *t, const struct external *x)
{
	t->endpoints.external = *x;
}

static bool leads_to(const struct obj *o, struct str name)
{
	const struct service *s = obj_service(o);

	return s->type == SERVICE_EXTERNAL_NAME && str_eq(s->external_name, name);
}

void translate_name_changed(struct translate *t, struct str name)
{
	for (const struct obj *o = store_first(t->store, OBJ_SERVICE); o != NULL; o = store_next(o))
		if (leads_to(o, name))
			graph_mark_service(&t->graph, o->ns, o->name);
	for (struct g_cluster *c = graph_cluster_first(&t->graph); c != NULL;
	     c = graph_cluster_next(c))
		if (auth_asks_name(t, c, name))
			graph_mark_cluster(&t->graph, c, true);
}

bool translate_wants_name(const struct translate *t, struct str name)
{
	if (auth_wants_name(t, name))
		return true;
	if (t->conf.disable_svc_external_name)
		return false;
	for (const struct obj *o = store_first(t->store, OBJ_SERVICE); o != NULL; o = store_next(o))
		if (leads_to(o, name))
			return true;
	return false;
}
