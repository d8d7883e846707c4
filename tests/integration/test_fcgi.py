"""backend-protocol: FCGI, fastcgi-index, fastcgi-params-configmap (facts: annotations §2)."""

import hashlib
import random
import threading

import pytest

from fcgi_app import END, STDERR, STDOUT, App, record
from frames import H2
from harness import backends, configmap, ingress, path, service, slice_, wait_until
from test_auth import reason

HOST = "silex.test"
FCGI = {"backend-protocol": "FCGI"}
NOISE = random.Random(2).randbytes(3_000_000)


@pytest.fixture
def world(make_silex, make_scripted):
    def build(annotations=(), *more, **how):
        s = make_silex(**how)
        s.app = App(make_scripted)
        if more:
            s.manifests.put("more", *more)
        s.manifests.put("app", backends("app", s.app.port), ingress(
            "app", {HOST: [path("/", "app")]},
            annotations={**FCGI, "proxy-body-size": "8m", **dict(annotations)}))
        return s.start()
    return build


def test_what_the_application_is_told(world):
    s = world()
    answer = s.get("/a/b.php?c=d&e", fields=[("X-One-Two", "3"), ("Proxy", "http://evil"),
                                             ("Cookie", "a=b"), ("Content-Type", "text/x")])
    assert answer.status == 200 and answer.get("x-app") == "fcgi"
    assert answer.get("content-type") == "application/json"
    told = answer.json()["params"]
    for name, value in {
            "QUERY_STRING": "c=d&e", "REQUEST_METHOD": "GET", "CONTENT_TYPE": "text/x",
            "CONTENT_LENGTH": "", "SCRIPT_NAME": "/a/b.php", "REQUEST_URI": "/a/b.php?c=d&e",
            "DOCUMENT_URI": "/a/b.php", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_SCHEME": "http",
            "GATEWAY_INTERFACE": "CGI/1.1", "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": HOST,
            "REDIRECT_STATUS": "200", "HTTP_HOST": HOST, "HTTP_X_ONE_TWO": "3",
            "HTTP_COOKIE": "a=b", "HTTP_X_FORWARDED_PROTO": "http"}.items():
        assert (name, told.get(name)) == (name, value)
    assert 0 < int(told["REMOTE_PORT"]) < 65536 and told["SERVER_SOFTWARE"].startswith("silex/")
    assert len(told["HTTP_X_REQUEST_ID"]) == 32
    for name in ("HTTP_PROXY", "HTTPS", "HTTP_CONTENT_TYPE", "HTTP_CONNECTION"):
        assert name not in told


@pytest.mark.parametrize("size", [0, 5, 65528, 65529, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_content_goes_both_ways(world, size, chunked):
    s = world()
    s.app.script = lambda c: c.answer(f"Status: 201 Made\nX-Sum: "
                                      f"{hashlib.sha256(c.content).hexdigest()}", c.content)
    body = NOISE[:size]
    with s.client() as c:
        for _ in range(2):
            if chunked:
                c.send(b"POST / HTTP/1.1\r\nHost: silex.test\r\nTransfer-Encoding: chunked\r\n\r\n")
                for at in range(0, size, 100_000):
                    piece = body[at:at + 100_000]
                    c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                c.send(b"0\r\n\r\n")
                answer = c.read("POST")
            else:
                answer = c.get(method="POST", body=body)
            assert answer.status == 201 and answer.body == body
            assert answer.get("x-sum") == hashlib.sha256(body).hexdigest()
    assert s.app.calls[0].get("CONTENT_LENGTH") == ("" if chunked or not size else str(size))


@pytest.mark.parametrize("head,status,fields", [
    (b"Content-Type: a/b\r\n\r\n", 200, {"content-type": "a/b"}),
    (b"Content-Type: a/b\n\n", 200, {"content-type": "a/b"}),
    (b"Status: 404 Not Found\r\nX: y\r\n\r\n", 404, {"x": "y", "status": None}),
    (b"Status: 503\nX: y\n\n", 503, {"x": "y"}),
    (b"Location: /there\r\n\r\n", 302, {"location": "/there"}),
    (b"status: 201 a\r\nLocation: /there\r\n\r\n", 201, {"location": "/there"}),
    (b"X: y\r\nTransfer-Encoding: chunked\r\nConnection: X\r\n\r\n", 200, {"x": "y"}),
    (b"Set-Cookie: a=1\nSet-Cookie: b=2\n\n", 200, {}),
])
@pytest.mark.parametrize("size", [1, 65535], ids=["bytes", "whole"])
def test_heads(world, head, status, fields, size):
    s = world()

    def script(call):
        call.out(head + b"body", size=size, padding=7)
        call.end()
    s.app.script = script
    answer = s.get("/")
    assert (answer.status, answer.body) == (status, b"body")
    for name, value in fields.items():
        assert answer.get(name) == value
    if b"Set-Cookie" in head:
        assert answer.all("set-cookie") == ["a=1", "b=2"]


BAD = {
    "version": record(STDOUT, b"X: y\n\n", version=2),
    "number": record(STDOUT, b"X: y\n\n", number=2),
    "garbage": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no head": record(STDOUT) + record(END, bytes(8)),
    "half": record(STDOUT, b"X: y\r\n") + record(END, bytes(8)),
    "no colon": record(STDOUT, b"hello\n\n") + record(END, bytes(8)),
    "empty": record(STDOUT, b"\r\nbody\n\n") + record(END, bytes(8)),
    "fold": record(STDOUT, b"X: y\n z\n\n") + record(END, bytes(8)),
    "CR": record(STDOUT, b"X: y\rz\n\n") + record(END, bytes(8)),
    "NUL": record(STDOUT, b"X: y\0z\n\n") + record(END, bytes(8)),
    "two lengths": record(STDOUT, b"Content-Length: 1\nContent-Length: 2\n\n") + record(END, bytes(8)),
    "bad length": record(STDOUT, b"Content-Length: -1\n\n") + record(END, bytes(8)),
    "status 101": record(STDOUT, b"Status: 101 Up\nX: y\n\n") + record(END, bytes(8)),
    "status 100": record(STDOUT, b"Status: 100\nX: y\n\n") + record(END, bytes(8)),
    "status text": record(STDOUT, b"Status: OK\nX: y\n\n") + record(END, bytes(8)),
    "status 1000": record(STDOUT, b"Status: 1000\nX: y\n\n") + record(END, bytes(8)),
    "refused": record(END, b"\0\0\0\0\2\0\0\0"),
}


@pytest.mark.parametrize("what", BAD)
def test_answers_that_are_none(world, what):
    s = world()
    s.app.script = lambda call: call.peer.send(BAD[what])
    assert s.get("/").status == 502
    wait_until(lambda: reason(s, "upstream_bad_head") == 1, what="a counted reason")
    s.app.script = lambda call: call.answer("X: y", b"good")
    assert s.get("/").body == b"good"


def test_a_head_that_is_too_large(world):
    s = world({"proxy-buffer-size": "4k"})
    for n, status in (3000, 200), (5000, 502), (200_000, 502):
        s.app.script = lambda call, n=n: call.answer("X: " + "y" * n, b"", size=1000)
        assert (n, s.get("/").status) == (n, status)
    wait_until(lambda: reason(s, "upstream_head_too_large") == 2, what="counted reasons")


def test_types_nobody_knows_and_words_for_the_log(world):
    s = world()

    def script(call):
        call.peer.send(record(99, b"unknown") + record(STDERR, b"PHP Warning: oh\x1b[1m no\n"))
        call.out(b"X: y\r\n\r\n", size=3)
        call.peer.send(record(STDERR, b"again") + record(11, b""))
        call.out(b"body")
        call.end()
    s.app.script = script
    assert s.get("/").body == b"body"
    s.wait_log("PHP Warning: oh")
    assert "\x1b" not in s.log() and "again" not in s.log()


@pytest.mark.parametrize("how", ["closed", "short", "reset", "record"])
def test_an_answer_that_breaks_off(world, how):
    s, go = world(), threading.Event()

    def script(call):
        head = b"Content-Length: 10\r\n\r\n" if how == "short" else b"X: y\r\n\r\n"
        call.out(head + b"half")
        assert go.wait(60)  # the client has the head
        if how == "short":
            call.end()
        elif how == "reset":
            call.peer.reset()
        elif how == "record":
            call.peer.send(record(STDOUT, b"x", version=9))
    s.app.script = script
    with s.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert c.read_head().status == 200
        go.set()
        try:
            rest = c.read_all()
        except ConnectionResetError:
            rest = b""
        assert not rest.endswith(b"0\r\n\r\n")
    wait_until(lambda: reason(s, "upstream_reset") + reason(s, "upstream_bad_body") == 1,
               what="a counted reason")


def test_more_than_was_announced(world):
    s = world()
    s.app.script = lambda call: call.answer("Content-Length: 4", b"bodyHTTP/1.1 200 OK\r\n\r\n")
    with s.client() as c:
        assert c.get().body == b"body" and c.get().body == b"body"


@pytest.mark.parametrize("method,status", [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_content(world, method, status):
    s = world()
    s.app.script = lambda call: call.answer(f"Status: {status}\nX: y", b"stray")
    with s.client() as c:
        for _ in range(2):
            answer = c.get(method=method)
            assert (answer.status, answer.body, answer.get("x")) == (status, b"", "y")


def test_index_and_parameters(world):
    s = world({"fastcgi-index": "index.php", "fastcgi-params-configmap": "default/params"},
              configmap("params", {"SCRIPT_FILENAME": "/srv$fastcgi_script_name", "APP": "a b",
                                   "HTTP_HOST": "other", "FROM": "$remote_addr"}))
    told = s.get("/app/?x").json()["params"]
    assert told["SCRIPT_NAME"] == "/app/index.php" and told["DOCUMENT_URI"] == "/app/"
    assert told["SCRIPT_FILENAME"] == "/srv/app/index.php" and told["APP"] == "a b"
    assert told["FROM"] == "127.0.0.1" and told["HTTP_HOST"] == "other"
    assert s.get("/x.php").json()["params"]["SCRIPT_FILENAME"] == "/srv/x.php"
    s.manifests.put("more", configmap("params", {"APP": "new"}))
    wait_until(lambda: s.get("/").json()["params"].get("APP") == "new", what="the new parameter")
    assert "SCRIPT_FILENAME" not in s.get("/").json()["params"]


@pytest.mark.parametrize("params", [None, {"A-B": "x"}, {"A": "x\ny"}],
                         ids=["missing", "name", "value"])
def test_parameters_that_cannot_be(world, params):
    more = [] if params is None else [configmap("params", params)]
    s = world({"fastcgi-params-configmap": "params"}, *more)
    assert s.get("/").status == 503 and s.app.calls == []
    s.wait_log("fastcgi-params-configmap")


def test_the_path_as_it_was_rewritten(world):
    s = world({"rewrite-target": "/in/x.php"})
    told = s.get("/out?a=b").json()["params"]
    assert told["SCRIPT_NAME"] == "/in/x.php" and told["REQUEST_URI"] == "/out?a=b"
    assert told["QUERY_STRING"] == "a=b"


def test_another_endpoint_is_tried(world):
    s = world()
    s.manifests.put("app", service("app"), slice_("app", ["127.0.0.2", "127.0.0.1"], s.app.port),
                    ingress("app", {HOST: "app"}, annotations=FCGI))
    wait_until(lambda: s.get("/").status == 200 and s.metrics()["silex_upstream_retries_total"] > 1,
               what="requests that went to the other endpoint")
    for _ in range(6):
        assert s.get("/").status == 200


def test_one_that_says_nothing(world):
    s = world({"proxy-read-timeout": "1", "proxy-next-upstream": "off"})
    go = threading.Event()
    s.app.script = lambda call: go.wait(60)
    assert s.get("/").status == 504
    go.set()


def test_http2_and_slow_clients(world):
    s = world()
    s.app.script = lambda call: call.answer("X: y", NOISE)
    with H2(s.http_port) as h:
        answers = [h.open() for _ in range(4)]
        for stream in answers:
            assert h.wait(stream).body == NOISE
    with s.client() as slow:
        slow.send(b"GET / HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert slow.read_head().status == 200
        s.app.script = lambda call: call.answer("X: y", b"fast")
        assert s.get("/").body == b"fast"
        assert slow.read_chunked(slow) == NOISE


def test_an_upgrade_is_a_request_like_any_other(world):
    s = world()
    answer = s.get("/", fields=[("Connection", "upgrade"), ("Upgrade", "websocket")])
    assert answer.status == 200 and "HTTP_UPGRADE" not in answer.json()["params"]
