"""Servers of http-snippet: a port of its own that answers every request by one `return`. First of
all the one of ingress-nginx' manifest for an AWS NLB that ends TLS."""

import os
import signal
import socket
import subprocess

import pytest

from harness import Client, backends, configmap, free_port, ingress, wait_until
from streams_world import is_dead, listens, named
from test_edge import metric, reason
from test_lifecycle import duo, install  # noqa: F401

SETTINGS = "default/settings"
# deploy/static/provider/aws/nlb-with-tls-termination, its port apart.
AWS = """server {
  listen 2443;
  return 308 https://$host$request_uri;
}
"""
HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n"


def aws(port, words=""):
    return {"http-snippet": AWS.replace("2443", f"{port}{words}")}


def put(s, settings):
    s.manifests.put("settings", configmap("settings", settings))


def wait_open(s, port):
    s.wait_log(f"port opened: transport=TCP port={port}\\b")


def leads_to(port, place, status=308, target="/x", **how):
    with Client(port) as c:
        a = c.get(target, **how)
        assert (a.status, a.get("location")) == (status, place), a


@pytest.fixture
def serve(make_silex, make_scripted):
    """serve({key: text} of the ConfigMap) -> a running Silex, with an app at silex.test."""
    def build(settings, *, flags=(), **how):
        origin = make_scripted(lambda p: [p.answer(200) for _ in iter(p.read_request, None)])
        s = make_silex(flags=[f"--configmap={SETTINGS}", *flags], **how)
        put(s, settings)
        s.manifests.put("app", backends("app", origin.port), ingress("app", {"silex.test": "app"}))
        s.start()
        if "asks for other workers" in s.log():
            s.wait_log("worker ended")
        return s
    return build


# ---- what is answered -----------------------------------------------------------------------


def test_as_aws_has_it(serve):
    port = free_port()
    s = serve(aws(port) | {"log-format-upstream": "$server_port $status $request_uri $host"})
    wait_open(s, port)
    with Client(port) as c:  # one connection: it is kept
        for method, body in (("GET", None), ("POST", "a=b"), ("HEAD", None)):
            a = c.get("/a/../b?c=%20d", host="nobody.test:81", method=method, body=body)
            assert a.status == 308
            assert a.get("location") == "https://nobody.test/a/../b?c=%20d"
        for target in ("/healthz", "/"):  # no route is looked up: not even that of a known host
            assert c.get(target).get("location") == f"https://silex.test{target}"
    leads_to(port, "https://silex.test/x", method="PUT", body="x" * 70000)
    s.wait_access(lambda x: x == f"{port} 308 /a/../b?c=%20d nobody.test")
    assert s.get().status == 200
    s.wait_access(lambda x: x == f"{s.http_port} 200 / silex.test")
    assert reason(s, "local") >= 6 and metric(s, "silex_requests_total") == 7


def test_heads_are_judged_as_any(serve):
    port = free_port()
    wait_open(serve(aws(port)), port)
    for text, status in ((b"GET / HTTP/1.1\r\n\r\n", 400), (b"nonsense\r\n\r\n", 400),
                         (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405)):
        with Client(port) as c:
            assert c.send(text).read().status == status


def test_http2_prior_knowledge(serve):
    port = free_port()
    wait_open(serve(aws(port)), port)
    out = subprocess.run(["curl", "-si", "--http2-prior-knowledge", f"http://127.0.0.1:{port}/q"],
                         capture_output=True, text=True, check=True).stdout
    assert out.startswith("HTTP/2 308") and "location: https://127.0.0.1/q" in out


def test_other_answers(serve):
    text, gone, closed = free_port(), free_port(), free_port()
    s = serve({"add-headers": "default/added", "http-snippet": f"""
        add_header X-All yes always;
        map $arg_a $which {{ default none; b bee; }}
        server {{ listen {text} default_server; server_name _; server_tokens off;
                  location / {{ return 200 "$which at $server_port"; }} }}
        server {{ listen [::]:{gone}; listen {gone}; return 302 /there; }}
        server {{ listen {closed}; return 444; }}
        """})
    s.manifests.put("added", configmap("added", {"X-Added": "too"}))
    for port in (text, gone, closed):
        wait_open(s, port)
    with Client(text) as c:
        a = c.get("/?a=b")
        assert (a.status, a.text, a.get("x-all")) == (200, f"bee at {text}", "yes")
        wait_until(lambda: c.get("/").get("x-added") == "too", what="the field of add-headers")
        assert c.get("/").text == f"none at {text}"
    leads_to(gone, "http://silex.test/there", 302)
    with Client(closed) as c:
        assert c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").at_eof()
    wait_until(lambda: reason(s, "dropped") == 1, what="the reason")


@pytest.mark.parametrize("words, settings", [(" proxy_protocol", {}),
                                             ("", {"use-proxy-protocol": "true"})])
def test_proxy_protocol(serve, words, settings):
    port = free_port()
    s = serve(aws(port, words) | settings | {"log-format-upstream": "$remote_addr $server_port",
                                             "proxy-real-ip-cidr": "127.0.0.0/8"})
    wait_open(s, port)
    with Client(port) as c:
        c.send(HEADER)
        for _ in range(2):
            assert c.get("/x").get("location") == "https://silex.test/x"
    s.wait_access(lambda x: x == f"192.0.2.7 {port}")
    with Client(port) as c:
        assert is_dead(c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").sock)
    wait_until(lambda: reason(s, "conn_proxy_bad") == 1, what="the reason")


# ---- it comes, changes and goes -------------------------------------------------------------


def test_it_comes_changes_and_goes(serve):
    port = free_port()
    s = serve({}, workers=2)
    workers = set(s.workers())
    with s.client() as other:
        assert other.get().status == 200
        put(s, aws(port))
        wait_until(lambda: listens(port), what="the port")
        leads_to(port, "https://silex.test/x")
        with Client(port) as kept:
            assert kept.get("/a").status == 308
            put(s, {"http-snippet": f"server {{ listen {port}; return 410; }}"})
            wait_until(lambda: kept.get("/a").status == 410, what="the new answer")
            put(s, {})
            wait_until(lambda: not listens(port), what="nobody to listen")
            assert kept.get("/a").status == 404
        assert other.get().status == 200
    assert set(s.workers()) == workers


def test_what_cannot_be_read_leaves_it(serve):
    port = free_port()
    s = serve(aws(port))
    wait_open(s, port)
    put(s, {"http-snippet": "include x;"})
    s.wait_log("what was there before stays in force")
    leads_to(port, "https://silex.test/x")


def test_a_port_of_somebody_else(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        s = serve(aws(port))
        s.wait_log(f"reason=SnippetIdle kind=ConfigMap.*http-snippet: server: TCP port {port} "
                   "cannot be listened on: .*tried again")
        assert s.get().status == 200
    wait_open(s, port)
    leads_to(port, "https://silex.test/x")


def test_a_port_of_a_tcp_service(serve, make_scripted):
    """The Service keeps it; the server has it when the Service goes."""
    port, origin = free_port(), make_scripted(named("tcp"))
    s = serve(aws(port), flags=["--tcp-services-configmap", "default/tcp"])
    wait_open(s, port)
    s.manifests.put("tcp", backends("tcp", origin.port, port=1),
                    configmap("tcp", {port: "default/tcp:1"}))
    s.wait_log(f"http-snippet: line 1: server has no effect: port {port} is not opened: it is a TCP")

    def service():
        with socket.create_connection(("127.0.0.1", port), 60) as c:
            c.settimeout(60)
            c.sendall(b"x\r\n\r\n")
            return c.recv(3) == b"tcp"
    wait_until(service, what="the Service")
    s.manifests.delete("tcp")
    wait_until(lambda: not service(), what="the server")
    leads_to(port, "https://silex.test/x")


# ---- it outlives processes ------------------------------------------------------------------


def test_a_worker_is_killed(serve):
    port = free_port()
    s = serve(aws(port), workers=2)
    s.expect_deaths = True
    wait_open(s, port)
    for victim in s.workers():
        os.kill(victim, signal.SIGKILL)
    for _ in range(20):
        leads_to(port, "https://silex.test/x")
    wait_until(lambda: len(s.workers()) == 2, what="successors")


@pytest.mark.parametrize("number, said", [(signal.SIGHUP, "configuration taken over"),
                                          (signal.SIGUSR2, "upgrade done")])
def test_other_workers_other_programs(duo, number, said):  # noqa: F811
    port = free_port()
    duo.stop()
    duo.argv += ["--configmap", SETTINGS]
    put(duo, aws(port))
    duo.start()
    wait_open(duo, port)
    old = set(duo.workers())
    if number == signal.SIGUSR2:
        install(duo, "silex")
    else:
        duo.conf_path.write_text("workers = 3\n")
    duo.kill(number)
    while said not in duo.log():
        leads_to(port, "https://silex.test/x")
    wait_until(lambda: not old & set(duo.workers()), what="other workers")
    leads_to(port, "https://silex.test/x")


def test_a_master_is_killed(serve):
    port = free_port()
    s = serve(aws(port), workers=2)
    wait_open(s, port)
    old, first = set(s.workers()), s.process
    s.kill(signal.SIGKILL)
    first.wait()
    leads_to(port, "https://silex.test/x")
    s.start()
    wait_until(lambda: s.log().count("port opened: transport=TCP") == 2, what="the port")
    wait_until(lambda: not old & set(s.workers()), what="other workers")
    leads_to(port, "https://silex.test/x")


# ---- what is left out -----------------------------------------------------------------------


@pytest.mark.parametrize("what", ["root /x; return 200;", "location /a { return 200; }",
                                  "location / { proxy_pass http://192.0.2.1; }"])
def test_what_does_more_is_left_out(serve, what):
    port = free_port()
    s = serve({"http-snippet": f"server {{ listen {port}; {what} }}"})
    s.wait_log(f"http-snippet: line 1: server has no effect: nobody listens on port {port}")
    assert s.get().status == 200 and not listens(port)
