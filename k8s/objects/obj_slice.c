/* obj_slice: EndpointSlice of discovery.k8s.io/v1. */
#include "k8s/objects/decode_kind.h"
#include "k8s/text/names.h"

/* The API server's own bounds. */
#define ENDPOINTS_MAX 1000
#define PORTS_MAX     20000
#define ADDRS_MAX     100

static enum tri tri(const struct jv *in, const char *key)
{
	bool v;

	return jv_bool(in, key, &v) ? (v ? TRI_TRUE : TRI_FALSE) : TRI_UNSET;
}

static void address(const struct jv *arr, uint32_t i, enum address_type type, struct addr *out)
{
	struct jv at;
	struct str s = jv_item_str(arr, i, &at);
	uint8_t want = type == ADDRESS_IPV4 ? 4 : 6;

	if (jv_ok(arr) && (!addr_parse(s, 0, out) || out->family != want))
		jv_fail(&at, NULL, "\"%.60s\" is not an IPv%u address, as addressType says", s.p,
			want);
}

static void addresses(const struct jv *in, struct obj_mem *m, enum address_type type,
		      struct slice_endpoint *out)
{
	struct addr *v;
	struct jv arr;
	uint32_t n = jv_arr(in, "addresses", &arr);

	if (n == 0 || n > ADDRS_MAX) {
		jv_fail(in, "addresses", "must have 1 to %d addresses", ADDRS_MAX);
		return;
	}
	if (type == ADDRESS_FQDN)
		return;
	v = obj_mem_array(m, n, sizeof(*v));
	for (uint32_t i = 0; i < n && jv_ok(in); i++)
		address(&arr, i, type, &v[i]);
	out->addrs = v;
	out->n_addrs = (uint16_t)n;
}

static void for_zones(const struct jv *in, struct obj_mem *m, struct obj_strs *out)
{
	struct jv hints, arr, at;
	struct str *v;
	uint32_t n;

	if (!jv_obj(in, "hints", &hints))
		return;
	n = jv_arr(&hints, "forZones", &arr);
	v = obj_mem_array(m, n, sizeof(*v));
	for (uint32_t i = 0; i < n && jv_item_obj(&arr, i, &at); i++)
		v[i] = obj_mem_str(m, jv_str(&at, "name"));
	*out = (struct obj_strs){.v = v, .n = n};
}

static void endpoint(const struct jv *in, struct obj_mem *m, enum address_type type,
		     struct slice_endpoint *out)
{
	struct jv cond;

	addresses(in, m, type, out);
	if (jv_obj(in, "conditions", &cond)) {
		out->ready = (uint8_t)tri(&cond, "ready");
		out->serving = (uint8_t)tri(&cond, "serving");
		out->terminating = (uint8_t)tri(&cond, "terminating");
	}
	out->node = obj_mem_str(m, jv_str(in, "nodeName"));
	out->zone = obj_mem_str(m, jv_str(in, "zone"));
	for_zones(in, m, &out->for_zones);
}

static void port(const struct jv *in, struct obj_mem *m, struct slice_port *out)
{
	out->name = obj_mem_str(m, jv_str(in, "name"));
	if (out->name.n > 0)
		decode_judge(in, "name", out->name, name_label(out->name));
	out->port = decode_port(in, "port");
	out->protocol = decode_protocol(in);
	out->app_protocol = obj_mem_str(m, jv_str(in, "appProtocol"));
}

static void endpoints(const struct jv *root, struct obj_mem *m, struct endpoint_slice *e)
{
	struct slice_endpoint *v;
	struct jv arr, at;
	uint32_t n = jv_arr(root, "endpoints", &arr);

	if (n > ENDPOINTS_MAX) {
		jv_fail(&arr, NULL, "must have at most %d endpoints: use several slices",
			ENDPOINTS_MAX);
		return;
	}
	v = obj_mem_array(m, n, sizeof(*v));
	for (uint32_t i = 0; i < n && jv_item_obj(&arr, i, &at); i++)
		endpoint(&at, m, e->type, &v[i]);
	e->endpoints = v;
	e->n_endpoints = n;
}

static void ports(const struct jv *root, struct obj_mem *m, struct endpoint_slice *e)
{
	struct slice_port *v;
	struct jv arr, at;
	uint32_t n = jv_arr(root, "ports", &arr);

	if (n > PORTS_MAX) {
		jv_fail(&arr, NULL, "must have at most %d ports", PORTS_MAX);
		return;
	}
	v = obj_mem_array(m, n, sizeof(*v));
	for (uint32_t i = 0; i < n && jv_item_obj(&arr, i, &at); i++)
		port(&at, m, &v[i]);
	e->ports = v;
	e->n_ports = n;
}

void decode_slice(const struct jv *root, struct obj_mem *m, struct obj *o)
{
	static const char *const types[] = {"IPv4", "IPv6", "FQDN"};
	struct endpoint_slice *e = (struct endpoint_slice *)(void *)o;
	const struct str *service = obj_map_get(&o->labels, STR("kubernetes.io/service-name"));

	if (!jv_has(root, "addressType"))
		jv_fail(root, "addressType", "must be given: IPv4 or IPv6");
	e->type = (enum address_type)decode_enum(root, "addressType", types, 3, ADDRESS_IPV4);
	if (service != NULL)
		e->service = *service;
	endpoints(root, m, e);
	ports(root, m, e);
}
