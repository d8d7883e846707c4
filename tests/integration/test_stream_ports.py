"""Ports of TCP services come, go and change while everything runs: no process restarts, no open
session ends. And they outlive workers, masters and programs."""

import os
import signal
import socket
import struct
import threading

import pytest

from fakeapi import FakeApi
from harness import alive, backends, configmap, free_port, ingress_class, wait_until
from streams_world import (connect, echo, exchange, greeting, is_dead, listens, named, set_tcp,
                           start)
from test_edge import metric, reason
from test_lifecycle import duo, install  # noqa: F401


def wait_open(s, port):
    s.wait_log(f"port opened: transport=TCP port={port}\\b")


class Sessions:
    """Sessions open all the while, and new ones begun all the while; none may fail."""

    def __init__(self, port, n=20):
        self.port, self.stopping, self.errors, self.begun = port, False, [], 0
        self.open = [connect(port) for _ in range(n)]
        for c in self.open:
            assert exchange(c) == b"hello"
        self.threads = [threading.Thread(target=self.begin_some, daemon=True) for _ in range(4)]
        for t in self.threads:
            t.start()

    def begin_some(self):
        while not self.stopping:
            try:
                with connect(self.port) as c:
                    assert exchange(c, b"x" * 20_000) == b"x" * 20_000
                self.begun += 1
            except Exception as e:
                self.errors.append(repr(e))
                return

    def still_work(self):
        for c in self.open:
            assert exchange(c, b"still here") == b"still here"
        before = self.begun
        wait_until(lambda: self.errors or self.begun > before + 20, what="new sessions")
        assert not self.errors

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join()
        for c in self.open:
            c.close()
        assert not self.errors, self.errors


def test_ports_come_and_go(make_silex, make_scripted):
    """Opened, changed, closed: the same workers, and sessions live on."""
    a, b = make_scripted(named("a")), make_scripted(named("b"))
    one, two = free_port(), free_port()
    s = start(make_silex, {one: "default/a:1"}, backends("a", a.port, port=1),
              backends("b", b.port, port=1), workers=2)
    workers = set(s.workers())
    with connect(one) as first:
        assert greeting(first) == "a"
        set_tcp(s, {one: "default/a:1", two: "default/b:1"})
        wait_open(s, two)
        with connect(two) as second:
            assert greeting(second) == "b"
            set_tcp(s, {one: "default/b:1"})  # one leads elsewhere, two is closed
            s.wait_log(f"port closed: transport=TCP port={two}")
            wait_until(lambda: not listens(two), what="nobody to listen")

            def moved():
                with connect(one) as c:
                    return greeting(c) == "b"
            wait_until(moved, what="the new Service")
            s.manifests.delete("tcp")
            wait_until(lambda: not listens(one), what="nobody to listen")
            assert exchange(first) == exchange(second) == b"hello"
    assert set(s.workers()) == workers
    set_tcp(s, {two: "default/b:1"})
    wait_until(lambda: listens(two), what="the port again")
    with connect(two) as c:
        assert greeting(c) == "b"


def test_many_ports(make_silex, make_scripted):
    origin = make_scripted(named("x"))
    ports = [free_port() for _ in range(100)]
    s = start(make_silex, {}, backends("x", origin.port, port=1), workers=2)
    set_tcp(s, {p: "default/x:1" for p in ports})
    wait_until(lambda: listens(ports[-1]), what="the last of them open")
    for p in ports:
        wait_until(lambda p=p: listens(p), what=f"port {p}")
        with connect(p) as c:
            assert greeting(c) == "x"
    set_tcp(s, {p: "default/x:1" for p in ports[::2]})
    wait_until(lambda: not any(listens(p) for p in ports[1::2]), what="half of them closed")
    for p in ports[::2]:
        with connect(p) as c:
            assert greeting(c) == "x"


def test_a_worker_is_killed(make_silex, make_scripted):
    """Its sessions end with it; the port is served again at once, by it and by the other."""
    origin, port = make_scripted(echo), free_port()
    s = start(make_silex, {port: "default/x:1"}, backends("x", origin.port, port=1), workers=2)
    s.expect_deaths = True
    many = [connect(port) for _ in range(60)]
    for c in many:
        assert exchange(c) == b"hello"
    victim = s.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(s.workers()) == 2 and victim not in s.workers(), what="a successor")
    for _ in range(50):
        with connect(port) as c:
            assert exchange(c) == b"hello"
    alive_ones = 0
    for c in many:
        try:
            alive_ones += exchange(c) == b"hello"
        except OSError:
            pass
        c.close()
    assert 0 < alive_ones < 60


def test_hup_under_traffic(duo, make_scripted):
    """Other workers take over the port; open sessions live on in the old ones."""
    origin, port = make_scripted(echo), free_port()
    duo.manifests.put("x", backends("x", origin.port, port=1))
    duo.stop()
    duo.argv += ["--tcp-services-configmap", "default/tcp"]
    duo.manifests.put("tcp", configmap("tcp", {port: "default/x:1"}))
    duo.start()
    wait_open(duo, port)
    sessions = Sessions(port)
    old = set(duo.workers())
    duo.conf_path.write_text("workers = 3\nworker-shutdown-timeout = 60s\n")
    duo.kill(signal.SIGHUP)
    duo.wait_log("configuration taken over")
    wait_until(lambda: len(set(duo.workers()) - old) == 3, what="other workers")
    sessions.still_work()
    assert any(alive(p) for p in old)  # not all: one may have had no session
    sessions.stop()
    wait_until(lambda: not any(alive(p) for p in old), what="the old ones to end")


def test_drain_time_is_over(make_silex, make_scripted):
    origin, port = make_scripted(echo), free_port()
    s = start(make_silex, {port: "default/x:1"}, backends("x", origin.port, port=1),
              conf="worker-shutdown-timeout = 300ms\n")
    old = s.worker()
    with connect(port) as c:
        assert exchange(c) == b"hello"
        s.kill(signal.SIGHUP)
        assert is_dead(c)
    wait_until(lambda: not alive(old), what="the old worker's end")
    wait_until(lambda: reason(s, "stream_shutdown") == 1, what="the reason")


def test_an_upgrade(duo, make_scripted):
    """The sockets go with the program: not one connection is refused."""
    origin, port = make_scripted(echo), free_port()
    duo.manifests.put("x", backends("x", origin.port, port=1))
    duo.stop()
    duo.argv += ["--tcp-services-configmap", "default/tcp"]
    duo.manifests.put("tcp", configmap("tcp", {port: "default/x:1"}))
    duo.start()
    wait_open(duo, port)
    sessions = Sessions(port)
    old = set(duo.workers())
    install(duo, "silex")
    duo.kill(signal.SIGUSR2)
    duo.wait_log("upgrade done")
    wait_until(lambda: len(set(duo.workers()) - old) == 2, what="the new program's workers")
    sessions.still_work()
    sessions.stop()
    wait_until(lambda: not any(alive(p) for p in old), what="the old ones to end")
    assert exchange_once(port) == b"hello"


def exchange_once(port):
    with connect(port) as c:
        return exchange(c)


def test_an_upgrade_that_fails(duo, make_scripted):
    """Back to the program before, with the same sockets."""
    origin, port = make_scripted(echo), free_port()
    duo.manifests.put("x", backends("x", origin.port, port=1))
    duo.stop()
    duo.argv += ["--tcp-services-configmap", "default/tcp"]
    duo.manifests.put("tcp", configmap("tcp", {port: "default/x:1"}))
    duo.start()
    wait_open(duo, port)
    sessions = Sessions(port)
    duo.expect_deaths = True
    install(duo, "silex-worker", "#!/bin/sh\nexit 2\n")
    duo.kill(signal.SIGUSR2)
    duo.wait_log("serving with the program before")
    sessions.still_work()
    sessions.stop()


def test_a_master_is_killed(make_silex, make_scripted):
    """Its workers serve on; the next master finds the sockets in them."""
    origin, port = make_scripted(echo), free_port()
    s = start(make_silex, {port: "default/x:1"}, backends("x", origin.port, port=1), workers=2)
    sessions = Sessions(port)
    old, first = s.workers(), s.process
    s.kill(signal.SIGKILL)
    first.wait()
    sessions.still_work()
    s.start()
    wait_until(lambda: s.log().count("port opened: transport=TCP") == 2, what="the port")
    sessions.still_work()
    sessions.stop()
    wait_until(lambda: not any(alive(p) for p in old), what="the old workers' end")
    assert exchange_once(port) == b"hello"


def test_a_stopped_instance_listens_no_more(make_silex, make_scripted):
    """TERM: new connections are refused while open sessions end in their time."""
    origin, port = make_scripted(echo), free_port()
    s = start(make_silex, {port: "default/x:1"}, backends("x", origin.port, port=1))
    with connect(port) as c:
        assert exchange(c) == b"hello"
        s.kill(signal.SIGTERM)
        wait_until(lambda: not listens(port), what="nobody to listen")
        assert exchange(c) == b"hello"
    s.stop()


def test_from_the_api(make_silex, make_scripted):
    """The ConfigMap comes from the API server, and what is wrong in it is a Warning Event on it."""
    api = FakeApi()
    try:
        origin, port = make_scripted(named("api")), free_port()
        api.put(ingress_class(), backends("x", origin.port, port=1),
                configmap("tcp", {port: "default/x:1", 80: "default/x:1"}))
        s = make_silex(source=["--apiserver-host", api.url],
                       flags=["--disable-leader-election",
                              "--tcp-services-configmap", "default/tcp"]).start()
        wait_open(s, port)
        with connect(port) as c:
            assert greeting(c) == "api"
        wait_until(lambda: any(e["involvedObject"]["kind"] == "ConfigMap"
                               and e["reason"] == "StreamService" and "reserved" in e["message"]
                               for e in events(api)), what="the Event")
        api.put(configmap("tcp", {}))
        wait_until(lambda: not listens(port), what="the port to be closed")
        s.stop()
    finally:
        api.down()


def events(api):
    return [o for o in api.all("Event")]


def header_v1(mine, port):
    return f"PROXY TCP6 ::1 ::1 {mine} {port}\r\n".encode()


def header_v2(mine, port):
    loopback = socket.inet_pton(socket.AF_INET6, "::1")
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24" + loopback * 2 + struct.pack(">HH", mine, port)


@pytest.mark.ipv6
@pytest.mark.parametrize("word,header", [("PROXY", header_v1), ("PROXY2", header_v2)])
def test_ipv6(make_silex, make_scripted, word, header):
    origin, port = make_scripted(echo), free_port("::1")
    s = make_silex(bind="::1", flags=["--tcp-services-configmap", "default/tcp"])
    s.manifests.put("tcp", configmap("tcp", {port: f"default/x:1::{word}"}))
    s.manifests.put("x", backends("x", origin.port, port=1))
    s.start()
    wait_open(s, port)
    with connect(port, "::1") as c:
        mine = c.getsockname()[1]
        want = header(mine, port) + b"hello"
        c.sendall(b"hello")
        got = b""
        while len(got) < len(want):
            got += c.recv(1000)
        assert got == want
    assert metric(s, "silex_stream_sessions_total") == 1
