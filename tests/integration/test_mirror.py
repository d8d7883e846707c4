"""mirror-target, mirror-request-body, mirror-host: a copy of each request goes to somebody else.
What becomes of it when that one is no good: test_mirror_faults.py."""

import re
import socket
import ssl
import threading

import pytest

from certs import Pair
from fcgi_app import App
from frames import (DATA, END_HEADERS, END_STREAM, H2, HEADERS, PING, Peer, block, frame)
from harness import PATIENCE, configmap, backends, ingress, path, service, wait_until
from mirror_world import (BIG, HOST, NAME, URL, ended, get, mirrored, target,  # noqa: F401
                          values)
from nameserver import NameServer
from passwords import basic, users


# ---- what is sent ---------------------------------------------------------------------------


def test_a_copy_of_what_the_endpoint_gets(mirrored, target):
    s = mirrored()
    a = get(s, "/a?b=c", fields=[("X-Own", "1"), ("X-Real-IP", "192.0.2.9"), ("Cookie", "x=1")])
    assert a.body == b"app"
    head, content = target.got()
    assert head.startswith("GET /a?b=c HTTP/1.1\r\n") and content == b""
    assert values(head, "Host") == [NAME] and values(head, "X-Forwarded-Host") == [HOST]
    assert values(head, "Connection") == [] and values(head, "Content-Length") == []
    for name in ("X-Own", "Cookie", "X-Real-IP", "X-Forwarded-For", "X-Request-ID"):
        assert values(head, name) == values(s.app[0][0], name) != []
    assert values(head, "X-Real-IP") == ["127.0.0.1"]
    ended(s, answered=1)
    s.wait_access(lambda line: "/a?b=c" in line)
    assert s.metrics()["silex_requests_total"] == 1 and len(s.access_lines()) == 1


@pytest.mark.parametrize("url, line", [
    (f"http://{NAME}$request_uri", "/a%20b/../c?x=1"),
    (f"http://{NAME}:80${{request_uri}}", "/a%20b/../c?x=1"),
    (f"http://{NAME}", "/a%20b/../c?x=1"),
    (f"http://{NAME}/", "/?x=1"),
    (f"http://{NAME}/mirror", "/mirror?x=1"),
    (f"http://{NAME}/mirror?y=2", "/mirror?y=2"),
    (f"http://{NAME}?y=2", "/?y=2"),
    (f"http://{NAME}/v2$request_uri", "/v2/a%20b/../c?x=1"),
    (f"http://{NAME}/$request_uri", "//a%20b/../c?x=1"),
    (f"http://{NAME}$uri", "/c"),
    (f"http://{NAME}/$host/$arg_x?$args", f"/{HOST}/1?x=1"),
])
def test_targets(mirrored, target, url, line):
    s = mirrored({"mirror-target": url})
    get(s, "/a%20b/../c?x=1")
    assert target.line() == f"GET {line} HTTP/1.1"


@pytest.mark.parametrize("host, sent", [("other.test", "other.test"), ("o.test:81", "o.test:81"),
                                        ("$host", HOST), ("x-$http_x", "x-y")])
def test_hosts(mirrored, target, host, sent):
    s = mirrored({"mirror-host": host})
    get(s, fields=[("X", "y")])
    assert values(target.got()[0], "Host") == [sent]


def test_the_port_is_no_part_of_the_host(mirrored, target):
    s = mirrored({"mirror-target": f"http://127.0.0.1:{target.port}$request_uri"})
    get(s)
    assert values(target.got()[0], "Host") == ["127.0.0.1"]


def test_a_host_that_a_variable_does_not_make_is_counted(mirrored, target):
    s = mirrored({"mirror-host": "$http_x"})
    get(s, fields=[("X", "a b")])
    get(s)
    get(s, fields=[("X", "a.test")])
    assert values(target.got()[0], "Host") == ["a.test"]
    assert s.metrics()["silex_mirror_unmade_total"] == 2


def test_a_very_long_request(mirrored, target):
    s = mirrored()
    long = "/" + "x" * 7000
    get(s, long, fields=[(f"X-{n}", "y" * 500) for n in range(20)])
    head, _ = target.got()
    assert head.startswith(f"GET {long} ") and values(head, "X-19") == ["y" * 500]


def test_methods(mirrored, target):
    s = mirrored()
    for n, method in enumerate(("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"), 1):
        get(s, method=method)
        assert target.line(n) == f"{method} / HTTP/1.1"
    ended(s, answered=6)


@pytest.mark.parametrize("how, sent", [("on", b"content"), ("off", b""), ("of", b"content")])
def test_content(mirrored, target, how, sent):
    s = mirrored({"mirror-request-body": how})
    get(s, method="POST", body="content", fields=[("Content-Type", "text/x")])
    head, content = target.got()
    assert content == sent and values(head, "Content-Length") == (["7"] if sent else [])
    assert values(head, "Content-Type") == ["text/x"] and s.app[0][1] == b"content"
    ended(s, answered=1)


def test_chunks_and_trailers(mirrored, target):
    s = mirrored()
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert c.read("POST").status == 200
    head, content = target.got()
    assert values(head, "Transfer-Encoding") == ["chunked"]
    assert b"".join(re.findall(rb"\r?\n?\d\r\n([a-e]+)", content)) == b"abcde"


def test_100_continue_is_our_business(mirrored, target):
    s = mirrored()
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 7\r\n"
               "Expect: 100-continue\r\n\r\n")
        assert c.line() == b"HTTP/1.1 100 Continue" and c.line() == b""
        c.send("content")
        assert c.read("POST").status == 200
    head, content = target.got()
    assert content == b"content" and values(head, "Expect") == []


def test_an_upgrade_is_copied_without(mirrored, target):
    def app(peer):
        peer.read_head()
        peer.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello")
        peer.send(peer.read_exactly(5))
    s = mirrored(app=app)
    with s.client() as c:
        c.request(fields=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
        assert c.read_head().status == 101 and c.take(5) == b"hello"
        head, content = target.got()
        assert values(head, "Upgrade") == [] and content == b""
        ended_at = s.metrics()["silex_mirror_answered_total"]
        c.send("again")
        assert c.take(5) == b"again" and ended_at <= 1
    assert target.got()[1] == b""


def test_connections_to_the_target_are_kept(mirrored, target):
    s = mirrored()
    with s.client() as c:
        for n in range(10):
            assert c.get(method="POST", body=b"x" * n).status == 200
            target.got(n + 1)
            wait_until(lambda: s.metrics()["silex_mirror_active"] == 0, what="the answer")
    assert len(target.scripted.peers) == 1


# ---- when -----------------------------------------------------------------------------------


def test_what_is_refused_is_not_copied(mirrored, target):
    s = mirrored({"denylist-source-range": "127.0.0.1"})
    get(s, status=403)
    assert s.metrics()["silex_mirror_copies_total"] == 0


def test_nor_what_an_auth_service_does_not_let_in(mirrored):
    s = mirrored({"auth-url": "http://nobody.default.svc/x",
                  "mirror-target": "http://nobody.default.svc/copy"})
    get(s, status=500)
    assert s.metrics()["silex_mirror_copies_total"] == 0
    s.wait_log(r"auth service nobody\.default\.svc.* are answered 500")


def test_nor_what_is_over_a_limit(mirrored):
    s = mirrored({"limit-rpm": "1", "limit-burst-multiplier": "1"})
    statuses = [s.get().status for _ in range(10)]
    assert 503 in statuses
    ended(s, answered=statuses.count(200))


def test_nor_what_is_answered_here(mirrored):
    s = mirrored({"enable-cors": "true", "app-root": "/app", "force-ssl-redirect": "false"})
    get(s, "/", status=302)
    get(s, "/x", status=204, method="OPTIONS", fields=[("Origin", "https://x.test")])
    assert s.metrics()["silex_mirror_copies_total"] == 0


def test_after_the_password_and_without_it(mirrored, target):
    s = mirrored({"auth-type": "basic", "auth-secret": "users"},
                 also=[users()])
    get(s, status=401)
    s.wait_status(200, fields=basic())
    wait_until(lambda: target.copies, what="a copy")
    assert values(target.copies[0][0], "Authorization") == []
    assert values(s.app[0][0], "Authorization") == []


def test_a_rewrite_is_for_the_endpoint(mirrored, target):
    s = mirrored({"rewrite-target": "/inside"})
    get(s, "/outside?x")
    assert target.line() == "GET /outside?x HTTP/1.1"
    assert s.app[0][0].startswith("GET /inside?x ")


def test_one_copy_however_many_endpoints_are_tried(mirrored, target, make_scripted):
    def bad(peer):
        peer.read_head()
    s = mirrored()
    tries = [make_scripted(bad).port, make_scripted(bad).port]
    s.manifests.put("more", *backends("app", *tries)[1:])
    wait_until(lambda: get(s).status == 200 and s.metrics()["silex_upstream_retries_total"] > 2,
               what="retries")
    total = s.metrics()["silex_requests_total"]
    wait_until(lambda: len(target.copies) >= total, what="the copies")
    assert len(target.copies) == total


def test_an_error_that_another_answers_is_copied_once(mirrored, target):
    def app(peer):
        while peer.read_request() is not None:
            peer.answer(503)
    s = mirrored({"custom-http-errors": "503", "default-backend": "mirror"}, app=app)
    with s.client() as c:
        assert c.get(method="POST", body="content").body == b"nobody reads this"
    copies = [c for c in (target.got(2), *target.copies) if not values(c[0], "X-Code")]
    assert copies and copies[0][1] == b"content" and s.metrics()["silex_mirror_copies_total"] == 1


def server_tls(tmp_path):
    pair = Pair(tmp_path / "pair", "other.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.crt, pair.key)
    return context


def test_what_came_before_another_answers_is_copied(mirrored, target, make_scripted, tmp_path):
    """HTTP/2 content does not wait for the endpoint, which here never shakes hands."""
    go, context = threading.Event(), server_tls(tmp_path)

    def other(peer):
        peer.sock = context.wrap_socket(peer.sock, server_side=True)
        peer.read_request()
        peer.answer(200, b"errors")

    def app(peer):
        peer.sock.recv(1)
        assert go.wait(PATIENCE)
    s = mirrored({"custom-http-errors": "502", "default-backend": "errors",
                  "backend-protocol": "HTTPS", "proxy-next-upstream": "off"}, app=app,
                 also=backends("errors", make_scripted(other).port))
    with H2(s.http_port) as c:
        n = c.open(path="/", method="POST", authority=HOST, end=False)
        wait_until(lambda: s.metrics()["silex_mirror_active"] == 1, what="the copy")
        c.data(n, b"content", end=True)
        c.send(frame(PING, payload=b"12345678"))
        c.until(lambda: c.pings == 1)
        go.set()
        assert c.wait(n).body == b"errors"
    assert b"content" in target.got()[1]
    ended(s, answered=1)


def test_a_service_without_endpoints_is_no_matter(mirrored, target):
    s = mirrored()
    s.manifests.put("app", service("app"))
    s.wait_status(503)
    assert len(target.copies) > 0


def test_changes_are_live(mirrored, target):
    s = mirrored()
    get(s)
    target.got(1)
    s.manifests.put("ingress", ingress("app", {HOST: "app"}))

    def copied():
        before = s.metrics()["silex_mirror_copies_total"]
        get(s)
        return s.metrics()["silex_mirror_copies_total"] - before
    wait_until(lambda: copied() == 0, what="no copy")
    s.manifests.put("ingress", ingress("app", {HOST: "app"}, annotations={"mirror-target": URL}))
    wait_until(lambda: copied() == 1, what="copies again")


# ---- endpoints of other kinds, TLS, DNS ------------------------------------------------------


def test_an_endpoint_of_http2_and_a_target_of_http1(mirrored, target):
    def app(sock_peer):
        p = Peer(sock_peer.sock)
        while (n := p.request()) is not None:
            p.until(lambda n=n: p.streams[n].ended)
            p.send(frame(HEADERS, END_HEADERS, n, block([(":status", "200")])) +
                   frame(DATA, 0, n, b"message") +
                   frame(HEADERS, END_HEADERS | END_STREAM, n, block([("grpc-status", "0")])))
    s = mirrored({"backend-protocol": "GRPC"}, app=app)
    with H2(s.http_port) as c:
        n = c.open(path="/a.B/C", method="POST", authority=HOST, end=False,
                   extra=[("content-type", "application/grpc"), ("te", "trailers")])
        c.data(n, b"\0\0\0\0\1x", end=True)
        assert c.wait(n).body == b"message" and c.streams[n].trailers == [("grpc-status", "0")]
    head, content = target.got()
    assert head.startswith("POST /a.B/C HTTP/1.1\r\n") and b"\0\0\0\0\1x" in content


def test_an_endpoint_of_fastcgi(mirrored, target, make_scripted):
    app = App(make_scripted)
    s = mirrored({"backend-protocol": "FCGI"}, app_port=app.port)
    assert get(s, "/x?y", method="POST", body="content").json()["content"] == "content"
    head, content = target.got()
    assert head.startswith("POST /x?y HTTP/1.1\r\n") and content == b"content"


def test_over_tls(mirrored, target, tmp_path):
    context, names = server_tls(tmp_path), []
    context.sni_callback = lambda sock, name, ctx: names.append(name)

    def script(peer):
        peer.sock = context.wrap_socket(peer.sock, server_side=True)
        target.how = None
        target.script(peer)
    target.how = script
    s = mirrored({"mirror-target": "https://mirror.default.svc:8443$request_uri",
                  "proxy-body-size": "0"},
                 also=backends("mirror", target.port, port=8443))
    get(s, "/tls", method="PUT", body=BIG[:900000])
    assert target.got()[1] == BIG[:900000] and target.line() == "PUT /tls HTTP/1.1"
    assert names == ["mirror.default.svc"]


def test_a_name_of_dns(mirrored, target):
    dns = NameServer()
    dns.names["shadow.test"] = ["127.0.0.1"]
    try:
        s = mirrored({"mirror-target": f"http://shadow.test:{target.port}$request_uri"},
                     "--dns-servers", dns.address)
        wait_until(lambda: get(s) and target.copies, what="a copy")
        assert values(target.copies[-1][0], "Host") == ["shadow.test"]
        dns.names["shadow.test"] = ["127.0.0.2"]
        failed = s.metrics()["silex_mirror_failed_total"]
        wait_until(lambda: get(s) and s.metrics()["silex_mirror_failed_total"] > failed,
                   what="the other address")
    finally:
        dns.stop()


def test_a_client_of_tls(mirrored, target):
    s = mirrored(https=True, tls=[{"hosts": [HOST]}])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with s.client() as c:
        c.close()
        raw = socket.create_connection(("127.0.0.1", s.https_port))
        c.sock = context.wrap_socket(raw, server_hostname=HOST)
        c.sock.settimeout(60)
        assert c.get(method="POST", body=BIG[:800000]).status == 200
    head, content = target.got()
    assert content == BIG[:800000] and values(head, "X-Forwarded-Proto") == ["https"]


# ---- values that are none -------------------------------------------------------------------


@pytest.mark.parametrize("value", [
    "mirror.test", "ftp://mirror.test/", "http://", "http:///x", "http://$host$request_uri",
    "http://mirror.$arg_x/", "http://mirror.test$arg_x", "http://mirror.test:0/", "$request_uri",
    "$scheme://mirror.test/", "http://mirror.test/;proxy_pass", "http://mirror.test/ x",
    'http://mirror.test/";}', "http://mirror.test/#x", "http://u@mirror.test/",
    "http://mirror.test/%0a", "http://mirror.test/{$", f"http://{HOST}$request_uri",
    f"https://{HOST}",
])
def test_a_bad_target_is_told_and_the_path_serves(mirrored, value):
    s = mirrored({"mirror-target": value})
    assert get(s).body == b"app"
    s.wait_log("annotation mirror-target .*nothing is copied until that is mended")
    assert s.metrics()["silex_mirror_copies_total"] == 0
    assert s.metrics()["silex_mirror_unmade_total"] == 0


@pytest.mark.parametrize("name, value, told", [
    ("mirror-host", "a b", "is no host; the host of mirror-target is used"),
    ("mirror-host", "_x\"@y:1", "is no host"), ("mirror-host", "^x(y)$", "mirror-host"),
    ("mirror-host", "a/b", "is no host"), ("mirror-request-body", "yes", "must be on or off"),
])
def test_what_else_is_bad_is_told_and_the_default_used(mirrored, target, name, value, told):
    s = mirrored({name: value})
    get(s, method="POST", body="content")
    head, content = target.got()
    assert values(head, "Host") == [NAME] and content == b"content"
    s.wait_log(re.escape(told))


@pytest.mark.parametrize("host, alias, to", [
    ("*.silex.test", None, "http://A.silex.test$request_uri"),
    (HOST, "x.test, Other.test", "https://other.test"),
    (HOST, "*.other.test", "http://y.other.test$request_uri"),
])
def test_a_loop_by_another_name_is_told(mirrored, host, alias, to):
    s = mirrored()
    s.manifests.put("ingress", ingress("app", {host: "app"}, annotations={
        "mirror-target": to, **({"server-alias": alias} if alias else {})}))
    s.wait_log("leads to a host of the Ingress itself")


@pytest.mark.parametrize("to", ["http://silex.test", "http://a.b.silex.test", "http://.silex.test",
                                "http://a.xsilex.test"])
def test_what_is_not_below_a_wildcard_is_no_loop(mirrored, to):
    s = mirrored()
    s.manifests.put("ingress", ingress("app", {"*.silex.test": "app"}, annotations={
        "mirror-target": to, "mirror-request-body": "no"}))
    s.wait_log("annotation mirror-")
    assert "leads to a host of the Ingress itself" not in s.log()


def test_another_path_of_the_same_host_is_no_loop(mirrored, target):
    s = mirrored({"mirror-target": f"http://{HOST}/shadow$request_uri"}, also=[
        configmap("unused", {}), ingress("shadow", {HOST: [path("/shadow", "mirror")]})])
    get(s)
    assert "leads to a host of the Ingress itself" not in s.log()
