/*
 * obj_ingress: Ingress of networking.k8s.io/v1, refused where the API server would refuse it.
 */
#include "k8s/objects/decode_kind.h"
#include "k8s/text/names.h"

/* Exactly one of name and number. */
static void port(const struct jv *service, struct obj_mem *m, struct port_ref *out)
{
	struct jv at;

	if (!jv_obj(service, "port", &at)) {
		jv_fail(service, "port", "must be given, with a name or a number");
		return;
	}
	out->name = obj_mem_str(m, jv_str(&at, "name"));
	out->number = decode_port(&at, "number");
	if ((out->name.n > 0) == (out->number != 0))
		jv_fail(&at, NULL, "must have either a name or a number");
	if (out->name.n > 0)
		decode_judge(&at, "name", out->name, name_port(out->name));
}

/* Exactly one of service and resource. */
static void backend(const struct jv *in, struct obj_mem *m, struct ingress_backend *out)
{
	struct jv at;

	out->resource = jv_has(in, "resource");
	if (jv_obj(in, "service", &at)) {
		out->service = obj_mem_str(m, jv_str(&at, "name"));
		decode_judge(&at, "name", out->service, name_label(out->service));
		port(&at, m, &out->port);
	}
	if (out->resource == (out->service.n > 0))
		jv_fail(in, NULL, "must have either a service or a resource");
}

static void path(const struct jv *in, struct obj_mem *m, struct ingress_path *out)
{
	static const char *const types[] = {"ImplementationSpecific", "Exact", "Prefix"};
	struct jv at;

	if (!jv_has(in, "pathType"))
		jv_fail(in, "pathType", "must be given: Exact, Prefix or ImplementationSpecific");
	out->type = (enum path_type)decode_enum(in, "pathType", types, 3, PATH_IMPLEMENTATION);
	out->path = obj_mem_str(m, jv_str(in, "path"));
	decode_judge(in, "path", out->path,
		     out->type == PATH_IMPLEMENTATION ? name_path_free(out->path)
						      : name_path(out->path));
	if (jv_obj(in, "backend", &at))
		backend(&at, m, &out->backend);
	else
		jv_fail(in, "backend", "must be given");
}

static void rule(const struct jv *in, struct obj_mem *m, struct ingress_rule *out)
{
	struct ingress_path *paths;
	struct jv http, arr, at;

	out->host = obj_mem_str(m, jv_str(in, "host"));
	if (out->host.n > 0)
		decode_judge(in, "host", out->host, name_host(out->host));
	if (!jv_obj(in, "http", &http))
		return; /* the host alone: everything goes to the default backend */
	out->n_paths = jv_arr(&http, "paths", &arr);
	if (out->n_paths == 0)
		jv_fail(&http, "paths", "must have at least one path");
	paths = obj_mem_array(m, out->n_paths, sizeof(*paths));
	for (uint32_t i = 0; i < out->n_paths && jv_item_obj(&arr, i, &at); i++)
		path(&at, m, &paths[i]);
	out->paths = paths;
}

static void tls(const struct jv *in, struct obj_mem *m, struct ingress_tls *out)
{
	obj_mem_strs(m, in, "hosts", name_host, &out->hosts);
	out->secret = obj_mem_str(m, jv_str(in, "secretName"));
	if (out->secret.n > 0)
		decode_judge(in, "secretName", out->secret, name_subdomain(out->secret));
}

static void rules_and_tls(const struct jv *spec, struct obj_mem *m, struct ingress *ing)
{
	struct ingress_rule *rules;
	struct ingress_tls *entries;
	struct jv arr, at;

	ing->n_rules = jv_arr(spec, "rules", &arr);
	rules = obj_mem_array(m, ing->n_rules, sizeof(*rules));
	for (uint32_t i = 0; i < ing->n_rules && jv_item_obj(&arr, i, &at); i++)
		rule(&at, m, &rules[i]);
	ing->rules = rules;
	ing->n_tls = jv_arr(spec, "tls", &arr);
	entries = obj_mem_array(m, ing->n_tls, sizeof(*entries));
	for (uint32_t i = 0; i < ing->n_tls && jv_item_obj(&arr, i, &at); i++)
		tls(&at, m, &entries[i]);
	ing->tls = entries;
}

void decode_ingress(const struct jv *root, struct obj_mem *m, struct obj *o)
{
	struct ingress *ing = (struct ingress *)(void *)o;
	struct jv spec, at;

	if (!jv_obj(root, "spec", &spec)) {
		jv_fail(root, "spec", "must be given");
		return;
	}
	ing->class_name = obj_mem_str(m, jv_str(&spec, "ingressClassName"));
	if (ing->class_name.n > 0)
		decode_judge(&spec, "ingressClassName", ing->class_name,
			     name_subdomain(ing->class_name));
	ing->has_default = jv_obj(&spec, "defaultBackend", &at);
	if (ing->has_default)
		backend(&at, m, &ing->default_backend);
	rules_and_tls(&spec, m, ing);
	if (!ing->has_default && ing->n_rules == 0)
		jv_fail(&spec, NULL, "must have rules or a defaultBackend");
	decode_lb_status(root, m, &ing->status);
}
