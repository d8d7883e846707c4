"""Targets of copies that are slow, dead, deaf or mad, and clients that leave: no client notices
anything of a copy, and each copy ends as exactly one thing."""

import os
import random
import signal
import threading

import pytest

from frames import H2, WINDOW_UPDATE
from harness import backends, free_port, ingress, wait_until
from mirror_world import (BIG, ENDS, HOST, NAME, Deaf, ended, get, mirrored,  # noqa: F401
                          target, values)


# ---- targets that are no good ---------------------------------------------------------------


def silent(peer):
    peer.read_head()
    peer.read_until(b"never comes")


def resets(peer):
    peer.read_head()
    peer.send("HTTP/1.1 200 X\r\nContent-Le")
    peer.reset()


def closes(peer):
    peer.fill()


def garbage(peer):
    peer.read_head()
    peer.send("HTTP/1.1 two hundred\r\n\r\n")


def switches(peer):
    peer.read_head()
    peer.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")


@pytest.mark.parametrize("script", [silent, resets, closes, garbage, switches])
def test_who_behaves_badly_is_not_noticed(mirrored, target, script):
    target.how = script
    s = mirrored()
    with s.client() as c:
        for n in range(20):
            a = c.get("/x", method="POST" if n % 2 else "GET", body="content" if n % 2 else None)
            assert a.status == 200 and a.body == b"app" and not a.get("connection")
    if script is silent:
        wait_until(lambda: len(target.scripted.peers) == 20, what="the copies")
        target.shut()
    ended(s, failed=20)


def test_who_never_answers_is_waited_for_no_longer_than_an_endpoint(mirrored, origin):
    with Deaf() as deaf:
        s = mirrored({"proxy-read-timeout": "1"}, port=deaf.port, app_port=origin.port)
        with s.client() as c:
            assert [c.get().status for _ in range(5)] == [200] * 5
        ended(s, failed=5)


def test_who_is_not_there_is_not_noticed(mirrored):
    s = mirrored(port=free_port())
    with s.client() as c:
        for n in range(200):
            assert c.get(f"/{n}", method="PUT", body=b"x" * n).status == 200
    ended(s, failed=200)
    assert len(s.app) == 200


def test_a_service_that_is_missing_is_told(mirrored, target):
    s = mirrored({"mirror-target": "http://nobody.default.svc$request_uri"})
    get(s)
    ended(s, failed=1)
    s.wait_log(r"mirror-target nobody\.default\.svc\.cluster\.local:80 .* no copies are sent")


def test_who_asks_there_is_told_beside_who_copies(mirrored):
    """Whoever comes first."""
    urls = [f"http://{n}.default.svc" for n in ("nobody", "noone")]
    other = ingress("other", {"other.test": "other"}, annotations={"auth-url": urls[0]})
    s = mirrored({"mirror-target": urls[0]}, also=[*backends("other", free_port()), other])
    s.wait_log(r"reason=MirrorTarget .* name=app .* nobody\.")
    s.wait_log(r"reason=AuthService .* name=other .* nobody\.")
    s.manifests.put("third", ingress("third", {"third.test": "other"},
                                     annotations={"mirror-target": urls[1]}))
    s.wait_log(r"reason=MirrorTarget .* name=third .* noone\.")
    s.manifests.put("fourth", ingress("fourth", {"fourth.test": "other"},
                                      annotations={"auth-url": urls[1]}))
    s.wait_log(r"reason=AuthService .* name=fourth .* noone\.")


def test_nobody_waits_for_an_answer_that_does_not_come(mirrored):
    with Deaf() as deaf:
        s = mirrored(port=deaf.port)
        with s.client() as c:
            c.send("".join(f"GET /{n} HTTP/1.1\r\nHost: {HOST}\r\n\r\n" for n in range(50)))
            assert [c.read().body for _ in range(50)] == [b"app"] * 50
            m = s.metrics()
            assert m["silex_mirror_active"] == 50 and m["silex_requests_active"] == 1
            assert c.get(method="POST", body=b"x" * 100000).status == 200


def test_an_upload_does_not_wait(mirrored):
    with Deaf() as deaf:
        s = mirrored({"proxy-body-size": "0"}, port=deaf.port)
        with s.client() as c:
            assert c.get(method="PUT", body=BIG).status == 200
            assert c.get().status == 200
        assert s.app[0][1] == BIG
        wait_until(lambda: s.metrics()["silex_mirror_behind_total"] == 1, what="giving up")
        assert s.metrics()["silex_mirror_active"] == 1  # of the second


def test_a_target_that_stops_in_the_middle(mirrored, target):
    def script(peer):
        peer.read_exactly(100000)
        peer.reset()
    target.how = script
    s = mirrored({"proxy-body-size": "0"})
    with s.client() as c:
        assert c.get(method="PUT", body=BIG).status == 200
        assert c.get(method="PUT", body=BIG).status == 200
    assert [x[1] == BIG for x in s.app] == [True, True]
    wait_until(lambda: s.metrics()["silex_mirror_active"] == 0, what="the end of the copies")
    m = s.metrics()
    assert m["silex_mirror_failed_total"] + m["silex_mirror_behind_total"] == 2


def test_what_is_not_too_much_waits_for_the_target(mirrored, target):
    """As much as proxy-body-size is by default, in pieces of which each is a slice."""
    go = threading.Event()

    def script(peer):
        assert go.wait(60)
        target.how = None
        target.script(peer)
    target.how = script
    s = mirrored()
    with s.client() as c:
        assert c.get(method="PUT", body=BIG[:1024 * 1024]).status == 200
        c.send(f"PUT / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n")
        for n in range(500):
            c.send(f"1\r\n{n % 10}\r\n")
        c.send("0\r\n\r\n")
        assert c.read("PUT").status == 200
    go.set()
    wait_until(lambda: len(target.copies) == 2, what="the copies")
    bodies = sorted((x[1] for x in target.copies), key=len)
    assert bodies[1] == BIG[:1024 * 1024] and bodies[0].endswith(b"0\r\n\r\n")
    data, rest = b"", bodies[0]
    while not rest.startswith(b"0\r\n"):
        size, rest = rest.split(b"\r\n", 1)
        data, rest = data + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    assert data == b"0123456789" * 50
    ended(s, answered=2)


def test_a_big_upload_is_copied_whole(mirrored, target):
    """More than ever waits, from a client that is no faster than the target."""
    s = mirrored({"proxy-body-size": "0"})
    with s.client() as c:
        c.send(f"PUT / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(BIG)}\r\n\r\n")
        for at in range(0, len(BIG), 1 << 18):
            wait_until(lambda n=at: len(target.scripted.raw) >= n, what=f"{at} bytes")
            c.send(BIG[at:at + (1 << 18)])
        assert c.read("PUT").body == b"app"
    assert target.got()[1] == BIG and s.app[0][1] == BIG
    ended(s, answered=1)


def test_an_answer_without_end(mirrored, target):
    def script(peer):
        peer.read_head()
        peer.send("HTTP/1.1 200 X\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            peer.send(b"x" * 65536)
    target.how = script
    s = mirrored()
    get(s)
    ended(s, answered=1)


def test_too_many_are_not_copied_and_counted(mirrored):
    with Deaf() as deaf:
        s = mirrored(port=deaf.port)
        with s.client() as c:
            for _ in range(12):
                c.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n" * 50)
                assert [c.read().status for _ in range(50)] == [200] * 50
        m = s.metrics()
        assert m["silex_mirror_active"] == m["silex_mirror_copies_total"] == 512
        assert m["silex_mirror_crowded_total"] == 600 - 512


def test_contents_that_wait_are_bounded_together(mirrored):
    with Deaf() as deaf:
        s = mirrored({"proxy-body-size": "0"}, "--buffer-memory=8m", port=deaf.port)
        with s.client() as c:
            for _ in range(40):
                assert c.get(method="PUT", body=BIG[:500000]).status == 200
        m = s.metrics()
        assert m["silex_mirror_crowded_total"] + m["silex_mirror_behind_total"] > 20
        assert m["silex_memory_exhausted_total"] == 0 and len(s.app) == 40


def test_answers_that_stop_in_the_middle_are_bounded_together(mirrored, target):
    """Each keeps what its target has sent so far."""
    def script(peer):
        peer.read_head()
        peer.send("HTTP/1.1 200 X\r\nX-")
        peer.read_until(b"never comes")
    target.how = script
    s = mirrored({}, "--buffer-memory=4m")
    with s.client() as c:
        for _ in range(300):
            assert c.get().body == b"app"
    m = s.metrics()
    assert m["silex_mirror_copies_total"] + m["silex_mirror_crowded_total"] == 300
    assert 0 < m["silex_mirror_active"] < 40 and m["silex_memory_exhausted_total"] == 0


def test_everything_at_once(mirrored, target):
    """Clients that leave or stay, targets of every kind: no answer is missing or wrong, and no
    copy is lost count of."""
    chance = random.Random(1)
    kinds = [silent, resets, closes, garbage, None, None, None]

    def script(peer):
        kind = chance.choice(kinds)
        if kind is not None:
            return kind(peer)
        while (got := peer.read_request()) is not None and got[1] is not None:
            peer.answer(chance.choice([200, 500]), b"x" * chance.choice([0, 10, 3000000]))
    target.how = script
    s = mirrored()
    failed = []

    def stay(dice):
        with s.client() as c:
            for _ in range(40):
                body = b"x" * dice.choice([0, 1, 70000, 900000])
                a = c.get("/x", method=dice.choice(["PUT", "POST"]), body=body)
                if a.body != b"app":
                    failed.append((a, a.body))

    def leave(dice):
        for _ in range(20):
            with s.client() as c:
                c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(dice.randrange(20)):
                    c.send("5\r\nabcde\r\n")
                c.reset()

    def run(what, seed):
        try:
            what(random.Random(seed))
        except (OSError, AssertionError) as e:
            failed.append(e)
    threads = [threading.Thread(target=run, args=(w, n)) for n, w in enumerate([stay, leave] * 3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failed == []

    def ended_all():
        target.shut()
        m = s.metrics()
        return m["silex_mirror_active"] == 0 and m["silex_requests_active"] == 1 and \
            m["silex_mirror_copies_total"] == sum(m[f"silex_mirror_{e}_total"] for e in ENDS) > 120
    wait_until(ended_all, what="the end of all copies")


# ---- workers --------------------------------------------------------------------------------


def test_a_worker_that_drains_counts_the_copies_it_ends(mirrored, origin):
    with Deaf() as deaf:
        s = mirrored(port=deaf.port, app_port=origin.port)
        for _ in range(3):
            get(s)
        assert s.metrics()["silex_mirror_active"] == 3
        old, s.expect_deaths = s.worker(), True  # the master did not ask it to end
        os.kill(old, signal.SIGTERM)
        wait_until(lambda: old not in s.workers(), what="the end of the worker")
        s.wait_status(200)
        wait_until(lambda: s.metrics()["silex_mirror_cut_total"] == 3, what="the copies' ends")


def test_a_worker_that_dies_leaves_none_under_way(mirrored, origin):
    with Deaf() as deaf:
        s = mirrored(port=deaf.port, app_port=origin.port)
        for _ in range(3):
            get(s)
        old, s.expect_deaths = s.worker(), True
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: old not in s.workers(), what="the end of the worker")
        wait_until(lambda: s.metrics()["silex_mirror_active"] == 0, what="none under way")


# ---- clients --------------------------------------------------------------------------------


def test_a_client_that_leaves_ends_what_it_did_not_send(mirrored, target):
    cut = []

    def script(peer):
        head = peer.read_head()
        cut.append((head, peer.read_content(head)))
    target.how = script
    s = mirrored()
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nabc")
        wait_until(lambda: target.scripted.peers and b"abc" in target.scripted.raw, what="abc")
    ended(s, cut=1)
    wait_until(lambda: cut, what="the end of the target's connection")
    assert cut[0][1] is None


def test_a_client_that_leaves_takes_no_whole_copy_back(mirrored, target):
    def app(peer):
        peer.read_head()
        peer.read_until(b"never")
    go = threading.Event()

    def script(peer):
        assert go.wait(60)
        target.how = None
        target.script(peer)
    target.how = script
    s = mirrored(app=app)
    with s.client() as c:
        c.request(method="POST", body="content")
        wait_until(lambda: target.scripted.peers, what="the copy")
    wait_until(lambda: s.metrics()["silex_requests_active"] == 1, what="the end of the request")
    go.set()
    assert target.got()[1] == b"content"
    ended(s, answered=1)


def test_a_content_that_is_too_large(mirrored, target):
    s = mirrored({"proxy-body-size": "1000"})
    with s.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n"
               f"1f4\r\n{'x' * 500}\r\n")
        wait_until(lambda: b"x" * 500 in target.scripted.raw, what="the copy")
        c.send(f"1f5\r\n{'x' * 501}\r\n")
        assert c.read("POST").status == 413
    ended(s, cut=1)


def test_http2_clients(mirrored, target):
    s = mirrored()
    with H2(s.http_port) as c:
        assert c.get("/x", authority=HOST).status == 200
        assert target.line(1) == "GET /x HTTP/1.1"
        n = c.open(path="/y", method="POST", authority=HOST, end=False)
        c.data(n, b"con")
        c.data(n, b"tent", end=True)
        assert c.wait(n).status == 200
        head, content = target.got(2)
        assert head.startswith("POST /y ") and values(head, "Host") == [NAME]
        assert b"con" in content and b"tent" in content and content.endswith(b"0\r\n\r\n")
    ended(s, answered=2)


class Uploader(H2):
    """Sends content as the windows allow."""
    room = None

    def _take(self, kind, flags, stream, payload):
        if kind == WINDOW_UPDATE and self.room is not None:
            self.room[stream] = self.room.get(stream, 65535) + int.from_bytes(payload, "big")
        super()._take(kind, flags, stream, payload)

    def upload(self, content, **how):
        self.room = {}
        n = self.open(method="PUT", end=False, **how)
        for at in range(0, len(content), 16384):
            self.until(lambda: min(self.room.get(w, 65535) for w in (0, n)) >= 16384)
            self.data(n, content[at:at + 16384])
            for w in (0, n):
                self.room[w] = self.room.get(w, 65535) - 16384
        self.data(n, b"", end=True)
        return self.wait(n)


def test_http2_clients_do_not_wait(mirrored):
    with Deaf() as deaf:
        s = mirrored({"proxy-body-size": "0"}, port=deaf.port)
        with Uploader(s.http_port) as c:
            streams = [c.open(path=f"/{n}", authority=HOST) for n in range(50)]
            assert all(c.wait(n).body == b"app" for n in streams)
        with Uploader(s.http_port) as c:
            assert c.upload(BIG, authority=HOST, path="/").body == b"app"
            wait_until(lambda: s.metrics()["silex_mirror_behind_total"] == 1, what="giving up")
            assert c.get("/", authority=HOST).body == b"app"
    assert len(s.app) == 52
