/* Which port of a Service is meant, and which endpoints it has (facts: routing §6). */
#include "translate_rows.h"

#define USE(port)                                                                                \
	ING("a", "01",                                                                           \
	    RULES("{host: a.test, http: {paths: [{path: /, pathType: Prefix, backend: " BACKEND( \
		"app", port) "}]}}"))
#define PORTED(port, ports, slice_ports)                     \
	CLASS USE(port) SVC_SPEC("web", "app", PORTS(ports)) \
	    SLICE_SPEC("web", "s", "app", "IPv4", slice_ports, EP("10.0.0.1"))

static const struct row port_rows[] = {
    {"by number", NULL, PORTED("number: 80", "{port: 80, targetPort: 8080}", "{port: 8080}"), NULL,
     "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"by name", NULL,
     PORTED("name: http", "{name: http, port: 80, targetPort: 8080}", "{name: http, port: 8080}"),
     NULL, "web-app-http: 10.0.0.1:8080\n", NULL, false},
    {"by number of the targetPort", NULL,
     PORTED("number: 8080", "{port: 80, targetPort: 8080}", "{port: 8080}"), NULL,
     "web-app-8080: 10.0.0.1:8080\n", NULL, false},
    {"by name of the targetPort", NULL,
     PORTED("name: web", "{name: http, port: 80, targetPort: web}", "{name: http, port: 9000}"),
     NULL, "web-app-web: 10.0.0.1:9000\n", NULL, false},
    {"targetPort by name: the slice knows the number", NULL,
     PORTED("number: 80", "{name: http, port: 80, targetPort: web}",
	    "{name: other, port: 1}, {name: http, port: 9000}"),
     NULL, "web-app-80: 10.0.0.1:9000\n", NULL, false},
    {"no targetPort: same as port", NULL, PORTED("number: 80", "{port: 80}", ""), NULL,
     "web-app-80: 10.0.0.1:80\n", NULL, false},
    {"the slice's number goes before the Service's", NULL,
     PORTED("number: 80", "{name: http, port: 80, targetPort: 8080}", "{name: http, port: 9090}"),
     NULL, "web-app-80: 10.0.0.1:9090\n", NULL, false},
    {"no slice port of that name: the number", NULL,
     PORTED("number: 80", "{name: http, port: 80, targetPort: 8080}", "{name: web, port: 9090}"),
     NULL, "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"no slice port of that name, target by name: none", NULL,
     PORTED("number: 80", "{name: http, port: 80, targetPort: web}", "{name: web, port: 9090}"),
     NULL, "web-app-80:\n", "NoEndpoints web/a\n", false},
    {"one of two ports", NULL,
     PORTED("name: b", "{name: a, port: 80, targetPort: 1}, {name: b, port: 81, targetPort: 2}",
	    "{name: a, port: 1}, {name: b, port: 2}"),
     NULL, "web-app-b: 10.0.0.1:2\n", NULL, false},
    {"no such port number", NULL, PORTED("number: 81", "{port: 80}", "{port: 80}"), NULL,
     "web-app-81:\n", "NoServicePort web/a\n", false},
    {"no such port name", NULL, PORTED("name: x", "{name: http, port: 80}", "{port: 80}"), NULL,
     "web-app-x:\n", "NoServicePort web/a\n", false},
    {"a UDP slice port is none", NULL,
     PORTED("number: 80", "{name: x, port: 80, targetPort: 53}",
	    "{name: x, port: 53, protocol: UDP}"),
     NULL, "web-app-80:\n", "NoEndpoints web/a\n", false},
    {"UDP beside TCP", NULL,
     PORTED("number: 80", "{name: x, port: 80, targetPort: 8080}",
	    "{name: dns, port: 53, protocol: UDP}, {name: x, port: 8080}"),
     NULL, "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"name and number of one port are two clusters", NULL,
     CLASS ING(
	 "a", "01",
	 RULES("{host: a.test, http: {paths: [{path: /a, pathType: Prefix, backend: " BACKEND(
	     "app",
	     "number: 80") "}, {path: /b, pathType: Prefix, backend: " BACKEND("app",
									       "name: "
									       "http") "}]}}"))
	 SVC_SPEC("web", "app", PORTS("{name: http, port: 80}"))
	     SLICE_SPEC("web", "s", "app", "IPv4", "{name: http, port: 80}", EP("10.0.0.1")),
     "a.test prefix /a web-app-80\na.test prefix /b web-app-http\n",
     "web-app-80: 10.0.0.1:80\nweb-app-http: 10.0.0.1:80\n", NULL, false},
};

#define ENDS(slices) CLASS USE("number: 80") SVC("app") slices

static const struct row endpoint_rows[] = {
    {"Service missing", NULL, CLASS USE("number: 80"), "a.test prefix / web-app-80\n",
     "web-app-80:\n", "NoService web/a\n", false},
    {"Service without slices", NULL, ENDS(""), "a.test prefix / web-app-80\n", "web-app-80:\n",
     "NoEndpoints web/a\n", false},
    {"slices without Service", NULL, CLASS USE("number: 80") SLICE("s", "app", EP("10.0.0.1")),
     NULL, "web-app-80:\n", "NoService web/a\n", false},
    {"ready not given is ready", NULL, ENDS(SLICE("s", "app", EP("10.0.0.1"))), NULL,
     "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"ready true and false", NULL,
     ENDS(SLICE("s", "app", EPC("10.0.0.1", "ready: true") EPC("10.0.0.2", "ready: false"))), NULL,
     "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"all unready", NULL, ENDS(SLICE("s", "app", EPC("10.0.0.2", "ready: false"))), NULL,
     "web-app-80:\n", "NoEndpoints web/a\n", false},
    {"terminating but serving", NULL,
     ENDS(SLICE("s", "app",
		EP("10.0.0.1") EPC("10.0.0.2", "ready: false, serving: true, terminating: true"))),
     NULL, "web-app-80: 10.0.0.1:8080 10.0.0.2:8080~\n", NULL, false},
    {"terminating and not serving", NULL,
     ENDS(SLICE("s", "app",
		EP("10.0.0.1") EPC("10.0.0.2", "ready: false, serving: false, terminating: true"))),
     NULL, "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"serving but not ready and not terminating", NULL,
     ENDS(SLICE("s", "app", EPC("10.0.0.2", "ready: false, serving: true, terminating: false"))),
     NULL, "web-app-80:\n", "NoEndpoints web/a\n", false},
    {"several slices", NULL,
     ENDS(SLICE("s2", "app", EP("10.0.0.2")) SLICE("s1", "app", EP("10.0.0.1"))), NULL,
     "web-app-80: 10.0.0.1:8080 10.0.0.2:8080\n", NULL, false},
    {"the same address twice", NULL,
     ENDS(SLICE("s2", "app", EP("10.0.0.1")) SLICE("s1", "app", EP("10.0.0.1") EP("10.0.0.1"))),
     NULL, "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"ready in one slice, terminating in the other", NULL,
     ENDS(SLICE("s2", "app", EP("10.0.0.1")) SLICE(
	 "s1", "app", EPC("10.0.0.1", "ready: false, serving: true, terminating: true"))),
     NULL, "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"both address families", NULL,
     ENDS(SLICE("s4", "app", EP("10.0.0.1"))
	      SLICE_SPEC("web", "s6", "app", "IPv6", "{port: 8080}", EP("fd00::1"))),
     NULL, "web-app-80: 10.0.0.1:8080 [fd00::1]:8080\n", NULL, false},
    {"slice of another Service", NULL, ENDS(SLICE("s", "other", EP("10.0.0.1"))), NULL,
     "web-app-80:\n", "NoEndpoints web/a\n", false},
    {"slice of another namespace", NULL,
     ENDS(SLICE_SPEC("dev", "s", "app", "IPv4", "{port: 8080}", EP("10.0.0.1"))), NULL,
     "web-app-80:\n", "NoEndpoints web/a\n", false},
    {"headless", NULL,
     CLASS USE("number: 80")
	 SVC_SPEC("web", "app", "clusterIP: None, " PORTS("{port: 80, targetPort: 8080}"))
	     SLICE("s", "app", EP("10.0.0.1")),
     NULL, "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"ExternalName", NULL,
     CLASS USE("number: 80") SVC_SPEC("web", "app", "type: ExternalName, externalName: x.example"),
     NULL, "web-app-80:\n", "ExternalName web/a\n", false},
    {"ExternalName that is an address", NULL,
     CLASS USE("number: 80") SVC_SPEC("web", "app", "type: ExternalName, externalName: 10.9.9.9"),
     NULL, "web-app-80: 10.9.9.9:80\n", NULL, false},
    {"ExternalName refused by flag", "disable-svc-external-name=true",
     CLASS USE("number: 80") SVC_SPEC("web", "app", "type: ExternalName, externalName: 10.9.9.9"),
     NULL, "web-app-80:\n", "ExternalName web/a\n", false},
    {"ExternalName must not reach our node", NULL,
     CLASS USE("number: 80") SVC_SPEC("web", "app", "type: ExternalName, externalName: 127.0.0.1"),
     NULL, "web-app-80:\n", "ExternalName web/a\n", true},
    {"one cluster for two Ingresses, one finding", NULL,
     CLASS ING("b", "02", RULES(RULE("b.test", P("/", "Prefix", "app"))))
	 ING("a", "01", RULES(RULE("a.test", P("/", "Prefix", "app")))),
     "a.test prefix / web-app-80\nb.test prefix / web-app-80\n", "web-app-80:\n",
     "NoService web/a\n", false},
    {"names that look alike are not", NULL,
     CLASS SVC_SPEC("web", "a-b", PORTS("{port: 80}")) SVC_SPEC("web-a", "b", PORTS("{port: 80}"))
	 SLICE_SPEC("web", "s", "a-b", "IPv4", "{port: 80}", EP("10.0.0.1"))
	     SLICE_SPEC("web-a", "s", "b", "IPv4", "{port: 80}", EP("10.0.0.2"))
		 ING("x", "01", RULES(RULE("a.test", P("/", "Prefix", "a-b")))) ING_META(
		     META("web-a", "other", DAY("01")),
		     "ingressClassName: nginx, " RULES(RULE("b.test", P("/", "Prefix", "b")))),
     "a.test prefix / web-a-b-80\nb.test prefix / web-a-b-80\n",
     "web-a-b-80: 10.0.0.1:80\nweb-a-b-80: 10.0.0.2:80\n", NULL, false},
};

ROWS(port)
ROWS(endpoint)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_port),
	    cmocka_unit_test(test_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
