"""Rows 19 and 20 of the faults: what comes from the API server's address and is no answer of an
API server, and objects nobody should have taken. Traffic flows, and not one request fails."""

import gzip
import json

import pytest

from api_world import api, arrives, follow, mark, traffic, wait_well  # noqa: F401
from fakeapi import status
from harness import ingress

HTML = b"<html><body>Sign in to the corporate proxy</body></html>"


def cut_gzip(r):
    body = gzip.compress(json.dumps(status(200)).encode() * 50)
    r.reply(200, body[:len(body) // 2], fields=["Content-Encoding: gzip"])


def short_body(r):
    r.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{")
    r.reset()


GARBAGE = {
    "html": (lambda r: r.reply(200, HTML, kind="text/html"), "corporate proxy"),
    "text": (lambda r: r.reply(200, b"hello\n", kind="text/plain"), "hello"),
    "list": (lambda r: r.reply(200, {"kind": "Status"}), "not a Kubernetes list"),
    "gzip": (cut_gzip, "stay in use"),
    "length": (short_body, "stay in use"),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_19_not_json_list(follow, api, kind):
    """Something in between answers a list: what it said is quoted, and it is asked again."""
    answer, said = GARBAGE[kind]
    api.watchlist = False
    silex = follow()
    with traffic(silex):
        api.on("list", "ingresses", answer, times=2)
        api.lose_history()
        api.watch("ingresses").end()
        silex.wait_log(said)
        arrives(silex, api)
        wait_well(silex)


@pytest.mark.parametrize("line", [HTML, b'{"type":"ADDED"}', b"[]", b'{"type":7,"object":{}}',
                                  b'{"type":"ADDED","object":null}', b'"x"', b"\xff\xfe"])
def test_19_not_json_watch(follow, api, line):
    silex = follow()
    with traffic(silex):
        api.watch("ingresses").bytes(line + b"\n")
        silex.wait_log("not a watch event")
        arrives(silex, api)
        wait_well(silex)


def nested(depth):
    o = {}
    for _ in range(depth):
        o = {"a": o}
    return o


def hostile(name):
    """An object no server should send; its name tells it in the log."""
    o = ingress("evil", {"evil.test": "base"})
    o["metadata"].update(resourceVersion="950", uid="evil")
    if name == "big":
        o["metadata"]["annotations"] = {"x/y": "z" * (3 << 20)}
    elif name == "rules":
        o["spec"]["rules"] = [{"host": f"h{n}.test", "http": {"paths": []}} for n in range(10000)]
    elif name == "string":
        o["spec"]["rules"] = "none"
    elif name == "number":
        o["metadata"]["name"] = 7
    elif name == "port":
        o["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = {"number": "80"}
    elif name == "null":
        o["spec"]["rules"] = [None]
    elif name == "unknown":
        o["spec"]["fromTheFuture"] = nested(5)
    return json.dumps({"type": "ADDED", "object": o})


@pytest.mark.parametrize("name", ["big", "rules", "string", "number", "port", "null", "unknown"])
def test_20_hostile_objects(follow, api, name):
    """That object is refused by its name or taken; the stream goes on either way."""
    silex = follow()
    with traffic(silex):
        watch, at = api.watch("ingresses"), mark(api)
        watch.bytes(hostile(name).encode() + b"\n")
        if name in ("string", "number", "port", "null"):
            silex.wait_log("an object is not taken")
        arrives(silex, api)
        assert not api.asked("watch", "ingresses", at), "the stream went on"


@pytest.mark.parametrize("text", [
    '{"type":"ADDED","object":{"metadata":{"name":"deep"},"spec":' + '{"a":' * 100 + "1" +
    "}" * 100 + "}}",
    hostile("unknown").replace('"type": "ADDED"', '"type": "ADDED", "type": "ADDED"')])
def test_20_hostile_json(follow, api, text):
    """A hundred levels, a key twice: whatever becomes of it, the next changes arrive."""
    silex = follow()
    with traffic(silex):
        api.watch("ingresses").bytes(text.encode() + b"\n")
        arrives(silex, api)
