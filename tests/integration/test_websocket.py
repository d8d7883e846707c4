"""WebSockets of a real client library through Silex, and thousands of idle ones through one worker:
no change of the configuration closes any."""

import asyncio
import resource

import pytest
import websockets

from api_world import api  # noqa: F401
from frames import H2
from harness import backends, ingress, ingress_class, slice_, wait_until

MANY = 2000
SIZES = (0, 1, 125, 126, 65535, 65536, 300_000)


# What a line can tell of a tunnel, but for what is counted or measured.
EVERYTHING = "|".join(f"${name}" for name in (
    "remote_addr", "remote_user", "request", "args", "uri", "host", "http_host", "scheme", "server_protocol",
    "http_user_agent", "http_x_odd", "http_cookie", "cookie_b", "arg_y", "status", "namespace", "ingress_name",
    "service_name", "proxy_upstream_name", "upstream_addr", "upstream_status", "upstream_response_length",
    "sent_http_x_origin", "upstream_http_x_origin", "req_id", "silex_reason", "request_completion"))
FIELDS = [("user-agent", 'a "b"'), ("x-odd", "odd"), ("cookie", "a=1; b=2"), ("x-request-id", "an-id"),
          ("authorization", "Basic YWxpY2U6c2VjcmV0")]


def connect(silex, host="silex.test", **how):
    """A connection that sends nothing by itself. The URI names the host, the socket is told where to go."""
    how = {"ping_interval": None, "compression": None, "open_timeout": 30, **how}
    return websockets.connect(f"ws://{host}/ws", host=silex.host, port=silex.http_port, **how)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


async def talk(ws, text):
    await ws.send(text)
    assert await ws.recv() == text


def test_messages(silex):
    async def messages():
        async with connect(silex) as ws:
            assert (await ws.recv()).startswith("origin origin:")
            for n in SIZES:
                await talk(ws, "x" * n)
                await talk(ws, bytes(range(256)) * (n // 256))
            await ws.send(["one ", "message ", "in ", "parts"])
            assert await ws.recv() == "one message in parts"
            await (await ws.ping(b"are you there"))
        assert ws.close_code == 1000
    run(messages())
    line = silex.wait_access(lambda x: "/ws" in x)
    assert " 101 " in line, line


def test_an_extension_is_not_in_the_way(silex):
    """permessage-deflate is offered, the origin does not take it: Silex leaves both alone."""
    async def offered():
        async with connect(silex, compression="deflate") as ws:
            assert ws.extensions == []
            await ws.recv()
            await talk(ws, "plain")
    run(offered())


def log_format(text):
    return settings(**{"log-format-upstream": text})


@pytest.fixture
def told(make_silex, origin):
    """A Silex that logs EVERYTHING."""
    s = make_silex(workers=1, flags=["--configmap", "infra/settings"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.manifests.put("config", log_format("1st|" + EVERYTHING))
    s.start()
    s.wait_status(200)
    return s


def whole_line(told, origin, request, protocol):
    """The last format to come tells of the tunnel all that the first one named."""
    line = told.wait_access(lambda x: "|tunnel_done|" in x)
    assert line == (f"2nd|127.0.0.1|alice|{request}|x=1&y=2|/upgrade|silex.test|silex.test|http|{protocol}|"
                    f"a \\x22b\\x22|odd|a=1; b=2|2|2|101|default|base|base|default-base-80|"
                    f"127.0.0.1:{origin.port}|101|12|origin|origin|an-id|tunnel_done|OK")


def new_format(told):
    told.manifests.put("config", log_format("2nd|" + EVERYTHING))

    def is_used():
        told.get("/new")
        return any(x.startswith("2nd|") for x in told.access_lines())
    wait_until(is_used, what="the new format")


def test_the_line_of_a_tunnel_is_whole(told, origin):
    """Most of its request is given back long before the tunnel ends and the line is written."""
    with told.client() as c:
        upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
        assert c.get("/upgrade?x=1&y=2", fields=upgrade + FIELDS).status == 101
        new_format(told)
        c.send(b"hello tunnel")
        assert c.take(12) == b"hello tunnel"
        c.shut()
        assert c.at_eof()
    whole_line(told, origin, "GET /upgrade?x=1&y=2 HTTP/1.1", "HTTP/1.1")


def test_the_line_of_a_tunnel_in_a_stream_is_whole(told, origin):
    with H2(told.http_port) as c:
        s = c.open([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                    (":path", "/upgrade?x=1&y=2"), (":authority", "silex.test"), *FIELDS], end=False)
        c.until(lambda: c.streams[s].heads)
        assert c.streams[s].status == 200
        new_format(told)
        c.data(s, b"hello tunnel")
        c.until(lambda: b"hello tunnel" in c.streams[s].body)
        c.data(s, b"", end=True)
        assert c.wait(s).ended
    whole_line(told, origin, "GET /upgrade?x=1&y=2 HTTP/2.0", "HTTP/2.0")


def test_a_plain_request_is_told_to_upgrade(silex):
    answer = silex.get("/ws")
    assert answer.status == 426 and answer.get("Upgrade") == "websocket"


def test_the_end_of_the_origin_is_an_end(silex, make_origin):
    """Not a silent one: the client sees the connection end, and the log has the reason."""
    other = make_origin("other")
    silex.manifests.put("other", backends("other", other.port), ingress("other", {"other.test": "other"}))
    silex.wait_status(200, host="other.test")

    async def cut():
        async with connect(silex, "other.test") as ws:
            await ws.recv()
            other.process.kill()
            with pytest.raises(websockets.ConnectionClosed):
                await ws.recv()
    run(cut())


@pytest.fixture
def files():
    """Room for both ends of MANY connections in this process and what it starts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def open_many(silex, n):
    opened = []
    while len(opened) < n:
        batch = await asyncio.gather(*(connect(silex) for _ in range(100)))
        for ws in batch:
            await ws.recv()
        opened += batch
    return opened


def settings(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": "infra"}, "data": data}


def changes(silex, api, first, second):
    """Everything that configuration is made of changes, down to the routes' own end."""
    annotated = {"proxy-body-size": "1k", "proxy-read-timeout": "7200"}
    api.put(ingress("base", {"silex.test": "base"}, annotations=annotated))
    silex.wait_status(413, method="POST", body=b"x" * 2000)
    api.put(settings(**{"proxy-body-size": "2m", "keep-alive": "10", "proxy-read-timeout": "5000"}))
    wait_until(lambda: silex.get("/bytes/1").status == 200, what="service with the new settings")
    api.put(slice_("base", ["127.0.0.1"], second.port, name=f"base-{first.port}"))  # the endpoint that holds them has left
    wait_until(lambda: silex.get("/").text.split()[1] == "other", what="the new endpoint alone")
    api.delete("Ingress", "base")
    silex.wait_status(404)


def test_thousands_stay_open_whatever_changes(make_silex, api, files, origin, make_origin):
    api.put(ingress_class(), backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    silex = make_silex(source=["--apiserver-host", api.url], flags=[
        "--disable-leader-election", "--configmap", "infra/settings"]).start()
    silex.wait_status(200)
    worker = silex.worker()

    async def idle():
        held = await open_many(silex, MANY)
        other = make_origin("other")
        await asyncio.get_running_loop().run_in_executor(None, changes, silex, api, origin, other)
        for ws in held:
            assert ws.open
            await talk(ws, "still here")
        for ws in held:
            ws.transport.abort()
    run(idle())
    assert silex.workers() == [worker]
