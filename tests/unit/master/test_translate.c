/*
 * Routing rules of ingress-nginx, one row each: objects in, the table's contents and the findings
 * out. Every row runs twice: all objects at once, and one event at a time in reverse order with a
 * flush after each, which must end in the same table.
 */
#include "translate_fixture.h"

struct row {
	const char *name;
	const char *settings; /* "key=value;...", or NULL */
	const char *yaml;
	const char *hosts;    /* the expected lines, in order; NULL: not looked at */
	const char *clusters; /* NULL: not looked at */
	const char *findings; /* NULL: there must be none */
	bool api;             /* as from the API server, not from a file */
};

/* --- which Ingresses are taken (facts: routing §1) ----------------------------------------- */

#define ONE_PATH       RULES(RULE("a.test", P("/", "Prefix", "app")))
#define NO_CLASS(spec) ING_META(META("web", "x", DAY("01")), spec)
#define LEGACY(value, spec)                                                                   \
	ING_META(META("web", "x",                                                             \
		      DAY("01")) ", annotations: {kubernetes.io/ingress.class: '" value "'}", \
		 spec)
#define TAKEN "a.test prefix / web-app-80\n"

static const struct row class_rows[] = {
    {"class of our controller", NULL, CLASS APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), TAKEN,
     "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"class of another controller", NULL,
     CLASS_OF("nginx", "example.com/other") APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), "", "",
     NULL, false},
    {"class does not exist", NULL, APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), "", "",
     "NoIngressClass web/x\n", false},
    {"another name, our controller", NULL,
     CLASS_OF("edge", "k8s.io/ingress-nginx") APP("app", "10.0.0.1")
	 ING_META(META("web", "x", DAY("01")), "ingressClassName: edge, " ONE_PATH),
     TAKEN, NULL, NULL, false},
    {"another controller, our name, by name", "ingress-class-by-name=true",
     CLASS_OF("nginx", "example.com/other") APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), TAKEN,
     NULL, NULL, false},
    {"by name still needs the class to exist", "ingress-class-by-name=true",
     APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), "", NULL, "NoIngressClass web/x\n", false},
    {"controller-class", "controller-class=example.com/other",
     CLASS_OF("nginx", "example.com/other") APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), TAKEN,
     NULL, NULL, false},
    {"legacy annotation", NULL, APP("app", "10.0.0.1") LEGACY("nginx", ONE_PATH), TAKEN, NULL, NULL,
     false},
    {"legacy annotation of another", NULL, APP("app", "10.0.0.1") LEGACY("traefik", ONE_PATH), "",
     NULL, NULL, false},
    {"legacy annotation, ingress-class", "ingress-class=edge",
     APP("app", "10.0.0.1") LEGACY("edge", ONE_PATH), TAKEN, NULL, NULL, false},
    {"legacy annotation empty is not none", "watch-ingress-without-class=true",
     APP("app", "10.0.0.1") LEGACY("", ONE_PATH), "", NULL, NULL, false},
    {"no class", NULL, APP("app", "10.0.0.1") NO_CLASS(ONE_PATH), "", NULL,
     "NoIngressClass web/x\n", false},
    {"no class, watched", "watch-ingress-without-class=true",
     APP("app", "10.0.0.1") NO_CLASS(ONE_PATH), TAKEN, NULL, NULL, false},
    {"class name goes before the annotation", NULL,
     CLASS_OF("other", "example.com/other") APP("app", "10.0.0.1")
	 LEGACY("nginx", "ingressClassName: other, " ONE_PATH),
     "", NULL, NULL, false},
    {"is-default-class does not matter", NULL,
     "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx, "
     "annotations: "
     "{ingressclass.kubernetes.io/is-default-class: 'true'}}\nspec: {controller: "
     "k8s.io/ingress-nginx}\n" APP("app", "10.0.0.1") NO_CLASS(ONE_PATH),
     "", NULL, "NoIngressClass web/x\n", false},
    {"namespace watched", "watch-namespace=web",
     CLASS APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), TAKEN, NULL, NULL, false},
    {"namespace not watched", "watch-namespace=other",
     CLASS APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), "", NULL, NULL, false},
    {"disable-catch-all", "disable-catch-all=true",
     CLASS APP("app", "10.0.0.1") ING("x", "01", DEFAULT("app")), "", NULL,
     "CatchAllDisabled web/x\n", false},
    {"disable-catch-all takes the rules with it", "disable-catch-all=true",
     CLASS APP("app", "10.0.0.1") ING("x", "01", DEFAULT("app") ONE_PATH), "", NULL,
     "CatchAllDisabled web/x\n", false},
    {"disable-catch-all leaves the others", "disable-catch-all=true",
     CLASS APP("app", "10.0.0.1") ING("x", "01", ONE_PATH), TAKEN, NULL, NULL, false},
};

/* --- order and conflicts (§2) -------------------------------------------------------------- */

#define TWO CLASS APP("app", "10.0.0.1") APP("alt", "10.0.0.2")

static const struct row order_rows[] = {
    {"the older wins", NULL,
     TWO ING("a", "02", RULES(RULE("a.test", P("/", "Prefix", "app"))))
	 ING("b", "01", RULES(RULE("a.test", P("/", "Prefix", "alt")))),
     "a.test prefix / web-alt-80\n", NULL, "PathTaken web/a\n", false},
    {"equal age from the API: the last name wins", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/", "Prefix", "app"))))
	 ING("b", "01", RULES(RULE("a.test", P("/", "Prefix", "alt")))),
     "a.test prefix / web-alt-80\n", NULL, "PathTaken web/a\n", true},
    {"equal age in a file: the first wins", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/", "Prefix", "app"))))
	 ING("b", "01", RULES(RULE("a.test", P("/", "Prefix", "alt")))),
     "a.test prefix / web-app-80\n", NULL, "PathTaken web/b\n", false},
    {"across namespaces", NULL,
     TWO SVC_SPEC("dev", "app", PORTS("{port: 80}")) SLICE_SPEC("dev", "app-1", "app", "IPv4",
								"{port: 80}", EP("10.1.0.1"))
	 ING("x", "02", RULES(RULE("a.test", P("/", "Prefix", "app"))))
	     ING_META(META("dev", "x", DAY("01")),
		      "ingressClassName: nginx, " RULES(RULE("a.test", P("/", "Prefix", "app")))),
     "a.test prefix / dev-app-80\n", NULL, "PathTaken web/x\n", false},
    {"the loser keeps its other paths", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/", "Prefix", "app"))))
	 ING("b", "02", RULES(RULE("a.test", P("/", "Prefix", "alt") P("/b", "Prefix", "alt")))),
     "a.test prefix / web-app-80\na.test prefix /b web-alt-80\n", NULL, "PathTaken web/b\n", false},
    {"another path type is another path", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/x", "Prefix", "app"))))
	 ING("b", "02", RULES(RULE("a.test", P("/x", "Exact", "alt")))),
     "a.test exact /x web-alt-80\na.test prefix /x web-app-80\n", NULL, NULL, false},
    {"ImplementationSpecific is Prefix, also for conflicts", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/x", "ImplementationSpecific", "app"))))
	 ING("b", "02", RULES(RULE("a.test", P("/x", "Prefix", "alt")))),
     "a.test prefix /x web-app-80\n", NULL, "PathTaken web/b\n", false},
    {"within one Ingress", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/x", "Prefix", "app") P("/x", "Prefix", "alt")))),
     "a.test prefix /x web-app-80\n", NULL, "PathTaken web/a\n", false},
    {"paths differ in case", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/x", "Prefix", "app") P("/X", "Prefix", "alt")))),
     "a.test prefix /X web-alt-80\na.test prefix /x web-app-80\n", NULL, NULL, false},
    {"three claim one path", NULL,
     TWO ING("a", "03", RULES(RULE("a.test", P("/x", "Prefix", "app"))))
	 ING("b", "02", RULES(RULE("a.test", P("/x", "Prefix", "alt"))))
	     ING("c", "01", RULES(RULE("a.test", P("/x", "Prefix", "app")))),
     "a.test prefix /x web-app-80\n", NULL, "PathTaken web/b\nPathTaken web/a\n", false},
    {"one that is not ours takes nothing", NULL,
     TWO ING("a", "02", RULES(RULE("a.test", P("/", "Prefix", "app"))))
	 ING_META(META("web", "b", DAY("01")),
		  "ingressClassName: none, " RULES(RULE("a.test", P("/", "Prefix", "alt")))),
     "a.test prefix / web-app-80\n", NULL, "NoIngressClass web/b\n", false},
};

/* --- hosts (§3) ---------------------------------------------------------------------------- */

static const struct row host_rows[] = {
    {"a host of two Ingresses", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/a", "Prefix", "app"))))
	 ING("b", "02", RULES(RULE("a.test", P("/b", "Prefix", "alt")))),
     "a.test prefix /a web-app-80\na.test prefix /b web-alt-80\n", NULL, NULL, false},
    {"two hosts of one Ingress", NULL,
     TWO ING(
	 "a", "01",
	 RULES(RULE("a.test", P("/", "Prefix", "app")) RULE("b.test", P("/", "Prefix", "alt")))),
     "a.test prefix / web-app-80\nb.test prefix / web-alt-80\n", NULL, NULL, false},
    {"two rules of one host", NULL,
     TWO ING(
	 "a", "01",
	 RULES(RULE("a.test", P("/a", "Prefix", "app")) RULE("a.test", P("/b", "Prefix", "alt")))),
     "a.test prefix /a web-app-80\na.test prefix /b web-alt-80\n", NULL, NULL, false},
    {"a wildcard is a host of its own", NULL,
     TWO ING("a", "01",
	     RULES(RULE("*.a.test", P("/", "Prefix", "app"))
		       RULE("x.a.test", P("/", "Prefix", "alt")))),
     "*.a.test prefix / web-app-80\nx.a.test prefix / web-alt-80\n", NULL, NULL, false},
    {"a rule without host", NULL, TWO ING("a", "01", RULES(ANY(P("/", "Prefix", "app")))),
     "* prefix / web-app-80\n", NULL, NULL, false},
    {"a rule without http", NULL, TWO ING("a", "01", RULES("{host: a.test}")), "a.test -\n", NULL,
     NULL, false},
    {"a rule without http, default of its Ingress", NULL,
     TWO ING("a", "01", DEFAULT("alt") RULES("{host: a.test}")),
     "a.test prefix / web-alt-80 default\n", "web-alt-80: 10.0.0.2:8080\n", NULL, false},
    {"no Ingress, no host", NULL, TWO, "", "", NULL, false},
};

/* --- default backends (§3, §6) ------------------------------------------------------------- */

static const struct row default_rows[] = {
    {"catch-all Ingress", NULL, TWO ING("a", "01", DEFAULT("app")),
     "* prefix / web-app-80 default\n", "web-app-80: 10.0.0.1:8080\n", NULL, false},
    {"two catch-all Ingresses: the older", NULL,
     TWO ING("a", "02", DEFAULT("app")) ING("b", "01", DEFAULT("alt")),
     "* prefix / web-alt-80 default\n", NULL, "PathTaken web/a\n", false},
    {"catch-all goes before a rule without host", NULL,
     TWO ING("a", "01", RULES(ANY(P("/", "Prefix", "app")))) ING("b", "02", DEFAULT("alt")),
     "* prefix / web-alt-80 default\n", NULL, "PathTaken web/a\n", false},
    {"catch-all beside other paths without host", NULL,
     TWO ING("a", "01", RULES(ANY(P("/x", "Prefix", "app")))) ING("b", "02", DEFAULT("alt")),
     "* prefix / web-alt-80 default\n* prefix /x web-app-80\n", NULL, NULL, false},
    {"defaultBackend with rules is the host's /", NULL,
     TWO ING("a", "01", DEFAULT("alt") RULES(RULE("a.test", P("/x", "Prefix", "app")))),
     "a.test prefix / web-alt-80 default\na.test prefix /x web-app-80\n", NULL, NULL, false},
    {"defaultBackend with rules is not the catch-all", NULL,
     TWO ING("a", "01", DEFAULT("alt") RULES(ANY(P("/x", "Prefix", "app")))),
     "* prefix /x web-app-80\n", NULL, NULL, false},
    {"a / of one's own goes before the defaultBackend, silently", NULL,
     TWO ING("a", "01", DEFAULT("alt") RULES(RULE("a.test", P("/", "Prefix", "app")))),
     "a.test prefix / web-app-80\n", NULL, NULL, false},
    {"an Exact / leaves the defaultBackend the rest", NULL,
     TWO ING("a", "01", DEFAULT("alt") RULES(RULE("a.test", P("/", "Exact", "app")))),
     "a.test exact / web-app-80\na.test prefix / web-alt-80 default\n", NULL, NULL, false},
    {"a younger Ingress' / goes before the defaultBackend", NULL,
     TWO ING("a", "01", DEFAULT("alt") RULES(RULE("a.test", P("/x", "Prefix", "alt"))))
	 ING("b", "02", RULES(RULE("a.test", P("/", "Prefix", "app")))),
     "a.test prefix / web-app-80\na.test prefix /x web-alt-80\n", NULL, NULL, false},
    {"only the oldest Ingress' defaultBackend counts", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/x", "Prefix", "app"))))
	 ING("b", "02", DEFAULT("alt") RULES(RULE("a.test", P("/y", "Prefix", "app")))),
     "a.test prefix /x web-app-80\na.test prefix /y web-app-80\n", NULL, NULL, false},
    {"no / and no default: the path is not made", NULL,
     TWO ING("a", "01", RULES(RULE("a.test", P("/x", "Prefix", "app")))),
     "a.test prefix /x web-app-80\n", NULL, NULL, false},
    {"default-backend-service", "default-backend-service=web/app", TWO,
     "default "
     "upstream-default-backend\n",
     "default upstream-default-backend\nupstream-default-backend: "
     "10.0.0.1:8080\n",
     NULL, false},
    {"default-backend-service: first port", "default-backend-service=web/two",
     CLASS SVC_SPEC("web", "two",
		    PORTS("{name: a, port: 80, targetPort: 8001}, "
			  "{name: b, port: 81, targetPort: 8002}"))
	 SLICE_SPEC("web", "two-1", "two", "IPv4", "{name: a, port: 8001}, {name: b, port: 8002}",
		    EP("10.0.0.1")),
     NULL, "default upstream-default-backend\nupstream-default-backend: 10.0.0.1:8001\n", NULL,
     false},
    {"default-backend-service missing: built-in 404", "default-backend-service=web/none", TWO, "",
     "upstream-default-backend:\n", "NoService web/none\n", false},
    {"default-backend-service without endpoints: built-in 404", "default-backend-service=web/e",
     CLASS SVC("e"), "", "upstream-default-backend:\n", "NoEndpoints web/e\n", false},
    {"the same Service as default and by a rule", "default-backend-service=web/app",
     TWO ING("a", "01", RULES(RULE("a.test", P("/", "Prefix", "app")))),
     "a.test prefix / web-app-80\ndefault upstream-default-backend\n",
     "default upstream-default-backend\nupstream-default-backend: 10.0.0.1:8080\nweb-app-80: "
     "10.0.0.1:8080\n",
     NULL, false},
};

/* --- paths (§4) ---------------------------------------------------------------------------- */

#define PATHS(...) TWO ING("a", "01", RULES(RULE("a.test", __VA_ARGS__)))

static const struct row path_rows[] = {
    {"Exact", NULL, PATHS(P("/foo", "Exact", "app")), "a.test exact /foo web-app-80\n", NULL, NULL,
     false},
    {"Prefix", NULL, PATHS(P("/foo", "Prefix", "app")), "a.test prefix /foo web-app-80\n", NULL,
     NULL, false},
    {"ImplementationSpecific", NULL, PATHS(P("/foo", "ImplementationSpecific", "app")),
     "a.test prefix /foo web-app-80\n", NULL, NULL, false},
    {"Prefix with final slash redirects", NULL, PATHS(P("/foo/", "Prefix", "app")),
     "a.test prefix /foo web-app-80 slash\n", NULL, NULL, false},
    {"Exact with final slash", NULL, PATHS(P("/foo/", "Exact", "app")),
     "a.test exact /foo/ web-app-80\n", NULL, NULL, false},
    {"the root is no slash to add", NULL, PATHS(P("/", "Prefix", "app")),
     "a.test prefix / web-app-80\n", NULL, NULL, false},
    {"Exact and Prefix of the same path", NULL,
     PATHS(P("/foo", "Prefix", "app") P("/foo", "Exact", "alt")),
     "a.test exact /foo web-alt-80\na.test prefix /foo web-app-80\n", NULL, NULL, false},
    {"Prefix /foo beside Prefix /foo/", NULL,
     PATHS(P("/foo", "Prefix", "app") P("/foo/", "Prefix", "alt")),
     "a.test exact /foo web-app-80\na.test prefix /foo web-alt-80 slash\n", NULL, NULL, false},
    {"Prefix /foo beside Prefix /foo/, others sorted between", NULL,
     PATHS(P("/foo", "Prefix", "app") P("/foo-bar", "Prefix", "app") P("/foo/", "Prefix", "alt")
	       P("/foo.x", "Prefix", "app") P("/foo/x", "Exact", "app")),
     "a.test exact /foo web-app-80\na.test exact /foo/x web-app-80\na.test prefix /foo web-alt-80 "
     "slash\na.test prefix /foo-bar web-app-80\na.test prefix /foo.x web-app-80\n",
     NULL, NULL, false},
    {"Prefix /foo beside Prefix /foo/ and Exact /foo has nothing left", NULL,
     PATHS(P("/foo", "Prefix", "app") P("/foo/", "Prefix", "alt") P("/foo", "Exact", "alt")),
     "a.test exact /foo web-alt-80\na.test prefix /foo web-alt-80 slash\n", NULL,
     "PathTaken web/a\n", false},
    {"Exact /foo/ is not Prefix /foo/", NULL,
     PATHS(P("/foo", "Prefix", "app") P("/foo/", "Exact", "alt")),
     "a.test exact /foo/ web-alt-80\na.test prefix /foo web-app-80\n", NULL, NULL, false},
    {"nested prefixes", NULL, PATHS(P("/a", "Prefix", "app") P("/a/b", "Prefix", "alt")),
     "a.test prefix /a web-app-80\na.test prefix /a/b web-alt-80\n", NULL, NULL, false},
    {"a double slash can never match", NULL, PATHS(P("/a//b", "ImplementationSpecific", "app")),
     "a.test -\n", NULL, "PathNeverMatches web/a\n", false},
    {"a resource backend answers 503", NULL,
     CLASS ING(
	 "a", "01",
	 RULES("{host: a.test, http: {paths: [{path: /x, pathType: Prefix, backend: {resource: "
	       "{apiGroup: x.io, kind: Bucket, name: b}}}]}}")),
     "a.test prefix /x none\n", "", "ResourceBackend web/a\n", false},
    {"plain characters stay as they are", NULL, PATHS(P("'/a.b_c~d/%20'", "Prefix", "app")),
     "a.test prefix /a.b_c~d/%20 web-app-80\n", NULL, NULL, false},
};

/* --- ports and endpoints (§6) -------------------------------------------------------------- */

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

/* --- running a row ------------------------------------------------------------------------- */

static void check_picture(const struct row *r, const char *how, struct world *w)
{
	char *hosts = picture_text(&w->picture, SHOW_HOSTS);
	char *clusters = picture_text(&w->picture, SHOW_CLUSTERS);

	if (r->hosts != NULL && strcmp(hosts, r->hosts) != 0)
		fail_msg("%s (%s): hosts\n--- got\n%s--- want\n%s", r->name, how, hosts, r->hosts);
	if (r->clusters != NULL && strcmp(clusters, r->clusters) != 0)
		fail_msg("%s (%s): clusters\n--- got\n%s--- want\n%s", r->name, how, clusters,
			 r->clusters);
	free(hosts);
	free(clusters);
}

static void run_at_once(const struct row *r)
{
	struct world *w = world_new(r->settings);
	const char *want = r->findings == NULL ? "" : r->findings;
	struct objects o;

	decode_yaml(r->yaml, r->api, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	world_translate(w);
	assert_int_equal(world_flush(w), 1);
	check_picture(r, "at once", w);
	if (strcmp(w->findings, want) != 0)
		fail_msg("%s: findings\n--- got\n%s%s--- want\n%s", r->name, w->findings, w->texts,
			 want);
	assert_int_equal(world_flush(w), 0);
	world_free(w);
}

static void run_one_by_one(const struct row *r)
{
	struct world *w = world_new(r->settings);
	struct objects o;

	world_translate(w);
	decode_yaml(r->yaml, r->api, &o);
	for (unsigned i = o.n; i-- > 0;) {
		(void)store_put(w->store, o.v[i]);
		assert_int_not_equal(world_flush(w), -1);
	}
	check_picture(r, "one by one", w);
	world_free(w);
}

static void run_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		run_at_once(&rows[i]);
		run_one_by_one(&rows[i]);
	}
}

#define ROWS(name)                                                                   \
	static void test_##name(void **state)                                        \
	{                                                                            \
		run_rows(name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0])); \
	}
ROWS(class)
ROWS(order)
ROWS(host)
ROWS(default)
ROWS(path)
ROWS(port)
ROWS(endpoint)

/* --- policies ------------------------------------------------------------------------------ */

#define ANNOTATED(annotations)                                                       \
	CLASS APP("app", "10.0.0.1")                                                 \
	    ING_META(META("web", "x", DAY("01")) ", annotations: {" annotations "}", \
		     "ingressClassName: nginx, " ONE_PATH)

static struct world *annotated(const char *settings, const char *yaml)
{
	struct world *w = world_new(settings);
	struct objects o;

	decode_yaml(yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	world_translate(w);
	assert_int_equal(world_flush(w), 1);
	return w;
}

static void test_policy_defaults(void **state)
{
	struct world *w = annotated(NULL, ANNOTATED(""));
	struct policy want;

	policy_defaults(&want);
	assert_memory_equal(&w->picture.policy, &want, sizeof(want));
	world_free(w);
}

static void test_policy_of_conf(void **state)
{
	struct world *w = annotated("proxy-body-size=8m;proxy-connect-timeout=2;proxy-send-timeout="
				    "3;proxy-read-timeout=4;proxy-buffer-size=16k;proxy-next-"
				    "upstream-tries=5;proxy-next-upstream-timeout=6",
				    ANNOTATED(""));
	const struct policy *p = &w->picture.policy;

	assert_int_equal(p->body_max_bytes, 8 << 20);
	assert_int_equal(p->connect_ms, 2000);
	assert_int_equal(p->send_ms, 3000);
	assert_int_equal(p->read_ms, 4000);
	assert_int_equal(p->head_max_bytes, 16384);
	assert_int_equal(p->next_tries, 5);
	assert_int_equal(p->next_ms, 6000);
	world_free(w);
}

static void test_policy_of_annotations(void **state)
{
	struct world *w =
	    annotated("proxy-read-timeout=4",
		      ANNOTATED("nginx.ingress.kubernetes.io/proxy-body-size: 20m, "
				"nginx.ingress.kubernetes.io/proxy-connect-timeout: '7'"));

	assert_string_equal(w->findings, "");
	assert_int_equal(w->picture.policy.body_max_bytes, 20 << 20);
	assert_int_equal(w->picture.policy.connect_ms, 7000);
	assert_int_equal(w->picture.policy.read_ms, 4000);
	world_free(w);
}

static void test_policy_prefix(void **state)
{
	struct world *w = annotated("annotations-prefix=example.com",
				    ANNOTATED("nginx.ingress.kubernetes.io/proxy-body-size: 20m, "
					      "example.com/proxy-connect-timeout: '7'"));

	assert_int_equal(w->picture.policy.body_max_bytes, 1 << 20);
	assert_int_equal(w->picture.policy.connect_ms, 7000);
	world_free(w);
}

static void test_bad_annotation_is_told(void **state)
{
	struct world *w =
	    annotated(NULL, ANNOTATED("nginx.ingress.kubernetes.io/proxy-body-size: huge, "
				      "nginx.ingress.kubernetes.io/proxy-boody-size: 1m"));
	char *hosts = picture_text(&w->picture, SHOW_HOSTS);

	assert_string_equal(hosts, TAKEN);
	assert_string_equal(w->findings,
			    "AnnotationParsingFailed web/x\nAnnotationParsingFailed web/x\n");
	assert_non_null(strstr(w->texts, "proxy-body-size"));
	assert_int_equal(w->picture.policy.body_max_bytes, 1 << 20);
	free(hosts);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_class),          cmocka_unit_test(test_order),
	    cmocka_unit_test(test_host),           cmocka_unit_test(test_default),
	    cmocka_unit_test(test_path),           cmocka_unit_test(test_port),
	    cmocka_unit_test(test_endpoint),       cmocka_unit_test(test_policy_defaults),
	    cmocka_unit_test(test_policy_of_conf), cmocka_unit_test(test_policy_of_annotations),
	    cmocka_unit_test(test_policy_prefix),  cmocka_unit_test(test_bad_annotation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
