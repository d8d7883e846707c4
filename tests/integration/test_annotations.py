"""Annotations that change where a request goes: rewriting, regexes, redirects, who may come in.
Cases of the users' guides and of the five surprising behaviours (facts: routing §5 and §13)."""

import json
import re
import signal

import pytest

from harness import backends, ingress, path, wait_until

HOST = "silex.test"


@pytest.fixture
def make(make_silex, make_origin):
    """make({name: (paths, annotations)}): Silex with these Ingresses on one host, each before an
    origin of its name."""
    def build(ingresses):
        s = make_silex()
        for name, (paths, annotations) in ingresses.items():
            o = make_origin(name)
            rules = {HOST: [path(p, name, kind=kind) for p, kind in paths]}
            s.manifests.put(name, backends(name, o.port), ingress(name, rules, annotations=annotations))
        return s.start()
    return build


def one(where, kind="ImplementationSpecific", name="one", **annotations):
    return {name: ([(where, kind)], {k.replace("_", "-"): v for k, v in annotations.items()})}


def seen(silex, target, **how):
    """The request as the origin got it. Its path must lead to /echo."""
    answer = silex.get(target, **how)
    assert answer.status == 200, (target, answer)
    return json.loads(answer.body)


# -- rewrite-target --------------------------------------------------------------------------------


@pytest.mark.parametrize("target,expected", [
    ("/api/echo", "/echo"),
    ("/api/echo?a=1&b=%20", "/echo?a=1&b=%20"),
    ("/API/echo", "/echo"),
    ("/api/echo/a%20b%C3%A9", "/echo/a%20b%C3%A9"),
    ("/api/x/../echo", "/echo"),
    ("//api//echo", "/echo"),
    ("/api/echo/%3Fx?y", "/echo/%3Fx?y"),
    ("/api/echo/%25%23", "/echo/%25%23"),
])
def test_the_most_common_rewrite(make, target, expected):
    s = make(one("/api(/|$)(.*)", rewrite_target="/$2"))
    assert seen(s, target)["target"] == expected


@pytest.mark.parametrize("where,replacement,target,expected", [
    ("/old", "/echo", "/old/anything", "/echo"),
    ("/v(\\d+)/(?<rest>.*)", "/echo/$rest/$1", "/v12/a/b", "/echo/a/b/12"),
    ("/a/(.*)", "/echo?path=$1", "/a/b%20c", "/echo?path=b%20c"),
    ("/a/(.*)", "/echo?path=$1", "/a/b?x=y", "/echo?path=b&x=y"),
    ("/a/(.*)", "/echo/$1?", "/a/b?x=y", "/echo/b"),
    ("/a(/b)?", "/echo/$1$9$", "/a", "/echo/$"),
    ("/x/(.*)", "/echo/${1}0", "/x/1", "/echo/10"),
    ("/s/(.*)", "echo/$1", "/s/t", "/echo/t"),
])
def test_rewrites(make, where, replacement, target, expected):
    s = make(one(where, rewrite_target=replacement))
    assert seen(s, target)["target"] == expected


def test_a_rewrite_to_a_url_is_a_redirect(make):
    s = make(one("/go/(.*)", rewrite_target="https://other.test/$1"))
    answer = s.get("/go/there?x=1")
    assert answer.status == 302 and answer.get("location") == "https://other.test/there?x=1"


def test_nothing_of_a_path_can_become_a_line(make):
    s = make(one("/in/((?s).*)", rewrite_target="/echo/$1"))
    got = seen(s, "/in/%0d%0aX-Evil:%201%0d%0a")
    assert got["target"] == "/echo/%0D%0AX-Evil:%201%0D%0A"


def test_rewrite_to_its_own_path_is_none(make):
    s = make(one("/echo", "Prefix", rewrite_target="/echo"))
    assert seen(s, "/echo/x")["target"] == "/echo/x"
    assert s.get("/echox").status == 404, "not a regex: whole elements only"


# -- use-regex, for the whole host -----------------------------------------------------------------


def origin_of(silex, target):
    answer = silex.get(target)
    return answer.get("X-Origin") if answer.status == 200 else answer.status


def test_one_regex_makes_all_paths_of_the_host_regexes(make):
    """Exact "/foo" of another Ingress matches "/FooBar" then; no 301; longest text first."""
    s = make({**one("/foo", "Exact", name="exact"),
              **one("/f.*/name", name="regex", use_regex="true"),
              **one("/foo/bar", "Prefix", name="longest")})
    assert origin_of(s, "/FooBar") == "exact"
    assert origin_of(s, "/fo/x/name") == "regex"
    assert origin_of(s, "/foo/bar/name") == "regex"
    assert origin_of(s, "/foo/barx") == "longest"
    assert origin_of(s, "/other") == 404
    assert s.get("/fo").status == 404


def test_order_is_by_length(make):
    s = make({**one("/a/(.*)", name="first", use_regex="true"), **one("/a/b/(.*)", name="second"),
              **one("/", "Prefix", name="root")})
    assert [origin_of(s, t) for t in ("/a/b/c", "/a/c", "/x")] == ["second", "first", "root"]


def test_a_path_that_is_no_regex_is_told(make):
    s = make({**one("/good", name="good", use_regex="true"), **one("/bad(", name="bad")})
    s.wait_log(r"path /bad\( of host silex.test is no regular expression")
    assert origin_of(s, "/good") == "good"
    assert s.get("/bad(").status == 404


def test_a_match_that_takes_too_long_is_given_up(make):
    s = make({**one("/(a|a?)+$", name="evil", use_regex="true"), **one("/", name="root")})
    assert origin_of(s, "/aaa") == "evil"
    assert s.get("/" + "a" * 3000 + "b").status == 500
    s.wait_access(lambda x: " 500 " in x)
    assert origin_of(s, "/aaa") == "evil"


def test_annotation_taken_away_again(make):
    s = make(one("/foo", "Exact", use_regex="true"))
    assert origin_of(s, "/foobar") == "one"
    s.manifests.put("one2", ingress("one", {HOST: [path("/foo", "one", kind="Exact")]}))
    s.manifests.put("one", backends("one", 1))
    wait_until(lambda: s.get("/foobar").status == 404, what="plain paths again")


# -- redirects -------------------------------------------------------------------------------------


@pytest.mark.parametrize("annotations,status", [
    ({"permanent_redirect": "https://new.test/x"}, 301),
    ({"permanent_redirect": "https://new.test/x", "permanent_redirect_code": "308"}, 308),
    ({"permanent_redirect": "https://new.test/x", "permanent_redirect_code": "200"}, 301),
    ({"temporal_redirect": "https://new.test/x"}, 302),
    ({"temporal_redirect": "https://new.test/x", "temporal_redirect_code": "307"}, 307),
    ({"temporal_redirect": "https://new.test/x", "temporal_redirect_code": "308"}, 302),
    ({"temporal_redirect": "https://new.test/x", "permanent_redirect": "https://no.test"}, 302),
])
def test_redirects(make, annotations, status):
    s = make(one("/", "Prefix", **annotations))
    answer = s.get("/any/where?x=1")
    assert answer.status == status
    assert answer.get("location") == "https://new.test/x"


def test_redirect_refuses_what_is_no_url(make):
    s = make(one("/", "Prefix", permanent_redirect="javascript:alert(1)"))
    s.wait_log("permanent-redirect: .*must be a URL")
    assert s.get("/").status == 200


def test_app_root(make):
    s = make({**one("/app", "Prefix", name="app", app_root="/app/start"),
              **one("/echo", "Prefix", name="echo")})
    answer = s.get("/?x=1")
    assert answer.status == 302
    assert answer.get("location") == "http://silex.test/app/start"
    assert origin_of(s, "/app/start") == "app" and origin_of(s, "/other") == 404
    with_port = s.get("/", host="silex.test:8080")
    assert with_port.get("location") == "http://silex.test:8080/app/start"


def test_app_root_beside_a_root_path(make):
    s = make({**one("/", "Prefix", name="root"), **one("/app", "Prefix", name="app", app_root="/app")})
    assert s.get("/").status == 302
    assert origin_of(s, "/else") == "root"


# -- who may come in, and as whom ------------------------------------------------------------------


@pytest.mark.parametrize("annotations,status", [
    ({"allowlist_source_range": "127.0.0.0/8"}, 200),
    ({"allowlist_source_range": "10.0.0.0/8, 127.0.0.1"}, 200),
    ({"whitelist_source_range": "10.0.0.0/8,fd00::/8"}, 403),
    ({"denylist_source_range": "127.0.0.0/30"}, 403),
    ({"denylist_source_range": "127.0.0.2/32"}, 200),
    ({"denylist_source_range": "127.0.0.1", "allowlist_source_range": "127.0.0.1"}, 403),
    ({"allowlist_source_range": "0.0.0.0/0"}, 200),
])
def test_source_ranges(make, annotations, status):
    s = make(one("/", "Prefix", **annotations))
    assert s.get("/").status == status


def test_source_range_refuses_nonsense(make):
    s = make(one("/", "Prefix", allowlist_source_range="10.0.0.0/33"))
    s.wait_log("allowlist-source-range: .*must be IP addresses or networks")


def test_upstream_vhost(make):
    s = make(one("/", "Prefix", upstream_vhost="inner.test:81"))
    text = json.dumps(seen(s, "/echo"))
    assert "inner.test:81" in text and '"silex.test' in text


# -- CORS ------------------------------------------------------------------------------------------

LIST = "https://a.test, https://*.b.test:8443, null"


@pytest.mark.parametrize("origin,allow,expected", [
    ("https://any.test", None, "*"),
    (None, None, "*"),
    ("https://A.test", LIST, "https://A.test"),
    ("https://x.b.test:8443", LIST, "https://x.b.test:8443"),
    ("null", LIST, "null"),
    ("https://x.y.b.test:8443", LIST, None),
    ("https://b.test:8443", LIST, None),
    ("https://x.b.test", LIST, None),
    ("http://a.test", LIST, None),
    (None, LIST, None),
])
def test_cors_origins(make, origin, allow, expected):
    s = make(one("/", "Prefix", enable_cors="true",
                 **({"cors_allow_origin": allow} if allow else {})))
    fields = {"Origin": origin} if origin else {}
    answer = s.get("/", fields=fields)
    assert answer.status == 200
    assert answer.all("access-control-allow-origin") == ([expected] if expected else [])
    preflight = s.get("/", fields=fields, method="OPTIONS")
    assert preflight.status == (204 if expected else 200)
    assert (preflight.get("x-origin") is None) == bool(expected), "it went upstream, or did not"


def test_cors_fields(make):
    s = make(one("/", "Prefix", enable_cors="true", cors_expose_headers="X-A, X-B",
                 cors_allow_methods="GET", cors_max_age=60, cors_allow_credentials="false",
                 permanent_redirect_code=308))
    answer = s.get("/", method="OPTIONS", fields={"Origin": "https://a.test"})
    names = {k.lower(): v for k, v in answer.fields if k.lower().startswith("access-control")}
    assert names == {
        "access-control-allow-origin": "*", "access-control-allow-methods": "GET",
        "access-control-allow-headers": "DNT,Keep-Alive,User-Agent,X-Requested-With,"
        "If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
        "access-control-expose-headers": "X-A, X-B", "access-control-max-age": "60"}


def test_cors_replaces_what_the_origin_says_and_is_on_errors(make_silex, make_scripted):
    def script(peer):
        while peer.read_request() is not None:
            peer.answer(500, fields="Access-Control-Allow-Origin: https://evil.test\r\n")
    o = make_scripted(script)
    s = make_silex()
    s.manifests.put("one", backends("one", o.port), ingress(
        "one", {HOST: "one"}, annotations={"enable-cors": "true"}))
    s.start()
    answer = s.get("/")
    assert answer.status == 500 and answer.all("access-control-allow-origin") == ["*"]
    assert answer.get("access-control-allow-credentials") == "true"
    s.manifests.put("one", backends("one"), ingress(
        "one", {HOST: "one"}, annotations={"enable-cors": "true"}))
    s.wait_status(503)
    assert s.get("/").get("access-control-allow-origin") == "*"


# -- from-to-www-redirect, relative-redirects, use-port-in-redirects --------------------------------


def moved(silex, target, host, **how):
    answer = silex.get(target, host, **how)
    return answer.status, answer.get("location")


@pytest.mark.parametrize("host,other", [(HOST, "www." + HOST), ("www." + HOST, HOST)])
def test_to_the_other_name(make_silex, origin, host, other):
    s = make_silex()
    s.manifests.put("one", backends("one", origin.port),
                    ingress("one", {host: [path("/app", "one"), path("/echo", "one")]},
                            annotations={"from-to-www-redirect": "true", "app-root": "/app",
                                         "rewrite-target": "/x"}))
    s.start()
    at = f"http://{host}:{s.http_port}"
    assert moved(s, "/echo?a=b", other) == (308, at + "/echo?a=b")
    assert moved(s, "/none/x%20y/", other) == (308, at + "/none/x%20y")
    assert moved(s, "/", other) == (308, at)
    assert s.get("/none", host).status == 404
    s.conf_path.write_text("http-redirect-code = 301\n")
    s.kill(signal.SIGHUP)
    wait_until(lambda: moved(s, "/echo", other) == (301, at + "/echo"), what="the other status")


def test_a_host_of_its_own_stays(make_silex, make_origin):
    s = make_silex()
    one, two = make_origin("one"), make_origin("two")
    s.manifests.put("one", backends("one", one.port),
                    ingress("one", {HOST: "one"}, annotations={"from-to-www-redirect": "true"}))
    s.manifests.put("two", backends("two", two.port), ingress("two", {"www." + HOST: "two"}))
    s.start()
    assert seen(s, "/echo", host="www." + HOST)["origin"] == "two"
    s.wait_log("from-to-www-redirect has no effect")
    s.manifests.delete("two")
    wait_until(lambda: s.get("/", "www." + HOST).status == 308, what="the redirect")
    s.manifests.put("two", backends("two", two.port), ingress("two", {"www." + HOST: "two"}))
    wait_until(lambda: s.get("/echo", "www." + HOST).status == 200, what="the host again")


@pytest.mark.parametrize("annotations,where", [
    ({}, "http://silex.test/app/?q"),
    ({"relative-redirects": "true"}, "/app/?q"),
    ({"use-port-in-redirects": "true"}, "http://silex.test:{port}/app/?q"),
    ({"use-port-in-redirects": "true", "relative-redirects": "true"}, "/app/?q")])
def test_the_redirect_to_the_slash(make_silex, origin, annotations, where):
    s = make_silex()
    s.manifests.put("one", backends("one", origin.port),
                    ingress("one", {HOST: [path("/app/", "one")]}, annotations=annotations or None))
    s.start()
    assert moved(s, "/app?q", HOST) == (301, where.format(port=s.http_port))


@pytest.mark.parametrize("conf", [False, True])
def test_the_port_in_the_redirect_to_https(make_silex, origin, conf):
    s = make_silex(https=True)
    s.manifests.put("one", backends("one", origin.port),
                    ingress("one", {HOST: "one"}, annotations={
                        "force-ssl-redirect": "true", "use-port-in-redirects": str(conf).lower()}))
    s.start()
    port = f":{s.https_port}" if conf else ""
    assert moved(s, "/x/", HOST) == (308, f"https://{HOST}{port}/x")


# -- proxy-buffer-size: how large the head of an answer may be ------------------------------------


@pytest.mark.parametrize("given,largest", [(None, 4 << 10), ("1k", 1 << 10), ("16k", 16 << 10),
                                           ("128k", 128 << 10), ("1m", 1 << 20)])
def test_the_largest_head_of_an_answer(make_silex, make_scripted, given, largest):
    def script(peer):
        while (request := peer.read_request()) is not None:
            n = int(re.match(rb"GET /(\d+)", request[0])[1])
            peer.answer(fields=f"X-Large: {'x' * n}\r\n")
    s = make_silex()
    s.manifests.put("one", backends("one", make_scripted(script).port),
                    ingress("one", {HOST: "one"},
                            annotations=given and {"proxy-buffer-size": given}))
    s.start()
    answer = s.get(f"/{largest - 200}")
    assert answer.status == 200 and len(answer.get("x-large")) == largest - 200
    assert s.get(f"/{largest + 1}").status == 502
    assert s.get("/1").status == 200


def test_what_has_nothing_to_do_here_is_said_once(make):
    """Buffers are nginx'; the Ingress is served, and nobody is warned."""
    s = make(one("/", proxy_buffering="on", proxy_request_buffering="off",
                 proxy_buffers_number="8", client_body_buffer_size="1m"))
    assert s.get("/echo").status == 200
    told = [x for x in s.log().splitlines() if "without effect" in x]
    assert len(told) == 4 and all(" info " in x for x in told), told
