"""What the tests of mirror-target share: a target, and a Silex that sends copies to it. The target
is a scripted one, or a socket that nobody accepts on."""

import re
import socket

import pytest

from harness import backends, ingress, wait_until
from origins import Scripted

HOST = "silex.test"
NAME = "mirror.default.svc.cluster.local"
URL = f"http://{NAME}$request_uri"
BIG = bytes(range(256)) * 32 * 1024  # 8 MiB
ENDS = ("answered", "failed", "behind", "cut")


class Target:
    """Keeps (head, content) of each copy, and answers 200 unless .how says otherwise."""

    def __init__(self):
        self.copies, self.how = [], None
        self.scripted = Scripted(self.script)
        self.port = self.scripted.port

    def script(self, peer):
        if self.how is not None:
            return self.how(peer)
        while (got := peer.read_request()) is not None:
            self.copies.append((got[0].decode("latin-1"), got[1]))
            peer.answer(200, b"nobody reads this")

    def got(self, n=1):
        """The last of n copies, none more."""
        wait_until(lambda: len(self.copies) >= n, what=f"{n} copies")
        assert len(self.copies) == n, self.copies
        return self.copies[-1]

    def shut(self):
        """End all connections."""
        for peer in self.scripted.peers:
            try:
                peer.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def line(self, n=1):
        return self.got(n)[0].split("\r\n")[0]


def values(head, name):
    return re.findall(rf"^{re.escape(name)}: ?(.*?)\r$", head, re.M | re.I)


@pytest.fixture
def target():
    t = Target()
    yield t
    t.scripted.stop()


@pytest.fixture
def mirrored(make_silex, make_scripted, target):
    """mirrored({annotation: value}, ...) -> Silex; .app are (head, content) the endpoint got."""
    def build(annotations=None, *flags, port=None, app=None, app_port=None, also=(), tls=None,
              **how):
        got = []

        def answer(peer):
            while (one := peer.read_request()) is not None:
                got.append((one[0].decode("latin-1"), one[1]))
                peer.answer(200, b"app")
        s = make_silex(flags=list(flags), **how)
        s.app = got
        s.manifests.put("mirror", backends("mirror", port or target.port))
        s.manifests.put("also", *also) if also else None
        s.manifests.put("app", backends("app", app_port or make_scripted(app or answer).port))
        s.manifests.put("ingress", ingress(
            "app", {HOST: "app"}, annotations={"mirror-target": URL, **(annotations or {})},
            tls=tls))
        return s.start()
    return build


def get(silex, where="/", status=200, **how):
    a = silex.get(where, **how)
    assert a.status == status, (a, silex.log())
    return a


def ended(silex, **want):
    """Wait until so many copies have ended so, and none is under way."""
    def done():
        m = silex.metrics()
        have = {e: m[f"silex_mirror_{e}_total"] for e in ENDS}
        return m["silex_mirror_active"] == 0 and have == {e: want.get(e, 0) for e in ENDS}
    wait_until(done, what=f"{want}: " + str([x for x in silex.admin("/metrics").text.split("\n")
                                             if "silex_mirror" in x and x[0] != "#"]))
    m = silex.metrics()
    assert m["silex_mirror_copies_total"] == sum(want.values())
    assert m["silex_requests_active"] == 1  # this one


class Deaf:
    """Listens and never accepts: the kernel makes the connections, nobody reads them."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(2048)
        self.port = self.sock.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()
