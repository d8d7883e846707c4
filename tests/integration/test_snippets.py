"""configuration-snippet and server-snippet: what they mean, and that the rest is refused."""

import pathlib
import re

import pytest

from frames import H2
from harness import backends, configmap, ingress, mirror, path, wait_until

HOST = "silex.test"
SETTINGS = "default/settings"
OPEN = {"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"}


@pytest.fixture
def serve(make_silex, make_scripted):
    """serve(location text, server text, annotations...) -> Silex; .put() again changes it."""
    def build(where="", server="", *, settings=None, paths=("/",), also=(), flags=(), **more):
        origin = make_scripted(mirror)
        s = make_silex(flags=[f"--configmap={SETTINGS}", *flags])
        s.manifests.put("settings", configmap("settings", OPEN if settings is None else settings))

        def put(where, server="", **more):
            annotations = {k.replace("_", "-"): v for k, v in more.items()}
            if where:
                annotations["configuration-snippet"] = where
            if server:
                annotations["server-snippet"] = server
            s.manifests.put("app", backends("app", origin.port), *also, ingress(
                "app", {HOST: [path(p, "app") for p in paths]}, annotations=annotations))
        s.put = put
        put(where, server, **more)
        s.start()
        if "asks for other workers" in s.log():  # so does the ConfigMap: the first one leaves
            s.wait_log("worker ended")
        return s
    return build


def get(silex, target="/", status=200, **how):
    a = silex.get(target, **how)
    assert a.status == status, (a, silex.log())
    return a


def line(answer):
    return answer.text.split("\r\n")[0]


# ---- the gates ------------------------------------------------------------------------------


def test_off_by_default(serve):
    """Not read where allow-snippet-annotations is false; the paths are served without."""
    s = serve("return 403;", "return 403;", settings={"annotations-risk-level": "Critical"})
    get(s)
    s.wait_log("annotation server-snippet: it is not read, because allow-snippet-annotations")
    s.wait_log("annotation configuration-snippet: it is not read")


def test_the_risk_gate(serve):
    """Critical is more than the default allows: the whole Ingress is refused."""
    s = serve("return 403;", settings={"allow-snippet-annotations": "true"})
    get(s, status=404)
    s.wait_log("its risk is Critical and annotations-risk-level allows High")
    s.manifests.put("settings", configmap("settings", OPEN))
    s.wait_status(403)


# ---- header fields --------------------------------------------------------------------------


def test_fields_to_the_client(serve):
    s = serve("""
        # a comment; with { signs }
        more_set_headers "X-One: 1" 'X-Two: $request_method $uri';
        more_set_headers X-Gone X-Three:3;
        more_clear_headers "X-Powered-*" x-old;
        proxy_hide_header X-Hidden;
        add_header X-Added first;
        add_header X-Added "it's second" always;
        """)
    a = get(s, "/a?fields=X-One=origin&X-Gone=1&X-Powered-By=php&X-Old=1&X-Hidden=1&X-Kept=1")
    assert a.all("x-one") == ["1"] and a.get("x-two") == "GET /a" and a.get("x-three") == "3"
    assert a.all("x-added") == ["first", "it's second"] and a.get("x-kept") == "1"
    assert all(a.get(n) is None for n in ("x-gone", "x-powered-by", "x-old", "x-hidden"))
    a = get(s, "/missing", 404)
    assert a.all("x-added") == ["it's second"] and a.get("x-one") == "1"


def test_fields_to_the_endpoint(serve):
    s = serve("""
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header X-User "$http_x_name-${remote_addr}";
        proxy_set_header Accept-Encoding "";
        proxy_set_header Host inner.example.com;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        more_set_input_headers "X-In: $host" "X-Forwarded-For: 6.6.6.6";
        more_set_input_headers -r "X-There: new" "X-Not-There: new";
        more_clear_input_headers "X-Secret-*";
        """)
    head = get(s, fields=[("X-Name", "joe"), ("Accept-Encoding", "gzip"), ("X-Secret-A", "1"),
                          ("X-There", "old")]).text.lower()
    for want in ("host: inner.example.com", "x-user: joe-127.0.0.1", "x-in: silex.test",
                 "x-there: new"):
        assert f"\r\n{want}\r\n" in head, head
    assert head.count("x-forwarded-proto: https") == 1 and "x-forwarded-proto: http\r" not in head
    for gone in ("accept-encoding", "x-secret", "x-not-there", "6.6.6.6", "\r\nupgrade:"):
        assert gone not in head, head
    s.wait_log("Upgrade is said to each side as its connection needs it")


def test_expires(serve):
    s = serve("expires 1h30m;\nif ($uri ~ ^/max) { expires max; }\nif ($uri = /off) { expires -1; }")
    assert get(s, "/?fields=Cache-Control=private").all("cache-control") == ["max-age=5400"]
    a = get(s, "/maximum")
    assert a.all("cache-control") == ["max-age=315360000"] and a.get("expires").endswith("2037 23:55:55 GMT")
    assert get(s, "/off").get("cache-control") == "no-cache"
    assert get(s, "/missing", 404).get("cache-control") is None


# ---- return ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text,status,place,body", [
    ("return 403;", 403, None, b"403 Forbidden"),
    ("return 204;", 204, None, b""),
    ("return 200 'hello $arg_name\\n';", 200, None, b"hello you\n"),
    ("return 301 https://$host$request_uri;", 301, "https://silex.test/a%20b?name=you", b"301"),
    ("return 302 /login;", 302, "http://silex.test/login", b"302"),
    ("return https://other.test$uri;", 302, "https://other.test/a%20b", b"302"),
    ("return 307 $scheme://new.$host/;", 307, "http://new.silex.test/", b"307"),
    ("return 503 'back soon';", 503, None, b"back soon"),
])
def test_return(serve, text, status, place, body):
    a = get(serve(text), "/a%20b?name=you", status)
    assert a.get("location") == place and body in a.body


def test_return_has_fields_and_a_type(serve):
    s = serve("default_type application/json; add_header X-A b;\n"
              "more_set_headers 'X-B: c'; return 200 '{\"ok\": true}';")
    a = get(s)
    assert a.json() == {"ok": True} and a.get("content-type") == "application/json"
    assert a.get("x-a") == "b" and a.get("x-b") == "c"
    s.put("return 200 'x';")
    wait_until(lambda: get(s).text == "x", what="the new snippet")
    assert get(s).get("content-type") == "text/html"


def test_return_444_closes(serve):
    s = serve("if ($http_user_agent ~* 'bot|spider') { return 444; }")
    with s.client() as c:
        c.request(fields=[("User-Agent", "A Spider")])
        assert c.at_eof()
    get(s, fields=[("User-Agent", "a browser")])
    assert s.metrics()['silex_requests_ended_total{reason="dropped"}'] == 1


# ---- if, set, rewrite -----------------------------------------------------------------------


@pytest.mark.parametrize("condition,yes,no", [
    ("$host = silex.test", "/", None),
    ("$request_method != GET", None, "/"),
    ("$http_x_a", "/yes", "/none"),
    ("$uri ~ ^/Api", "/Api/x", "/api"),
    ("$uri ~* ^/api", "/API/x", "/x/api"),
    ("$uri !~ \"^/(a|b)\"", "/c", "/b"),
    ("$uri !~* ^/(a|b)$ ", "/ab", "/A"),
    ("$arg_a = '$arg_b'", "/?a=1&b=1", "/?a=1&b=2"),
    ("$arg_a", "/?a=1", "/?a=0"),
    ("$scheme = http", "/", None),
    ("$cookie_a = x", "/yes", "/none"),
])
def test_conditions(serve, condition, yes, no):
    s = serve(f"if ({condition}) {{ return 418; }}")
    if yes:
        get(s, yes, 418, fields=[("X-A", "1"), ("Cookie", "b=1; a=x")] if yes == "/yes" else ())
    if no:
        get(s, no)


def test_set_and_captures(serve):
    s = serve(r"""
        set $who nobody;
        set $both "${who}-$WHO";
        if ($host ~ "^([a-z]+)\.(test)$") {
            set $who "$2.$1";
        }
        more_set_headers "X-Who: $who" "X-Both: $both";
        proxy_set_header X-Who $who;
        """)
    a = get(s)
    assert a.get("x-who") == "test.silex" and a.get("x-both") == "nobody-nobody"
    assert "x-who: test.silex" in a.text.lower()


def test_the_block_that_holds_decides(serve):
    """Lists of an if take the place of those around it; the last one that holds counts. Those of
    headers-more come behind them."""
    s = serve("""
        add_header X-A outside; more_set_headers "X-M: outside" "X-N: outside";
        if ($arg_a) { add_header X-A a; }
        if ($arg_b) { add_header X-A b; more_set_headers "X-M: b"; }
        """)
    for target, a, m in (("/", "outside", "outside"), ("/?a=1", "a", "outside"),
                         ("/?b=1", "b", "b"), ("/?a=1&b=1", "b", "b")):
        got = get(s, target)
        assert got.all("x-a") == [a] and got.all("x-m") == [m], target
        assert got.get("x-n") == "outside"


@pytest.mark.parametrize("text,target,want", [
    ("rewrite ^/old/(.*)$ /new/$1 break;", "/old/a%20b?q=1", "/new/a%20b?q=1"),
    ("rewrite ^/old/(.*)$ /new?file=$1 break;", "/old/x?q=1", "/new?file=x&q=1"),
    ("rewrite ^/old/(.*)$ /new/$1? break;", "/old/x?q=1", "/new/x"),
    ("rewrite ^/OLD /new break;", "/old", "/old"),
    ("rewrite (?i)^/OLD /new break;", "/old", "/new"),
    ("rewrite ^ /all; rewrite ^/all$ /more break;", "/x", "/more"),
    ("rewrite ^/a$ /b$is_args$args? break;", "/a?x=1", "/b%3Fx=1"),
])
def test_rewrite(serve, text, target, want):
    assert line(get(serve(text), target)) == f"GET {want} HTTP/1.1"


@pytest.mark.parametrize("text,target,status,place", [
    ("rewrite ^(/dash)$ $1/ redirect;", "/dash?a=1", 302, "http://silex.test/dash/?a=1"),
    ("rewrite ^/(.*)$ https://new.test/$1 permanent;", "/a%20b", 301, "https://new.test/a%20b"),
    ("rewrite ^ $scheme://www.$host$request_uri?;", "/a?b=1", 302, "http://www.silex.test/a?b=1"),
])
def test_rewrite_to_elsewhere(serve, text, target, status, place):
    assert get(serve(text), target, status).get("location") == place


def test_rewrite_last_routes_anew(serve, make_scripted):
    """The new path is looked up, with what its own Ingress says of it."""
    other = make_scripted(mirror)
    s = serve("rewrite ^/v1/(.*)$ /v2/$1 last; more_set_headers 'X-By: one';", also=(
        backends("two", other.port), ingress("two", {HOST: [path("/v2", "two")]}, annotations={
            "configuration-snippet": "more_set_headers 'X-By: two';"}),))
    a = get(s, "/v1/x?y=1")
    assert line(a) == "GET /v2/x?y=1 HTTP/1.1" and a.get("x-by") == "two"
    assert get(s, "/v3").get("x-by") == "one"


def test_rewriting_for_ever_ends(serve):
    s = serve("rewrite ^(.*)$ $1x last;")
    get(s, "/", 500)
    assert s.metrics()['silex_requests_ended_total{reason="rewrite_loop"}'] == 1


def test_break_ends_rewriting(serve):
    """Also that of rewrite-target and permanent-redirect, which nginx does in the same phase."""
    s = serve("if ($arg_stay) { break; }\nif ($arg_x) { return 403; }", paths=("/a/(.*)",),
              rewrite_target="/$1")
    assert line(get(s, "/a/b?stay=1&x=1")) == "GET /a/b?stay=1&x=1 HTTP/1.1"
    assert line(get(s, "/a/b")) == "GET /b HTTP/1.1"
    get(s, "/a/b?x=1", 403)


def test_before_rewrite_target(serve):
    s = serve("rewrite ^/a/old$ /a/new;\nproxy_set_header X-P $uri;", paths=("/a/(.*)",),
              rewrite_target="/$1")
    assert line(get(s, "/a/old?q=1")) == "GET /new?q=1 HTTP/1.1"


# ---- allow and deny -------------------------------------------------------------------------


def test_access(serve):
    s = serve("allow 10.0.0.0/8; allow ::1; deny all;")
    get(s, status=403)
    s.put("deny 10.0.0.0/8; allow 127.0.0.1; deny all;")
    s.wait_status(200)


def test_access_of_the_host(serve):
    """Inherited where the path says nothing of its own, in whatever form."""
    s = serve("", "deny 127.0.0.1;")
    get(s, status=403)
    s.put("", "deny 127.0.0.1;", allowlist_source_range="127.0.0.0/8")
    s.wait_status(200)
    s.put("allow all;", "deny 127.0.0.1;")
    s.wait_status(200)


# ---- the host -------------------------------------------------------------------------------


def test_server_snippet(serve):
    s = serve("", """
        set $mobile no;
        if ($http_user_agent ~* (android|iphone)) { set $mobile yes; }
        if ($request_uri ~ "/wp-admin") { return 404; }
        rewrite ^/before/(.*)$ /after/$1;
        more_set_headers "X-Mobile: $mobile";
        proxy_set_header X-Never sent;
        """, paths=("/after", "/app"))
    a = get(s, "/before/x?q=1", fields=[("User-Agent", "an iPhone")])
    assert line(a) == "GET /after/x?q=1 HTTP/1.1" and a.get("x-mobile") == "yes"
    assert "x-never" not in a.text.lower() and "x-original" not in a.text.lower()
    assert get(s, "/app").get("x-mobile") == "no"
    a = get(s, "/other/wp-admin", 404)
    assert a.get("x-mobile") == "no"
    get(s, "/other", 404)


def test_the_path_says_more_than_the_host(serve):
    s = serve("more_set_headers 'X-A: path';", "more_set_headers 'X-A: host' 'X-B: host'; "
              "add_header X-C host;")
    a = get(s)
    assert a.all("x-a") == ["path"] and a.get("x-b") == "host" and a.get("x-c") == "host"


def test_expires_off_is_not_inherited(serve):
    s = serve("expires off;", "expires 30d; add_header X-C host;")
    a = get(s)
    assert a.get("cache-control") is None and a.get("x-c") == "host"


def test_the_oldest_ingress_decides(serve, make_scripted):
    """One server-snippet a host, for the paths of all its Ingresses."""
    other = make_scripted(mirror)
    s = serve("", "more_set_headers 'X-Of: younger';", paths=("/young",), also=(
        backends("old", other.port), ingress("old", {HOST: [path("/old", "old")]}, annotations={
            "server-snippet": "more_set_headers 'X-Of: older';"},
            created="2001-01-01T00:00:00Z"),))
    assert get(s, "/old").get("x-of") == get(s, "/young").get("x-of") == "older"


LOCATIONS = """
    location = /exact { return 200 exact; }
    location /pre { return 200 prefix; }
    location ^~ /pre/first { return 200 first; }
    location ~ \\.(php|asp)$ { deny all; }
    location ~* "^/re/(.*)\\.TXT$" { return 200 "regex $1"; }
    location /app/inner/ { return 200 inner; }
    location = /nothing { access_log off; log_not_found off; }
    location /net { allow 127.0.0.0/8; deny all; add_header X-A b always; }
    location = /callback { return 301 /auth/callback$is_args$args; }
    location /proxied { proxy_pass http://10.0.0.1; }
"""


@pytest.mark.parametrize("target,status,want", [
    ("/exact", 200, b"exact"), ("/exact/", 404, b""), ("/prefixes", 200, b"prefix"),
    ("/pre.php", 403, b""), ("/pre/first.php", 200, b"first"), ("/app/x.php", 403, b""),
    ("/re/a.txt", 200, b"regex a"), ("/app", 200, b"GET /app "), ("/app/x", 200, b"GET /app/x "),
    ("/app/inner/x", 200, b"inner"), ("/app/inner", 200, b"GET /app/inner "),
    ("/nothing", 404, b""), ("/net", 404, b""), ("/proxied/x", 503, b""), ("/other", 404, b""),
])
def test_locations(serve, target, status, want):
    s = serve("", LOCATIONS, paths=("/app",))
    assert want in get(s, target, status).body


def test_locations_of_a_path(serve):
    """Looked at once the path is found; what they do not say, the path's snippet and the host's do."""
    s = serve("""
        location = /app/robots.txt { rewrite ^ /app/robots last; }
        location ~ /metrics$ { return 404; }
        location /app/plain { add_header X-A inner always; }
        add_header X-A path always;
        more_set_headers "X-B: path";
        """, "more_set_headers 'X-B: host'; proxy_ssl_verify off; location /plain { return 200 host; }",
              paths=("/app",))
    assert line(get(s, "/app/robots.txt")) == "GET /app/robots HTTP/1.1"
    a = get(s, "/app/x/metrics", 404)
    assert a.get("x-a") == "path" and a.get("x-b") == "path"
    a = get(s, "/app/plain/x", 404)
    assert a.get("x-a") == "inner" and a.get("x-b") == "path"
    assert get(s, "/plain").get("x-b") == "host"
    assert get(s, "/app/other").get("x-a") == "path"
    get(s, "/metrics", 404)


def test_locations_answer_as_they_are_written(serve):
    s = serve("", LOCATIONS, paths=("/app",))
    assert get(s, "/callback?a=1", 301).get("location") == "http://silex.test/auth/callback?a=1"
    assert get(s, "/net", 404).get("x-a") == "b"
    s.wait_log("proxy_pass is not supported: give the path to the Service with a rule of an Ingress; "
               ".*the location of line 11 answers 503")
    get(s, "/nothing", 404)
    get(s, "/net", 404)
    s.wait_access(lambda e: "/net" in e)
    assert not any("/nothing" in e for e in s.access_lines())


# ---- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize("text,why", [
    ("proxy_pass http://10.0.0.1;", "line 1: proxy_pass is not supported"),
    ("\n\nroot /etc;", "line 3: root is not supported: Silex serves no files"),
    ("deny 10.0.0.0/8; auth_basic 'x';", "use the annotation auth-type"),
    ("frobnicate on;", "is none of the directives that Silex reads"),
    ("if (-f /etc/passwd) { return 403; }", "if cannot look for files"),
    ("more_set_headers \"X: $geoip2_city_name_of_mine\";", "there is no such variable"),
    ("return 200 'x", "a quote is not closed"),
    ("if ($host) { location /x { deny all; } }", "location cannot stand here"),
])
def test_what_is_refused_closes_its_paths(serve, text, why):
    s = serve(text)
    get(s, status=503)
    s.wait_log(why.replace("(", "."))
    s.put("deny 10.0.0.0/8;")
    s.wait_status(200)


def test_a_refused_server_snippet_closes_the_host(serve):
    s = serve("", "if ($host = x) { return 403; }\nssl_verify_client on;", paths=("/app",))
    get(s, "/app", 503)
    get(s, "/other", 503)
    get(s, "/", 404, host="another.test")
    s.wait_log("line 2: ssl_verify_client is not supported: use the annotation")
    s.put("")
    s.wait_status(200, "/app")


def test_more_than_fits_is_told(serve):
    """What a route carries must fit into one piece of memory: together, not one by one."""
    long = "return 200 '" + "x" * 2500 + "';"
    s = serve(long)
    assert len(get(s).body) == 2500
    s.put(long, denylist_source_range=",".join(f"10.0.{n}.0/24" for n in range(80)))
    s.wait_status(503)
    s.wait_log("PolicyTooLarge.*shorten its lists, header fields or snippet")
    s.put("return 200 '" + "x" * 2900 + "';")
    s.wait_log("what it means must fit into 2800 bytes")


def test_tuning_is_told_and_served(serve):
    s = serve("proxy_buffering off; proxy_buffers 8 16k; gzip on; proxy_cache off;\n"
              "proxy_read_timeout 1h; client_max_body_size 8k;", "gzip_types text/css a/b;")
    get(s)
    get(s, method="POST", body=b"x" * 9000, status=413)
    s.wait_log("line 1: proxy_buffering has no effect: answers are passed on as they come")
    s.put("client_max_body_size 8k;", proxy_body_size="1m")
    s.wait_status(503)
    s.wait_log("is given twice")


def test_the_document_names_what_is_done():
    root = pathlib.Path(__file__).parents[2]
    table = (root / "master/translate/snippet/directive_tbl.h").read_text()
    document = (root / "SNIPPETS.md").read_text()
    names = re.findall(r'^DIRECTIVE(?:_AS)?\("(\w+)"', table, re.M)
    assert len(names) > 20
    assert [n for n in names if f"`{n}" not in document] == []


# ---- HTTP/2 ---------------------------------------------------------------------------------


def test_http2(serve):
    s = serve("more_set_headers 'X-A: $server_protocol'; if ($arg_no) { return 403 no; }\n"
              "if ($arg_drop) { return 444; }\nrewrite ^/old$ /new last;",
              "location = /there { return 302 https://x.test/; }")
    with H2(s.http_port) as c:
        a = c.get("/old")
        assert a.status == 200 and b"GET /new HTTP/1.1" in a.body
        assert a.fields["x-a"] == "HTTP/2.0"
        a = c.get("/?no=1")
        assert a.status == 403 and a.body == b"no"
        assert c.get("/there").status == 302
        dropped = c.get("/?drop=1")
        assert dropped.reset is not None and not dropped.heads
        assert c.get("/").status == 200
