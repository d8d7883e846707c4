"""HTTP/1.1 both ways, end to end: framing, connections, headers, early and interim answers."""

import hashlib
import re
import threading

import pytest

from harness import SANITIZED, Client, backends, ingress, once_then_close, wait_until


def hop(silex, scripted, **annotations):
    """Route scripted.test to a scripted origin and return a getter of its raw requests."""
    silex.manifests.put("scripted", backends("scripted", scripted.port),
                        ingress("scripted", {"scripted.test": "scripted"},
                                annotations=annotations or None))
    wait_until(lambda: "scripted.test" in silex.show("table").stdout, what="the scripted route")
    return scripted


@pytest.fixture
def route(silex, make_scripted):
    """route(script) -> a scripted origin behind host scripted.test."""
    return lambda script, **annotations: hop(silex, make_scripted(script), **annotations)


# -- towards clients -----------------------------------------------------------


def test_keepalive_and_pipelining(silex):
    with silex.client() as c:
        for _ in range(5):
            assert c.get().status == 200
        c.send("GET /bytes/10 HTTP/1.1\r\nHost: silex.test\r\n\r\n"
               "GET /status/404 HTTP/1.1\r\nHost: silex.test\r\n\r\n"
               "GET /bytes/20 HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert [len(c.read().body) for _ in range(3)] == [10, 7, 20]


def test_pipelined_requests_with_content(silex):
    post = "POST /sink HTTP/1.1\r\nHost: silex.test\r\nContent-Length: {}\r\n\r\n{}"
    with silex.client() as c:
        c.send("".join(post.format(n, "x" * n) for n in (5, 0, 70000, 3)))
        assert [c.read().text.split()[0] for _ in range(4)] == ["5", "0", "70000", "3"]


def test_request_byte_by_byte(silex):
    with silex.client() as c:
        c.send_pieces("POST /echo HTTP/1.1\r\nHost: silex.test\r\nTransfer-Encoding: chunked\r\n"
                      "Trailer: X-T\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n")
        echo = c.read().json()
        assert echo["body"] == "abcde"


def test_connection_close_is_honoured(silex):
    with silex.client() as c:
        answer = c.get(fields=[("Connection", "close")])
        assert answer.get("connection") == "close" and c.at_eof()


def test_http10(silex):
    with silex.client() as c:
        c.send("GET / HTTP/1.0\r\nHost: silex.test\r\n\r\n")
        assert c.read().status == 200 and c.at_eof()
    with silex.client() as c:
        c.send("GET /chunked/100 HTTP/1.0\r\nHost: silex.test\r\n\r\n")
        answer = c.read()
        assert answer.framing == "close" and len(answer.body) == 100


def test_http10_without_host_goes_to_the_catch_all(silex):
    with silex.client() as c:
        c.send("GET / HTTP/1.0\r\n\r\n")
        assert c.read().status == 404


@pytest.mark.parametrize("method, target, length", [
    ("HEAD", "/bytes/1000", "1000"), ("GET", "/status/204", None), ("HEAD", "/status/404", "7")])
def test_answers_without_content(silex, method, target, length):
    with silex.client() as c:
        answer = c.get(target, method=method)
        assert answer.body == b"" and answer.get("content-length") == length
        assert c.get().status == 200


def test_304_has_no_content(silex, route):
    route(lambda p: (p.read_head(), p.send("HTTP/1.1 304 X\r\nETag: \"a\"\r\n\r\n"), p.fill()))
    with silex.client() as c:
        assert c.get(host="scripted.test").status == 304
        assert c.get().status == 200


def test_absolute_form_and_asterisk(silex):
    with silex.client() as c:
        c.send("GET http://silex.test/echo HTTP/1.1\r\nHost: other.test\r\n\r\n")
        echo = c.read().json()
        assert echo["target"] == "/echo"
        assert ["Host", "silex.test"] in echo["headers"]
        c.send("OPTIONS * HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert c.read("OPTIONS").status in (200, 204, 404, 405)


def test_connect_is_refused(silex):
    with silex.client() as c:
        c.send("CONNECT silex.test:443 HTTP/1.1\r\nHost: silex.test:443\r\n\r\n")
        assert c.read().status in (400, 405, 501)


def test_expect_100_continue(silex):
    with silex.client() as c:
        c.send("POST /echo HTTP/1.1\r\nHost: silex.test\r\nExpect: 100-continue\r\n"
               "Content-Length: 5\r\n\r\n")
        assert c.read_head().status == 100
        c.send("hello")
        assert c.read().json()["body"] == "hello"
        assert c.get().status == 200


def test_interim_answers_pass(silex):
    answer = silex.get("/hints")
    assert [h.status for h in answer.hints] == [103] and answer.status == 200
    assert answer.hints[0].get("link") == "</style.css>; rel=preload"
    with silex.client() as c:
        c.send("GET /hints HTTP/1.0\r\nHost: silex.test\r\n\r\n")
        assert c.read_head().status == 200, "HTTP/1.0 knows no interim answers"


# -- content -------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/bytes/5000000", "/chunked/5000000", "/close/5000000"])
def test_large_answers_arrive_whole(silex, origin, target):
    with Client(origin.port) as direct:
        want = hashlib.sha256(direct.get("/bytes/5000000").body).digest()
    assert hashlib.sha256(silex.get(target).body).digest() == want


def test_trailers_of_answers_pass(silex):
    answer = silex.get("/chunked/100", fields=[("TE", "trailers")])
    assert answer.framing == "chunked" and ("x-sum", "ok") in [
        (k.lower(), v) for k, v in answer.trailers]


def test_large_uploads_arrive_whole(silex, origin):
    body = bytes(range(256)) * 3000
    with Client(origin.port) as direct:
        want = direct.get("/sink", method="POST", body=body).body
    assert silex.get("/sink", method="POST", body=body).body == want
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 7000]), body[i:i + 7000])
                      for i in range(0, len(body), 7000)) + b"0\r\n\r\n"
    with silex.client() as c:
        c.send(b"POST /sink HTTP/1.1\r\nHost: silex.test\r\nTransfer-Encoding: chunked\r\n\r\n"
               + chunks)
        assert c.read().body == want


def test_body_over_the_limit(silex):
    assert silex.get("/sink", method="POST", body=b"x" * (1 << 20)).status == 200
    with silex.client() as c:
        c.request("/sink", method="POST", fields=[("Content-Length", 2 << 20)])
        assert c.read().status == 413
    with silex.client() as c:
        c.send("POST /sink HTTP/1.1\r\nHost: silex.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                c.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert c.read().status == 413


def test_content_streams_both_ways_at_once(silex, route):
    """An origin that echoes while it reads: nothing is buffered until the end."""
    def script(peer):
        peer.read_head()
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(3):
            peer.send(peer.read_exactly(10))
    route(script)
    with silex.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: scripted.test\r\nContent-Length: 30\r\n\r\n")
        assert c.read_head().status == 200
        for piece in (b"0123456789", b"abcdefghij", b"ABCDEFGHIJ"):
            c.send(piece)
            assert c.take(10) == piece


def test_slow_answers_are_not_held_back(silex, route):
    gate = threading.Event()

    def script(peer):
        peer.read_head()
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n6\r\ndata 1\r\n")
        gate.wait(20)
        peer.send("6\r\ndata 2\r\n0\r\n\r\n")
    route(script)
    with silex.client() as c:
        c.request(host="scripted.test")
        assert c.read_head().get("content-type") == "text/event-stream"
        while b"data 1" not in c.buf:
            assert c.fill()
        gate.set()
        while b"data 2" not in c.buf:
            assert c.fill()


def test_early_answer_ends_the_exchange(silex):
    """The origin answers before it has read the content; the client gets that answer."""
    with silex.client() as c:
        c.send("POST /early HTTP/1.1\r\nHost: silex.test\r\nContent-Length: 1000000\r\n\r\n")
        assert c.read().text == "early\n"


def test_reader_that_does_not_read_stops_the_source(silex, route):
    """Backpressure: a client that takes nothing costs no memory worth naming."""
    sent = [0]

    def script(peer):
        peer.read_head()
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            sent[0] += peer.sock.send(b"x" * 65536)
    route(script)
    quiet = [0, 0]

    def settled():
        quiet[:] = [sent[0], quiet[1] + 1 if sent[0] == quiet[0] > 0 else 0]
        return quiet[1] > 30
    with silex.client(rcvbuf=4096) as c:
        c.request(host="scripted.test")
        wait_until(settled, what="the source to stop")
        assert sent[0] < 50_000_000
        assert resident(silex.worker()) < 30_000_000 or SANITIZED
        c.reset()
    assert silex.get().status == 200


GIB = 1 << (27 if SANITIZED else 30)


def test_a_gibibyte_down_through_a_small_worker(silex):
    """Content passes, it does not gather: the worker stays as small as it was."""
    most, left, worker, turn = 0, GIB, silex.worker(), 0
    with silex.client() as c:
        c.request(f"/bytes/{GIB}")
        assert c.read_head().get("content-length") == str(GIB)
        left -= len(c.buf)
        while left > 0:
            n = len(c.sock.recv(1 << 20))
            assert n > 0
            left -= n
            turn += 1
            if turn % 64 == 0:
                most = max(most, resident(worker))
    assert left == 0
    assert SANITIZED or most < 10_000_000


def test_a_gibibyte_up_through_a_small_worker(silex, origin):
    silex.manifests.put("big", ingress("big", {"big.test": "base"},
                                       annotations={"proxy-body-size": "0"}))
    silex.wait_status(200, host="big.test")
    piece = bytes(range(256)) * 4096
    with silex.client() as c:
        c.request("/sink", "big.test", [("Content-Length", GIB)], "POST")
        for _ in range(GIB // len(piece)):
            c.send(piece)
        assert SANITIZED or resident(silex.worker()) < 10_000_000
        assert c.read().text.split()[0] == str(GIB)


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096


# -- towards origins -----------------------------------------------------------


def test_forwarded_headers(silex):
    fields = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Host", "evil"), ("Proxy", "evil"),
              ("X-Real-IP", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Custom", "kept"),
              ("Cookie", "a=b"), ("Accept-Encoding", "br")]
    echo = silex.get("/echo", "silex.test:81", fields=fields).json()
    got = {}
    for name, value in echo["headers"]:
        assert name.lower() not in got, f"{name} twice"
        got[name.lower()] = value
    request_id = got.pop("x-request-id")
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert got == {
        "host": "silex.test:81", "x-real-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "silex.test:81", "x-forwarded-port": str(silex.http_port),
        "x-forwarded-proto": "http", "x-forwarded-scheme": "http", "x-scheme": "http",
        "x-original-forwarded-for": "6.6.6.6", "x-original-forwarded-host": "evil",
        "x-custom": "kept", "cookie": "a=b", "accept-encoding": "br"}


def test_request_id_of_the_client_is_kept(silex):
    echo = silex.get("/echo", fields=[("X-Request-ID", "mine")]).json()
    assert ["X-Request-ID", "mine"] in echo["headers"]


def test_connection_fields_are_not_forwarded(silex):
    fields = [("Connection", "X-Hop, keep-alive"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"),
              ("TE", "gzip"), ("Proxy-Connection", "keep-alive"), ("X-Under_score", "1")]
    names = {k.lower() for k, _ in silex.get("/echo", fields=fields).json()["headers"]}
    assert not names & {"x-hop", "keep-alive", "te", "proxy-connection", "x-under_score", "via"}


def test_answers_connection_fields_are_not_forwarded(silex, route):
    route(once_then_close("HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\n"
                          "Keep-Alive: timeout=1\r\nServer: origin\r\nX-Kept: 1\r\n"
                          "Content-Length: 2\r\n\r\nok"))
    with silex.client() as c:
        answer = c.get(host="scripted.test")
        assert answer.get("x-kept") == "1" and answer.body == b"ok"
        for name in ("x-hop", "keep-alive", "via", "connection"):
            assert answer.get(name) is None, name
        assert c.get().status == 200, "the origin's close is not the client's"


def test_upstream_connections_are_reused(silex):
    with silex.client() as a, silex.client() as b:
        seen = [x.get("/echo").json() for x in (a, b, a, b)]
    assert len({e["conn"] for e in seen}) == 1 and [e["nth"] for e in seen] == [1, 2, 3, 4]


def test_max_forwards(silex):
    with silex.client() as c:
        c.send("OPTIONS /echo HTTP/1.1\r\nHost: silex.test\r\nMax-Forwards: 3\r\n\r\n")
        assert ["Max-Forwards", "2"] in c.read().json()["headers"]
        c.send("OPTIONS /echo HTTP/1.1\r\nHost: silex.test\r\nMax-Forwards: 0\r\n\r\n")
        assert c.read().get("x-origin") is None


# -- upgrade -------------------------------------------------------------------


def test_upgrade_is_a_tunnel_with_half_close(silex):
    with silex.client() as c:
        answer = c.get("/upgrade", fields=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
        assert answer.status == 101 and answer.get("upgrade") == "websocket"
        assert answer.get("connection").lower() == "upgrade"
        for piece in (b"one", b"\x00\xff" * 1000, b"x" * 300_000):
            threading.Thread(target=c.send, args=(piece,), daemon=True).start()
            assert c.take(len(piece)) == piece
        c.send(b"last").shut()
        assert c.take(4) == b"last"
        assert c.at_eof()
    silex.wait_access(lambda x: "/upgrade" in x and " 101 " in x)


def test_refused_upgrade_is_an_ordinary_answer(silex, route):
    route(lambda p: [p.answer(body=b"no") for _ in iter(p.read_request, None)])
    with silex.client() as c:
        answer = c.get("/", "scripted.test", [("Connection", "Upgrade"), ("Upgrade", "x")])
        assert answer.status == 200 and answer.body == b"no"
        assert c.get("/", "scripted.test").status == 200


def test_unasked_101_is_refused(silex, route):
    route(once_then_close("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"))
    assert silex.get(host="scripted.test").status == 502


# -- when it goes wrong --------------------------------------------------------


def test_connect_failure_tries_another_endpoint(make_silex, origin):
    s = make_silex()
    dead = 1  # tcpmux: nobody listens there
    s.manifests.put("x", backends("x", dead, origin.port), ingress("x", {"x.test": "x"}),
                    backends("dead", dead), ingress("dead", {"dead.test": "dead"}))
    s.start()
    assert {s.get(host="x.test").status for _ in range(8)} == {200}
    assert s.get("/sink", "x.test", method="POST", body=b"abc").status == 200
    assert s.get(host="dead.test").status == 502


def test_idle_connection_closed_by_the_origin_is_retried(silex, make_origin, make_scripted):
    """A pooled connection the origin closes just as it is used: not the client's problem."""
    once = make_origin("once", "--keepalive", "1")
    hop(silex, once)
    with silex.client() as c:
        assert {c.get(host="scripted.test").status for _ in range(20)} == {200}


@pytest.mark.parametrize("answer, status", [
    ("", 502), ("HTTP/1.1 200 OK\r\nContent-Len", 502), ("garbage\r\n\r\n", 502),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502),
    ("HTTP/1.1 200 OK\r\nX: " + "a" * 70_000 + "\r\n\r\n", 502),
    ("HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n", 502)])
def test_bad_answers(silex, route, answer, status):
    route(once_then_close(answer))
    with silex.client() as c:
        assert c.get(host="scripted.test", method="POST", body="x").status == status


def test_answer_cut_in_its_content(silex, route):
    """What was promised cannot be kept: the client must see that, not a short answer."""
    for head in ("Content-Length: 100", "Transfer-Encoding: chunked"):
        route(once_then_close(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhello\r\n"))
        with silex.client() as c:
            c.request(host="scripted.test")
            c.read_head()
            rest = c.read_all()
            assert not rest.endswith(b"0\r\n\r\n") and len(rest) < 100


def test_idempotent_requests_are_retried_and_others_are_not(silex, make_scripted, origin):
    broken = make_scripted(lambda p: (p.read_head(), p.reset()))
    silex.manifests.put("scripted", backends("scripted", broken.port, origin.port),
                        ingress("scripted", {"scripted.test": "scripted"}))
    silex.wait_status(200, host="scripted.test")
    posts = {silex.get(host="scripted.test", method="POST", body="x").status for _ in range(6)}
    assert posts == {200, 502}


@pytest.mark.parametrize("conf, send, status", [
    ("client-header-timeout = 200ms", "GET / HTTP/1.1\r\nHost: sil", 408),
    ("client-body-timeout = 200ms",
     "POST /sink HTTP/1.1\r\nHost: silex.test\r\nContent-Length: 10\r\n\r\nabc", 408)])
def test_client_timeouts(make_silex, origin, conf, send, status):
    s = make_silex(conf=conf + "\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    with s.client() as c:
        answer = c.send(send).read()
        assert answer.status == status and c.at_eof()


def test_idle_connections_are_closed(make_silex, origin):
    s = make_silex(conf="keep-alive = 300ms\nkeep-alive-requests = 3\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    with s.client() as c:
        assert c.get().status == 200
        assert c.at_eof()
    with s.client() as c:
        assert [c.get().get("connection") for _ in range(3)] == [None, None, "close"]
        assert c.at_eof()


@pytest.mark.parametrize("request_text, status", [
    ("GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: silex.test\r\n\r\n", 414),
    ("GET / HTTP/1.1\r\nHost: silex.test\r\nX: " + "a" * 9000 + "\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: silex.test\r\n" + "X-A: b\r\n" * 200 + "\r\n", 400)])
def test_head_limits(silex, request_text, status):
    with silex.client() as c:
        assert c.send(request_text).read().status in (status, 431 if status == 400 else status)
        assert c.at_eof()
