"""Processes: who lives when, what a signal does, what a worker may not do (DESIGN §1, §2.4)."""

import os
import re
import shutil
import signal
import socket
import sys

import pytest

from harness import (PATIENCE, SANITIZED, alive, backends, children, free_port, ingress, proc_name,
                     wait_until)

UID_FIRST, UID_LAST = 60706, 60706 + 255

# Runs the rest of its arguments with listening sockets as systemd would hand them over.
ACTIVATE = """
import os, socket, sys
names, ports, argv = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
held = []
for port in ports:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", int(port)))
    s.listen(64)
    held.append(os.dup2(s.fileno(), 50 + len(held)))
for i, fd in enumerate(held):
    os.dup2(fd, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(held)), LISTEN_FDNAMES=names)
os.execv(argv[0], argv)
"""


@pytest.fixture
def pair(make_silex, origin):
    """Two workers, all serving silex.test."""
    s = make_silex(workers=2)
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    return s.start()


def status(pid):
    lines = open(f"/proc/{pid}/status").read().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def set_conf(silex, text):
    silex.conf_path.write_text(text)


def without_flag(silex, flag):
    """The command line overrules the file: take a flag off it, so that the file decides."""
    i = silex.argv.index(flag)
    del silex.argv[i:i + 2]


def replaced(silex, old, n):
    now = silex.workers()
    return len(now) == n and not set(now) & set(old)


# -- what a worker is ----------------------------------------------------------------------------

def test_worker_is_confined(pair):
    for pid in pair.workers():
        s = status(pid)
        assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2"
        for caps in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(s[caps], 16) == 0, caps
        if os.geteuid() == 0:
            uids, gids = s["Uid"].split(), s["Gid"].split()
            assert len(set(uids)) == len(set(gids)) == 1
            assert UID_FIRST <= int(uids[0]) <= UID_LAST
            assert s["Groups"].strip() == ""
            assert os.readlink(f"/proc/{pid}/root").endswith("(deleted)")
    if os.geteuid() == 0:
        assert len({status(pid)["Uid"] for pid in pair.workers()}) == 2, "a uid of its own each"


def test_worker_holds_no_file_it_does_not_need(pair):
    allowed = re.compile(r"socket:|anon_inode:|pipe:|/dev/null|" + re.escape(str(pair.tmp)))
    for pid in pair.workers():
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
            except FileNotFoundError:
                continue  # a connection that has just been closed
            assert allowed.match(target), f"{fd} -> {target}"
            assert "manifests" not in target and "shm" not in target


def test_sandbox_off_and_log(make_silex):
    for mode, seccomp in (("off", "0"), ("log", "2")):
        s = make_silex(flags=["--sandbox", mode]).start()
        assert status(s.worker())["Seccomp"] == seccomp
        assert status(s.worker())["NoNewPrivs"] == "1"
        s.stop()


# -- death and replacement -----------------------------------------------------------------------

def test_respawn_with_obituary(pair):
    pair.expect_deaths = True
    victim = pair.worker()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in pair.workers() and len(pair.workers()) == 2)
    line = pair.wait_log(rf"worker died:.*pid={victim} .*")[0]
    assert "killed by signal 9 (SIGKILL)" in line and "first table" in line
    pair.wait_status(200)
    wait_until(lambda: pair.metrics()["silex_worker_deaths_total"] == 1)


def test_crash_leaves_last_words(pair):
    pair.expect_deaths = pair.expect_defects = True
    victim = pair.worker()
    number = signal.SIGABRT if SANITIZED else signal.SIGSEGV  # a sanitizer reports SEGV itself
    os.kill(victim, number)
    line = pair.wait_log(rf"worker died:.*pid={victim} .*")[0]
    assert f"({number.name})" in line and f'last_words="{number.name}' in line


def fake_worker(tmp_path, pair, text):
    """A copy of the master beside a worker of our own making."""
    tmp_path.joinpath("bin").mkdir(exist_ok=True)
    shutil.copy(pair.build / "silex", tmp_path / "bin" / "silex")
    worker = tmp_path / "bin" / "silex-worker"
    worker.write_text(f"#!{sys.executable}\n" + text)
    worker.chmod(0o755)
    pair.argv[pair.argv.index(str(pair.build / "silex"))] = str(tmp_path / "bin" / "silex")


def test_hopeless_workers_end_the_master(make_silex, tmp_path):
    s = make_silex(workers=2)
    fake_worker(tmp_path, s, "import sys; sys.exit(2)")
    s.start(ready=False)
    s.exit_code, s.expect_deaths = 2, True
    assert s.process.wait(PATIENCE) == 2
    assert "giving up" in s.log()


def test_dying_young_is_slowed_down(make_silex, tmp_path):
    s = make_silex(workers=1)
    fake_worker(tmp_path, s, "import sys; sys.exit(3)")
    s.start(ready=False)
    s.expect_deaths = True
    s.wait_log(r"keep dying, waiting: seat=0 wait_ms=200")


def test_a_worker_that_breaks_the_contract_is_ended(make_silex, tmp_path):
    s = make_silex(workers=1)
    fake_worker(tmp_path, s, "import os, signal\n"
                             "os.write(3, b'\\xff' * 100)\n"
                             "signal.pause()\n")
    s.start(ready=False)
    s.expect_deaths = True
    s.wait_log(r"broke the channel's contract.*not in the table")
    s.wait_log(r"worker died:.*SIGKILL")


def test_missing_worker_is_told(make_silex, tmp_path):
    s = make_silex()
    fake_worker(tmp_path, s, "")
    (tmp_path / "bin" / "silex-worker").unlink()
    s.start(ready=False)
    s.exit_code = 1
    assert s.process.wait(PATIENCE) == 1
    assert "silex-worker" in s.log()


# -- HUP, USR1 -----------------------------------------------------------------------------------

def test_hangup_takes_a_good_file(make_silex, origin):
    s = make_silex(workers=2)
    without_flag(s, "--workers")
    set_conf(s, "workers = 2\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    for n in (3, 1):
        old = s.workers()
        set_conf(s, f"workers = {n}\n")
        s.kill(signal.SIGHUP)
        wait_until(lambda o=old, m=n: replaced(s, o, m), what=f"{n} workers; log:\n{s.log()}")
        wait_until(lambda m=n: f"workers = {m}" in s.show("conf").stdout.splitlines())
        s.wait_status(200)
    wait_until(lambda: s.metrics()["silex_config_reloads_total"] == 2)
    assert s.metrics()["silex_config_last_reload_successful"] == 1


def test_hangup_refuses_a_bad_file(pair):
    before = pair.workers()
    set_conf(pair, "keep-alive = 10\nkeep-alife = 20\n")
    pair.kill(signal.SIGHUP)
    pair.wait_log(r"not taken over.*silex\.conf:2: .*keep-alife")
    assert pair.workers() == before
    wait_until(lambda: pair.metrics()["silex_config_reload_failures_total"] == 1)
    assert pair.metrics()["silex_config_last_reload_successful"] == 0
    pair.wait_status(200)
    set_conf(pair, "keep-alive = 10\n")
    pair.kill(signal.SIGHUP)
    wait_until(lambda: replaced(pair, before, 2), what=f"new workers; log:\n{pair.log()}")
    wait_until(lambda: pair.metrics()["silex_config_last_reload_successful"] == 1)


def test_hangup_names_what_needs_a_restart(pair):
    before = pair.workers()
    set_conf(pair, "listen-backlog = 77\nlog-level = debug\n")
    pair.kill(signal.SIGHUP)
    pair.wait_log(r"needs a restart.*key=listen-backlog")
    wait_until(lambda: replaced(pair, before, 2))
    wait_until(lambda: "log-level = debug" in pair.show("conf").stdout)
    assert "listen-backlog = 77" not in pair.show("conf").stdout


def test_a_successor_that_fails_leaves_the_old_one(make_silex, tmp_path, origin):
    s = make_silex(workers=2)
    ill, real = tmp_path / "ill", s.build / "silex-worker"
    fake_worker(tmp_path, s, "import os, sys\n"
                f"if os.path.exists({str(ill)!r}): sys.exit(2)\n"
                f"os.execv({str(real)!r}, sys.argv)\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    before = s.workers()
    s.expect_deaths = True
    ill.touch()
    s.kill(signal.SIGHUP)
    s.wait_log("not taken over.*did not come up")
    assert s.workers() == before
    s.wait_status(200)


def test_hangup_changes_the_access_log_without_losing_a_line(pair):
    without_flag(pair, "--access-log")  # shown by the second start below
    pair.stop()
    new = pair.access_path.with_name("new.log")
    pair.access_path.unlink(missing_ok=True)
    set_conf(pair, f"access-log = {pair.access_path}\n")
    pair.start()
    before, n = pair.workers(), 0
    for _ in range(20):
        n += pair.get().status == 200
    set_conf(pair, f"access-log = {new}\n")
    pair.kill(signal.SIGHUP)
    while not replaced(pair, before, 2):
        n += pair.get().status == 200
    for _ in range(20):
        n += pair.get().status == 200

    def lines():
        return sum(len(p.read_text().splitlines()) for p in (pair.access_path, new) if p.exists())
    wait_until(lambda: lines() == n, what=f"{n} lines")
    assert len(new.read_text().splitlines()) >= 20


def test_hangup_refuses_a_log_it_cannot_open(pair):
    before = pair.workers()
    set_conf(pair, "error-log = /nonexistent/error.log\n")
    pair.kill(signal.SIGHUP)
    pair.wait_log(r"cannot open a log.*key=error-log")
    pair.wait_log(r"not taken over")
    assert pair.workers() == before


def test_hangup_twice_at_once(pair):
    before = pair.workers()
    for _ in range(5):
        pair.kill(signal.SIGHUP)
    wait_until(lambda: replaced(pair, before, 2))
    pair.wait_log("configuration taken over")
    wait_until(lambda: pair.metrics()["silex_workers_draining"] == 0)
    pair.wait_status(200)


def test_usr1_opens_the_logs_anew(pair):
    pair.wait_status(200)
    old = pair.access_path.with_suffix(".1")
    wait_until(lambda: pair.access_lines())
    os.rename(pair.access_path, old)
    pair.kill(signal.SIGUSR1)
    wait_until(pair.access_path.exists)

    def arrives():
        pair.get()
        return any("silex.test" in line or " 200 " in line for line in pair.access_lines())
    wait_until(arrives, what="lines in the new log")


# -- stopping ------------------------------------------------------------------------------------

def test_grace_serves_on_unready(make_silex, origin):
    s = make_silex(flags=["--shutdown-grace-period", "60s"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    s.kill(signal.SIGTERM)
    wait_until(lambda: s.healthz("/readyz") == 503)
    assert s.get().status == 200
    s.kill(signal.SIGTERM)  # a second one skips the rest of the grace
    assert s.process.wait(PATIENCE) == 0


def test_stays_after_the_end(make_silex):
    """post-shutdown-grace-period: the workers are gone, the master stays; asked again, it goes."""
    s = make_silex(flags=["--post-shutdown-grace-period", "600s"]).start()
    s.kill(signal.SIGTERM)
    s.wait_log("stopped serving")
    assert not s.workers() and s.process.poll() is None
    s.kill(signal.SIGTERM)
    assert s.process.wait(PATIENCE) == 0


def test_stays_for_its_time(make_silex):
    s = make_silex(flags=["--post-shutdown-grace-period", "20ms"]).start()
    s.kill(signal.SIGTERM)
    assert s.process.wait(PATIENCE) == 0
    assert "stopped serving" in s.log()


def test_quit_has_no_grace(make_silex):
    s = make_silex(flags=["--shutdown-grace-period", "600s",
                          "--post-shutdown-grace-period", "600s"]).start()
    s.kill(signal.SIGQUIT)
    assert s.process.wait(PATIENCE) == 0


def test_idle_connections_do_not_hold_up_the_end(pair):
    with pair.client() as c:
        assert c.get().status == 200
        pair.kill(signal.SIGTERM)
        assert pair.process.wait(PATIENCE) == 0
        assert c.at_eof()


def test_drain_time_is_limited(make_silex, origin):
    s = make_silex(flags=["--worker-shutdown-timeout", "300ms"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    with s.client() as c:
        c.request("/slow/600000")
        wait_until(lambda: s.metrics()["silex_requests_active"] >= 1)
        s.kill(signal.SIGTERM)
        assert s.process.wait(PATIENCE) == 0
    assert "drain time is over" in s.log()


# -- a master that died --------------------------------------------------------------------------

def test_a_new_master_takes_over(pair):
    orphans, first = pair.workers(), pair.process
    pair.kill(signal.SIGKILL)
    first.wait(PATIENCE)
    assert pair.get().status == 200
    pair.start()
    wait_until(lambda: not any(alive(p) for p in orphans), what=f"old workers; log:\n{pair.log()}")
    assert len(pair.workers()) == 2 and not set(pair.workers()) & set(orphans)
    assert pair.get().status == 200


def test_an_instance_runs_once(pair):
    second = pair.run(*pair.argv[1:])
    assert second.returncode == 1
    assert "is running already" in second.stderr
    assert pair.get().status == 200


# -- sockets -------------------------------------------------------------------------------------

def test_port_in_use_is_told(make_silex):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        port = s.getsockname()[1]
        silex = make_silex(flags=["--http-port", port])
        silex.start(ready=False)
        silex.exit_code = 1
        assert silex.process.wait(PATIENCE) == 1
    assert re.search(rf"cannot listen on 127\.0\.0\.1 port {port} \(http-port\).*another program",
                     silex.log())


def test_ipv6(make_silex, origin):
    s = make_silex(bind="::1")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    assert s.get().status == 200


def test_two_addresses(make_silex, origin):
    s = make_silex(flags=["--bind-address", "127.0.0.1,::1"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    for host in ("127.0.0.1", "::1"):
        s.host = host
        with s.client() as c:
            assert c.get().status == 200
    s.host = "127.0.0.1"


@pytest.mark.parametrize("names", ["http:healthz", "unknown:unknown", "silex-stored:silex-stored"])
def test_socket_activation(make_silex, origin, names):
    """By name, or by port when the names say nothing. Nothing else is bound."""
    s = make_silex(wrapper=[])
    ports = f"{s.http_port},{s.healthz_port}"
    s.argv = [sys.executable, "-c", ACTIVATE, names, ports, *s.argv]
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    assert s.get().status == 200
    victim = s.worker()
    s.expect_deaths = True
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: s.workers() and victim not in s.workers())
    s.wait_status(200)


def test_stored_sockets_of_an_older_configuration_are_forgotten(make_silex):
    s = make_silex()
    s.argv = [sys.executable, "-c", ACTIVATE, "silex-stored", str(free_port()), *s.argv]
    s.start()


def test_socket_activation_refuses_strangers(make_silex):
    s = make_silex()
    s.argv = [sys.executable, "-c", ACTIVATE, "stranger", str(free_port()), *s.argv]
    s.start(ready=False)
    s.exit_code = 1
    assert s.process.wait(PATIENCE) == 1
    assert re.search(r"socket activation: .*stranger", s.log())


def test_systemd_is_told(make_silex, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bus:
        bus.bind(str(tmp_path / "notify"))
        bus.settimeout(PATIENCE)
        s = make_silex(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
        s.start()
        with_fds = [socket.recv_fds(bus, 4096, 4) for _ in range(3)]
        stored = [fds for text, fds, _, _ in with_fds if b"FDSTORE=1" in text]
        assert len(stored) == 2, with_fds
        for fd in (fd for fds in stored for fd in fds):
            with socket.socket(fileno=fd) as listener:
                assert listener.getsockname()[1] in (s.http_port, s.healthz_port)

        def hear(word):
            while word not in (text := bus.recv(4096).decode()):
                pass
            return text
        hear("READY=1")
        hear("WATCHDOG=1")
        s.kill(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in hear("RELOADING=1")
        hear("READY=1")
        s.kill(signal.SIGTERM)
        hear("STOPPING=1")
        assert s.process.wait(PATIENCE) == 0


# -- load on the listener ------------------------------------------------------------------------

def test_connections_are_shared_fairly(pair):
    clients = [pair.client() for _ in range(200)]
    try:
        for c in clients:
            assert c.get().status == 200

        def counts():
            rows = [line.split() for line in pair.show("workers").stdout.splitlines()[1:]]
            return [int(r[4]) for r in rows if r[2] == "ready"]
        wait_until(lambda: sum(counts()) >= 200, what="all connections counted")
        assert min(counts()) >= 40, counts()
    finally:
        for c in clients:
            c.close()


def test_out_of_descriptors(make_silex, origin):
    """Accepting pauses, says so once, and goes on when there is room again."""
    limit = 420
    s = make_silex(wrapper=["/bin/sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    held = [s.client() for _ in range(limit + 50)]
    s.wait_log("no descriptor or memory to accept with")
    for c in held:
        c.close()
    s.wait_status(200)
    assert s.metrics()["silex_fd_exhausted_total"] >= 1
    assert s.log().count("no descriptor or memory to accept with") == 1


def test_health_checks_have_no_part_in_max_connections(make_silex, origin):
    s = make_silex(flags=["--max-connections", "16"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    held = [s.client().request("/drip/2/60000") for _ in range(16)]
    wait_until(lambda: s.metrics()["silex_upstream_connects_total"] == 16, what="16 busy ones")
    with s.client() as late:
        assert late.read().status == 503 and late.at_eof()
    assert s.healthz() == 200
    for c in held:
        c.close()
    s.wait_status(200)


# -- looking -------------------------------------------------------------------------------------

def test_show(pair):
    assert pair.get().status == 200
    workers = pair.show("workers")
    assert workers.returncode == 0
    rows = [line.split() for line in workers.stdout.splitlines()[1:]]
    assert sorted(int(r[1]) for r in rows) == sorted(pair.workers())
    assert {r[2] for r in rows} == {"ready"}
    table = pair.show("table").stdout
    assert "silex.test" in table and "hosts 1" in table
    route = pair.show("route", "silex.test", "/a").stdout
    assert "ingress default/base" in route and "endpoint 127.0.0.1:" in route
    assert "404" in pair.show("route", "other.test", "/").stdout
    assert "manifests = " in pair.show("conf").stdout
    assert pair.show("nonsense").returncode == 2
    missing = pair.run("show", "workers", "--instance", "nobody")
    assert missing.returncode == 1 and "does not run" in missing.stderr


def test_configuration_check(make_silex):
    s = make_silex()
    good = s.run(*s.argv[1:], "-t")
    assert good.returncode == 0, good.stderr
    set_conf(s, "user = nosuchuser\n")
    bad = s.run(*s.argv[1:], "-t")
    assert bad.returncode == 2 and "nosuchuser" in bad.stderr
    assert not [p for p in children(os.getpid()) if proc_name(p) == "silex"]
