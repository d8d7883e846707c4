"""Users and their hashes live in the auth process and nowhere else; checking them costs nobody
else anything; the process may die, and they come again."""

import os
import pathlib
import signal
import threading
import time

import pytest

import memory
from api_world import api, follow  # noqa: F401 - fixtures
from harness import PATIENCE, SANITIZED, backends, children, wait_until
from passwords import APR1, SLOW, basic, protected, users

# A hash that stands nowhere else: what the search looks for.
LINE = "mallory:{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00="  # "hello"
NEEDLES = {"hash": b"qvTGHdzF6KLavt4PO0gs2a6pQ00"}


def reason(silex, label):
    return silex.metrics()[f'silex_requests_ended_total{{reason="{label}"}}']


def stat(silex, name):
    return silex.metrics()[f"silex_auth_basic_{name}_total"]


@pytest.fixture
def guarded(make_silex, origin):
    def start(*secrets, workers=2, **annotations):
        s = make_silex(workers=workers)
        s.manifests.put("secrets", *secrets or [users()])
        s.manifests.put("app", backends("app", origin.port), protected(**annotations))
        return s.start()
    return start


def auth(silex):
    """Its pid, never 0, which would be our own group."""
    return wait_until(silex.auth, what="the auth process")


def kill_auth(silex):
    old = auth(silex)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: silex.auth() not in (0, old), what="another auth process")


def status(pid, key):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(x.split(":")[1].split() for x in text.splitlines() if x.startswith(f"{key}:"))


def family(silex):
    pid = auth(silex)
    return [pid, *wait_until(lambda: children(pid), what="verifiers")]


# ---- where they are -------------------------------------------------------------------------


def nowhere_else(silex, needles):
    """Only the auth process has them; what was in a buffer is gone in a moment; under sanitizers it
    stays in their quarantine."""
    assert memory.found(auth(silex), needles), "the search finds nothing where it should"
    for pid in [] if SANITIZED else [silex.pid, *silex.workers(), *children(silex.auth())]:
        wait_until(lambda p=pid: not memory.found(p, needles),
                   what=f"no hash in {pid}: {memory.found(pid, needles)}")


def test_no_hash_but_in_the_auth_process(guarded):
    s = guarded(users(lines=LINE + "\n"))

    assert s.get(fields=basic("mallory", "hello")).status == 200
    assert s.get(fields=basic("mallory", "jello")).status == 401
    nowhere_else(s, NEEDLES)
    kill_auth(s)
    wait_until(lambda: s.get(fields=basic("mallory", "hello!")).status == 401, what="a refusal")
    nowhere_else(s, NEEDLES)


def protect_base(api, silex):  # noqa: F811
    api.put(protected(name="base", service="base"))
    silex.wait_status(401, "/echo")


def test_no_hash_but_in_the_auth_process_from_the_api(follow, api, origin):  # noqa: F811
    api.put(users(lines=LINE + "\n"))
    s = follow(workers=1)
    protect_base(api, s)
    assert s.get("/echo", fields=basic("mallory", "hello")).status == 200
    nowhere_else(s, NEEDLES)
    kill_auth(s)
    wait_until(lambda: s.get("/echo", fields=basic("mallory", "hello!")).status == 401,
               what="a refusal")
    nowhere_else(s, NEEDLES)
    api.delete("Secret", "users")
    wait_until(lambda: s.get("/echo", fields=basic("mallory", "hello")).status == 503,
               what="closed paths")


def test_the_auth_process_is_confined(guarded):
    s = guarded()
    assert s.get(fields=basic()).status == 200
    uids = set()
    for pid in family(s):
        assert status(pid, "NoNewPrivs") == ["1"] and status(pid, "Seccomp") == ["2"]
        assert status(pid, "CapEff") == status(pid, "CapBnd") == ["0" * 16]
        uids.add(status(pid, "Uid")[0])
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            assert target.startswith(("socket:", "/dev/null", "pipe:")) or \
                target.endswith("silex.log"), target
    assert len(uids) == 1 and not uids & {status(p, "Uid")[0] for p in [s.pid, *s.workers()]}


def test_none_where_nobody_asks_for_passwords(guarded):
    s = guarded(auth_type=None, auth_secret=None)
    assert s.get().status == 200 and s.auth() == 0


# ---- when it dies ---------------------------------------------------------------------------


def test_killed_while_requests_come(guarded):
    """Each succeeds or fails closed in time, and the failed are counted. Every password is a new
    one, so that none is known; {PLAIN} with many users stands for many of them."""
    lines = "".join(f"user{n}:{{PLAIN}}pw{n}\n" for n in range(3000))
    s = guarded(users(lines=lines))
    ends, stop, numbers = [], threading.Event(), iter(range(3000))

    def shake():
        while not stop.is_set():
            n = next(numbers, 0)
            begin = time.monotonic()
            code = s.get(fields=basic(f"user{n}", f"pw{n}")).status
            ends.append((code, time.monotonic() - begin))
    threads = [threading.Thread(target=shake) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(2):
            kill_auth(s)
            n = len(ends)
            wait_until(lambda m=n: len(ends) > m + 50 and all(c == 200 for c, _ in ends[-20:]),
                       what="requests after the auth process died")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert max(took for _, took in ends) < PATIENCE / 2
    assert {code for code, _ in ends} <= {200, 503}
    assert sum(code == 503 for code, _ in ends) == stat(s, "failures")


def test_a_verifier_that_dies_takes_the_process_with_it(guarded):
    s = guarded()
    assert s.get(fields=basic()).status == 200
    old = auth(s)
    os.kill(children(old)[0], signal.SIGKILL)
    wait_until(lambda: s.auth() not in (0, old), what="another auth process")
    wait_until(lambda: s.get(fields=basic("alice", "x")).status == 401, what="a refusal")
    assert s.get(fields=basic()).status == 200


def test_stopped_it_fails_closed(guarded):
    s = guarded()
    os.kill(auth(s), signal.SIGSTOP)
    try:
        a = s.get(fields=basic())
        assert (a.status, a.get("www-authenticate")) == (503, None)
        assert (reason(s, "password_unreachable"), stat(s, "failures")) == (1, 1)
    finally:
        os.kill(auth(s), signal.SIGCONT)
    wait_until(lambda: s.get(fields=basic()).status == 200, what="the login")


def test_lists_lost_while_the_api_is_away(follow, api, origin):  # noqa: F811
    """What needs the lost list is refused, counted; when the API is back, so is the list."""
    api.put(users())
    s = follow(workers=2)
    protect_base(api, s)
    assert s.get("/echo", fields=basic()).status == 200
    api.down()
    kill_auth(s)
    s.wait_log("does not have every list of users yet")
    wait_until(lambda: s.get("/echo", fields=basic("alice", "other")).status == 503,
               what="closed paths")
    api.listen()
    wait_until(lambda: s.get("/echo", fields=basic("alice", "other")).status == 401,
               what="a refusal")
    assert s.get("/echo", fields=basic()).status == 200


def test_a_client_that_goes_away(guarded):
    s = guarded(workers=1)
    os.kill(auth(s), signal.SIGSTOP)
    try:
        before = reason(s, "client_gone")
        with s.client() as c:
            c.request(fields=basic())
            wait_until(lambda: stat(s, "questions") == 1, what="the question")
        wait_until(lambda: reason(s, "client_gone") == before + 1, what="the end")
    finally:
        os.kill(auth(s), signal.SIGCONT)
    wait_until(lambda: s.get(fields=basic()).status == 200, what="the login")


# ---- what it costs --------------------------------------------------------------------------


def test_a_crowd_of_guesses_is_bounded(guarded):
    """More than can be looked at in time: the rest is answered 503 at once and counted; nobody
    comes in, and the others are not kept waiting by one Secret's crowd."""
    s = guarded(users(lines=f"alice:{SLOW}\n"), users("few", "bob:{PLAIN}pw\n"), workers=1)
    s.manifests.put("few", protected("few", host="few.test", auth_secret="few"))
    s.wait_status(401, host="few.test")
    clients = [s.client() for _ in range(120)]
    try:
        for n, c in enumerate(clients):
            c.request(fields=basic("alice", f"guess {n}"))
        assert s.get(host="few.test", fields=basic("bob", "pw")).status == 200
        seen = [c.read().status for c in clients]
    finally:
        for c in clients:
            c.close()
    assert set(seen) == {401, 503}
    assert seen.count(503) == stat(s, "overloaded") + stat(s, "failures") > 0
    assert s.get(fields=basic("alice", "slow")).status == 200


def test_the_same_password_at_once_is_looked_at_once(guarded):
    """Each for itself, most of them would find too many waiting."""
    s = guarded(users(lines=f"alice:{SLOW}\n"), workers=1)
    clients = [s.client() for _ in range(120)]
    try:
        for c in clients:
            c.request(fields=basic("alice", "slow"))
        assert {c.read().status for c in clients} == {200}
    finally:
        for c in clients:
            c.close()
    assert (stat(s, "overloaded"), stat(s, "refused")) == (0, 0)


def test_many_users(guarded):
    lines = "".join(f"user{n}:{APR1}\n" for n in range(20000))  # almost what a Secret may hold
    s = guarded(users(lines=lines))
    for n in (0, 7, 19999):
        assert s.get(fields=basic(f"user{n}")).status == 200
    assert s.get(fields=basic("user20000")).status == 401


def test_an_upgrade_of_the_settings_keeps_them(guarded):
    s = guarded()
    assert s.get(fields=basic()).status == 200
    s.kill(signal.SIGHUP)
    s.wait_log("configuration")
    assert s.get(fields=basic()).status == 200
    assert s.get(fields=basic("alice", "wrong")).status == 401


def test_a_worker_that_is_born_later_asks_too(guarded):
    s = guarded(workers=1)
    s.expect_deaths = True
    assert s.get(fields=basic()).status == 200
    old = s.worker()
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: s.workers() and s.workers() != [old], what="another worker")
    wait_until(lambda: s.get(fields=basic()).status == 200, what="the login")
    assert s.get(fields=basic("alice", "wrong")).status == 401


def zombies(pid):
    """Children that have ended and that nobody has asked about."""
    def state(child):
        try:
            return pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][0]
        except OSError:
            return "gone"
    return [child for child in children(pid) if state(child) == "Z"]


def test_an_upgrade_leaves_nobody_unburied(make_silex, origin):
    """The keys and auth processes of the program before end with its workers."""
    s = make_silex(workers=2, https=True)
    s.manifests.put("secrets", users())
    s.manifests.put("app", backends("app", origin.port), protected())
    s.start()
    for n in (1, 2):
        old = [s.keys(), *family(s), *s.workers()]
        s.kill(signal.SIGUSR2)
        wait_until(lambda m=n: s.log().count("upgrade done") == m, what=f"the upgrade:\n{s.log()}")
        wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in old),
                   what=f"an end of {old}; children: {children(s.pid)}, "
                        f"zombies: {zombies(s.pid)}")
        assert s.get(fields=basic()).status == 200
    wait_until(lambda: not zombies(s.pid), what="no zombies")
