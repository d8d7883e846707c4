"""HTTP/2 towards clients: what works, what is refused, and what a hostile client cannot do."""

import re
import shutil
import subprocess

import pytest

import frames
from frames import H2, frame
from harness import PATIENCE, backends, ingress, wait_until

MIB = 1 << 20


def h2(silex, **how):
    return H2(silex.http_port, **how)


def others_are_served(silex):
    with silex.client() as c:
        assert c.get().status == 200
    with h2(silex) as c:
        assert c.get().status == 200


def resident(silex):
    with open(f"/proc/{silex.workers()[0]}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096


# -- what works ------------------------------------------------------------------


def test_get(silex):
    with h2(silex) as c:
        answer = c.get()
        assert answer.status == 200 and len(answer.body) == 128
        assert answer.fields["content-length"] == "128" and "date" in answer.fields
        assert "connection" not in answer.fields
        assert c.get(authority="nobody.test").status == 404
        head = c.get(method="HEAD")
        assert head.status == 200 and head.body == b"" and head.fields["content-length"] == "128"
    silex.wait_access(lambda line: '"GET / HTTP/2.0" 200' in line)


def test_many_streams_at_once(silex):
    with h2(silex) as c:
        streams = [c.open(path=f"/bytes/{i * 100}") for i in range(1, 101)]
        for i, s in enumerate(streams, 1):
            assert len(c.wait(s).body) == i * 100
    assert c.settings[3] == 128


def test_content_both_ways(silex):
    with h2(silex) as c:
        s = c.open(path="/echo", method="POST", end=False, extra=[("content-length", "6")])
        c.data(s, b"abc")
        c.data(s, b"def", end=True)
        assert b'"body":"abcdef"' in c.wait(s).body
        s = c.open(path="/echo", method="POST", end=False)
        c.data(s, b"xyz")
        c.data(s, end=True)
        assert b'"body":"xyz"' in c.wait(s).body


def test_large_head_of_an_answer(silex, route):
    def script(peer):
        while peer.read_request() is not None:
            peer.answer(fields="".join(f"X-{i}: {'x' * 10000}\r\n" for i in range(12)))
    route(script, **{"proxy-buffer-size": "256k"})
    for _ in range(2):
        out = subprocess.run(["curl", "-si", "--http2-prior-knowledge", "-H", "Host: scripted.test",
                              f"http://127.0.0.1:{silex.http_port}/"],
                             capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        assert out.startswith("HTTP/2 200") and out.endswith("ok\n")
        assert re.findall(r"(?m)^x-(\d+): x{10000}\r?$", out) == [str(i) for i in range(12)]


def test_large_content(silex):
    with h2(silex) as c:
        assert len(c.get(path=f"/bytes/{4 * MIB}").body) == 4 * MIB
        assert len(c.get(path=f"/chunked/{MIB}").body) == MIB


def test_upload_waits_for_credit(silex):
    """The client never sends more than it was given, and the whole arrives."""
    total, piece = 900_000, b"u" * 16384
    with h2(silex) as c:
        c.until(lambda: c.settings)
        s = c.open(path="/sink", method="POST", end=False)
        left, windows = total, {0: 65535, s: 65535}
        seen = len(c.frames)
        credit = {}
        take = c._take

        def watch(kind, flags, stream, payload):
            if kind == frames.WINDOW_UPDATE:
                credit[stream] = credit.get(stream, 0) + int.from_bytes(payload, "big")
            take(kind, flags, stream, payload)
        c._take = watch
        sent = 0
        while left:
            n = min(len(piece), left)
            while windows[0] + credit.get(0, 0) + (MIB if seen else 0) - sent < n or \
                    windows[s] + credit.get(s, 0) - sent < n:
                assert c.read()
            c.data(s, piece[:n], end=n == left)
            sent += n
            left -= n
        assert str(total).encode() in c.wait(s).body


def test_trailers_pass(silex, route):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
                  b"3\r\nabc\r\n0\r\nX-Sum: ok\r\n\r\n")
    route(script)
    with h2(silex) as c:
        answer = c.get(authority="scripted.test")
        assert answer.body == b"abc" and answer.trailers == [("x-sum", "ok")]


def test_interim_answers_pass(silex):
    with h2(silex) as c:
        answer = c.get(path="/hints")
        assert [dict(h)[":status"] for h in answer.heads] == ["103", "200"]


def test_expect_continue(silex):
    with h2(silex) as c:
        s = c.open(path="/echo", method="POST", end=False,
                   extra=[("expect", "100-continue"), ("content-length", "2")])
        c.until(lambda: c.streams[s].heads)
        assert c.streams[s].status == 100
        c.data(s, b"ok", end=True)
        assert c.wait(s).status == 200


def test_cookie_crumbs_are_joined(silex):
    with h2(silex) as c:
        crumbs = [("cookie", "a=1"), ("x-between", "1"), ("cookie", "b=2"), ("cookie", "c=3")]
        answer = c.wait(c.open(path="/echo", extra=crumbs))
        assert b'["cookie","a=1; b=2; c=3"]' in answer.body.lower()
        assert answer.body.lower().count(b'"cookie"') == 1


def test_websocket_over_http2(silex):
    """RFC 8441: an extended CONNECT becomes an upgrade to the origin, and back."""
    with h2(silex) as c:
        c.until(lambda: 8 in c.settings)
        assert c.settings[8] == 1
        s = c.open([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                    (":path", "/upgrade"), (":authority", "silex.test"),
                    ("sec-websocket-version", "13")], end=False)
        c.until(lambda: c.streams[s].heads)
        assert c.streams[s].status == 200
        c.data(s, b"hello tunnel")
        c.until(lambda: b"hello tunnel" in c.streams[s].body)
        c.data(s, b"", end=True)
        assert c.wait(s).ended


def test_no_tunnel_without_an_upgrade(silex):
    """An origin that answers 200 has switched nothing: the client must not believe it."""
    with h2(silex) as c:
        s = c.open([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                    (":path", "/"), (":authority", "silex.test")], end=False)
        c.until(lambda: c.streams[s].heads)
        assert c.streams[s].status == 502


def test_early_answer_ends_the_stream(silex):
    with h2(silex) as c:
        s = c.open(path="/x", method="POST", authority="nobody.test", end=False)
        c.until(lambda: c.streams[s].reset is not None)
        assert c.streams[s].status == 404 and c.streams[s].reset == frames.NO_ERROR
        assert c.get().status == 200


def test_curl_and_nghttp(silex):
    for tool in ("curl", "nghttp", "h2load"):
        if shutil.which(tool) is None:
            pytest.fail(f"{tool} is missing: deploy/deps.sh test")
    url = f"http://127.0.0.1:{silex.http_port}/"
    out = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-H", "Host: silex.test", "-o",
                          "/dev/null", "-w", "%{http_version} %{http_code}", url],
                         capture_output=True, text=True, check=True, timeout=30)
    assert out.stdout == "2 200"
    out = subprocess.run(["h2load", "-n", "2000", "-c", "4", "-m", "16", "-H",
                          ":authority: silex.test", url],
                         capture_output=True, text=True, check=True, timeout=60)
    assert "2000 succeeded, 0 failed" in out.stdout


def test_http1_and_http2_share_the_port(silex):
    with silex.client() as c:
        for byte in b"GET / HTTP/1.1\r\nHost: silex.test\r\n\r\n":
            c.send(bytes([byte]))
        assert c.read().status == 200
    with h2(silex, start=False) as c:
        for byte in frames.PREFACE + frame(frames.SETTINGS):
            c.send(bytes([byte]))
        assert c.get().status == 200


def test_use_http2_false(make_silex):
    silex = make_silex(conf="use-http2 = false\n").start()
    with silex.client() as c:
        c.send(frames.PREFACE)
        assert c.read().status == 505


# -- draining --------------------------------------------------------------------


def test_drain_says_goaway_twice(make_silex, make_origin):
    silex = make_silex().start()
    origin = make_origin("slow")
    silex.manifests.put("slow", backends("slow", origin.port),
                        ingress("slow", {"slow.test": "slow"}))
    silex.wait_status(200, host="slow.test")
    with h2(silex) as c, h2(silex) as idle:
        assert c.get(authority="slow.test").status == 200
        assert idle.get(authority="slow.test").status == 200
        s = c.open(path="/slow/700", authority="slow.test")
        c.send(frame(frames.PING, payload=b"12345678"))
        c.until(lambda: c.pings)
        silex.kill(15)
        assert idle.drain() == [0, 0]
        assert c.wait(s).status == 200
        assert c.drain() == [0, 0]
        assert c.goaways[0][0] == 0x7fffffff and c.goaways[1][0] == s


# -- heads that are refused ------------------------------------------------------

BASE = frames.request_fields()


@pytest.mark.parametrize("fields", [
    BASE + [("x-a", "1\r\nx-b: 2")], BASE + [("x-a", "1\n2")], BASE + [("x-a", "1\0")],
    BASE + [("X-Upper", "1")], BASE + [("x a", "1")], BASE + [("", "1")],
    BASE + [("connection", "close")], BASE + [("keep-alive", "1")],
    BASE + [("transfer-encoding", "chunked")], BASE + [("upgrade", "websocket")],
    BASE + [("proxy-connection", "close")], BASE + [("te", "gzip")],
    BASE + [("host", "other.test")], BASE + [("host", "silex.test"), ("host", "silex.test")],
    BASE + [(":path", "/late")], BASE + [("content-length", "1"), ("content-length", "1")],
    BASE + [("content-length", "5")], BASE + [("content-length", "-1")],
    BASE + [("content-length", "99999999999999999999")],
    BASE[:2] + BASE[3:], BASE[1:], BASE[:1] + BASE[2:], BASE[:3],
    frames.request_fields(path=""), frames.request_fields(path="no-slash"),
    frames.request_fields(path="*"), frames.request_fields(path="/a b"),
    frames.request_fields(path="/a#b"), frames.request_fields(path="/a\r\nHost: x"),
    frames.request_fields(method="GE T"), frames.request_fields(method=""),
    frames.request_fields(authority="a@silex.test"), frames.request_fields(authority="a,b"),
    frames.request_fields(scheme="ftp"), BASE + [(":status", "200")], BASE + [(":odd", "1")],
], ids=lambda f: repr(f[4:] or f)[:60])
def test_malformed_head_resets_the_stream(silex, fields):
    with h2(silex) as c:
        s = c.open(fields)
        answer = c.wait(s)
        assert answer.reset == frames.PROTOCOL_ERROR and not answer.heads
        assert c.get().status == 200
    silex.wait_access(lambda line: " 400 " in line)


def test_content_length_must_fit(silex):
    for data in (b"abc", b"abcdefgh"):
        with h2(silex) as c:
            s = c.open(path="/echo", method="POST", end=False, extra=[("content-length", "5")])
            c.data(s, data, end=True)
            answer = c.wait(s)
            assert answer.reset == frames.PROTOCOL_ERROR


@pytest.mark.parametrize("extra, path, status", [
    ([("x-long", "v" * 9000)], "/", 400),
    ([(f"x-{i}", "v" * 4000) for i in range(9)], "/", 400),
    ([(f"x-{i}", "v") for i in range(101)], "/", 400),
    ([], "/" + "p" * 9000, 414),
    ([("expect", "something")], "/", 417),
])
def test_limits_are_those_of_http1(silex, extra, path, status):
    with h2(silex) as c:
        assert c.wait(c.open(path=path, extra=extra)).status == status
        assert c.get().status == 200


def test_connect_is_refused(silex):
    with h2(silex) as c:
        answer = c.wait(c.open([(":method", "CONNECT"), (":authority", "silex.test:80")]))
        assert answer.status == 405


# -- floods ----------------------------------------------------------------------


def flood(silex, c, pieces):
    """Send until the server has had enough; it must say so, and nobody else may notice."""
    for piece in pieces:
        if not c.try_send(piece):
            break
    assert frames.ENHANCE_YOUR_CALM in c.drain()
    others_are_served(silex)
    assert silex.metrics()["silex_http2_calm_total"] >= 1


def head_of(stream, end=True, extra=()):
    return frame(frames.HEADERS, frames.END_HEADERS | (frames.END_STREAM if end else 0), stream,
                 frames.block(BASE + list(extra)))


def test_rapid_reset(silex):
    """CVE-2023-44487."""
    with h2(silex) as c:
        flood(silex, c, (head_of(s) + frame(frames.RST_STREAM, 0, s, b"\0\0\0\x08")
                         for s in range(1, 20001, 2)))


def test_resets_we_are_provoked_into(silex):
    """CVE-2025-8671: each stream is reset by the server, for the client's fault."""
    with h2(silex) as c:
        flood(silex, c, (head_of(s, end=False) + frame(frames.WINDOW_UPDATE, 0, s, b"\x7f\xff\xff\xff")
                         for s in range(1, 20001, 2)))


@pytest.mark.parametrize("piece", [
    frame(frames.PING, 0, 0, b"12345678"),
    frame(frames.SETTINGS),
    frame(frames.SETTINGS, 0, 0, b"\0\x04\0\0\xff\xff"),
    frame(frames.PRIORITY, 0, 1001, b"\0\0\0\0\x10"),
    frame(0xfa, 0, 0, b"unknown"),
    frame(frames.WINDOW_UPDATE, 0, 0, b"\0\0\0\x01"),
], ids=["ping", "settings", "window settings", "priority", "unknown", "window of 1"])
def test_frames_that_bring_nothing(silex, piece):
    with h2(silex, auto=False) as c:
        flood(silex, c, (piece * 50 for _ in range(400)))


def test_empty_data(silex):
    with h2(silex) as c:
        s = c.open(path="/echo", method="POST", end=False)
        flood(silex, c, (frame(frames.DATA, 0, s) * 50 for _ in range(400)))


def test_continuation_flood(silex):
    with h2(silex) as c:
        c.send(frame(frames.HEADERS, frames.END_STREAM, 1, frames.block(BASE)))
        flood(silex, c, (frame(frames.CONTINUATION, 0, 1, frames.literal("x-a", "b"))
                         for _ in range(5000)))


def test_hpack_bomb(silex):
    """One 4 KB field in the table, named by one byte each, thousands of times."""
    before = resident(silex)
    with h2(silex) as c:
        big = frames.literal("x-big", "v" * 4000, index=True)
        flood(silex, c, [frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1,
                               frames.block(BASE) + big + b"\xbe" * 12000)])
    assert resident(silex) - before < 4 * MIB


def test_cookie_crumb_bomb(silex):
    """The HTTP/2 bomb of 2026: crumbs of a byte each, with a window that is closed."""
    before = resident(silex)
    with h2(silex, settings=[(4, 0)]) as c:
        crumb = frames.literal("cookie", "", index=True)
        flood(silex, c, [frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, s,
                               frames.block(BASE) + crumb + b"\xbe" * 16000)
                         for s in range(1, 101, 2)])
    assert resident(silex) - before < 4 * MIB


def test_closed_windows_hold_little(silex):
    """128 answers of 1 MiB that nobody takes: what is held is bounded, and others are served."""
    before = resident(silex)
    with h2(silex, settings=[(4, 0)]) as c:
        streams = [c.open(path=f"/bytes/{MIB}") for _ in range(100)]
        c.until(lambda: all(c.streams[s].heads for s in streams))
        others_are_served(silex)
        assert resident(silex) - before < 24 * MIB


def test_stalled_window_times_out(make_silex, make_origin):
    silex = make_silex(conf="client-send-timeout = 300ms\n").start()
    origin = make_origin("one")
    silex.manifests.put("one", backends("one", origin.port), ingress("one", {"one.test": "one"}))
    silex.wait_status(200, host="one.test")
    with h2(silex, settings=[(4, 10)], auto=False) as c:
        answer = c.wait(c.open(path="/bytes/5000", authority="one.test"))
        assert len(answer.body) == 10 and answer.reset is not None


def test_slow_reader_stops_the_origin(silex, route):
    """An endless answer to a client that has stopped reading: the origin is held up."""
    sent = []

    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        peer.sock.settimeout(1.0)
        try:
            while True:
                sent.append(peer.sock.send(b"x" * 65536))
        except OSError:
            pass
    route(script)
    with h2(silex, auto=False, rcvbuf=4096) as c:
        s = c.open(authority="scripted.test")
        c.until(lambda: len(c.streams[s].body) >= 65535)
        others_are_served(silex)
        wait_until(lambda: sum(sent) > 0, what="the origin's first bytes")
    assert sum(sent) < 16 * MIB


def test_concurrent_streams_are_bounded(silex):
    with h2(silex) as c:
        streams = [c.open(path="/slow/400") for _ in range(140)]
        answers = [c.wait(s) for s in streams]
        assert sum(a.reset == frames.REFUSED_STREAM for a in answers) == 12
        assert sum(a.reset is None and a.status == 200 for a in answers) == 128


def test_header_block_that_never_ends(make_silex):
    silex = make_silex(conf="client-header-timeout = 300ms\n").start()
    with h2(silex) as c:
        c.send(frame(frames.HEADERS, frames.END_STREAM, 1, frames.block(BASE)))
        assert c.drain()
    with h2(silex, start=False) as c:
        c.send(frames.PREFACE)
        assert c.drain()


def test_idle_connections_make_room(make_silex, make_origin):
    """At max-connections the oldest idle one gives way, whatever it speaks."""
    silex = make_silex(conf="max-connections = 16\n").start()
    origin = make_origin("one")
    silex.manifests.put("one", backends("one", origin.port), ingress("one", {"one.test": "one"}))
    silex.wait_status(200, host="one.test")
    held = [h2(silex) for _ in range(16)]
    for c in held:
        assert c.get(authority="one.test").status == 200
    with h2(silex) as c:
        assert c.get(authority="one.test").status == 200
    assert held[0].drain() == [frames.NO_ERROR]
    for c in held:
        c.sock.close()


# -- what is neither HTTP/1 nor the preface ---------------------------------------------------

FOREIGN = frame(frames.SETTINGS) + frame(frames.GOAWAY, payload=bytes(7) + b"\1")


def said(silex, sent):
    with silex.client() as c:
        c.send(sent)
        got = b""
        while more := c.sock.recv(65536):
            got += more
        return got


@pytest.mark.parametrize("sent", [
    b"INVALID CONNECTION PREFACE\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r",
    b"PRI * HTTP/2.0\r\nHost: x\r\n\r\n", b"DESCRIBE rtsp://x/ RTSP/1.0\r\n\r\n"])
def test_preface_gone_wrong(silex, sent):
    """RFC 9113 §3.4: a connection error of type PROTOCOL_ERROR."""
    assert said(silex, sent) == FOREIGN
    assert sum(v for k, v in silex.metrics().items() if '"conn_http2_error"' in k) == 1


@pytest.mark.parametrize("sent, status", [
    (b"GET / PREFACE\r\nHost: silex.test\r\n\r\n", 400), (b"INVALID CONNECTION\r\n\r\n", 400),
    (b"INVALID / HTTP/3.0\r\nHost: silex.test\r\n\r\n", 505),
    (b"INVALID / http\r\nHost: silex.test\r\n\r\n", 400),
    (b"INVALID A B C\r\nHost: silex.test\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: silex.test\r\n\r\nINVALID CONNECTION PREFACE\r\n\r\n", 400)])
def test_broken_request_of_http1(silex, sent, status):
    """What may be one is answered in its own terms."""
    assert b"HTTP/1.1 %d " % status in said(silex, sent)
