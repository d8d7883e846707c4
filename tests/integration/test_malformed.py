"""Every case of the corpus against one running Silex, judged from three sides.

The client must get exactly the answers the case allows, the recorder behind the proxy must see
exactly the requests it allows and nothing but canonical bytes, and an innocent client must get
its own answers before, between and after, on an old connection and on a new one, over the same
pool of connections to the same origin. Corpus: malformed/; judge: recorder.py.
"""

import itertools

import pytest

from harness import BadAnswer, Client, Silex, backends, ingress
from malformed import answers, chunks, fields, length, limits, sequences, start_line
from recorder import Recorder

CASES = [c for m in (start_line, fields, length, chunks, sequences, limits) for c in m.CASES]


class World:
    """A Silex, the recorder behind it and the innocent client beside."""

    def __init__(self, tmp, backend):
        self.recorder = Recorder()
        self.silex = Silex(tmp, backend)
        self.silex.manifests.put("base", backends("base", self.recorder.port),
                                 ingress("base", {"silex.test": "base"}))
        self.silex.start()
        self.innocent = None
        self.count = itertools.count()

    def ask(self, client, what):
        """A request whose answer names it: whoever gets another's answer notices."""
        target = f"/{what}/{next(self.count)}"
        answer = client.get(target)
        assert (answer.status,
                answer.text) == (200, target), f"{what} client was disturbed: {answer}"
        return answer

    def ask_innocent(self):
        """On its old connection; a new one where that was closed, announced or in a failed case."""
        innocent, self.innocent = self.innocent or self.silex.client(), None
        answer = self.ask(innocent, "innocent")
        if "close" in (answer.get("connection") or ""):  # keep-alive-requests
            innocent.close()
        else:
            self.innocent = innocent

    def innocents(self):
        self.ask_innocent()
        with self.silex.client() as stranger:
            self.ask(stranger, "innocent")

    def seen(self):
        """What the origin saw since the last call, without the innocent; its verdict on it."""
        violations, self.recorder.violations = self.recorder.violations, []
        requests = self.recorder.take()
        assert not violations, f"not canonical: {violations}"
        return [r for r in requests if not r.target.startswith(("/innocent/", "/probe/"))]

    def end(self):
        try:
            self.silex.stop()
        finally:
            self.silex.abandon()
            self.recorder.stop()


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    made = {}

    def get(backend):
        if backend not in made:
            made[backend] = World(tmp_path_factory.mktemp(backend), backend)
        return made[backend]
    yield get
    for world in made.values():
        world.end()


@pytest.fixture
def world(worlds, event_backend):
    world = worlds(event_backend)
    world.recorder.take()
    world.recorder.violations.clear()
    return world


def send_all(world, client, case):
    """The pieces; between two, an innocent round trip: the worker has seen the first by then."""
    for i, piece in enumerate(case.send):
        if i > 0:
            world.ask_innocent()
        try:
            client.send(piece)
        except OSError:  # refused before the end: the answer is still to be read
            return
    if case.shut:
        client.shut()


def allowed(want):
    return want if isinstance(want, set) else {want}


def read_answers(client, case):
    """The answers as the case wants them; a permitted absence ends the list."""
    got = []
    methods = itertools.chain(case.methods, itertools.repeat("GET"))
    for want, method in zip(case.status, methods):
        if None in allowed(want) and not client.buf and not client.fill():
            break
        answer = client.read(method)
        got.append(answer)
        assert answer.status in allowed(want), f"answers {got}, wanted {case.status}"
    return got


def check_end(world, client, case, got):
    if case.close is None:
        return
    if not case.close:
        assert "close" not in (got[-1].get("connection") or "")
        world.ask(client, "probe")
        return
    if got and not case.shut:
        assert "close" in (got[-1].get("connection") or ""), "the last answer announces no close"
    assert client.at_eof()


def check_seen(world, case):
    seen = world.seen()
    assert [str(r) for r in seen] == [s for s in case.seen], f"the origin saw {seen}"
    for name, value in case.has.items():
        assert seen[-1].all(name) == ([] if value is None else [value]), seen[-1].fields
    if case.body is not None:
        assert seen[-1].body == case.body
    if case.trailers is not None:
        assert seen[-1].trailers == case.trailers


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_request(world, case):
    world.ask_innocent()
    with world.silex.client() as client:
        send_all(world, client, case)
        got = read_answers(client, case)
        check_end(world, client, case, got)
    world.innocents()
    check_seen(world, case)


def read_answer(client, case):
    """The answer and its content; None for content that was cut short."""
    answer = client.read_head()
    hints = []
    while answer.status < 200 and answer.status != 101:
        hints.append(answer.status)
        answer = client.read_head()
    try:
        client.read_body(answer, case.method)
    except BadAnswer as e:
        assert "closed" in str(e), f"not canonical: {e}"
        answer.body = None
    return answer, hints


def check_answer(case, answer, hints):
    if case.status == 502 or (case.body is None and answer.status == 502):
        assert answer.status == 502 and not answer.get("x-evil"), f"got through: {answer}"
        return
    assert answer.status == case.status and answer.body == case.body, f"{answer}"
    assert tuple(hints) == case.hints
    for name, value in case.has.items():
        assert answer.all(name) == ([] if value is None else [value]), f"{name}: {answer.fields}"


@pytest.mark.parametrize("case", answers.ANSWERS, ids=lambda c: c.name)
def test_origin_answer(world, case):
    key = str(next(world.count))
    world.recorder.answers[key] = case
    world.ask_innocent()
    with world.silex.client() as client:
        client.request(f"/answer/{key}", method=case.method, fields=case.asked)
        check_answer(case, *read_answer(client, case))
    world.innocents()
    tries = len(world.seen())
    # RFC 9110 §9.2.2: a GET that ended early may be tried again (facts: routing §8)
    most = 3 if case.close and case.status == 502 else 1
    assert 1 <= tries <= most, f"the origin was asked {tries} times"


EVIL = b"GET /evil HTTP/1.1\r\nHost: silex.test\r\n\r\n"
UNFINISHED = {
    "length": (b"Content-Length: 200\r\n\r\n", EVIL * 4),
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", EVIL * 4),
    "expect": (b"Content-Length: 200\r\nExpect: 100-continue\r\n\r\n", EVIL * 4),
}


@pytest.mark.parametrize("how", UNFINISHED)
@pytest.mark.parametrize("status", [200, 401, 413])
def test_early_answer(world, how, status):
    """An origin answers before the content is there. What the client sends then is still content
    (or the connection is closed), never a request: Apache CVE-2022-22720."""
    key, (fields_, rest) = f"{how}{status}", UNFINISHED[how]
    world.recorder.answers[key] = answers.good(
        key, b"HTTP/1.1 %d x\r\nContent-Length: 5\r\n\r\nhello" % status, early=True)
    with world.silex.client() as client:
        client.send(b"POST /answer/%s HTTP/1.1\r\nHost: silex.test\r\n" % key.encode() + fields_)
        answer = client.read()
        assert (answer.status, answer.body) == (status, b"hello")
        world.ask_innocent()
        try:
            client.send(rest)
            while client.fill():
                pass
        except OSError:
            pass
    world.innocents()
    assert not [r for r in world.seen() if r.target == "/evil"]


SPLIT = (b"POST /split HTTP/1.1\r\nHost: silex.test\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
         b"5;a=\"b\"\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n")


def test_request_split_everywhere(world):
    """However the network cuts a request, the origin gets the same bytes."""
    same = set()
    with world.silex.client() as client:
        for at in range(1, len(SPLIT)):
            client.send(SPLIT[:at])
            world.ask_innocent()
            client.send(SPLIT[at:] + SPLIT)
            assert [client.read().text for _ in range(2)] == ["/split"] * 2
            seen = world.seen()
            assert [(r.body, r.trailers) for r in seen] == [(b"hello!",
                [("X-T", "1"), ("X-U", "2")])] * 2
            same |= {tuple(kv for kv in r.fields if kv[0] != "X-Request-ID") for r in seen}
    assert len(same) == 1


def test_request_byte_by_byte(world):
    with world.silex.client() as client:
        for i in range(len(SPLIT)):
            client.send(SPLIT[i:i + 1])
            world.ask_innocent()
        assert client.read().text == "/split"
    assert [r.body for r in world.seen()] == [b"hello!"]


ANSWER = (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
          b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
          b"5;a=\"b\"\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n")


def test_answer_split_everywhere(world):
    """However the network cuts an origin's answer, the client gets the same one."""
    with world.silex.client() as client:
        for at in range(1, len(ANSWER)):
            world.recorder.answers["split"] = answers.good("split", [ANSWER[:at], ANSWER[at:]])
            answer = client.get("/answer/split")
            assert (answer.body, answer.trailers) == (b"hello!",
                                                      [("X-T", "1")]), f"split at {at}: {answer}"
            assert [h.status for h in answer.hints] == [103]
    world.seen()


def test_recorder_is_strict():
    """The judge itself: what is not canonical is a violation."""
    bad = [b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n", b"GET /x HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n",
           b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /x HTTP/1.1\r\nHost:a\r\n\r\n",
           b"GET /x HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\n\r\n",
           b"GET /x HTTP/1.1\r\nHost: a\r\nX: 1 \r\n\r\n",
           b"GET /x HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n",
           b"GET /x HTTP/1.1\r\nHost: a\r\nVia: 1.1 b\r\n\r\n",
           b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
           b"05\r\nhello\r\n0\r\n\r\n",
           b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 05\r\n\r\nhello",
           b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"]
    recorder = Recorder()
    for data in bad:
        with Client(recorder.port) as c:
            c.send(data)
            assert c.at_eof(), data
    assert len(recorder.violations) == len(bad) and not recorder.requests
    recorder.stop()
