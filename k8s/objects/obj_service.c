/* obj_service: Service, as far as an ingress controller looks at it. */
#include "k8s/objects/decode_kind.h"
#include "k8s/text/names.h"

static const char *is_ip(struct str s)
{
	struct addr a;

	return addr_parse(s, 0, &a) ? NULL : "must be an IPv4 or IPv6 address";
}

/* targetPort: a container's port by number, or by the name it has in the pod. */
static void target_port(const struct jv *in, struct obj_mem *m, struct port_ref *out)
{
	struct jv at;

	if (!jv_int_or_str(in, "targetPort", &at))
		return;
	if (json_object_is_type(at.v, json_type_int)) {
		out->number = decode_port(in, "targetPort");
		return;
	}
	out->name = obj_mem_str(m, jv_str(in, "targetPort"));
	decode_judge(in, "targetPort", out->name, name_port(out->name));
}

static void port(const struct jv *in, struct obj_mem *m, bool alone, struct service_port *out)
{
	int64_t node_port = 0;

	out->name = obj_mem_str(m, jv_str(in, "name"));
	if (out->name.n > 0)
		decode_judge(in, "name", out->name, name_label(out->name));
	else if (!alone)
		jv_fail(in, "name", "must be given when there are several ports");
	out->port = decode_port(in, "port");
	if (out->port == 0)
		jv_fail(in, "port", "must be given");
	jv_int(in, "nodePort", 0, UINT16_MAX, &node_port);
	out->node_port = (uint16_t)node_port;
	out->protocol = decode_protocol(in);
	out->app_protocol = obj_mem_str(m, jv_str(in, "appProtocol"));
	target_port(in, m, &out->target);
}

static void check_unique(const struct jv *arr, const struct service_port *p, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (p[i].name.n > 0 && str_eq(p[i].name, p[k].name))
				jv_fail(arr, NULL, "two ports are named \"%.*s\"",
					STR_ARG(p[i].name));
}

static void ports(const struct jv *spec, struct obj_mem *m, struct service *svc)
{
	struct service_port *v;
	struct jv arr, at;

	svc->n_ports = jv_arr(spec, "ports", &arr);
	if (svc->n_ports > 2000) {
		jv_fail(&arr, NULL, "too many ports");
		return;
	}
	v = obj_mem_array(m, svc->n_ports, sizeof(*v));
	for (uint32_t i = 0; i < svc->n_ports && jv_item_obj(&arr, i, &at); i++)
		port(&at, m, svc->n_ports == 1, &v[i]);
	if (svc->n_ports > 1 && jv_ok(spec))
		check_unique(&arr, v, svc->n_ports);
	svc->ports = v;
}

/* clusterIPs repeats clusterIP first; old objects and hand-written files have only the latter. */
static void cluster_ips(const struct jv *spec, struct obj_mem *m, struct service *svc)
{
	struct str ip = jv_str(spec, "clusterIP");
	struct str *one;

	svc->headless = str_eq(ip, STR("None"));
	if (svc->headless)
		return;
	if (jv_has(spec, "clusterIPs")) {
		obj_mem_strs(m, spec, "clusterIPs", is_ip, &svc->cluster_ips);
		return;
	}
	if (ip.n == 0)
		return;
	decode_judge(spec, "clusterIP", ip, is_ip(ip));
	one = obj_mem_array(m, 1, sizeof(*one));
	one[0] = obj_mem_str(m, ip);
	svc->cluster_ips = (struct obj_strs){.v = one, .n = 1};
}

static void external_name(const struct jv *spec, struct obj_mem *m, struct service *svc)
{
	struct str name = jv_str(spec, "externalName");

	if (str_ends(name, STR(".")))
		name.n--;
	decode_judge(spec, "externalName", name, name_subdomain(name));
	svc->external_name = obj_mem_str(m, name);
}

void decode_service(const struct jv *root, struct obj_mem *m, struct obj *o)
{
	static const char *const types[] = {"ClusterIP", "NodePort", "LoadBalancer",
					    "ExternalName"};
	struct service *svc = (struct service *)(void *)o;
	struct jv spec, selector;

	if (!jv_obj(root, "spec", &spec)) {
		jv_fail(root, "spec", "must be given");
		return;
	}
	svc->type = (enum service_type)decode_enum(&spec, "type", types, 4, SERVICE_CLUSTER_IP);
	if (svc->type == SERVICE_EXTERNAL_NAME)
		external_name(&spec, m, svc);
	cluster_ips(&spec, m, svc);
	ports(&spec, m, svc);
	if (svc->n_ports == 0 && !svc->headless && svc->type != SERVICE_EXTERNAL_NAME)
		jv_fail(&spec, "ports", "must have at least one port");
	obj_mem_strs(m, &spec, "externalIPs", is_ip, &svc->external_ips);
	jv_bool(&spec, "publishNotReadyAddresses", &svc->publish_not_ready);
	svc->has_selector =
	    jv_obj(&spec, "selector", &selector) && json_object_object_length(selector.v) > 0;
	svc->traffic_distribution = obj_mem_str(m, jv_str(&spec, "trafficDistribution"));
	decode_lb_status(root, m, &svc->status);
}
