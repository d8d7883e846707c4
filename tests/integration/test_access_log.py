"""The access log as ingress-nginx' ConfigMap and annotations ask for it, changed while running."""

import json
import os
import re
import socket

import pytest

from harness import backends, ingress, wait_until
from manifests import settings


@pytest.fixture
def served(make_silex, origin):
    s = make_silex(flags=["--configmap", "infra/settings"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    return s.start()


def settle(served, line):
    """Ask until a line of the new kind comes; returns it."""
    def found():
        served.get("/settle")
        return next((x for x in reversed(served.access_lines()) if line(x)), None)
    return wait_until(found, what=f"the new format; log:\n{served.log()}")


DEFAULT = re.compile(
    r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /d\?x=1 HTTP/1\.1" 200 \d+ '
    r'"-" "pytest" \d+ \d+\.\d{3} \[default-base-\w+\] \[\] 127\.0\.0\.1:\d+ \d+ \d+\.\d{3} 200 '
    r'[0-9a-f]{32}$')


def test_default_format(served):
    """ingress-nginx' upstreaminfo, byte for byte."""
    served.get("/d?x=1", fields=[("User-Agent", "pytest")])
    assert DEFAULT.match(served.wait_access(lambda x: "/d?x=1" in x))


def test_format_changes_live(served):
    workers = served.workers()
    served.manifests.put("config", settings(
        log_format_upstream="$remote_addr|$request_method|$host|$uri|$arg_x|$http_x_id|$status|"
                            "$namespace/$ingress_name/$service_name|$upstream_status"))
    settle(served, lambda x: x.startswith("127.0.0.1|GET|silex.test|/settle|-|"))
    served.get("/a?x=1", fields=[("X-Id", "q\"")])
    line = served.wait_access(lambda x: "|/a|" in x)
    assert line == "127.0.0.1|GET|silex.test|/a|1|q\\x22|200|default/base/base|200"
    served.manifests.delete("config")
    settle(served, lambda x: "[default-base-" in x and "/settle" in x)
    assert served.workers() == workers


def test_json(served):
    """What people write to have JSON, over two lines as YAML has it."""
    served.manifests.put("config", settings(
        log_format_escape_json="true",
        log_format_upstream='{"ua": "$http_user_agent",\n "uri": "$request_uri", "status": '
                            '$status, "who": "$remote_user"}'))
    settle(served, lambda x: x.startswith('{"ua"'))
    served.get("/j", fields=[("User-Agent", 'a"b\\c\t{}')])
    line = json.loads(served.wait_access(lambda x: '"/j"' in x))
    assert line == {"ua": 'a"b\\c\t{}', "uri": "/j", "status": 200, "who": ""}


def test_no_escape_forges_no_line(served):
    """escape=none leaves bytes as they are, but one request stays one line."""
    served.manifests.put("config", settings(log_format_escape_none="true",
                                             log_format_upstream="none $uri $http_user_agent."))
    settle(served, lambda x: x.startswith("none /settle"))
    served.get("/n%0Aforged%20line", fields=[("User-Agent", 'a"b')])
    assert served.wait_access(lambda x: "forged" in x) == 'none /n forged line a"b.'


def test_unknown_variable_is_told(served):
    served.manifests.put("config", settings(log_format_upstream="unknown [$geoip_city] $status"))
    assert settle(served, lambda x: x.startswith("unknown [")) == "unknown [-] 200"
    served.wait_log(r"log-format-upstream: \$geoip_city never has a value")


def test_bad_format_is_refused(served):
    served.manifests.put("config", settings(log_format_upstream="bad ${host"))
    served.wait_log(r"log-format-upstream: .* it has no effect")
    served.get("/d?x=1", fields=[("User-Agent", "pytest")])
    assert DEFAULT.match(served.wait_access(lambda x: "/d?x=1" in x))


def test_skipped_urls(served):
    served.manifests.put("config", settings(skip_access_log_urls="/quiet,~^/skip/",
                                             log_format_upstream="$request_uri"))
    settle(served, lambda x: x == "/settle")
    for target in ("/quiet", "/skip/1", "/quiet?x", "/end"):
        served.get(target)
    served.wait_access(lambda x: x == "/end")
    lines = served.access_lines()
    assert "/quiet?x" in lines
    assert "/quiet" not in lines and "/skip/1" not in lines


def test_annotation(served, origin):
    served.manifests.put("off", backends("off", origin.port),
                         ingress("off", {"off.test": "off"}, annotations={
                             "nginx.ingress.kubernetes.io/enable-access-log": "false"}))
    served.wait_status(200, host="off.test")
    served.get("/never", host="off.test")
    served.get("/end")
    served.wait_access(lambda x: "/end" in x)
    assert not any("/never" in x for x in served.access_lines())


def test_default_backend(served):
    """Requests no Ingress is for leave a line only when asked for."""
    served.get("/nobody", host="unknown.test")
    served.get("/end")
    served.wait_access(lambda x: "/end" in x)
    assert not any("/nobody" in x for x in served.access_lines())
    served.manifests.put("config", settings(enable_access_log_for_default_backend="true"))

    def logged():
        served.get("/nobody", host="unknown.test")
        return any("/nobody" in x for x in served.access_lines())
    wait_until(logged, what="lines of the default backend")


def test_path_changes_live(served, tmp_path):
    """Another file, then one that cannot be opened (told, and the log stays), then back."""
    workers, other = served.workers(), tmp_path / "other.log"
    served.manifests.put("config", settings(access_log_path=other))

    def moved():
        served.get("/moved")
        return other.exists() and "/moved" in other.read_text()
    wait_until(moved, what=f"lines in the new file; log:\n{served.log()}")
    before = len(other.read_text().splitlines())
    served.manifests.put("config", settings(access_log_path=tmp_path / "no" / "such" / "dir"))
    served.wait_log("access-log-path, error-log-path or syslog-host: it cannot be opened")

    def stays():
        served.get("/stays")
        return len(other.read_text().splitlines()) > before
    wait_until(stays, what="lines where they were")
    served.manifests.delete("config")
    settle(served, lambda x: "/settle" in x)
    assert served.workers() == workers


def test_level_of_the_error_log(served):
    served.manifests.put("config", settings(error_log_level="debug"))
    wait_until(lambda: re.search(r"(?m)^log-level\s*=\s*debug$", served.show("conf").stdout),
               what="the level")
    served.manifests.put("config", settings(error_log_level="loud"))
    served.wait_log("error-log-level: .* is none of")


def test_fifo_nobody_reads(make_silex, origin, tmp_path):
    """A sink that is full costs lines, which are counted, and never a request."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    s = make_silex(flags=["--configmap", "infra/settings"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.manifests.put("config", settings(access_log_path=fifo))
    s.start()
    with s.client() as c:
        for _ in range(900):
            assert c.get("/" + "x" * 600).status == 200
    assert s.metrics()["silex_access_log_lost_total"] > 0
    os.close(reader)


@pytest.fixture
def syslogd():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(20)
        yield s


MESSAGE = re.compile(rb"^<190>\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ silex: ([^\n]*)$")


def messages_until(sock, wanted):
    while True:
        m = sock.recv(65536)
        if wanted(m):
            return m


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_syslog(served, syslogd, host):
    """RFC 3164 over UDP as nginx does it, both logs; then back to the files."""
    workers = served.workers()
    served.manifests.put("config", settings(
        enable_syslog="true", syslog_host=host, syslog_port=syslogd.getsockname()[1],
        log_format_upstream="over $request_uri"))

    def sent():
        served.get("/sys")
        syslogd.setblocking(False)
        try:
            return MESSAGE.match(syslogd.recv(65536))
        except BlockingIOError:
            return None
    m = wait_until(sent, what=f"a message; log:\n{served.log()}")
    syslogd.settimeout(20)
    served.get("/sys")
    m = MESSAGE.match(messages_until(syslogd, lambda m: b"over" in m))
    assert m and m[1] == b"over /sys"
    # The error log comes the same way, with the severity of the line.
    served.manifests.put("config", settings(
        enable_syslog="true", syslog_host=host, syslog_port=syslogd.getsockname()[1],
        proxy_read_timeout="soon"))
    m = messages_until(syslogd, lambda m: b"proxy-read-timeout" in m)
    assert m.startswith(b"<188>") and b" silex: " in m and b"\n" not in m
    served.manifests.delete("config")
    settle(served, lambda x: "/settle" in x)
    assert served.workers() == workers


def test_syslog_nobody_listens(served):
    """Messages are refused and counted; traffic goes on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    served.manifests.put("config", settings(enable_syslog="true", syslog_host="127.0.0.1",
                                             syslog_port=port))

    def lost():
        assert served.get("/").status == 200
        return served.metrics()["silex_access_log_lost_total"] > 0
    wait_until(lost, what="lost lines")


def test_syslog_without_host(served):
    served.manifests.put("config", settings(enable_syslog="true"))
    served.wait_log("access-log-path, error-log-path or syslog-host: it cannot be opened")
    settle(served, lambda x: "/settle" in x)
