"""proxy-http-version and connection-proxy-header: how endpoints that speak HTTP/1 are spoken to."""

import pytest

from frames import H2, serve_h2
from harness import backends, configmap, ingress, wait_until
from test_edge import reason
from test_http2_upstream import plain

HOST = "silex.test"


@pytest.fixture
def world(make_silex, make_scripted):
    """world(annotations): what arrives at the endpoint is in .seen, by connection in .conns."""
    def start(annotations=None, data=None, answer=None):
        s = make_silex(flags=["--configmap", "default/conf"] if data is not None else [])
        s.seen, s.conns = [], []

        def script(peer):
            s.conns.append(peer)
            while (request := peer.read_request()) is not None:
                head, body = request
                s.seen.append((head.decode(), body))
                if answer:
                    peer.send(answer)
                    return
                peer.answer()
        if data is not None:
            s.manifests.put("conf", configmap("conf", data))
        s.manifests.put("one", backends("one", make_scripted(script).port),
                        ingress("one", {HOST: "one"}, annotations=annotations))
        return s.start()
    return start


def field(head, name):
    """Its values, lower case."""
    lines = [x.split(":", 1) for x in head.split("\r\n")[1:] if ":" in x]
    return [v.strip().lower() for k, v in lines if k.lower() == name]


def test_http10(world):
    s = world({"proxy-http-version": "1.0"})
    for _ in range(2):
        assert s.get("/a?b", method="POST", body=b"abc", fields=[("TE", "trailers")]).status == 200
    for head, body in s.seen:
        assert head.startswith("POST /a?b HTTP/1.0\r\n") and body == b"abc"
        assert field(head, "host") == [HOST]
        assert field(head, "connection") == ["close"]
        assert field(head, "content-length") == ["3"]
        assert not field(head, "te") and not field(head, "transfer-encoding")
    assert len(s.conns) == 2, "a connection each"


def test_an_answer_that_ends_with_the_connection(world):
    s = world({"proxy-http-version": "1.0"}, answer=b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold")
    with s.client() as c:
        for _ in range(2):
            assert c.get("/").body == b"old"
    with H2(s.http_port) as c:
        assert c.get("/", authority=HOST).body == b"old"


def test_content_without_a_length(world):
    """HTTP/1.0 has no words for it, and nothing is kept here until its length is known."""
    s = world({"proxy-http-version": "1.0"})
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode())
        assert c.read().status == 411
    with H2(s.http_port) as c:
        stream = c.open(method="POST", authority=HOST, end=False)
        c.data(stream, b"abc", end=True)
        assert c.wait(stream).status == 411
        stream = c.open(method="POST", authority=HOST, end=False, extra=[("content-length", "3")])
        c.data(stream, b"abc", end=True)
        assert c.wait(stream).status == 200
    assert len(s.seen) == 1
    wait_until(lambda: reason(s, "length_required") == 2, what="the reason")


def test_expectations_end_here(world):
    s = world({"proxy-http-version": "1.0"})
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode())
        assert c.read_head().status == 100
        c.send(b"abc")
        assert c.read().status == 200
    assert not field(s.seen[0][0], "expect")


@pytest.mark.parametrize("value,connections", [("close", 2), ("keep-alive", 1)])
def test_the_connection_field(world, value, connections):
    s = world({"connection-proxy-header": value})
    for _ in range(2):
        assert s.get("/").status == 200
    assert [field(head, "connection") for head, _ in s.seen] == [[value]] * 2
    assert all(head.startswith("GET / HTTP/1.1\r\n") for head, _ in s.seen)
    assert len(s.conns) == connections


def test_keep_alive_in_http10(world):
    s = world({"proxy-http-version": "1.0", "connection-proxy-header": "keep-alive"},
              answer=None)
    assert s.get("/").status == 200
    assert field(s.seen[0][0], "connection") == ["keep-alive"]


@pytest.mark.parametrize("annotations", [{"proxy-http-version": "1.0"}, {"connection-proxy-header": "close"},
                                         {"connection-proxy-header": "keep-alive"}])
def test_no_upgrade_beside_it(world, annotations):
    upgrade = [("Connection", "upgrade"), ("Upgrade", "websocket")]
    s = world(annotations)
    assert s.get("/", fields=upgrade).status == 200
    assert not field(s.seen[0][0], "upgrade")
    assert field(s.seen[0][0], "connection") != ["upgrade"]


def test_an_upgrade_that_was_not_asked_for(world):
    s = world({"connection-proxy-header": "close", "proxy-next-upstream": "off"},
              answer=b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert s.get("/", fields=[("Connection", "upgrade"), ("Upgrade", "websocket")]).status == 502


def test_an_endpoint_of_http2_is_spoken_to_as_ever(make_silex, make_scripted):
    port = make_scripted(lambda conn: serve_h2(conn.sock, plain)).port
    s = make_silex()
    s.manifests.put("one", backends("one", port),
                    ingress("one", {HOST: "one"}, annotations={
                        "backend-protocol": "GRPC", "proxy-http-version": "1.0",
                        "connection-proxy-header": "close"}))
    s.start()
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode())
        assert c.read().body == b"two"


def test_settings_of_all_and_bad_values(world):
    s = world({"connection-proxy-header": "upgrade"}, data={"proxy-http-version": "1.0"})
    assert s.get("/").status == 200
    assert s.seen[0][0].startswith("GET / HTTP/1.0\r\n")
    s.wait_log('connection-proxy-header: .*upgrade.* must be .*close.* or .*keep-alive')
    s.manifests.put("conf", configmap("conf", {"proxy-http-version": "2"}))
    s.wait_log('proxy-http-version: .*2.* must be .*1.0.* or .*1.1')
    wait_until(lambda: s.get("/").status == 200 and s.seen[-1][0].startswith("GET / HTTP/1.1\r\n"),
               what="the usual version")
