"""ssl-early-data: requests before the handshake is done (RFC 8446 §2.3, RFC 8470)."""

import select
import socket
import subprocess
import threading

import pytest

from certs import Pair, secret, tls
from authority import Authority, ca_secret
from frames import END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, block, frame, request_fields
from harness import PATIENCE, backends, ingress, wait_until
from test_edge import reason

ON = "ssl-early-data = true\n"


@pytest.fixture
def start(make_silex, origin, tmp_path):
    def go(conf=ON, annotations=None, *more, workers=1):
        pair = Pair(tmp_path / "pair", "silex.test")
        s = make_silex(https=True, conf=conf, workers=workers)
        s.manifests.put("base", backends("base", origin.port), *more,
                        ingress("base", {"silex.test": "base"}, annotations=annotations,
                                tls=[tls("cert", "silex.test")]),
                        secret("cert", pair.crt, pair.key))
        return s.start()
    return go


class Held:
    """A relay that holds the client's bytes back once the server has said something: with TLS 1.3
    that is the client's Finished. What the server sends passes all the time."""

    def __init__(self, port):
        self.to, self.holds, self.held, self.deaf = port, True, b"", False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.to))
        spoken = False
        with client, server:
            while True:
                both = [client] if self.deaf and spoken else [client, server]
                for sock in select.select(both, [], [], 0.02)[0]:
                    try:
                        got = sock.recv(65536)
                    except OSError:
                        return
                    if not got:
                        return
                    if sock is server:
                        spoken = True
                        client.sendall(got)
                    elif spoken:
                        self.held += got
                    else:
                        server.sendall(got)
                if not self.holds and self.held:
                    server.sendall(self.held)
                    self.held = b""

    def release(self):
        self.holds = False

    def close(self):
        self.listener.close()
        self.thread.join(PATIENCE)


class Ahead:
    """openssl's client with a session, sending a request as early data."""

    def __init__(self, tmp, s, request, *flags, session=None, port=None):
        self.s, self.tmp, self.flags = s, tmp, flags
        self.session = session or self.fetch_session()
        (tmp / "early").write_bytes(request)
        self.out = open(tmp / "out", "wb+")
        self.process = subprocess.Popen(
            [*self.command(port or s.https_port), "-sess_in", self.session, "-early_data",
             tmp / "early"], stdin=subprocess.PIPE, stdout=self.out, stderr=subprocess.STDOUT)

    def command(self, port):
        return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "silex.test",
                "-tls1_3", "-ign_eof", *self.flags]

    def fetch_session(self):
        path = self.tmp / "session"
        subprocess.run([*self.command(self.s.https_port), "-sess_out", path], check=True,
                       input=b"GET /echo HTTP/1.1\r\nHost: silex.test\r\nConnection: close\r\n\r\n",
                       capture_output=True, timeout=PATIENCE)
        return path

    def text(self):
        return (self.tmp / "out").read_bytes().decode("latin-1").replace("\r\n", "\n")

    def wait(self, words):
        wait_until(lambda: words in self.text(), what=f"{words!r} in:\n{self.text()}")
        return self.text()

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.out.close()


@pytest.fixture
def ahead(tmp_path):
    made = []

    def go(*args, **how):
        made.append(Ahead(tmp_path, *args, **how))
        return made[-1]
    yield go
    for x in made:
        x.close()


@pytest.fixture
def held():
    made = []

    def go(s):
        made.append(Held(s.https_port))
        return made[-1]
    yield go
    for x in made:
        x.release()


def get(target="/echo", method="GET", fields="", body=b"", close=False):
    return (f"{method} {target} HTTP/1.1\r\nHost: silex.test\r\n{fields}" +
            ("Connection: close\r\n" if close else "") + "\r\n").encode() + body


def test_it_is_off_by_default(start, ahead):
    a = ahead(start(""), get())
    a.wait("Early data was not sent")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_request_is_answered_before_the_handshake_is_done(start, ahead, held, method):
    s = start()
    relay = held(s)
    a = ahead(s, get(method=method), port=relay.port)
    text = a.wait("HTTP/1.1 200 OK")
    if method == "GET":
        text = a.wait('"headers"')
        wait_until(lambda: "early-data" in a.text().lower(), what="the field")
    assert relay.holds and "HTTP/1.1 425" not in text
    relay.release()
    a.process.stdin.write(get("/echo?second", close=True))
    a.process.stdin.flush()
    a.wait("second")
    assert a.process.wait(PATIENCE) == 0
    assert "Early data was accepted" in a.text()
    last = a.text().lower().split("/echo?second")[-1]
    assert "early-data" not in last  # by then everybody has shaken hands


@pytest.mark.parametrize("request_", [
    get(method="POST", fields="Content-Length: 0\r\n"),
    get(method="PUT", fields="Content-Length: 2\r\n", body=b"ab"),
    get(method="DELETE"), get(method="PATCH", fields="Content-Length: 0\r\n"),
    get(method="ODD"),
    get(fields="Content-Length: 2\r\n", body=b"ab"),
    get("/ws", fields="Connection: upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"),
])
def test_others_are_too_early(start, ahead, held, request_):
    s = start()
    relay = held(s)
    a = ahead(s, request_, port=relay.port)
    a.wait("HTTP/1.1 425 Too Early")
    wait_until(lambda: reason(s, "too_early") == 1, what="a counted reason")


@pytest.mark.parametrize("method,words", [("GET", '"Early-Data","1"'), ("DELETE", "425 Too Early")])
def test_http2_streams_ahead(start, ahead, held, method, words):
    s = start()
    relay = held(s)
    head = block(request_fields("/echo", method, scheme="https"))
    a = ahead(s, PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS | END_STREAM, 1, head),
              "-alpn", "h2", port=relay.port)
    wait_until(lambda: words in a.text(), what=words)
    assert relay.holds


def test_who_says_early_data_himself_is_heard_once(start, ahead, held):
    s = start()
    relay = held(s)
    a = ahead(s, get(fields="Early-Data: 1\r\n"), port=relay.port)
    a.wait('"headers"')
    wait_until(lambda: a.text().lower().count("early-data") == 1, what="the field, once")


def test_a_request_in_two_halves(start, ahead, held):
    """Its end comes after the handshake: it counts as one that came then."""
    s = start()
    relay = held(s)
    whole = get(method="POST", fields="Content-Length: 5\r\n", body=b"hello", close=True)
    a = ahead(s, whole[:20], port=relay.port)
    wait_until(lambda: relay.held, what="the client's Finished")
    relay.release()
    a.wait("Early data was accepted")
    a.process.stdin.write(whole[20:])
    a.process.stdin.flush()
    a.wait("HTTP/1.1 200 OK")
    assert a.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("late", [False, True])
def test_a_large_answer_to_a_client_that_reads_late(start, ahead, held, late):
    """More than the sockets take, before the handshake is done: it waits for room, and nothing is
    lost or said twice, whether the handshake could end meanwhile or only later."""
    n = 9_000_000
    s = start()
    relay = held(s)
    relay.deaf = True
    a = ahead(s, get(f"/bytes/{n}"), "-quiet", port=relay.port)

    def sent():
        return s.metrics()["silex_client_sent_bytes_total"]
    was = [sent()]

    def stands_still():
        was.append(sent())
        return len(was) > 4 and was[0] < was[-1] == was[-4]
    wait_until(stands_still, what="full sockets")
    assert was[-1] - was[0] < n
    if not late:  # a record is half written as the Finished comes: it is looked at, and put off
        relay.release()
        wait_until(lambda: not relay.held, what="the client's Finished under way")
        turns = [sent() for _ in range(8)]
        assert turns[0] == turns[-1]
    relay.deaf = False
    wait_until(lambda: len(a.text()) > n, what="the answer")
    if late:
        assert relay.holds
        relay.release()
    a.process.stdin.write(get("/echo?second", close=True))
    a.process.stdin.flush()
    assert a.process.wait(PATIENCE) == 0
    first, second = a.text().split("HTTP/1.1 200 OK")[1:]
    assert len(first.split("\n\n", 1)[1]) == n and "/echo?second" in second


def test_pipelined_ahead(start, ahead):
    s = start()
    a = ahead(s, b"".join(get(f"/echo?n{i}") for i in range(40)) + get("/echo?last", close=True))
    a.wait("/echo?last")
    assert a.process.wait(PATIENCE) == 0
    assert all(f"/echo?n{i}\"" in a.text() for i in range(40))


def test_any_worker_takes_it(start, ahead):
    s = start(workers=2)
    session = None
    for _ in range(6):
        a = ahead(s, get(close=True), session=session)
        a.wait("HTTP/1.1 200 OK")
        assert a.process.wait(PATIENCE) == 0
        assert "Early data was accepted" in a.text()
        session = a.session


def test_hosts_with_client_certificates_take_none(start, ahead, tmp_path):
    ca = Authority(tmp_path / "ca")
    client = ca.issue()
    s = start(ON, {"auth-tls-secret": "default/ca"}, ca_secret("ca", ca))
    a = ahead(s, get(), "-cert", client.crt, "-key", client.key)
    a.wait("Early data was not sent")


def test_a_client_that_leaves_before_it_finishes(start, ahead, held):
    s = start()
    for _ in range(5):
        relay = held(s)
        a = ahead(s, get("/bytes/3000000"), port=relay.port)
        a.wait("HTTP/1.1 200 OK")
        a.close()
        relay.close()
    wait_until(lambda: s.metrics()["silex_connections_active"] == 1, what="only the probe is left")
