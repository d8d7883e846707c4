"""The HTTP/1.1 engine under strain: ends, deadlines, tunnels, large content, odd origins.

test_proxy.py shows what works; this file what happens at the edges."""

import hashlib
import os
import re
import signal
import socket
import threading
import time

import pytest

from harness import Client, backends, ingress, once_then_close, wait_until

MIB = 1 << 20


def logged(silex, *parts):
    """Wait for an access log line that holds all of parts, and return it."""
    return silex.wait_access(lambda line: all(p in line for p in parts))


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096


# -- answers made here -----------------------------------------------------------


def test_error_answers_keep_the_connection(silex):
    with silex.client() as c:
        for _ in range(3):
            answer = c.get(host="nobody.test")
            assert answer.status == 404 and answer.get("content-type") == "text/html"
            assert answer.get("connection") is None
        assert c.get(host="nobody.test", method="HEAD").status == 404
        assert c.get().status == 200


def test_error_with_unread_content_closes(silex):
    """What follows would be content, or the next request: nobody can tell."""
    with silex.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 100\r\n\r\n")
        answer = c.read()
        assert answer.status == 404 and answer.get("connection") == "close"
        c.send("GET / HTTP/1.1\r\nHost: silex.test\r\n\r\n" + "x" * 60)
        assert c.at_eof()


def test_content_that_is_there_is_read_and_the_connection_lives(silex):
    with silex.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 3\r\n\r\nabc"
               "GET / HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert [c.read().status for _ in range(2)] == [404, 200]


def test_malformed_gets_a_status_then_the_end(silex):
    with silex.client() as c:
        c.send("GET / HTTP/1.1\r\nHost: silex.test\r\n\r\nGET /\x00 HTTP/1.1\r\n\r\n")
        assert c.read().status == 200
        answer = c.read()
        assert answer.status == 400 and answer.get("connection") == "close" and c.at_eof()
    logged(silex, " 400 ")


def test_health_of_the_catch_all_host(silex):
    with silex.client() as c:
        assert c.get("/healthz", "nobody.test").status == 200
        assert c.get("/healthz", "silex.test").body.startswith(b"origin")


def test_no_endpoint_is_503(silex):
    silex.manifests.put("empty", backends("empty"), ingress("empty", {"empty.test": "empty"}))
    silex.wait_status(503, host="empty.test")


def test_expect_is_not_met_when_the_content_is_refused(silex):
    with silex.client() as c:
        c.send("POST /sink HTTP/1.1\r\nHost: silex.test\r\nExpect: 100-continue\r\n"
               f"Content-Length: {2 * MIB}\r\n\r\n")
        answer = c.read()
        assert answer.status == 413 and not answer.hints and c.at_eof()


def test_other_expectations_fail(silex):
    with silex.client() as c:
        answer = c.get(fields=[("Expect", "200-ok")])
        assert answer.status == 417


# -- connections -------------------------------------------------------------------


def test_http10_keep_alive(silex):
    with silex.client() as c:
        for _ in range(2):
            c.send("GET / HTTP/1.0\r\nHost: silex.test\r\nConnection: keep-alive\r\n\r\n")
            answer = c.read()
            assert answer.status == 200 and answer.get("connection") == "keep-alive"


def test_http10_without_host_still_names_one_to_the_origin(make_silex, make_scripted):
    s = make_silex()
    o = make_scripted(once_then_close("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    s.manifests.put("all", backends("all", o.port), ingress("all", {"": "all"}))
    s.start()
    with s.client() as c:
        c.send("GET / HTTP/1.0\r\n\r\n")
        assert c.read().status == 200
    assert f"\r\nHost: 127.0.0.1:{o.port}\r\n".encode() in o.raw


def test_many_pipelined_requests_in_one_segment(silex):
    one = "GET /bytes/{} HTTP/1.1\r\nHost: silex.test\r\n\r\n"
    with silex.client() as c:
        c.send("".join(one.format(i) for i in range(200)))
        assert [len(c.read().body) for _ in range(200)] == list(range(200))


def test_client_gone_is_499_and_frees_the_origin(silex, route):
    gone = threading.Event()

    def script(peer):
        peer.read_head()
        assert not peer.fill()
        gone.set()
    route(script)
    with silex.client() as c:
        c.request("/waiting", "scripted.test")
        wait_until(lambda: silex.metrics()["silex_upstream_connects_total"] > 0)
    assert gone.wait(20), "the origin's connection must be closed too"
    logged(silex, "/waiting", " 499 ")


def test_client_gone_in_the_middle_of_its_content(silex, route):
    route(lambda p: (p.read_head(), p.read_exactly(1000)))
    with silex.client() as c:
        c.send("POST /half HTTP/1.1\r\nHost: scripted.test\r\nContent-Length: 1000\r\n\r\nabc")
        wait_until(lambda: silex.metrics()["silex_upstream_connects_total"] > 0)
    logged(silex, "/half", " 499 ")


def test_answers_behind_the_answer_are_never_given_to_anyone(silex, route):
    """A pooled connection on which the origin said too much would answer the next client."""
    ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    o = route(lambda p: [p.send(ok + "ok" + ok + "NO") for _ in iter(p.read_request, None)])
    with silex.client() as a, silex.client() as b:
        for c in (a, b, a, b):
            assert c.get(host="scripted.test").body == b"ok"
    assert len(o.peers) == 4


def test_an_idle_origin_that_speaks_is_dropped(silex, route):
    said = threading.Event()

    def script(peer):
        if peer.read_request() is not None:
            peer.answer(body=b"ok")
            if peer.number == 0:
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nNO")
                said.set()
            peer.fill()
    o = route(script)
    with silex.client() as c:
        assert c.get(host="scripted.test").body == b"ok"
        assert said.wait(20)
        wait_until(lambda: silex.metrics()["silex_upstream_idle"] == 0)
        assert c.get(host="scripted.test").body == b"ok"
    assert len(o.peers) == 2


def test_connections_to_endpoints_that_left_are_closed(silex, make_origin):
    a, b = make_origin("a"), make_origin("b")
    silex.manifests.put("x", backends("x", a.port), ingress("x", {"x.test": "x"}))
    silex.wait_status(200, host="x.test")
    wait_until(lambda: silex.metrics()["silex_upstream_idle"] == 1)
    silex.manifests.put("x", backends("x", b.port), ingress("x", {"x.test": "x"}))
    wait_until(lambda: silex.metrics()["silex_upstream_idle"] == 0)
    wait_until(lambda: silex.get(host="x.test").body.startswith(b"origin b"))


def test_post_on_a_stale_connection_is_sent_once(silex, route):
    """RFC 9110 §9.2.2: not idempotent, and it may have been acted upon."""
    heads = []

    def script(peer):
        while (got := peer.read_request()) is not None:
            heads.append(got[0])
            if b"POST" in got[0]:
                return
            peer.answer()
    route(script)
    with silex.client() as c:
        assert c.get(host="scripted.test").status == 200
        assert c.get(host="scripted.test", method="POST", body="x").status == 502
    assert sum(b"POST" in h for h in heads) == 1


def test_put_is_sent_again_with_its_content(silex, route):
    bodies = []

    def script(peer):
        while (got := peer.read_request()) is not None:
            bodies.append(got[1])
            if len(bodies) == 2:
                return
            peer.answer()
    route(script)
    with silex.client() as c:
        assert c.get(host="scripted.test").status == 200
        assert c.get(host="scripted.test", method="PUT", body="x" * 30000).status == 200
    assert bodies == [b"", b"x" * 30000, b"x" * 30000]


def test_full_house(make_silex, origin, make_scripted):
    """At max-connections an idle one makes room; when all are busy the next is told 503."""
    s = make_silex(conf="max-connections = 16\n")
    slow = make_scripted(lambda p: p.fill() and p.fill())
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}),
                    backends("slow", slow.port), ingress("slow", {"slow.test": "slow"}))
    s.start()
    idle = [s.client() for _ in range(16)]
    for c in idle:
        assert c.get().status == 200
    busy = []
    for i in range(16):
        busy.append(s.client())
        busy[i].request(host="slow.test")
        wait_until(lambda n=i: len(slow.peers) > n, what="the slow origin to be asked")
    assert all(c.at_eof() for c in idle)
    with s.client() as c:
        assert c.read().status == 503
    for c in idle + busy:
        c.close()


# -- deadlines -----------------------------------------------------------------------


def test_silent_origin_is_504(silex, route):
    route(lambda p: p.fill() and p.fill(), **{"proxy-read-timeout": 1})
    with silex.client() as c:
        assert c.get("/silent", "scripted.test", method="POST", body="x").status == 504
        assert c.get().status == 200
    logged(silex, "/silent", " 504 ")


def test_origin_that_falls_silent_within_its_answer(silex, route):
    route(lambda p: (p.read_head(), p.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
                     p.fill()), **{"proxy-read-timeout": 1})
    with silex.client() as c:
        c.request(host="scripted.test")
        assert c.read_head().status == 200
        assert c.read_all() == b"abc"


def test_client_that_takes_nothing_is_cut(make_silex, origin):
    s = make_silex(conf="client-send-timeout = 300ms\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    with s.client(rcvbuf=4096) as c:
        c.request("/bytes/100000000")
        logged(s, "/bytes/100000000")
        assert s.metrics()["silex_connections_active"] <= 1


def test_head_deadline_is_for_the_whole_head(make_silex, origin):
    """Slowloris: a byte now and then does not buy time."""
    s = make_silex(conf="client-header-timeout = 500ms\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    with s.client() as c:
        try:
            c.send_pieces("GET / HTTP/1.1\r\nHost: silex.test\r\nX: " + "a" * 100, 1, 0.02)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert c.read().status == 408


# -- content ---------------------------------------------------------------------------


def test_a_request_that_came_in_time_is_answered_late(make_silex, origin):
    """The worker gets no CPU while the time of an idle connection runs out and a request waits in
    its socket: it looks at both at once, and must not reset what the client sent in time."""
    s = make_silex(conf="keep-alive = 3\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    with s.client() as idle, s.client() as c:
        assert idle.get().status == c.get().status == 200
        os.kill(s.worker(), signal.SIGSTOP)
        over = time.monotonic() + 3.5
        c.request()
        wait_until(lambda: time.monotonic() > over, what="the end of the idle time")
        os.kill(s.worker(), signal.SIGCONT)
        assert c.read().status == 200
        assert idle.at_eof()  # nothing came on this one: its time is over all the same
    wait_until(lambda: s.metrics()['silex_connections_ended_total{reason="conn_idle"}'] >= 1)


def test_upload_and_download_at_once(silex, route):
    """An echo of 32 MiB, chunked: neither direction waits for the other's end."""
    def script(peer):
        peer.read_head()
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        if peer.buf:
            peer.send(peer.buf)
        while not peer.raw.endswith(b"\r\n0\r\n\r\n"):
            data = peer.sock.recv(65536)
            peer.raw = peer.raw[-8:] + data
            peer.send(data)
    route(script, **{"proxy-body-size": "0"})
    chunk = b"10000\r\n" + bytes(range(256)) * 256 + b"\r\n"
    with silex.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: scripted.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        sender = threading.Thread(target=lambda: c.send(chunk * 512 + b"0\r\n\r\n"))
        sender.start()
        answer = c.read()
        sender.join()
    assert hashlib.sha256(answer.body).digest() == \
        hashlib.sha256(bytes(range(256)) * 256 * 512).digest()


@pytest.mark.parametrize("target", ["/bytes/{}", "/chunked/{}"])
def test_large_download_needs_little_memory(silex, target):
    size = 200 * MIB
    silex.get("/bytes/1000000")
    before = resident(silex.worker())
    with silex.client() as c:
        c.request(target.format(size))
        answer = c.read_head()
        left, most = size, 0
        if answer.get("content-length"):
            while left > 0:
                left -= len(c.take(min(left, 4 * MIB)))
                most = max(most, resident(silex.worker()))
        else:
            assert len(c.read_chunked(answer)) == size
            most = resident(silex.worker())
        assert c.get().status == 200
    assert most - before < 3 * MIB or "asan" in str(silex.build)


def test_large_upload_of_known_length(make_silex, origin):
    s = make_silex(conf="proxy-body-size = 0\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    body = bytes(range(256)) * (32 * MIB // 256)
    with Client(origin.port) as direct:
        want = direct.get("/sink", method="POST", body=body).body
    with s.client() as c:
        assert c.get("/sink", method="POST", body=body).body == want
        assert c.get("/sink", method="PUT", body=b"abc").status == 200


def test_tiny_chunks_and_odd_seams(silex, origin):
    body = bytes(range(256)) * 40
    want = silex.get("/sink", method="POST", body=body).body
    for size in (1, 7, 255):
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size])
                          for i in range(0, len(body), size)) + b"0\r\n\r\n"
        with silex.client() as c:
            c.send("POST /sink HTTP/1.1\r\nHost: silex.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            c.send_pieces(chunks, 1000)
            assert c.read().body == want
            assert c.get().status == 200


def test_trailers_of_requests_pass(silex, route):
    o = route(lambda p: p.read_until(b"X-Sum: 1\r\n\r\n") and p.answer())
    with silex.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: scripted.test\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 5\r\n\r\n")
        assert c.read().status == 200
    assert o.raw.endswith(b"\r\n0\r\nX-Sum: 1\r\n\r\n")


def test_broken_chunks_of_the_client(silex):
    with silex.client() as c:
        c.send("POST /sink HTTP/1.1\r\nHost: silex.test\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\nGET / HTTP/1.1\r\n\r\n")
        assert c.read().status == 400 and c.at_eof()
    logged(silex, "/sink", " 400 ")


def test_broken_chunks_of_the_origin(silex, route):
    route(once_then_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "3\r\nabc\r\nzz\r\n"))
    with silex.client() as c:
        assert c.get(host="scripted.test").status == 502, "nothing of it went out yet"
        assert c.get().status == 200


def test_close_delimited_answer_becomes_chunked(silex, route):
    route(once_then_close("HTTP/1.1 200 OK\r\n\r\nuntil the end"))
    with silex.client() as c:
        answer = c.get(host="scripted.test")
        assert answer.framing == "chunked" and answer.body == b"until the end"
        assert c.get().status == 200


def test_large_head_of_a_request(silex):
    """Over a chunk, under client-header-size."""
    fields = [(f"X-{i}", "v" * 7000) for i in range(4)]
    echo = silex.get("/echo", fields=fields).json()
    assert sum(len(v) for k, v in echo["headers"] if re.fullmatch("X-[0-3]", k)) == 28000


# -- tunnels ----------------------------------------------------------------------------


UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
SWITCH = "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_tunnel_bytes_right_behind_the_heads(silex, route):
    def script(peer):
        peer.read_head()
        peer.send(SWITCH + "first")
        peer.send(peer.read_exactly(5))
    route(script)
    with silex.client() as c:
        c.send("GET / HTTP/1.1\r\nHost: scripted.test\r\nConnection: upgrade\r\n"
               "Upgrade: websocket\r\n\r\n")
        assert c.read().status == 101
        assert c.take(5) == b"first"
        c.send("hello")
        assert c.take(5) == b"hello" and c.at_eof()


def test_tunnel_half_close_by_the_origin(silex, route):
    got = []

    def script(peer):
        peer.read_head()
        peer.send(SWITCH + "bye")
        peer.sock.shutdown(socket.SHUT_WR)
        got.append(peer.read_exactly(100000))
    route(script)
    with silex.client() as c:
        assert c.get(host="scripted.test", fields=UPGRADE).status == 101
        assert c.take(3) == b"bye" and c.at_eof()
        c.send(b"z" * 100000)
        wait_until(lambda: got, what="the other half")
    assert got == [b"z" * 100000]
    logged(silex, " 101 ")


def test_silent_tunnel_ends(silex, route):
    route(lambda p: (p.read_head(), p.send(SWITCH), p.fill()), **{"proxy-read-timeout": 1})
    with silex.client() as c:
        assert c.get(host="scripted.test", fields=UPGRADE).status == 101
        assert c.at_eof()


def test_large_transfers_through_a_tunnel(silex):
    data = bytes(range(256)) * (16 * MIB // 256)
    with silex.client() as c:
        assert c.get("/upgrade", fields=UPGRADE).status == 101
        sender = threading.Thread(target=lambda: c.send(data))
        sender.start()
        assert c.take(len(data)) == data
        sender.join()


# -- early answers -----------------------------------------------------------------------


def test_early_answer_reaches_a_client_that_goes_on_sending(silex, route):
    route(lambda p: (p.read_head(), p.answer(403, b"no thanks")), **{"proxy-body-size": "0"})
    with silex.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: scripted.test\r\nContent-Length: 50000000\r\n\r\n")
        try:
            for _ in range(50):
                c.send(b"x" * MIB)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = c.read()
        assert answer.status == 403 and answer.body == b"no thanks"


def test_interim_flood_is_bounded(silex, route):
    route(lambda p: (p.read_head(), p.send("HTTP/1.1 103 X\r\n\r\n" * 1000), p.fill()))
    with silex.client() as c:
        answer = c.get(host="scripted.test", method="POST", body="x")
        assert answer.status == 502 and len(answer.hints) < 100
