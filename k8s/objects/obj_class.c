/* obj_class: IngressClass, Namespace and Node, the kinds without namespace. */
#include "k8s/objects/decode_kind.h"

#define DEFAULT_CLASS "ingressclass.kubernetes.io/is-default-class"

static bool is_default_class(const struct obj *o)
{
	const struct str *v = obj_map_get(&o->annotations, STR(DEFAULT_CLASS));

	return v != NULL && str_eq(*v, STR("true"));
}

void decode_class(const struct jv *root, struct obj_mem *m, struct obj *o)
{
	struct ingress_class *class = (struct ingress_class *)(void *)o;
	struct jv spec, par;

	class->is_default = is_default_class(o);
	if (!jv_obj(root, "spec", &spec)) {
		jv_fail(root, "spec", "must be given");
		return;
	}
	class->controller = obj_mem_str(m, jv_str(&spec, "controller"));
	if (class->controller.n == 0 || class->controller.n > 250)
		jv_fail(&spec, "controller", "must be given, like \"k8s.io/ingress-nginx\"");
	if (!jv_obj(&spec, "parameters", &par))
		return;
	class->parameters.api_group = obj_mem_str(m, jv_str(&par, "apiGroup"));
	class->parameters.kind = obj_mem_str(m, jv_str(&par, "kind"));
	class->parameters.name = obj_mem_str(m, jv_str(&par, "name"));
	class->parameters.ns = obj_mem_str(m, jv_str(&par, "namespace"));
	class->parameters.scope = obj_mem_str(m, jv_str(&par, "scope"));
}

/* Namespace, Node: only their labels count, and those are metadata. */
void decode_bare(const struct jv *root, struct obj_mem *m, struct obj *o)
{
	(void)root, (void)m, (void)o;
}
