/* decode: every kind from the text a user would write, and the reasons why not. */
#include "k8s_test.h"

#include <stdio.h>

#define ING(spec) \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n" spec

static void test_ingress(void **state)
{
	struct obj *o =
	    object_of("apiVersion: networking.k8s.io/v1\n"
		      "kind: Ingress\n"
		      "metadata:\n"
		      "  name: web\n"
		      "  namespace: shop\n"
		      "  uid: u1\n"
		      "  resourceVersion: '42'\n"
		      "  generation: 3\n"
		      "  creationTimestamp: '2024-05-01T10:00:00Z'\n"
		      "  labels: {b: '2', a: '1'}\n"
		      "  annotations:\n"
		      "    kubectl.kubernetes.io/last-applied-configuration: long\n"
		      "    nginx.ingress.kubernetes.io/proxy-body-size: 8m\n"
		      "  managedFields: [{manager: x}]\n"
		      "spec:\n"
		      "  ingressClassName: nginx\n"
		      "  defaultBackend: {service: {name: fall, port: {name: http}}}\n"
		      "  tls: [{hosts: [silex.local, '*.b.c'], secretName: cert}]\n"
		      "  rules:\n"
		      "  - host: silex.local\n"
		      "    http:\n"
		      "      paths:\n"
		      "      - {path: /, pathType: Prefix, backend: {service: {name: s, "
		      "port: {number: 80}}}}\n"
		      "      - {pathType: ImplementationSpecific, backend: {resource: "
		      "{kind: Bucket, name: b}}}\n"
		      "  - host: '*.b.c'\n"
		      "status: {loadBalancer: {ingress: [{ip: 10.0.0.1}]}}\n");
	const struct ingress *i = obj_ingress(o);

	assert_str(o->ns, "shop");
	assert_str(o->name, "web");
	assert_str(o->resource_version, "42");
	assert_int_equal(o->generation, 3);
	assert_int_equal(o->created, 1714557600);
	assert_int_equal(o->deleted, 0);
	assert_int_equal(o->labels.n, 2);
	assert_str(o->labels.kv[0].key, "a");
	assert_int_equal(o->annotations.n, 1);
	assert_str(
	    *obj_map_get(&o->annotations, STR("nginx.ingress.kubernetes.io/proxy-body-size")),
	    "8m");
	assert_null(obj_map_get(&o->annotations, STR("x")));
	assert_str(i->class_name, "nginx");
	assert_true(i->has_default);
	assert_str(i->default_backend.port.name, "http");
	assert_int_equal(i->n_rules, 2);
	assert_int_equal(i->rules[0].n_paths, 2);
	assert_int_equal(i->rules[0].paths[0].type, PATH_PREFIX_TYPE);
	assert_int_equal(i->rules[0].paths[0].backend.port.number, 80);
	assert_true(i->rules[0].paths[1].backend.resource);
	assert_int_equal(i->rules[1].n_paths, 0);
	assert_int_equal(i->n_tls, 1);
	assert_str(i->tls[0].hosts.v[1], "*.b.c");
	assert_str(i->tls[0].secret, "cert");
	assert_str(i->status.v[0].ip, "10.0.0.1");
	obj_free(o);
}

static void expect_bad(const char *yaml, uint32_t line, const char *part)
{
	struct last_decoded l = decode_text(yaml);

	if (l.obj != NULL || l.bad != 1 || l.line != line || strstr(l.text, part) == NULL)
		fail_msg("%s: line %u: %s", part, l.line, l.text);
}

static void test_ingress_refused(void **state)
{
	expect_bad(ING("  rules:\n  - host: 1.2.3.4\n"), 6,
		   "spec.rules[0].host: \"1.2.3.4\" must be");
	expect_bad(ING("  rules:\n  - host: A.b\n"), 6, "lower-case");
	expect_bad(ING("  rules:\n  - http: {paths: []}\n"), 6, "at least one path");
	expect_bad(ING("  rules:\n  - http: {paths: [{path: /}]}\n"), 6,
		   "spec.rules[0].http.paths[0].pathType: must be given");
	expect_bad(ING("  rules:\n  - http:\n      paths:\n      - {path: a, pathType: Exact}\n"),
		   8, "must begin with \"/\"");
	expect_bad(ING("  rules:\n  - http:\n      paths:\n      - {path: /, pathType: exact}\n"),
		   8, "must be one of");
	expect_bad(ING("  rules: []\n"), 5, "must have rules or a defaultBackend");
	expect_bad(
	    ING("  defaultBackend:\n    service:\n      name: s\n      port: {number: '80'}\n"), 8,
	    "spec.defaultBackend.service.port.number: expected integer, found string");
	expect_bad(ING("  defaultBackend: {service: {name: s, port: {number: 1, name: a}}}\n"), 5,
		   "either a name or a number");
	expect_bad(ING("  defaultBackend: {service: {name: s}}\n"), 5, "port: must be given");
	expect_bad(ING("  defaultBackend: {}\n"), 5, "either a service or a resource");
	expect_bad("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: A}\n", 3,
		   "metadata.name");
	expect_bad("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {}\n", 3,
		   "metadata.name: must not be empty");
	expect_bad("apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: a}\n", 1,
		   "write networking.k8s.io/v1");
	expect_bad("kind: Ingress\nmetadata: {name: a}\n", 1, "apiVersion and kind");
	expect_bad("[1]\n", 1, "expected an object");
	expect_bad(
	    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a, annotations: "
	    "{b: 8}}\nspec: {}\n",
	    3, "metadata.annotations.b: expected string, found integer (put");
}

static void test_service(void **state)
{
	struct obj *o = object_of("apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
				  "spec:\n"
				  "  type: LoadBalancer\n"
				  "  clusterIP: 10.0.0.7\n"
				  "  clusterIPs: [10.0.0.7, 'fd00::7']\n"
				  "  externalIPs: [198.51.100.1]\n"
				  "  publishNotReadyAddresses: true\n"
				  "  trafficDistribution: PreferClose\n"
				  "  selector: {app: x}\n"
				  "  ports:\n"
				  "  - {name: http, port: 80, targetPort: web, nodePort: 30080}\n"
				  "  - {name: grpc, port: 90, targetPort: 9090, appProtocol: "
				  "kubernetes.io/h2c, protocol: TCP}\n");
	const struct service *s = obj_service(o);

	assert_str(o->ns, "default");
	assert_int_equal(s->type, SERVICE_LOAD_BALANCER);
	assert_false(s->headless);
	assert_true(s->publish_not_ready && s->has_selector);
	assert_int_equal(s->cluster_ips.n, 2);
	assert_str(s->external_ips.v[0], "198.51.100.1");
	assert_int_equal(s->n_ports, 2);
	assert_str(s->ports[0].target.name, "web");
	assert_int_equal(s->ports[0].node_port, 30080);
	assert_int_equal(s->ports[1].target.number, 9090);
	assert_str(s->ports[1].app_protocol, "kubernetes.io/h2c");
	obj_free(o);
	o = object_of("apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
		      "spec: {type: ExternalName, externalName: a.example.com.}\n");
	assert_str(obj_service(o)->external_name, "a.example.com");
	obj_free(o);
	o = object_of(
	    "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: None}\n");
	assert_true(obj_service(o)->headless);
	assert_int_equal(obj_service(o)->cluster_ips.n, 0);
	obj_free(o);
}

#define SVC(spec) "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: " spec "\n"

static void test_service_refused(void **state)
{
	expect_bad(SVC("{}"), 4, "at least one port");
	expect_bad(SVC("{ports: [{port: 0}]}"), 4, "between 1 and 65535");
	expect_bad(SVC("{ports: [{port: 80, targetPort: '80'}]}"), 4, "without quotes");
	expect_bad(SVC("{ports: [{port: 80, targetPort: []}]}"), 4, "integer or string");
	expect_bad(SVC("{ports: [{port: 80}, {port: 81}]}"), 4, "several ports");
	expect_bad(SVC("{ports: [{port: 80, name: a}, {port: 81, name: a}]}"), 4, "named \"a\"");
	expect_bad(SVC("{type: Internal, ports: [{port: 80}]}"), 4, "must be one of ClusterIP");
	expect_bad(SVC("{clusterIP: x, ports: [{port: 80}]}"), 4, "IPv4 or IPv6");
	expect_bad(SVC("{type: ExternalName}"), 4, "spec.externalName");
}

static void test_slice(void **state)
{
	struct obj *o = object_of("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
				  "metadata: {name: s-1, labels: {kubernetes.io/service-name: s}}\n"
				  "addressType: IPv4\n"
				  "endpoints:\n"
				  "- addresses: [127.0.0.1]\n"
				  "  conditions: {ready: true, serving: null, terminating: false}\n"
				  "  nodeName: n1\n  zone: z1\n  hints: {forZones: [{name: z1}]}\n"
				  "- addresses: [10.0.0.2]\n"
				  "ports: [{name: http, port: 9001}, {port: null}]\n");
	const struct endpoint_slice *e = obj_slice(o);

	assert_str(e->service, "s");
	assert_int_equal(e->n_endpoints, 2);
	assert_int_equal(e->endpoints[0].addrs[0].family, 4);
	assert_int_equal(e->endpoints[0].addrs[0].ip[0], 127);
	assert_int_equal(e->endpoints[0].ready, TRI_TRUE);
	assert_int_equal(e->endpoints[0].serving, TRI_UNSET);
	assert_int_equal(e->endpoints[0].terminating, TRI_FALSE);
	assert_str(e->endpoints[0].for_zones.v[0], "z1");
	assert_int_equal(e->endpoints[1].ready, TRI_UNSET);
	assert_int_equal(e->ports[0].port, 9001);
	assert_int_equal(e->ports[1].port, 0);
	obj_free(o);
}

#define SLICE(rest) \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\n" rest

static void test_slice_refused(void **state)
{
	expect_bad(SLICE("endpoints: []\n"), 1, "addressType: must be given");
	expect_bad(SLICE("addressType: IPv6\nendpoints: [{addresses: [1.2.3.4]}]\n"), 5,
		   "not an IPv6 address");
	expect_bad(SLICE("addressType: IPv4\nendpoints: [{addresses: [1.2.3]}]\n"), 5,
		   "endpoints[0].addresses[0]: \"1.2.3\" is not an IPv4 address");
	expect_bad(SLICE("addressType: IPv4\nendpoints: [{addresses: []}]\n"), 5, "1 to 100");
	expect_bad(
	    SLICE("addressType: IPv4\nendpoints: [{addresses: [1.2.3.4], conditions: {ready: "
		  "1}}]\n"),
	    5, "ready: expected boolean, found integer");
}

static void test_secret(void **state)
{
	struct obj *o = object_of("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
				  "type: kubernetes.io/tls\n"
				  "data: {tls.crt: AAEC, tls.key: a2V5}\n"
				  "stringData: {tls.key: other, z: ''}\n");
	const struct secret *s = obj_secret(o);
	const struct str *crt = obj_map_get(&s->data, STR("tls.crt"));

	assert_true(o->wipe);
	assert_int_equal(s->data.n, 3);
	assert_int_equal(crt->n, 3);
	assert_memory_equal(crt->p, "\0\1\2", 3);
	assert_str(*obj_map_get(&s->data, STR("tls.key")), "other");
	obj_free(o);
	expect_bad("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: '%'}\n", 4,
		   "not base64");
	expect_bad("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/tls\n"
		   "data: {tls.crt: AAEC}\n",
		   5, "must have \"tls.key\"");
}

static void test_small_kinds(void **state)
{
	struct obj *o = object_of("apiVersion: networking.k8s.io/v1\nkind: IngressClass\n"
				  "metadata: {name: nginx, namespace: ignored, annotations: "
				  "{ingressclass.kubernetes.io/is-default-class: 'true'}}\n"
				  "spec: {controller: k8s.io/ingress-nginx, parameters: {kind: P, "
				  "name: p}}\n");

	assert_str(o->ns, "");
	assert_str(obj_class(o)->controller, "k8s.io/ingress-nginx");
	assert_true(obj_class(o)->is_default);
	assert_str(obj_class(o)->parameters.name, "p");
	obj_free(o);
	o = object_of(
	    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {b: x, a: ''}\n");
	assert_int_equal(obj_configmap(o)->data.n, 2);
	assert_str(obj_configmap(o)->data.kv[1].value, "x");
	obj_free(o);
	o = object_of("apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, labels: {a: b}}\n");
	assert_int_equal(o->kind, OBJ_NAMESPACE);
	assert_str(o->labels.kv[0].value, "b");
	obj_free(o);
	expect_bad("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {use-gzip: true}\n",
		   4, "data.use-gzip: expected string, found boolean (put the value in quotes)");
}

static void test_lists(void **state)
{
	struct last_decoded l =
	    decode_text("apiVersion: v1\nkind: List\nitems:\n"
			"- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n"
			"- {apiVersion: apps/v1, kind: Deployment}\n"
			"- {apiVersion: v1, kind: Namespace, metadata: {name: B}}\n"
			"- null\n"
			"- {apiVersion: v1, kind: Namespace, metadata: {name: c}}\n");

	assert_int_equal(l.objects, 2);
	assert_int_equal(l.ignored, 1);
	assert_int_equal(l.bad, 2);
	assert_int_equal(l.obj->item, 4);
	obj_free(l.obj);
	l = decode_text("apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}]\n");
	assert_int_equal(l.objects, 1);
	obj_free(l.obj);
}

static void test_foreign_kinds(void **state)
{
	struct last_decoded l = decode_text("apiVersion: serving.knative.dev/v1\nkind: Service\n");

	assert_int_equal(l.ignored, 1);
	l = decode_text("apiVersion: apps/v1\nkind: Deployment\n");
	assert_int_equal(l.ignored, 1);
	l = decode_text("apiVersion: x.io/v1\nkind: AllowList\nspec: {}\n");
	assert_int_equal(l.ignored, 1);
}

/* An item of a LIST from the API has no kind, and always a namespace. */
static void test_from_api(void **state)
{
	struct decode_from from = {0};
	struct jv_err err = {0};
	struct json_object *v =
	    tree_of("{metadata: {name: c, namespace: ns, resourceVersion: '1'}}");
	struct obj *o = decode_object(OBJ_CONFIGMAP, v, &from, &err);

	assert_non_null(o);
	assert_int_equal(o->created, OBJ_CREATED_UNKNOWN);
	assert_int_equal(o->file.n, 0);
	obj_free(o);
	json_object_put(v);
	v = tree_of("{metadata: {name: c}}");
	assert_null(decode_object(OBJ_CONFIGMAP, v, &from, &err));
	assert_string_equal(err.text, "metadata.namespace: must not be empty");
	json_object_put(v);
}

/* More than the draft's first piece of memory, and nothing is torn. */
static void test_large(void **state)
{
	struct json_object *v = tree_of("{metadata: {name: c, namespace: ns}}"), *data;
	struct decode_from from = {0};
	struct jv_err err = {0};
	struct obj *o;

	data = json_object_new_object();
	json_object_object_add(v, "data", data);
	for (int i = 0; i < 1000; i++) {
		char key[16], value[64];

		snprintf(key, sizeof(key), "k%d", i);
		snprintf(value, sizeof(value), "%0*d", i % 50, i);
		json_object_object_add(data, key, json_object_new_string(value));
	}
	o = decode_object(OBJ_CONFIGMAP, v, &from, &err);
	assert_int_equal(obj_configmap(o)->data.n, 1000);
	assert_str(*obj_map_get(&obj_configmap(o)->data, STR("k999")),
		   "0000000000000000000000000000000000000000000000999");
	obj_free(o);
	json_object_put(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ingress),  cmocka_unit_test(test_ingress_refused),
	    cmocka_unit_test(test_service),  cmocka_unit_test(test_service_refused),
	    cmocka_unit_test(test_slice),    cmocka_unit_test(test_slice_refused),
	    cmocka_unit_test(test_secret),   cmocka_unit_test(test_small_kinds),
	    cmocka_unit_test(test_lists),    cmocka_unit_test(test_foreign_kinds),
	    cmocka_unit_test(test_from_api), cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
