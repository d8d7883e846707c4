"""Another Service answers errors: custom-http-errors, default-backend, disable-proxy-intercept-errors
(facts: annotations §1)."""

import contextlib
import re
import threading

import pytest

from frames import H2
from harness import PATIENCE, backends, configmap, ingress, path, service, wait_until
from test_auth import Auth, reason

HOST = "silex.test"
URL = "http://auth.default.svc.cluster.local"


class Service:
    """Answers as its path says; .heads is what it was asked."""

    def __init__(self, make_scripted, body):
        self.heads, self.body, self.status, self.down = [], body, None, False
        self.scripted = make_scripted(self.script)
        self.port = self.scripted.port

    def script(self, peer):
        while (head := peer.read_head()) is not None:
            self.heads.append(head.decode("latin-1"))
            target = head.split(b" ")[1].decode()
            if target.startswith("/early"):
                peer.read_exactly(int(target.split("?")[-1]) if "?" in target else 0)
                peer.answer(503)
                peer.read_until(b"never")
                return
            peer.read_content(head)
            if self.down or target.startswith("/close"):
                return
            status = self.status or int(re.match(r"/(\d*)", target)[1] or 200)
            peer.answer(status, self.body, f"X-From: {self.body.decode()}\r\n")

    def field(self, name, n=-1):
        values = re.findall(rf"^{re.escape(name)}: ?(.*?)\r$", self.heads[n], re.M | re.I)
        assert len(values) < 2, self.heads[n]
        return values[0] if values else None


@pytest.fixture
def world(make_silex, make_scripted):
    """world({annotation: value}) -> Silex before .app, with the Service .errors."""
    def build(annotations, *more, flags=(), settings=None, conf=None, host=HOST):
        app, errors = Service(make_scripted, b"app"), Service(make_scripted, b"errors")
        s = make_silex(flags=[*flags, *(["--configmap=default/settings"] if settings else [])],
                       conf=conf)
        s.app, s.errors = app, errors
        s.manifests.put("errors", backends("errors", errors.port))
        if settings:
            s.manifests.put("settings", configmap("settings", settings))
        s.manifests.put("app", backends("app", app.port), *more, ingress(
            "app", {host: [path("/", "app")]}, annotations=annotations))
        return s.start()
    return build


HERE = {"default-backend": "errors", "custom-http-errors": "404,503, 418"}


def test_the_errors_of_endpoints(world):
    s = world(HERE)
    s.errors.status = 404
    answer = s.get("/404/x?y=1", fields=[("Accept", "text/html"), ("X-Code", "200"),
                                         ("x-original-uri", "/forged")])
    assert answer.status == 404 and answer.body == b"errors" and answer.get("x-from") == "errors"
    head = s.errors.heads[0]
    assert head.startswith("GET / HTTP/1.1\r\n")
    told = {name: s.errors.field(name) for name in (
        "X-Code", "X-Format", "X-Original-URI", "X-Namespace", "X-Ingress-Name", "X-Service-Name",
        "X-Service-Port", "Host")}
    assert told == {"X-Code": "404", "X-Format": "text/html", "X-Original-URI": "/404/x?y=1",
                    "X-Namespace": "default", "X-Ingress-Name": "app", "X-Service-Name": "app",
                    "X-Service-Port": "80", "Host": HOST}
    assert len(s.errors.field("X-Request-ID")) == 32


def test_the_answer_is_that_services(world):
    s = world(HERE)
    for status in (200, 302, 404, 503):
        s.errors.status = status
        assert (s.get("/503").status, s.errors.field("X-Code")) == (status, "503")
    assert len(s.errors.heads) == 4


def test_other_answers_pass(world):
    s = world(HERE)
    for status in (200, 204, 302, 400, 403, 500, 502):
        answer = s.get(f"/{status}")
        assert answer.status == status and answer.get("x-from") == "app"
    assert s.errors.heads == []


@pytest.mark.parametrize("method,n", [("HEAD", 0), ("OPTIONS", 0), ("DELETE", 0), ("POST", 5),
                                      ("PUT", 300_000)])
def test_the_method_is_kept_and_the_content_is_not(world, method, n):
    s = world({**HERE, "proxy-body-size": "8m"})
    s.errors.status = 418
    with s.client() as c:
        answer = c.get("/418", method=method, body=b"x" * n or None)
    assert answer.status == 418 and answer.body == (b"" if method == "HEAD" else b"errors")
    assert s.errors.heads[0].startswith(f"{method} / HTTP/1.1\r\n")
    assert s.errors.field("Content-Length") in (None, "0")
    assert s.errors.field("Transfer-Encoding") is None
    assert s.get("/200").status == 200


def test_our_own_errors(world):
    s = world({"default-backend": "errors", "custom-http-errors": "403,413,502",
               "denylist-source-range": "192.0.2.0/24", "proxy-body-size": "10"})
    s.errors.status = 451
    assert s.get("/200", method="POST", body=b"x" * 100).status == 451
    assert s.errors.field("X-Code") == "413"
    assert s.get("/close").status == 451 and s.errors.field("X-Code") == "502"
    wait_until(lambda: reason(s, "body_too_large") == 1, what="a counted reason")


def test_who_is_refused_gets_the_page_and_nothing_else(world):
    s = world({"default-backend": "errors", "custom-http-errors": "403",
               "allowlist-source-range": "192.0.2.0/24"})
    answer = s.get("/200")
    assert answer.body == b"errors" and s.errors.field("X-Code") == "403"
    assert s.app.heads == []


def test_content_that_turns_out_too_large(world):
    s = world({"default-backend": "errors", "custom-http-errors": "413", "proxy-body-size": "1k"})
    with s.client() as c:
        c.send(f"POST /200 HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
               + b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n")
        answer = c.read("POST")
        assert answer.body == b"errors" and s.errors.field("X-Code") == "413"
    assert s.get("/200").body == b"app"


def test_endpoints_own_errors_may_pass(world):
    s = world({**HERE, "disable-proxy-intercept-errors": "true", "custom-http-errors": "404,502"})
    assert s.get("/404").body == b"app"
    assert s.get("/close").body == b"errors" and s.errors.field("X-Code") == "502"


def test_a_service_without_endpoints(world):
    s = world({"default-backend": "errors"}, service("empty"),
              ingress("empty", {"empty.test": "empty"}, annotations={"default-backend": "errors"}))
    answer = s.get("/path?q=1", "empty.test")
    assert answer.body == b"errors"
    assert s.errors.heads[0].startswith("GET /path?q=1 HTTP/1.1\r\n")
    assert s.errors.field("X-Code") == "503" and s.errors.field("X-Service-Name") == "empty"
    assert s.errors.field("X-Original-URI") is None
    assert s.get("/503").body == b"app", "no status is named, so endpoints' answers pass"
    assert s.get("/close").status == 502


def test_the_global_default_backend(world):
    s = world({"custom-http-errors": "404"}, flags=["--default-backend-service=default/errors"])
    assert s.get("/404").body == b"errors" and s.errors.field("X-Code") == "404"


def test_the_configmap_names_statuses_for_all(world):
    s = world(None, flags=["--default-backend-service=default/errors"],
              settings={"custom-http-errors": "404,502"})
    assert s.get("/404").body == b"errors" and s.get("/close").body == b"errors"
    assert s.get("/500").body == b"app"
    s.manifests.put("settings", configmap("settings", {"custom-http-errors": "500"}))
    wait_until(lambda: s.get("/500").body == b"errors", what="the other status")
    assert s.get("/404").body == b"app"


def test_without_a_backend_errors_stay_what_they_are(world):
    s = world({"custom-http-errors": "404,503"})
    assert s.get("/404").body == b"app"
    s = world({"custom-http-errors": "404,503", "default-backend": "nobody"})
    assert s.get("/404").body == b"app"


def test_when_that_service_fails_too(world):
    """The client is told the first error, by us: once, and not of the other's."""
    s = world({**HERE, "custom-http-errors": "404,502,503"})
    s.errors.down = True
    answer = s.get("/404")
    assert answer.status == 404 and answer.get("x-from") is None and b"404" in answer.body
    assert s.get("/close").status == 502
    assert s.get("/200").status == 200


def test_only_what_is_a_status_counts(world):
    s = world({"default-backend": "errors", "custom-http-errors": "404,399,600,x,4040"})
    s.wait_log("399.*left out")
    s.wait_log("4040.*left out")
    assert s.get("/404").body == b"errors"


def test_an_error_before_the_content_is_whole(world):
    s = world(HERE)
    with s.client() as c:
        c.send(f"POST /early HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100000\r\n\r\n".encode()
               + b"x" * 5000)
        answer = c.read("POST")
        assert answer.status == 200 and answer.body == b"errors"
        assert not c.fill(), "what is left of the content cannot become a request"
    assert s.get("/200").body == b"app"


def test_content_in_the_kernel_stays_out(world):
    """A large upload passes through a kernel pipe. What waits there is content of the first try, and
    must never follow the head of the second, where it would be read as requests."""
    s = world({**HERE, "proxy-body-size": "0"})
    evil = b"GET /smuggled HTTP/1.1\r\nHost: silex.test\r\n\r\n"
    n = 64_000_000 // len(evil) * len(evil)

    def upload(c):
        with contextlib.suppress(OSError):
            c.send(evil * (n // len(evil)))
    with s.client() as c:
        c.send(f"POST /early?300000 HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {n}\r\n\r\n".encode())
        sender = threading.Thread(target=upload, args=(c,), daemon=True)
        sender.start()
        assert c.read("POST").body == b"errors"
    sender.join(PATIENCE)
    assert s.get("/404").body == b"errors"
    assert len(s.errors.heads) == 2, s.errors.heads
    assert b"smuggled" not in s.errors.scripted.raw


def test_http2_clients(world):
    s = world(HERE)
    with H2(s.http_port) as c:
        for _ in range(3):
            answer = c.get(path="/404", authority=HOST)
            assert answer.status == 200 and answer.body == b"errors"
        stream = c.open(path="/503", method="POST", authority=HOST, end=False)
        c.data(stream, b"abc", end=True)
        assert c.wait(stream).body == b"errors"
        stream = c.open(path="/early", method="POST", authority=HOST, end=False)
        c.data(stream, b"abc")
        assert c.wait(stream).body == b"errors"
        assert c.get(path="/200", authority=HOST).body == b"app"


def test_many_fields_and_the_access_log(world):
    """The heads share their fields: what one adds takes nothing from the others."""
    s = world(HERE, conf="log-format-upstream = $status $http_x_last $upstream_status\n"
                          "max-header-fields = 400\n")
    fields = [(f"X-F{i}", "v") for i in range(150)] + [("X-Last", "seen")]
    assert s.get("/404", fields=fields).body == b"errors"
    assert "X-F149: v" in s.errors.heads[0]
    s.wait_access(lambda line: line.startswith("200 seen 404, 200"))


@pytest.mark.parametrize("status", [401, 403, 500])
def test_who_fails_to_authenticate_sees_nothing(world, status):
    """CVE-2026-24513: whatever the Service for errors says, and whether it is there or not."""
    auth = Auth()
    s = world({"default-backend": "errors", "custom-http-errors": "401,403,500",
               "auth-url": f"{URL}/{status}"}, backends("auth", auth.port))
    assert s.get("/200").body == b"errors" and s.errors.field("X-Code") == str(status)
    s.errors.down = True
    assert s.get("/200").status == status
    assert s.app.heads == []
    auth.scripted.stop()
