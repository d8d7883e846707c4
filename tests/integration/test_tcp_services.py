"""TCP services: what passes through them, how sessions end, and who is told."""

import hashlib
import json
import socket
import struct
import threading

import pytest

from harness import backends, configmap, free_port, ingress, service, wait_until
from streams_world import (connect, echo, exchange, greeting, is_dead, listens, named, noise,
                           read_all, reset, set_tcp, start)
from test_edge import closes, metric, reason, v1, v2  # noqa: F401


@pytest.fixture
def world(make_silex, make_scripted):
    """world(script, entry_suffix, **how) -> (silex, port, origin): one service."""
    def make(script=echo, suffix="", **how):
        origin, port = make_scripted(script), free_port()
        s = start(make_silex, {port: f"default/db:5432{suffix}"},
                  *backends("db", origin.port, port=5432), **how)
        return s, port, origin
    return make


# -- passing through --------------------------------------------------------------------------

def test_echo_and_half_close(world):
    s, port, _ = world()
    with connect(port) as c:
        assert exchange(c) == b"hello"
        c.sendall(b"the end")
        c.shutdown(socket.SHUT_WR)
        assert read_all(c) == b"the end"
    wait_until(lambda: reason(s, "stream_done") == 1, what="a counted end")
    line = s.wait_access(lambda x: " 12 12 " in x)
    assert line.startswith("[127.0.0.1] [") and "] TCP 200 12 12 0." in line


def test_the_server_speaks_first(world):
    """Nothing waits for the client's first byte: mail, MySQL, SSH."""
    _, port, _ = world(named("mysql"))
    with connect(port) as c:
        assert greeting(c) == "mysql"


def test_the_server_ends_first(world):
    """Its end is passed on, and what the client still sends arrives."""
    got = []

    def script(peer):
        peer.send("done")
        peer.sock.shutdown(socket.SHUT_WR)
        got.append(read_all(peer.sock))
    _, port, _ = world(script)
    with connect(port) as c:
        assert read_all(c) == b"done"
        c.sendall(b"late")
        c.shutdown(socket.SHUT_WR)
        wait_until(lambda: got == [b"late"], what="the client's bytes")


@pytest.mark.parametrize("size", [100_000, 30 << 20])
def test_much_both_ways(world, size):
    """Whole and in order, both directions at once: slices and kernel pipes."""
    data, digest = noise(size)
    answer, answer_digest = noise(size + 12345)

    def script(peer):
        t = threading.Thread(target=lambda: (peer.sock.sendall(answer),
                                             peer.sock.shutdown(socket.SHUT_WR)))
        t.start()
        peer.digest = hashlib.sha256(read_all(peer.sock)).hexdigest()
        t.join()
    s, port, origin = world(script)
    with connect(port) as c:
        t = threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR)))
        t.start()
        assert hashlib.sha256(read_all(c)).hexdigest() == answer_digest
        t.join()
    wait_until(lambda: any(getattr(p, "digest", "") == digest for p in origin.peers),
               what="the origin's checksum")
    wait_until(lambda: metric(s, "silex_stream_sent_bytes_total") == len(answer), what="bytes")
    assert metric(s, "silex_stream_received_bytes_total") == len(data)


def test_who_does_not_read_stops_the_other(world):
    """Backpressure: an endpoint that sends for ever is stopped, and memory stays bounded."""
    sent = []

    def script(peer):
        peer.sock.settimeout(2)
        n = 0
        try:
            while n < 1 << 30:
                n += peer.sock.send(b"x" * 65536)
        except OSError:
            sent.append(n)
    _, port, _ = world(script)
    with connect(port):
        wait_until(lambda: len(sent) >= 1 and max(sent) > 0, what="the endpoint to be stopped")
        assert max(sent) < 64 << 20


def test_bytes_are_not_looked_at(world):
    _, port, _ = world()
    data = bytes(range(256)) * 40 + b"GET / HTTP/1.1\r\n\r\n" + b"\0" * 100
    with connect(port) as c:
        assert exchange(c, data) == data


def test_a_thousand_idle_sessions(world):
    """They hold no buffers, and each still works."""
    s, port, _ = world(workers=2)
    many = [connect(port) for _ in range(1000)]
    try:
        for c in many:
            assert exchange(c, b"a") == b"a"
        wait_until(lambda: metric(s, "silex_stream_sessions_active") == 1000, what="sessions")
        for c in many:
            assert exchange(c, b"again") == b"again"
    finally:
        for c in many:
            c.close()
    wait_until(lambda: metric(s, "silex_stream_sessions_active") == 0, what="their end")


# -- how sessions end -------------------------------------------------------------------------

def test_a_silent_session_ends(world):
    s, port, _ = world(conf="proxy-stream-timeout = 200ms\n")
    with connect(port) as c:
        assert exchange(c) == b"hello"
        assert is_dead(c)
    wait_until(lambda: reason(s, "stream_idle") >= 1, what="the reason")


def test_an_endpoint_that_resets(world):
    """The client gets what was sent before, and then no clean end."""
    def script(peer):
        peer.send("some")
        if peer.sock.recv(10):
            peer.reset()
    s, port, _ = world(script)
    with connect(port) as c:
        assert c.recv(10) == b"some"
        c.sendall(b"go")
        with pytest.raises(ConnectionResetError):
            assert c.recv(10) == b""
            raise AssertionError("a clean end")
    wait_until(lambda: reason(s, "stream_upstream_reset") >= 1, what="the reason")


def test_a_client_that_resets(world):
    ends = []

    def script(peer):
        try:
            while data := peer.sock.recv(1000):
                peer.send(data)
            ends.append("clean")
        except ConnectionResetError:
            ends.append("reset")
    s, port, _ = world(script)
    c = connect(port)
    assert exchange(c) == b"hello"
    reset(c)
    wait_until(lambda: "reset" in ends, what="the endpoint to hear of it")
    wait_until(lambda: reason(s, "stream_client_reset") >= 1, what="the reason")


def test_answer_and_close_without_reading(world):
    """An endpoint that answers and closes while the client still sends: the answer arrives."""
    def script(peer):
        peer.sock.recv(1)
        peer.send("answer")
    _, port, _ = world(script)
    for _ in range(20):
        with connect(port) as c:
            c.sendall(b"x" * 100)
            assert c.recv(100) == b"answer"


# -- endpoints --------------------------------------------------------------------------------

def test_balancing(make_silex, make_scripted):
    origins = [make_scripted(named(n)) for n in "abc"]
    port = free_port()
    start(make_silex, {port: "default/db:5432"},
          *backends("db", *(o.port for o in origins), port=5432))
    seen = []
    for _ in range(9):
        with connect(port) as c:
            seen.append(greeting(c))
    assert all(seen.count(n) == 3 for n in "abc")


def test_another_endpoint_is_tried(make_silex, make_scripted):
    origin, port = make_scripted(named("alive")), free_port()
    s = start(make_silex, {port: "default/db:5432"},
              *backends("db", origin.port, free_port(), free_port(), port=5432))
    for _ in range(6):
        with connect(port) as c:
            assert greeting(c) == "alive"
    assert metric(s, "silex_upstream_retries_total") >= 2


def test_no_other_is_tried_when_told_so(make_silex, make_scripted):
    origin, port = make_scripted(named("alive")), free_port()
    s = start(make_silex, {port: "default/db:5432"},
              *backends("db", origin.port, free_port(), port=5432),
              conf="proxy-stream-next-upstream = false\n")
    greetings = []
    for _ in range(6):
        with connect(port) as c:
            greetings.append("" if not (g := greeting_or_none(c)) else g)
    assert sorted(greetings) == ["", "", "", "alive", "alive", "alive"]
    assert reason(s, "stream_connect_failed") >= 3
    s.wait_access(lambda x: "] TCP 502 0 0 " in x)


def greeting_or_none(c):
    try:
        return greeting(c)
    except ConnectionResetError:
        return ""


def test_no_service_and_no_endpoint(make_silex, make_scripted):
    """The port is open; connections are closed at once, with a reason, until there is one."""
    port = free_port()
    s = start(make_silex, {port: "default/db:5432"}, service("other"))
    with connect(port) as c:
        assert is_dead(c)
    s.wait_log("NoService.*default/db/5432")
    s.manifests.put("db", service("db", 5432))
    s.wait_log("NoEndpoints.*default/db/5432")
    with connect(port) as c:
        assert is_dead(c)
    wait_until(lambda: reason(s, "stream_no_service") >= 2, what="the reason")
    s.wait_access(lambda x: "] TCP 502 0 0 " in x)
    origin = make_scripted(named("there"))
    s.manifests.put("db", *backends("db", origin.port, port=5432))

    def served():
        with connect(port) as c:
            return greeting_or_none(c) == "there"
    wait_until(served, what="the endpoint in use")


def test_an_endpoint_goes_away(make_silex, make_scripted):
    """Open sessions live on; new ones go elsewhere."""
    old, new, port = make_scripted(named("old")), make_scripted(named("new")), free_port()
    s = start(make_silex, {port: "default/db:5432"}, *backends("db", old.port, port=5432))
    with connect(port) as c:
        assert greeting(c) == "old"
        s.manifests.put("objects", *backends("db", new.port, port=5432))

        def moved():
            with connect(port) as other:
                return greeting(other) == "new"
        wait_until(moved, what="new sessions to go elsewhere")
        assert exchange(c) == b"hello"


def test_ports_by_name(make_silex, make_scripted):
    origin, port = make_scripted(named("by name")), free_port()
    svc, *slices = backends("db", origin.port, port=5432)
    svc["spec"]["ports"] = [{"name": "x", "port": 1, "targetPort": 1},
                            {"name": "sql", "port": 5432, "protocol": "TCP"}]
    for one in slices:
        one["ports"][0]["name"] = "sql"
    start(make_silex, {port: "default/db:sql"}, svc, *slices)
    with connect(port) as c:
        assert greeting(c) == "by name"


# -- the PROXY protocol -----------------------------------------------------------------------

def header_of(peer):
    peer.header = peer.read_until(b"\r\n")
    peer.send(peer.buf)
    echo(peer)


def test_proxy_out(world):
    _, port, origin = world(header_of, "::PROXY")
    with connect(port) as c:
        mine = c.getsockname()[1]
        assert exchange(c) == b"hello"
        want = f"PROXY TCP4 127.0.0.1 127.0.0.1 {mine} {port}\r\n".encode()
        assert want in [getattr(p, "header", b"") for p in origin.peers]


def v2_header_of(peer):
    """Reads a header of version 2 by proxy-protocol.txt §2.2: peer.header = (family, source, target)."""
    fixed = peer.read_exactly(16)
    assert fixed[:13] == b"\r\n\r\n\0\r\nQUIT\n\x21", fixed
    family = {0x11: socket.AF_INET, 0x21: socket.AF_INET6}[fixed[13]]
    body = peer.read_exactly(int.from_bytes(fixed[14:16], "big"))
    n = 4 if family == socket.AF_INET else 16
    assert len(body) == 2 * n + 4, body
    ports = struct.unpack(">HH", body[2 * n:])
    peer.header = (family, (socket.inet_ntop(family, body[:n]), ports[0]),
                   (socket.inet_ntop(family, body[n:2 * n]), ports[1]))
    peer.send(peer.buf)
    echo(peer)


def test_proxy_out_version_2(world):
    _, port, origin = world(v2_header_of, "::PROXY2")
    with connect(port) as c:
        assert exchange(c) == b"hello"
        want = (socket.AF_INET, c.getsockname(), ("127.0.0.1", port))
        assert want in [getattr(p, "header", None) for p in origin.peers]


@pytest.mark.parametrize("header", [v1("192.0.2.7", 5432), v2("192.0.2.7", 5432)])
def test_proxy_in_and_out_version_2(world, header):
    s, port, origin = world(v2_header_of, ":PROXY:PROXY2")
    with connect(port) as c:
        c.sendall(header)
        assert exchange(c) == b"hello"
        want = (socket.AF_INET, ("192.0.2.7", 56324), ("198.51.100.1", 5432))
        assert want in [getattr(p, "header", None) for p in origin.peers]
    s.wait_access(lambda x: x.startswith("[192.0.2.7] ") and "] TCP 200 5 5 " in x)


@pytest.mark.parametrize("header", [v1("192.0.2.7", 5432), v2("192.0.2.7", 5432)])
def test_proxy_in_and_out(world, header):
    s, port, origin = world(header_of, ":PROXY:PROXY")
    with connect(port) as c:
        for i in range(0, len(header), 7):
            c.sendall(header[i:i + 7])
        assert exchange(c) == b"hello"
        want = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 5432\r\n"
        assert want in [getattr(p, "header", b"") for p in origin.peers]
    s.wait_access(lambda x: x.startswith("[192.0.2.7] ") and "] TCP 200 5 5 " in x)


def test_proxy_in_is_not_believed_from_anyone(world):
    s, port, origin = world(header_of, ":PROXY:PROXY", conf="proxy-real-ip-cidr = 10.0.0.0/8\n")
    with connect(port) as c:
        mine = c.getsockname()[1]
        c.sendall(v1())
        assert exchange(c) == b"hello"
        want = f"PROXY TCP4 127.0.0.1 127.0.0.1 {mine} {port}\r\n".encode()
        assert want in [getattr(p, "header", b"") for p in origin.peers]
    assert metric(s, "silex_proxy_headers_refused_total") == 1


def test_no_proxy_header_where_one_is_due(world):
    s, port, origin = world(echo, ":PROXY")
    with connect(port) as c:
        c.sendall(b"SELECT 1;\r\n")
        assert is_dead(c)
    wait_until(lambda: reason(s, "conn_proxy_bad") >= 1, what="the reason")
    s.wait_access(lambda x: "] TCP 400 0 0 " in x)
    assert origin.peers == []


def test_a_proxy_header_that_does_not_come(world):
    s, port, _ = world(echo, ":PROXY", conf="proxy-protocol-header-timeout = 100ms\n")
    with connect(port) as c:
        assert is_dead(c)
    wait_until(lambda: reason(s, "conn_proxy_timeout") >= 1, what="the reason")


# -- the access log ---------------------------------------------------------------------------

def test_json(world):
    s, port, origin = world(conf="access-log-format = json\n")
    with connect(port) as c:
        assert exchange(c) == b"hello"
    line = json.loads(s.wait_access(lambda x: '"bytes_sent":5' in x))
    assert line["protocol"] == "TCP" and line["status"] == 200 and line["port"] == port
    assert line["reason"] == "stream_done"
    assert line["upstream_addr"] == f"127.0.0.1:{origin.port}"


def settings(text):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "infra"},
            "data": {"log-format-stream": text}}


def test_own_format(world):
    """log-format-stream, changed while running."""
    s, port, origin = world(workers=1, flags=["--configmap", "infra/settings"])
    s.manifests.put("settings", settings("own|$remote_addr|$protocol|$status|$bytes_sent|$bytes_received|"
                                         "$upstream_addr|$proxy_upstream_name|$server_port|$request|$silex_reason"))
    s.wait_log(r"log-format-stream: \$request never has a value")

    def own():
        with connect(port) as c:
            assert exchange(c) == b"hello"
        return [x for x in s.access_lines() if x.startswith("own|")]
    want = (f"own|127.0.0.1|TCP|200|5|5|127.0.0.1:{origin.port}|tcp-default-db-5432|{port}|-|stream_done")
    assert wait_until(own, what="a line of the format")[0] == want
    s.manifests.put("settings", settings("broken ${"))
    s.wait_log(r"log-format-stream: .* it has no effect")

    def default():
        with connect(port) as c:
            assert exchange(c) == b"hello"
        return "] TCP 200 5 5 " in s.access_lines()[-1]
    wait_until(default, what="the default format")


def test_no_access_log(world):
    s, port, _ = world(conf="disable-stream-access-log = true\n")
    with connect(port) as c:
        assert exchange(c) == b"hello"
    wait_until(lambda: reason(s, "stream_done") == 1, what="its end")
    s.manifests.put("web", *backends("web", free_port()), ingress("web", {"silex.test": "web"}))
    s.wait_status(502)
    s.wait_access(lambda x: "GET / " in x)
    assert not [x for x in s.access_lines() if "TCP" in x]


# -- entries that are refused -----------------------------------------------------------------

@pytest.mark.parametrize("key,value,why", [
    ("80", "default/db:5432", "reserved"),
    ("443", "default/db:5432", "reserved"),
    ("HTTP", "default/db:5432", "number from 1"),
    ("70000", "default/db:5432", "number from 1"),
    ("0", "default/db:5432", "number from 1"),
    ("5001", "db:5432", "namespace/service:port"),
    ("5001", "default/db", "namespace/service:port"),
    ("5001", "", "namespace/service:port"),
    ("5001", "default/:5432", "namespace/service:port"),
    ("5001", "default/db:5432:PROXZ", "only PROXY"),
    ("5001", "default/db:5432:PROXY:PROXY:PROXY", "only PROXY"),
    ("5001", "default/db:5432:PROXY2", "second may be PROXY2"),
])
def test_refused(make_silex, make_scripted, key, value, why):
    """... is told, and takes nothing from the others."""
    origin, port = make_scripted(echo), free_port()
    s = start(make_silex, {port: "default/db:5432"}, *backends("db", origin.port, port=5432))
    set_tcp(s, {port: "default/db:5432", key.replace("HTTP", "http"): value})
    s.wait_log(f"StreamService.*port .*{why}")
    with connect(port) as c:
        assert exchange(c) == b"hello"


def test_own_ports_are_refused(make_silex):
    s = start(make_silex, {}, service("db", 5432))
    set_tcp(s, {s.http_port: "default/db:5432", s.healthz_port: "default/db:5432"})
    s.wait_log(f"StreamService.*port {s.http_port} .*reserved")
    s.wait_log(f"StreamService.*port {s.healthz_port} .*reserved")
    assert s.get(host="nobody.test").status == 404


def test_a_port_that_is_taken(make_silex, make_scripted):
    """Told once; opened as soon as it is free."""
    origin, port = make_scripted(named("db")), free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        s = make_silex(flags=["--tcp-services-configmap", "default/tcp"])
        s.manifests.put("tcp", configmap("tcp", {port: "default/db:5432"}))
        s.manifests.put("db", *backends("db", origin.port, port=5432))
        s.start()
        s.wait_log(f"StreamService.*port {port} cannot be listened on: .*another program")
    wait_until(lambda: listens(port), what="the port to be opened")
    with connect(port) as c:
        assert greeting(c) == "db"
    assert s.log().count("cannot be listened on") == 1
