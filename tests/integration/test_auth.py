"""External authentication: auth-url and what belongs to it, global-auth-*, satisfy. The auth
service is a scripted one: what it answers, and what it was asked, are the test's."""

import json
import re
import socket
import ssl
import threading

import pytest

from certs import Pair
from frames import H2
from harness import backends, configmap, ingress, path, wait_until
from nameserver import NameServer
from origins import Scripted

HOST = "silex.test"
URL = "http://auth.default.svc.cluster.local"
SETTINGS = "default/settings"


class Auth:
    """Answers as its URL says: /200, /401, ...; .fields are added; .heads is what it was asked."""

    def __init__(self, **how):
        self.heads, self.fields, self.body = [], "", b""
        self.held, self.go = [], threading.Event()
        self.scripted = Scripted(self.script, **how)
        self.port = self.scripted.port

    def script(self, peer):
        while (head := peer.read_head()) is not None:
            self.heads.append(head.decode("latin-1"))
            target = head.split(b" ")[1]
            if target.startswith(b"/hold"):
                self.held.append(peer)
                assert self.go.wait(60)
                status = 200
            elif target.startswith(b"/garbage"):
                return peer.send("HTTP/1.1 two hundred\r\n\r\n")
            elif target.startswith(b"/close"):
                return None
            else:
                status = int(re.match(rb"/(?:oauth2/)?(\d+)", target)[1])
            peer.answer(status, self.body, self.fields)

    def asked(self, n=1):
        wait_until(lambda: len(self.heads) >= n, what=f"{n} questions")
        assert len(self.heads) == n, self.heads
        return self.heads[-1]

    def field(self, name, n=-1):
        """The values of a field of a question."""
        return re.findall(rf"^{re.escape(name)}: ?(.*?)\r$", self.heads[n], re.M | re.I)


@pytest.fixture
def auth():
    a = Auth()
    yield a
    a.go.set()
    a.scripted.stop()


@pytest.fixture
def protect(make_silex, make_scripted, auth):
    """protect({annotation: value}, ...) -> Silex; .asked are the heads the application got."""
    def build(annotations, *flags, settings=None, host=HOST, also=(), start=True, **how):
        heads = []

        def app(peer):
            while (got := peer.read_request()) is not None:
                heads.append((got[0].decode("latin-1"), got[1]))
                peer.answer(200, b"secret", "Set-Cookie: app=1\r\n")
        if settings is not None:
            flags = [*flags, f"--configmap={SETTINGS}"]
        s = make_silex(flags=list(flags), **how)
        s.app = heads
        if settings is not None:
            s.manifests.put("settings", configmap("settings", settings))
        s.manifests.put("auth", backends("auth", auth.port))
        s.manifests.put("also", *also) if also else None
        s.manifests.put("app", backends("app", make_scripted(app).port), ingress(
            "app", {host: "app"}, annotations=annotations))
        return s.start() if start else s
    return build


def app_field(silex, name, n=-1):
    return re.findall(rf"^{re.escape(name)}: ?(.*?)\r$", silex.app[n][0], re.M | re.I)


def reason(silex, label):
    return silex.metrics()[f'silex_requests_ended_total{{reason="{label}"}}']


def get(silex, target="/", status=200, **how):
    a = silex.get(target, **how)
    assert a.status == status, (a, silex.log())
    return a


# ---- the verdict ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [200, 202, 204, 206])
def test_2xx_lets_in(protect, auth, code):
    s = protect({"auth-url": f"{URL}/{code}"})
    assert get(s).body == b"secret"
    auth.asked(1)


@pytest.mark.parametrize("code", [401, 403])
def test_401_and_403_are_told(protect, auth, code):
    auth.fields = 'WWW-Authenticate: Bearer realm="x"\r\nX-Other: 1\r\n'
    auth.body = b"the auth service's own page"
    s = protect({"auth-url": f"{URL}/{code}"})
    a = get(s, status=code)
    assert a.all("www-authenticate") == (['Bearer realm="x"'] if code == 401 else [])
    assert a.get("x-other") is None and b"own page" not in a.body and s.app == []
    assert reason(s, "auth_refused") == 1


@pytest.mark.parametrize("target", ["300", "302", "304", "400", "404", "429", "500", "503", "garbage",
                                    "close"])
def test_anything_else_is_500(protect, auth, target):
    s = protect({"auth-url": f"{URL}/{target}", "auth-signin": "https://login.test/start"})
    assert b"secret" not in get(s, status=500).body and s.app == []
    label = "auth_bad_answer" if target.isdigit() else "auth_unreachable"
    assert reason(s, label) == 1
    assert s.metrics()["silex_auth_failures_total"] == 1


def test_nobody_there_is_500(protect):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        s = protect({"auth-url": "http://gone.default.svc/200"},
                    also=backends("gone", nobody.getsockname()[1]))
        get(s, status=500)
    assert reason(s, "auth_unreachable") == 1 and s.app == []


def test_no_endpoint_and_no_service_are_500_and_told(protect, make_silex):
    s = protect({"auth-url": "http://empty.default.svc/200"}, also=[backends("empty")])
    get(s, status=500)
    assert "auth service empty.default.svc.cluster.local:80 has no ready endpoint" in s.log()
    s = protect({"auth-url": "http://none.default.svc/200"})
    get(s, status=500)
    s.wait_log("auth service none.default.svc.cluster.local:80 is no Service that is known")


def test_an_answer_that_does_not_come_is_500(protect, auth):
    s = protect({"auth-url": f"{URL}/hold", "proxy-read-timeout": "1"})
    get(s, status=500)
    assert reason(s, "auth_unreachable") == 1 and s.app == []


def test_another_endpoint_is_tried(protect, auth):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        s = protect({"auth-url": "http://two.default.svc/200"},
                    also=backends("two", nobody.getsockname()[1], auth.port))
        for _ in range(4):
            get(s)
    assert len(auth.heads) == 4


def test_a_content_is_let_go_and_the_connection_kept(protect, auth):
    auth.body = b"x" * 2000
    s = protect({"auth-url": f"{URL}/200"})
    with s.client() as c:
        for _ in range(5):
            assert c.get("/").body == b"secret"
    assert len(auth.heads) == 5 and len(auth.scripted.peers) == 1


def test_an_endless_content_ends_the_connection_not_the_request(protect, auth):
    auth.body = b"x" * 3_000_000
    s = protect({"auth-url": f"{URL}/200"})
    for _ in range(3):
        assert get(s).body == b"secret"
    wait_until(lambda: s.metrics()["silex_requests_active"] <= 1, what="no question left over")


# ---- the question ---------------------------------------------------------------------------


def test_what_is_asked(protect, auth):
    s = protect({"auth-url": f"{URL}/200?a=b"})
    get(s, "/a%20b/../c?q=1", method="POST", body=b"content",
        fields=[("Cookie", "session=1"), ("Authorization", "Bearer t"), ("X-Mine", "m")])
    head = auth.asked()
    assert head.startswith("GET /200?a=b HTTP/1.1\r\n")
    want = {"Host": ["auth.default.svc.cluster.local"],
            "X-Original-URL": [f"http://{HOST}/a%20b/../c?q=1"], "X-Original-Method": ["POST"],
            "X-Sent-From": ["nginx-ingress-controller"], "X-Real-IP": ["127.0.0.1"],
            "X-Forwarded-For": ["127.0.0.1"],
            "X-Auth-Request-Redirect": ["/a%20b/../c?q=1"], "Cookie": ["session=1"],
            "Authorization": ["Bearer t"], "X-Mine": ["m"], "Content-Length": [],
            "Transfer-Encoding": [], "X-Forwarded-Proto": [], "X-Scheme": [],
            "X-Original-URI": []}
    assert {name: auth.field(name) for name in want} == want
    assert auth.field("X-Request-ID") == app_field(s, "X-Request-ID") != []
    assert s.app[0][1] == b"content"


def test_what_a_client_says_of_itself_is_not_asked(protect, auth):
    s = protect({"auth-url": f"{URL}/200"})
    lies = ["X-Original-URL", "X-Original-Method", "X-Original-URI", "X-Sent-From", "X-Real-IP",
            "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri",
            "X-Forwarded-Method", "X-Forwarded-User", "X-Auth-Request-Redirect", "X-Scheme",
            "ssl-client-verify", "ssl-client-subject-dn", "ssl-client-cert"]
    get(s, fields=[(name, "lie") for name in lies])
    assert "lie" not in auth.asked()


def test_method_and_what_goes_with_it(protect, auth):
    s = protect({"auth-url": f"{URL}/200", "auth-method": "POST"})
    get(s, "/x")
    assert auth.asked().startswith("POST /200 HTTP/1.1\r\n")
    assert auth.field("X-Original-URI") == ["/x"] and auth.field("X-Scheme") == ["http"]
    assert auth.field("Transfer-Encoding") == []


@pytest.mark.parametrize("name,value", [("auth-method", "get"), ("auth-method", "FETCH"),
                                        ("auth-url", "ftp://x/"), ("auth-url", "http://a b/"),
                                        ("auth-url", "http://$arg_x/"), ("auth-url", "http://x:y/"),
                                        ("auth-response-headers", "Host"),
                                        ("auth-response-headers", "a b"),
                                        ("auth-proxy-set-headers", "nowhere"),
                                        ("auth-proxy-set-headers", "other/headers"),
                                        ("auth-signin", "http://x/$"),
                                        ("auth-type", "basic"), ("auth-type", "digest")])
def test_what_cannot_be_honoured_closes_the_path(protect, name, value):
    s = protect({"auth-url": f"{URL}/200", name: value})
    assert b"secret" not in get(s, status=503).body and s.app == []
    s.wait_log(rf"{name}.*its paths answer 503")


def test_variables_in_the_url(protect, auth):
    s = protect({"auth-url": f"{URL}/200?u=$request_uri&m=$request_method&h=$http_x_mine&p=$uri"})
    get(s, "/a/b%20c", fields=[("X-Mine", "one\ttwo")])
    assert auth.asked().startswith(
        "GET /200?u=/a/b%20c&m=GET&h=one%20two&p=/a/b%20c HTTP/1.1\r\n")


def test_request_redirect(protect, auth):
    s = protect({"auth-url": f"{URL}/200", "auth-request-redirect": "https://$host/back"})
    get(s, "/x")
    assert auth.field("X-Auth-Request-Redirect") == [f"https://{HOST}/back"]


def test_set_headers_of_a_configmap(protect, auth):
    s = protect({"auth-url": f"{URL}/200", "auth-proxy-set-headers": "default/more"},
                also=[configmap("more", {"X-Mine": "is-$request_method", "Authorization": ""})])
    get(s, fields=[("X-Mine", "client"), ("Authorization", "secret")])
    assert auth.field("X-Mine") == ["is-GET"] and auth.field("Authorization") == []
    assert app_field(s, "X-Mine") == ["client"]
    s.manifests.put("also", configmap("more", {"X-Other": "new"}))
    wait_until(lambda: get(s) and auth.field("X-Other") == ["new"], what="the new fields")


# ---- what the answer adds -------------------------------------------------------------------


def test_response_headers_go_to_the_application(protect, auth):
    auth.fields = "X-User: jane\r\nX-Group: a\r\nx-group: b\r\nX-Not: named\r\n"
    s = protect({"auth-url": f"{URL}/200", "auth-response-headers": "X-User, X-Group,X-Absent"})
    a = get(s, fields=[("x-user", "root"), ("X-User", "admin"), ("X-Absent", "forged")])
    assert app_field(s, "X-User") == ["jane"] and app_field(s, "X-Group") == ["a, b"]
    assert app_field(s, "X-Absent") == [] and app_field(s, "X-Not") == []
    assert a.get("x-user") is None


def test_very_many_fields_of_both(protect, auth):
    """The heads share their fields: what the auth service adds takes none from the access log."""
    names = [f"X-Auth-{i}" for i in range(40)]
    auth.fields = "".join(f"{n}: {n}\r\n" for n in names)
    s = protect({"auth-url": f"{URL}/200", "auth-response-headers": ",".join(names)},
                conf="max-header-fields = 400\nlog-format-upstream = $status $http_x_last\n")
    s.get(fields=[(f"X-F{i}", "v") for i in range(150)] + [("X-Last", "seen")])
    assert app_field(s, "X-Auth-39") == ["X-Auth-39"] and app_field(s, "X-F149") == ["v"]
    s.wait_access(lambda line: line == "200 seen")


def test_cookies_go_to_the_client(protect, auth):
    auth.fields = "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"
    s = protect({"auth-url": f"{URL}/200"})
    assert sorted(get(s).all("set-cookie")) == ["a=1; Path=/", "app=1", "b=2"]


@pytest.mark.parametrize("always", ["false", "true"])
def test_cookies_of_a_refusal(protect, auth, always):
    auth.fields = "Set-Cookie: a=1\r\n"
    s = protect({"auth-url": f"{URL}/401", "auth-always-set-cookie": always})
    assert get(s, status=401).all("set-cookie") == (["a=1"] if always == "true" else [])


# ---- signing in -----------------------------------------------------------------------------


@pytest.mark.parametrize("signin,param,location", [
    ("https://login.test/start", None,
     "https://login.test/start?rd=http://silex.test%2Fa%3Fb%3Dc"),
    ("https://login.test/start?x=1", None,
     "https://login.test/start?x=1&rd=http://silex.test%2Fa%3Fb%3Dc"),
    ("https://$host/oauth2/start?rd=$escaped_request_uri", None,
     "https://silex.test/oauth2/start?rd=%2Fa%3Fb%3Dc"),
    ("https://login.test/start?rd=mine", "goto",
     "https://login.test/start?rd=mine&goto=http://silex.test%2Fa%3Fb%3Dc"),
])
def test_signin(protect, auth, signin, param, location):
    auth.fields = "Set-Cookie: csrf=1\r\nWWW-Authenticate: X\r\n"
    more = {"auth-signin-redirect-param": param} if param else {}
    s = protect({"auth-url": f"{URL}/401", "auth-signin": signin, **more})
    a = get(s, "/a?b=c", status=302)
    assert a.get("location") == location and a.all("set-cookie") == ["csrf=1"]
    assert a.get("www-authenticate") is None and s.app == []


def test_signin_is_for_401_only(protect):
    s = protect({"auth-url": f"{URL}/403", "auth-signin": "https://login.test/"})
    get(s, status=403)


# ---- clients --------------------------------------------------------------------------------


def test_nothing_of_the_content_is_wanted_before(protect, auth):
    s = protect({"auth-url": f"{URL}/hold"})
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 7\r\n"
               "Expect: 100-continue\r\n\r\n")
        wait_until(lambda: auth.held, what="the question")
        assert c.is_quiet()
        auth.go.set()
        assert c.line() == b"HTTP/1.1 100 Continue" and c.line() == b""
        c.send("content")
        assert c.read("POST").status == 200
    assert s.app[0][1] == b"content"


def test_a_refused_content_does_not_become_a_request(protect, auth):
    s = protect({"auth-url": f"{URL}/401"})
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 60\r\n\r\n"
               f"GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n")
        assert c.read("POST").status == 401
        assert c.at_eof()
    assert len(auth.heads) == 1


def test_a_client_that_leaves_takes_the_question_back(protect, auth):
    s = protect({"auth-url": f"{URL}/hold"})
    with s.client() as c:
        c.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
        wait_until(lambda: auth.held, what="the question")
    assert auth.held[0].sock.recv(1) == b""
    wait_until(lambda: reason(s, "client_gone") == 1, what="the end of the request")
    auth.go.set()
    assert s.app == []


def test_every_method_and_upgrades_are_asked_about(protect, auth):
    s = protect({"auth-url": f"{URL}/403"})
    for method in ("OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "PROPFIND"):
        get(s, status=403, method=method)
    get(s, status=403, fields=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
    assert len(auth.heads) == 7 and s.app == []
    assert auth.field("Upgrade") == [] and auth.field("Connection") == []


def test_a_preflight_is_answered_before(protect, auth):
    s = protect({"auth-url": f"{URL}/403", "enable-cors": "true"})
    get(s, status=204, method="OPTIONS", fields=[("Origin", "https://x.test")])
    assert auth.heads == []


def test_http2_clients(protect, auth):
    auth.fields = "X-User: jane\r\nSet-Cookie: a=1\r\n"
    s = protect({"auth-url": f"{URL}/200", "auth-response-headers": "X-User"})
    with H2(s.http_port) as c:
        for _ in range(3):
            a = c.get("/x", authority=HOST)
            assert a.status == 200 and a.body == b"secret"
    assert app_field(s, "X-User") == ["jane"]


def test_a_pipeline_keeps_its_order(protect, auth):
    s = protect({"auth-url": f"{URL}/200?$uri"})
    with s.client() as c:
        c.send("".join(f"GET /{n} HTTP/1.1\r\nHost: {HOST}\r\n\r\n" for n in range(8)))
        assert [c.read().status for _ in range(8)] == [200] * 8
    assert [re.search(r"\?/(\d)", h)[1] for h in auth.heads] == list("01234567")


def test_many_at_once(protect, auth):
    s = protect({"auth-url": f"{URL}/200"}, workers=2)
    clients = [s.client() for _ in range(40)]
    for c in clients:
        c.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n" * 3)
    for c in clients:
        assert [c.read().body for _ in range(3)] == [b"secret"] * 3
        c.close()
    assert len(auth.heads) == len(s.app) == 120
    assert s.metrics()["silex_auth_questions_total"] == 120


# ---- where it is ----------------------------------------------------------------------------


def test_by_host_whoever_serves_it_here_is_asked(protect, auth):
    """The recipe of oauth2-proxy: https://$host/oauth2/auth, which Silex serves itself."""
    auth.fields = "X-User: jane\r\n"
    s = protect({"auth-url": "https://$host/oauth2/200", "auth-response-headers": "X-User",
                 "auth-signin": "https://$host/oauth2/start"},
                also=[ingress("oauth2", {HOST: [path("/oauth2", "auth")]})])
    assert get(s, "/x?y").body == b"secret" and app_field(s, "X-User") == ["jane"]
    head = auth.asked()
    assert head.startswith("GET /oauth2/200 HTTP/1.1\r\n")
    want = {"Host": [HOST], "X-Original-URL": [f"http://{HOST}/x?y"],
            "X-Original-Method": ["GET"], "X-Auth-Request-Redirect": ["/x?y"],
            "X-Forwarded-Proto": ["https"], "X-Real-IP": ["127.0.0.1"],
            "X-Sent-From": ["nginx-ingress-controller"]}
    assert {name: auth.field(name) for name in want} == want
    assert len(auth.field("X-Request-ID")) == 1


def test_by_host_without_a_route_is_500(protect, auth):
    s = protect({"auth-url": "http://auth.$host/200"})
    get(s, status=500)
    assert reason(s, "auth_unreachable") == 1 and s.app == []


def test_by_host_a_route_that_answers_itself_lets_nobody_in(protect, auth):
    s = protect({"auth-url": "http://$host/oauth2/200"}, also=[ingress(
        "oauth2", {HOST: [path("/oauth2", "auth")]},
        annotations={"temporal-redirect": "https://elsewhere.test"})])
    get(s, status=500)


def test_by_host_a_loop_is_seen(protect, auth):
    s = protect({"auth-url": "http://$host/200"})
    get(s, status=500)
    assert reason(s, "auth_loop") == 1 and auth.heads == [] and s.app == []


def test_over_tls_with_the_name_and_unverified(protect, tmp_path):
    pair, names, context = Pair(tmp_path / "pair", "other.test"), [], None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.crt, pair.key)
    context.sni_callback = lambda sock, name, ctx: names.append(name)

    def script(peer):
        peer.sock = context.wrap_socket(peer.sock, server_side=True)
        while peer.read_head() is not None:
            peer.answer(200)
    server = Scripted(script)
    try:
        s = protect({"auth-url": "https://secure.default.svc:8443/200"},
                    also=backends("secure", server.port, port=8443))
        assert get(s).body == b"secret" and get(s).body == b"secret"
        assert set(names) == {"secure.default.svc"}
    finally:
        server.stop()


def test_a_name_of_dns(protect, auth):
    dns = NameServer()
    dns.names["login.test"] = ["127.0.0.1"]
    try:
        s = protect({"auth-url": f"http://login.test:{auth.port}/200"}, "--dns-servers",
                    dns.address)
        s.wait_status(200)
        assert auth.field("Host") == ["login.test"]
        dns.names["login.test"] = ["127.0.0.2"]
        s.wait_status(500)
        dns.names["login.test"] = ["127.0.0.1"]
        s.wait_status(200)
    finally:
        dns.stop()


def test_an_address(protect, auth):
    s = protect({"auth-url": f"http://127.0.0.1:{auth.port}/200"})
    assert get(s).body == b"secret"


def test_endpoints_that_change_are_live(protect, auth):
    s = protect({"auth-url": f"{URL}/200"})
    get(s)
    s.manifests.put("auth", backends("auth"))
    s.wait_status(500)
    s.manifests.put("auth", backends("auth", auth.port))
    s.wait_status(200)


def test_annotations_that_change_are_live(protect, auth, make_origin):
    s = protect({"auth-url": f"{URL}/403"})
    get(s, status=403)
    port = make_origin().port
    s.manifests.put("app", backends("app", port), ingress("app", {HOST: "app"}))
    s.wait_status(200)
    s.manifests.put("app", backends("app", port), ingress(
        "app", {HOST: "app"}, annotations={"auth-url": f"{URL}/401"}))
    s.wait_status(401)


# ---- for all --------------------------------------------------------------------------------

GLOBAL = {"global-auth-url": f"{URL}/401", "global-auth-signin": "https://login.test/in",
          "global-auth-signin-redirect-param": "to", "global-auth-method": "POST"}


def test_global(protect, auth, make_origin):
    free = backends("free", make_origin().port)
    s = protect({}, settings=GLOBAL, also=[*free, ingress(
        "free", {"free.test": "free"}, annotations={"enable-global-auth": "false"}), ingress(
        "own", {"own.test": "free"}, annotations={"auth-url": f"{URL}/403"}), ingress(
        "acme", {HOST: [path("/.well-known/acme-challenge/x", "free")]})])
    assert get(s, status=302).get("location") == "https://login.test/in?to=http://silex.test%2F"
    assert auth.asked().startswith("POST /401 ")
    get(s, host="free.test")
    get(s, status=403, host="own.test")
    get(s, "/.well-known/acme-challenge/x")
    assert len(auth.heads) == 2
    s.manifests.put("settings", configmap("settings", {}))
    s.wait_status(200)


def test_no_auth_locations_is_a_setting(protect, auth, make_origin):
    s = protect({"auth-url": f"{URL}/403"}, settings={"no-auth-locations": "/open,/also"},
                also=[*backends("free", make_origin().port), ingress(
                    "free", {HOST: [path("/open/x", "free"), path("/closed", "free")]},
                    annotations={"auth-url": f"{URL}/403"})])
    get(s, "/open/x")
    get(s, "/closed", status=403)
    get(s, "/open/x/../../closed", status=403)
    get(s, "/open", status=403)


# ---- satisfy --------------------------------------------------------------------------------


@pytest.mark.parametrize("nets,code,status", [
    ("127.0.0.0/8", 403, 200), ("192.0.2.0/24", 200, 200), ("192.0.2.0/24", 403, 403),
    ("192.0.2.0/24", 500, 500)])
def test_satisfy_any(protect, auth, nets, code, status):
    s = protect({"auth-url": f"{URL}/{code}", "satisfy": "any", "allowlist-source-range": nets})
    get(s, status=status)
    assert len(auth.heads) == (0 if nets.startswith("127") else 1)


@pytest.mark.parametrize("nets,code,status", [
    ("127.0.0.0/8", 401, 401), ("192.0.2.0/24", 200, 403), ("127.0.0.0/8", 200, 200)])
def test_satisfy_all(protect, nets, code, status):
    s = protect({"auth-url": f"{URL}/{code}", "satisfy": "all", "allowlist-source-range": nets})
    get(s, status=status)


def test_satisfy_any_without_authentication_is_the_list(protect):
    s = protect({"satisfy": "any", "allowlist-source-range": "192.0.2.0/24"})
    get(s, status=403)


def test_denied_or_asked(protect):
    s = protect({"auth-url": f"{URL}/200", "satisfy": "any", "denylist-source-range": "127.0.0.0/8"})
    get(s)
    s = protect({"auth-url": f"{URL}/200", "denylist-source-range": "127.0.0.0/8"})
    get(s, status=403)


# ---- the log --------------------------------------------------------------------------------


def test_one_line_a_request(protect, auth):
    s = protect({"auth-url": f"{URL}/401"}, "--access-log-format=json")
    get(s, "/x", status=401)
    line = json.loads(s.wait_access(lambda lines: lines and lines[-1], "a line"))
    assert line["status"] == 401 and line["reason"] == "auth_refused", line
    assert s.metrics()["silex_requests_total"] == 1
