"""The instruments themselves: a client that forgives or an origin that lies proves nothing."""

import pytest

from harness import BadAnswer, Client, get


def test_origin_answers_by_path(origin):
    assert len(get(origin.port).body) == 128
    assert get(origin.port, "/api/bytes/70000").body[:10] == b"0123456789"
    assert len(get(origin.port, "/bytes/70000").body) == 70000
    assert get(origin.port, "/status/418").status == 418
    assert get(origin.port, "/hints").hints[0].status == 103
    chunked = get(origin.port, "/chunked/70000")
    assert chunked.framing == "chunked" and chunked.trailers == [("x-sum", "ok")]
    assert chunked.body == get(origin.port, "/close/70000").body
    echo = get(origin.port, "/echo?q", fields=[("X-A", "1")], method="PUT", body="abc").json()
    assert echo["target"] == "/echo?q" and echo["body"] == "abc" and ["X-A", "1"] in echo["headers"]


def test_origin_keeps_connections(origin):
    with Client(origin.port) as c:
        assert [c.get("/echo").json()["nth"] for _ in range(3)] == [1, 2, 3]
        c.request("/echo").request("/status/204")
        assert (c.read().status, c.read().status) == (200, 204)


def test_origin_upgrades(origin):
    with Client(origin.port) as c:
        assert c.get("/upgrade", fields=[("Connection", "upgrade"), ("Upgrade", "x")]).status == 101
        c.send("hello")
        assert c.take(5) == b"hello"
        c.shut()
        assert c.at_eof()


@pytest.mark.parametrize("request_text", [
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\r\n\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
])
def test_origin_refuses_what_is_not_canonical(make_origin, request_text):
    origin = make_origin()
    origin.may_complain = True
    with Client(origin.port) as c:
        answer = c.send(request_text).read()
        assert answer.status == 400 and answer.get("x-origin-bad")


@pytest.mark.parametrize("answer", [
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\na",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
    "HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nuntil close without saying so",
    "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
])
def test_client_forgives_nothing(make_scripted, answer):
    def script(peer):
        peer.read_request()
        peer.send(answer)
    with pytest.raises(BadAnswer):
        get(make_scripted(script).port)


def test_scripted_origin_records_what_it_got(make_scripted):
    o = make_scripted(lambda peer: (peer.read_request(), peer.answer(body=b"x")))
    assert get(o.port, "/a", method="POST", body="hi").body == b"x"
    assert o.raw.startswith(b"POST /a HTTP/1.1\r\nHost: silex.test\r\n") and o.raw.endswith(b"hi")
