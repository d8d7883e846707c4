"""UDP services: who is answered, by whom, from where; how sessions end; ports that come and go."""

import os
import signal
import socket
import threading

import pytest

from client import TIMEOUT
from harness import alive, backends, configmap, free_port, service, wait_until
from origins import UdpOrigin
from test_edge import metric, reason
from test_lifecycle import duo  # noqa: F401


def free_udp_port(host="127.0.0.1"):
    """A port that no socket of either kind is bound to."""
    while True:
        port = free_port(host)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            try:
                s.bind((host, port))
            except OSError:
                continue
        return port


@pytest.fixture
def make_udp():
    made = []

    def make(answer=lambda data: [data], **how):
        made.append(UdpOrigin(answer, **how))
        return made[-1]
    yield make
    for o in made:
        o.stop()


def udp_backends(name, *ports, port=53):
    objects = backends(name, *ports, port=port)
    objects[0]["spec"]["ports"][0]["protocol"] = "UDP"
    for o in objects[1:]:
        o["ports"][0]["protocol"] = "UDP"
    return objects


def put_udp(s, udp):
    s.manifests.put("udp", configmap("udp", udp))


def wait_udp(s, port):
    s.wait_log(f"port opened: transport=UDP port={port}\\b")


def start(make_silex, udp, *objects, **how):
    s = make_silex(flags=["--udp-services-configmap", "default/udp", *how.pop("flags", [])], **how)
    put_udp(s, udp)
    s.manifests.put("objects", *objects)
    s.start()
    for port in udp:
        wait_udp(s, port)
    return s


def client(port, host="127.0.0.1", source=None):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(TIMEOUT)
    if source:
        s.bind((source, 0))
    s.connect((host, port))
    return s


def ask(sock, data=b"hello"):
    """As a resolver does: again when nothing comes, since a datagram may be lost."""
    sock.settimeout(1)

    def answered():
        try:
            sock.send(data)
            return [sock.recv(65536)]
        except (TimeoutError, ConnectionRefusedError):
            return None
    return wait_until(answered, what="an answer")[0]


def test_several_clients(make_silex, make_udp):
    """Each gets its own answers, on any worker; each exchange is a session."""
    origin, port = make_udp(lambda d: [d.upper()]), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port), workers=2)
    clients = [client(port) for _ in range(50)]
    for n in range(3):
        for i, c in enumerate(clients):
            c.send(b"q%d.%d" % (i, n))
        for i, c in enumerate(clients):
            assert c.recv(1000) == b"Q%d.%d" % (i, n)
    for c in clients:
        c.close()
    wait_until(lambda: reason(s, "stream_done") == 150, what="150 sessions done")
    assert metric(s, "silex_stream_sessions_active") == 0
    assert s.wait_access(lambda x: "] UDP 200 4 4 0." in x).startswith("[127.0.0.1] [")


def test_large_and_empty_datagrams(make_silex, make_udp):
    origin, port = make_udp(), free_udp_port()
    start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port))
    with client(port) as c:
        for data in (b"", b"x", os.urandom(1472), os.urandom(60_000)):
            c.send(data)
            assert c.recv(65536) == data


def test_own_log_format(make_silex, make_udp):
    server, port = make_udp(), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", server.port),
              conf="log-format-stream = own|$protocol|$status|$upstream_addr|$proxy_upstream_name\n")
    with client(port) as c:
        c.send(b"ping")
        assert c.recv(100)
    assert (s.wait_access(lambda x: x.startswith("own|"))
            == f"own|UDP|200|127.0.0.1:{server.port}|udp-default-dns-53")


def test_several_answers(make_silex, make_udp):
    """proxy-stream-responses: the session goes on until all have come, on one socket."""
    origin, port = make_udp(lambda d: [b"one", b"two", b"three"]), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port),
              conf="proxy-stream-responses = 3\n")
    with client(port) as c:
        c.send(b"?")
        assert sorted(c.recv(100) for _ in range(3)) == [b"one", b"three", b"two"]
    wait_until(lambda: reason(s, "stream_done") == 1, what="the session's end")
    assert metric(s, "silex_stream_sessions_total") == 1


def test_no_answer_is_expected(make_silex, make_udp):
    """0, as for syslog: done when it is sent."""
    origin, port = make_udp(lambda d: []), free_udp_port()
    s = start(make_silex, {port: "default/log:514"}, udp_backends("log", origin.port, port=514),
              conf="proxy-stream-responses = 0\n")
    with client(port) as c:
        for _ in range(3):
            c.send(b"line")
        wait_until(lambda: len(origin.got) == 3, what="three lines")
    wait_until(lambda: reason(s, "stream_done") == 3, what="three sessions")


def test_a_client_keeps_its_session(make_silex, make_udp):
    """While answers are due, datagrams of a client go out from the same socket."""
    origin, port = make_udp(lambda d: [b"!"] if d == b"last" else []), free_udp_port()
    s = start(make_silex, {port: "default/game:9"}, udp_backends("game", origin.port, port=9),
              workers=2)
    with client(port) as c:
        for _ in range(20):
            c.send(b"move")
        c.send(b"last")
        assert c.recv(10) == b"!"
    wait_until(lambda: len(origin.got) == 21, what="all datagrams")
    assert len({peer for _, peer in origin.got}) == 1
    assert metric(s, "silex_stream_sessions_total") == 1


def test_silence_ends_a_session(make_silex, make_udp):
    origin, port = make_udp(lambda d: []), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port),
              conf="proxy-stream-timeout = 200ms\n")
    with client(port) as c:
        c.send(b"?")
        wait_until(lambda: reason(s, "stream_idle") == 1, what="the reason")
    assert metric(s, "silex_stream_sessions_active") == 0


def test_sessions_are_bounded(make_silex, make_udp):
    origin, port = make_udp(lambda d: []), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port),
              conf="max-connections = 16\n")
    clients = [client(port) for _ in range(40)]
    for c in clients:
        c.send(b"?")
    wait_until(lambda: reason(s, "stream_evicted") == 24, what="24 that made room")
    assert metric(s, "silex_stream_sessions_active") == 16
    for c in clients:
        c.close()


def test_an_endpoint_that_refuses(make_silex, make_udp):
    """Nobody listens there: told by ICMP; the next datagram goes elsewhere."""
    origin, port = make_udp(), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"},
              udp_backends("dns", free_udp_port(), origin.port))
    with client(port) as c:
        assert ask(c) == b"hello"
        assert ask(c) == b"hello"
    wait_until(lambda: reason(s, "stream_upstream_reset") >= 1, what="the reason")


def test_no_service(make_silex, make_udp):
    port = free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, service("other"))
    with client(port) as c:
        c.send(b"?")
        wait_until(lambda: reason(s, "stream_no_service") == 1, what="the reason")
    s.wait_access(lambda x: "] UDP 502 0 1 " in x)
    origin = make_udp()
    s.manifests.put("dns", *udp_backends("dns", origin.port))
    with client(port) as c:
        assert ask(c) == b"hello"


def test_udp_and_tcp_ports_of_one_number(make_silex, make_udp, make_scripted):
    """DNS has both, under one number and often one name; each leads to its own."""
    udp, port = make_udp(lambda d: [b"udp"]), free_udp_port()

    def script(peer):
        peer.send("tcp")
    tcp = make_scripted(script)
    svc, one = udp_backends("dns", udp.port)
    svc["spec"]["ports"] = [{"name": "u", "port": 53, "protocol": "UDP"},
                            {"name": "t", "port": 53, "protocol": "TCP"}]
    one["ports"] = [{"name": "u", "port": udp.port, "protocol": "UDP"},
                    {"name": "t", "port": tcp.port, "protocol": "TCP"}]
    s = make_silex(flags=["--udp-services-configmap", "default/udp",
                          "--tcp-services-configmap", "default/udp"])
    put_udp(s, {port: "default/dns:53"})
    s.manifests.put("dns", svc, one)
    s.start()
    wait_udp(s, port)
    s.wait_log(f"port opened: transport=TCP port={port}")
    with client(port) as c:
        assert ask(c) == b"udp"
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as c:
        assert c.recv(10) == b"tcp"


def test_answers_come_from_the_right_address(make_silex, make_udp):
    """A socket of all addresses: the answer leaves from the one that was asked."""
    origin, port = make_udp(), free_udp_port()
    s = make_silex(flags=["--udp-services-configmap", "default/udp"])
    at = s.argv.index("--bind-address")
    del s.argv[at:at + 2]
    put_udp(s, {port: "default/dns:53"})
    s.manifests.put("dns", *udp_backends("dns", origin.port))
    s.start()
    wait_udp(s, port)
    for host in ("127.0.0.1", "127.0.0.2", "127.1.2.3"):
        with client(port, host) as c:  # connected: takes no answer from another address
            assert ask(c) == b"hello"
    for host in ("127.0.0.2",):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
            c.settimeout(TIMEOUT)
            c.sendto(b"hello", (host, port))
            assert c.recvfrom(100) == (b"hello", (host, port))


@pytest.mark.ipv6
def test_ipv6(make_silex, make_udp):
    origin, port = make_udp(), free_udp_port("::1")
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port), bind="::1")
    with client(port, "::1") as c:
        assert ask(c) == b"hello"
    s.wait_access(lambda x: x.startswith("[::1] ") and " UDP 200 " in x)


def test_proxy_is_refused(make_silex):
    s = start(make_silex, {}, service("dns", 53))
    put_udp(s, {free_udp_port(): "default/dns:53:PROXY"})
    s.wait_log("StreamService.*UDP port .*for TCP services only")


def test_a_port_that_is_taken(make_silex, make_udp):
    origin, port = make_udp(), free_udp_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        s = make_silex(flags=["--udp-services-configmap", "default/udp"])
        put_udp(s, {port: "default/dns:53"})
        s.manifests.put("dns", *udp_backends("dns", origin.port))
        s.start()
        s.wait_log(f"StreamService.*UDP port {port} cannot be listened on: .*another program")
    wait_udp(s, port)
    with client(port) as c:
        assert ask(c) == b"hello"


def is_refused(port):
    """Nobody is bound to it: the kernel says so."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def test_ports_come_and_go(make_silex, make_udp):
    a, b, port = make_udp(lambda d: [b"a"]), make_udp(lambda d: [b"b"]), free_udp_port()
    s = start(make_silex, {port: "default/a:1"}, udp_backends("a", a.port, port=1),
              udp_backends("b", b.port, port=1), workers=3)
    workers = set(s.workers())
    with client(port) as c:
        assert ask(c) == b"a"
        put_udp(s, {port: "default/b:1"})
        wait_until(lambda: ask(c) == b"b", what="the new Service")
        put_udp(s, {})
        wait_until(lambda: is_refused(port), what="nobody to be bound")
        put_udp(s, {port: "default/a:1"})
        assert ask(c) == b"a"
    assert set(s.workers()) == workers


def test_a_worker_is_killed(make_silex, make_udp):
    origin, port = make_udp(), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port), workers=2)
    s.expect_deaths = True
    clients = [client(port) for _ in range(30)]
    victim = s.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(s.workers()) == 2 and victim not in s.workers(), what="a successor")
    for c in clients:
        assert ask(c) == b"hello"
        c.close()


def udp_duo(duo, udp, *objects):  # noqa: F811
    duo.stop()
    duo.argv += ["--udp-services-configmap", "default/udp"]
    put_udp(duo, udp)
    duo.manifests.put("objects", *objects)
    duo.start()
    for port in udp:
        wait_udp(duo, port)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_hup(duo, make_udp, workers):  # noqa: F811
    """Another number of workers: everybody is answered, before, meanwhile and after."""
    origin, port = make_udp(), free_udp_port()
    udp_duo(duo, {port: "default/dns:53"}, *udp_backends("dns", origin.port))
    clients = [client(port) for _ in range(40)]
    old = set(duo.workers())
    duo.conf_path.write_text(f"workers = {workers}\n")
    duo.kill(signal.SIGHUP)
    for c in clients:
        assert ask(c) == b"hello"
    duo.wait_log("configuration taken over")
    wait_until(lambda: not any(alive(p) for p in old), what="the old workers' end")
    for c in clients:
        assert ask(c) == b"hello"
        c.close()


def test_a_draining_worker_takes_the_answer(make_silex, make_udp):
    """The session is its own; the port's datagrams are its successor's."""
    asked, go = threading.Event(), threading.Event()

    def answer(data):
        asked.set()
        go.wait(TIMEOUT)
        return [data]
    origin, port = make_udp(answer), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port))
    old = s.worker()
    with client(port) as c:
        c.send(b"slow")
        assert asked.wait(TIMEOUT)
        s.kill(signal.SIGHUP)
        s.wait_log("configuration taken over")
        go.set()
        assert c.recv(100) == b"slow"
        assert ask(c) == b"hello"
    wait_until(lambda: not alive(old), what="the old worker's end")


def test_a_master_is_killed(make_silex, make_udp):
    origin, port = make_udp(), free_udp_port()
    s = start(make_silex, {port: "default/dns:53"}, udp_backends("dns", origin.port), workers=2)
    old, first = s.workers(), s.process
    s.kill(signal.SIGKILL)
    first.wait()
    with client(port) as c:
        assert ask(c) == b"hello"
        s.start()
        wait_until(lambda: s.log().count("port opened: transport=UDP") == 2, what="the port")
        assert ask(c) == b"hello"
        wait_until(lambda: not any(alive(p) for p in old), what="the old workers' end")
        assert ask(c) == b"hello"
