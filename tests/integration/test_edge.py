"""Who the client is: the PROXY protocol, X-Forwarded-* fields, and whose word is believed."""

import socket
import struct

import pytest

from client import Client
from harness import backends, ingress, wait_until

SIG = b"\r\n\r\n\0\r\nQUIT\n"
ALL = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "outside.test",
       "X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"}


@pytest.fixture
def make(make_silex, make_origin):
    """make("use-forwarded-headers = true") -> a running Silex; silex.test echoes requests."""
    def start(conf=""):
        s = make_silex(conf=conf)
        s.manifests.put("base", backends("base", make_origin().port),
                        ingress("base", {"silex.test": "base"}))
        return s.start()
    return start


def v1(source="192.0.2.7", to_port=443, target="198.51.100.1"):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {target} 56324 {to_port}\r\n".encode()


def v2(source="192.0.2.7", to_port=443, tlvs=b"", command=0x21):
    body = (socket.inet_aton(source) + socket.inet_aton("198.51.100.1")
            + struct.pack(">HH", 56324, to_port) + tlvs)
    return SIG + struct.pack(">BBH", command, 0x11, len(body)) + body


def seen(answer):
    """The fields the origin received, lower case names; every name at most once."""
    assert answer.status == 200
    fields = {}
    for name, value in answer.json()["headers"]:
        assert name.lower() not in fields, name
        fields[name.lower()] = value
    return fields


def behind(silex, header, fields=()):
    with silex.client() as c:
        c.send(header)
        return seen(c.get("/echo", fields=fields))


def closes(silex, data):
    """The connection is closed without an answer."""
    with silex.client() as c:
        c.send(data)
        try:
            assert c.sock.recv(1000) == b""
        except ConnectionResetError:
            pass


def metric(silex, name):
    return sum(v for k, v in silex.metrics().items() if k == name or k.startswith(name + "{"))


def reason(silex, label):
    return sum(v for k, v in silex.metrics().items() if f'"{label}"' in k)


# -- X-Forwarded-* ----------------------------------------------------------------------------

def test_strangers_are_not_believed(make):
    """Default: whatever a client says about itself is replaced, and that is counted."""
    s = make()
    got = seen(s.get("/echo", fields=ALL))
    assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-host"] == got["host"] == "silex.test"
    assert got["x-forwarded-proto"] == got["x-scheme"] == "http"
    assert got["x-forwarded-port"] == str(s.http_port)
    assert got["x-original-forwarded-for"] == "192.0.2.1"
    assert got["x-original-forwarded-host"] == "outside.test"
    assert metric(s, "silex_forwarded_refused_total") == 1
    seen(s.get("/echo"))
    assert metric(s, "silex_forwarded_refused_total") == 1


def test_trusted_networks_are_believed(make):
    s = make("use-forwarded-headers = true\nproxy-real-ip-cidr = 10.0.0.0/8, 127.0.0.0/8\n")
    got = seen(s.get("/echo", fields=ALL))
    assert got["x-forwarded-for"] == got["x-real-ip"] == "192.0.2.1"
    assert got["x-forwarded-host"] == got["host"] == "outside.test"
    assert got["x-forwarded-proto"] == got["x-forwarded-scheme"] == got["x-scheme"] == "https"
    assert got["x-forwarded-port"] == "8443"
    assert metric(s, "silex_forwarded_refused_total") == 0
    s.wait_access(lambda line: line.startswith("192.0.2.1 "), "the believed address")


@pytest.mark.parametrize("anyone", ["false", "true"])
def test_untrusted_networks(make, anyone):
    s = make("use-forwarded-headers = true\nproxy-real-ip-cidr = 10.0.0.0/8\n"
             f"trust-forwarded-headers-from-anyone = {anyone}\n")
    got = seen(s.get("/echo", fields=ALL))
    believed = anyone == "true"
    assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-host"] == ("outside.test" if believed else "silex.test")
    assert got["x-forwarded-proto"] == ("https" if believed else "http")
    assert metric(s, "silex_forwarded_refused_total") == 1


def test_the_rightmost_stranger_is_the_client(make):
    """A client that writes a list of its own gains nothing by it."""
    s = make("use-forwarded-headers = true\nproxy-real-ip-cidr = 10.0.0.0/8,127.0.0.0/8\n")
    for said, client in {"203.0.113.66, 192.0.2.1, 10.1.1.1": "192.0.2.1",
                         "10.7.7.7": "10.7.7.7", "192.0.2.1, bad": "127.0.0.1",
                         "203.0.113.66, bad, 10.1.1.1": "10.1.1.1"}.items():
        got = seen(s.get("/echo", fields={"X-Forwarded-For": said}))
        assert got["x-real-ip"] == client, said
        assert got["x-original-forwarded-for"] == said
    got = seen(s.get("/echo", fields=[("X-Forwarded-For", "203.0.113.66"),
                                      ("X-Forwarded-For", "192.0.2.1")]))
    assert got["x-real-ip"] == "192.0.2.1"


def test_full_forwarded_for(make):
    s = make("use-forwarded-headers = true\ncompute-full-forwarded-for = true\n")
    got = seen(s.get("/echo", fields=[("X-Forwarded-For", "192.0.2.1, 10.0.0.1"),
                                      ("X-Forwarded-For", "10.0.0.2")]))
    assert got["x-forwarded-for"] == "192.0.2.1, 10.0.0.1, 10.0.0.2, 127.0.0.1"
    assert got["x-real-ip"] == "192.0.2.1"
    assert seen(s.get("/echo"))["x-forwarded-for"] == "127.0.0.1"


def test_real_ip_alone_and_another_field(make):
    s = make("enable-real-ip = true\nforwarded-for-header = CF-Connecting-IP\n")
    got = seen(s.get("/echo", fields={**ALL, "CF-Connecting-IP": "203.0.113.5"}))
    assert got["x-real-ip"] == got["x-forwarded-for"] == "203.0.113.5"
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-host"] == "silex.test"


@pytest.mark.parametrize("name", ["X-Original-Host", "X-Forwarded-Server"])
def test_another_field_names_the_host(make, name):
    """forwarded-host-header: that field is believed, and X-Forwarded-Host no more."""
    s = make(f"use-forwarded-headers = true\nforwarded-host-header = {name}\n")
    got = seen(s.get("/echo", fields={**ALL, name: "named.test:8443, other.test"}))
    assert got["x-forwarded-host"] == "named.test:8443"
    assert seen(s.get("/echo", fields=ALL))["x-forwarded-host"] == "silex.test"


def test_protected_fields_cannot_be_taken_out_through_connection(make):
    s = make("use-forwarded-headers = true\n")
    got = seen(s.get("/echo", fields={**ALL, "Connection": "X-Forwarded-For, X-Real-IP, "
                                      "X-Forwarded-Proto", "X-Real-IP": "9.9.9.9"}))
    assert got["x-forwarded-for"] == got["x-real-ip"] == "192.0.2.1"
    assert got["x-forwarded-proto"] == "https"


def test_malformed_fields_take_nothing_from_the_others(make):
    s = make("use-forwarded-headers = true\n")
    got = seen(s.get("/echo", fields={"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Port": "99999",
                                      "X-Forwarded-Host": "a/b", "X-Forwarded-Proto": "wss"}))
    assert got["x-real-ip"] == "192.0.2.1"
    assert got["x-forwarded-host"] == "silex.test"
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-port"] == str(s.http_port)
    assert metric(s, "silex_forwarded_refused_total") == 1


def test_bad_network_is_refused(make_silex):
    s = make_silex(conf="proxy-real-ip-cidr = 10.0.0.0/8, 10.0.0.0/33\n")
    done = s.run("-t", "--config", str(s.conf_path))
    assert done.returncode != 0
    assert "proxy-real-ip-cidr" in done.stderr + done.stdout


# -- PROXY protocol ---------------------------------------------------------------------------

def test_proxy_header_names_the_client(make):
    s = make("use-proxy-protocol = true\n")
    for header in (v1(), v2(), v2(tlvs=b"\x04\x00\x03abc"), v2(tlvs=bytes(4000))):
        got = behind(s, header)
        assert got["x-real-ip"] == got["x-forwarded-for"] == "192.0.2.7"
        assert got["x-forwarded-proto"] == "https"
        assert got["x-forwarded-port"] == "443"
    got = behind(s, v1(to_port=8080))
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-port"] == "8080"
    assert behind(s, v1("2001:db8::7", target="2001:db8::1"))["x-real-ip"] == "2001:db8::7"
    assert metric(s, "silex_proxy_headers_total") == 6
    s.wait_access(lambda line: line.startswith("192.0.2.7 "), "the client's address")


def test_peers_that_speak_for_themselves(make):
    s = make("use-proxy-protocol = true\n")
    for header in (b"PROXY UNKNOWN\r\n", v2(command=0x20), SIG + b"\x20\0\0\0"):
        assert behind(s, header)["x-real-ip"] == "127.0.0.1"


def test_proxy_header_of_a_stranger(make):
    """Required, taken off, and not believed."""
    s = make("use-proxy-protocol = true\nproxy-real-ip-cidr = 10.0.0.0/8\n")
    got = behind(s, v1())
    assert got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-port"] == str(s.http_port)
    assert metric(s, "silex_proxy_headers_refused_total") == 1


def test_fields_behind_the_proxy_protocol(make):
    """The address is the header's; the fields count when that address is trusted."""
    s = make("use-proxy-protocol = true\nuse-forwarded-headers = true\n"
             "proxy-real-ip-cidr = 127.0.0.0/8,10.0.0.0/8\n")
    got = behind(s, v1(to_port=80), ALL)
    assert got["x-real-ip"] == got["x-forwarded-for"] == "192.0.2.7"
    assert got["x-forwarded-host"] == "silex.test"
    assert got["x-forwarded-proto"] == "http"
    got = behind(s, v1("10.0.0.9", to_port=80), ALL)
    assert got["x-real-ip"] == "10.0.0.9"
    assert got["x-forwarded-host"] == "outside.test"
    assert got["x-forwarded-proto"] == "https"


def test_proxy_header_in_pieces(make):
    s = make("use-proxy-protocol = true\n")
    for header in (v1(), v2(tlvs=bytes(300))):
        with s.client() as c:
            c.send_pieces(header, size=1)
            assert seen(c.get("/echo"))["x-real-ip"] == "192.0.2.7"
    with s.client() as c:  # header and request in one segment, and a second request
        c.send(v1() + b"GET /echo HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert seen(c.read())["x-real-ip"] == "192.0.2.7"
        assert seen(c.get("/echo"))["x-real-ip"] == "192.0.2.7"


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: silex.test\r\n\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\nGET / HTTP/1.1\r\nHost: silex.test\r\n\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", b"PROXY UNKNOWN " + b"x" * 200,
    SIG + b"\x31\x11\0\x0c", SIG + b"\x21\x11\0\x0b" + bytes(11),
    SIG + b"\x21\x11\xff\xff" + bytes(12)])
def test_broken_proxy_headers_end_the_connection(make, data):
    s = make("use-proxy-protocol = true\n")
    closes(s, data)
    wait_until(lambda: reason(s, "conn_proxy_bad") == 1, what="the counted reason")
    assert behind(s, v1())["x-real-ip"] == "192.0.2.7"


def test_header_that_does_not_come(make):
    s = make("use-proxy-protocol = true\nproxy-protocol-header-timeout = 100ms\n")
    closes(s, b"PROXY TCP4 1.2.3.4")
    wait_until(lambda: reason(s, "conn_proxy_timeout") == 1, what="the counted reason")
    with s.client() as c:
        c.send(b"PROXY TC")
    wait_until(lambda: reason(s, "conn_proxy_bad") == 1, what="the counted reason")


def test_second_header_is_no_request(make):
    """Only the first hop may speak so: what a client adds behind it is malformed HTTP."""
    s = make("use-proxy-protocol = true\n")
    with s.client() as c:
        c.send(v1() + v1("203.0.113.66") + b"GET /echo HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert c.read().status == 400


def test_without_the_setting_a_header_is_malformed(make):
    s = make()
    with s.client() as c:
        c.send(v1() + b"GET /echo HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        assert c.read().status == 400


def test_health_checks_need_no_header(make):
    s = make("use-proxy-protocol = true\n")
    with Client(s.healthz_port) as c:
        assert c.get("/healthz").status == 200
