/* Routing rules of ingress-nginx: which Ingresses are taken, and what becomes of hosts and paths.
 */
#include "translate_rows.h"

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

ROWS(class)
ROWS(order)
ROWS(host)
ROWS(default)
ROWS(path)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_class), cmocka_unit_test(test_order),
	    cmocka_unit_test(test_host),  cmocka_unit_test(test_default),
	    cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
