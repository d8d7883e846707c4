"""Processes come and go while everything is in use: HUP, another number of workers, log reopen,
a new program by USR2 (and back), TERM as Kubernetes sends it, a master killed under systemd.

Through all of it run keep-alive requests, new connections, long downloads, long uploads and
tunnels; not one of them may notice.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness import PATIENCE, alive, backends, ingress, proc_name, wait_until
from load import Load, assert_clean

CONNECTIONS = 16


class Streams:
    """Long exchanges, one kind a thread, begun anew as they end, each checked to its last byte."""

    def __init__(self, silex):
        self.silex, self.stopping = silex, False
        self.done = dict.fromkeys(("download", "upload", "tunnel"), 0)
        self.errors = []
        self.threads = [threading.Thread(target=self.run, args=(kind,), daemon=True)
                        for kind in self.done]
        for t in self.threads:
            t.start()

    def run(self, kind):
        while not self.stopping:
            began = time.strftime("%X")
            try:
                getattr(self, kind)()
                self.done[kind] += 1
            except Exception as e:
                self.errors.append((kind, began, time.strftime("%X"), repr(e)))
                return

    def download(self):
        with self.silex.client() as c:
            answer = c.get("/drip/150/10")
            assert answer.status == 200 and len(answer.body) == 150

    def upload(self):
        with self.silex.client() as c:
            c.send("POST /sink HTTP/1.1\r\nHost: silex.test\r\nContent-Length: 150000\r\n\r\n")
            c.send_pieces(b"u" * 150_000, 1000, 0.01)
            answer = c.read()
            assert answer.status == 200 and answer.text.split()[0] == "150000"

    def tunnel(self):
        with self.silex.client() as c:
            answer = c.get("/upgrade", fields=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
            assert answer.status == 101
            for n in range(150):
                piece = b"%d;" % n
                c.send(piece)
                assert c.take(len(piece)) == piece
                time.sleep(0.01)
            c.shut()
            assert c.at_eof()

    def wait_more(self, n=1):
        """n more of each kind have ended whole: what ran when this was called is over."""
        then = dict(self.done)
        wait_until(lambda: self.errors or all(self.done[k] >= then[k] + n for k in then),
                   PATIENCE * 2, f"{n} more of each stream")
        assert not self.errors, f"{self.errors}\n{self.silex.log()}"

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join(PATIENCE)
        assert not self.errors, f"{self.errors}\n{self.silex.log()}"


class Everything:
    """Keep-alive requests, connections for one request each, and streams."""

    def __init__(self, silex):
        self.silex = silex
        self.loads = [Load(silex, CONNECTIONS), Load(silex, 4, close=True)]
        self.streams = Streams(silex)

    def stop(self):
        self.streams.stop()
        for load in self.loads:
            assert_clean(load.stop())


def set_conf(silex, text):
    silex.conf_path.write_text(text)


@pytest.fixture
def duo(make_silex, origin):
    """Two workers, programs of our own that can be replaced, streams may take their time."""
    s = make_silex(workers=2, flags=["--watchdog-timeout", "60s"])
    at = s.argv.index("--workers")
    del s.argv[at:at + 2]
    set_conf(s, "workers = 2\n")
    programs = s.tmp / "bin"
    programs.mkdir()
    for name in ("silex", "silex-worker"):
        shutil.copy(s.build / name, programs / name)
    s.argv[0] = str(programs / "silex")
    s.programs = programs
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    return s.start()


def install(silex, name, text=None):
    """Replace a program as a package manager does. text: a script instead of the real one."""
    target = silex.programs / name
    fresh = silex.programs / f"{name}.new"
    if text is None:
        shutil.copy(silex.build / name, fresh)
    else:
        fresh.write_text(text)
        fresh.chmod(0o755)
    os.replace(fresh, target)


def replaced(silex, old, n):
    now = silex.workers()
    return len(set(now) - set(old)) == n and silex.healthz("/readyz", True) == 200


def wait_replaced(silex, old, n=2):
    wait_until(lambda: replaced(silex, old, n), PATIENCE, f"{n} new workers; log:\n{silex.log()}")


def wait_gone(silex, old):
    wait_until(lambda: not any(alive(p) for p in old), PATIENCE * 2,
               f"the old workers to end; log:\n{silex.log()}")


# -- HUP and USR1 ----------------------------------------------------------------------------------


def test_reloads_and_worker_counts(duo):
    traffic = Everything(duo)
    for n in (3, 1, 2):
        old = duo.workers()
        set_conf(duo, f"workers = {n}\n")
        duo.kill(signal.SIGHUP)
        wait_replaced(duo, old, n)
        duo.kill(signal.SIGUSR1)
    traffic.streams.wait_more()
    wait_gone(duo, old)
    traffic.stop()


# -- USR2 ------------------------------------------------------------------------------------------


def test_upgrade(duo):
    """Same pid, another program, other workers; twice, and configuration changes still work."""
    traffic, pid = Everything(duo), duo.pid
    for n in (1, 2):
        old = duo.workers()
        for name in ("silex", "silex-worker"):
            install(duo, name)
        inode = os.stat(f"/proc/{pid}/exe").st_ino
        duo.kill(signal.SIGUSR2)
        wait_until(lambda m=n: duo.log().count("upgrade done") == m, PATIENCE,
                   f"the upgrade; log:\n{duo.log()}")
        assert os.stat(f"/proc/{pid}/exe").st_ino != inode
        assert duo.process.poll() is None and duo.pid == pid
        traffic.streams.wait_more()
        wait_gone(duo, old)
        assert len(duo.workers()) == 2
    old = duo.workers()
    duo.kill(signal.SIGHUP)
    wait_replaced(duo, old)
    traffic.stop()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_upgrades_leave_nothing_behind(duo):
    """Neither descriptors nor children nor shared memory grow with upgrades."""
    counts = []
    for n in range(3):
        old = duo.workers()
        duo.kill(signal.SIGUSR2)
        wait_until(lambda m=n: duo.log().count("upgrade done") == m + 1, PATIENCE,
                   f"the upgrade; log:\n{duo.log()}")
        wait_gone(duo, old)
        wait_until(lambda: len(duo.tree()) == 2, what=f"two children; log:\n{duo.log()}")
        counts.append(descriptors(duo.pid))
        assert "SILEX_HANDOVER" not in pathlib.Path(f"/proc/{duo.worker()}/environ").read_text()
    assert counts[0] == counts[-1], counts


def test_upgrade_refused_by_the_check(duo):
    """A program that does not run, or refuses the configuration: nothing happens at all."""
    workers = duo.workers()
    install(duo, "silex", "#!/bin/sh\nexit 1\n")
    duo.kill(signal.SIGUSR2)
    duo.wait_log("upgrade refused")
    assert duo.workers() == workers
    install(duo, "silex")
    set_conf(duo, "workers = many\n")
    duo.kill(signal.SIGUSR2)
    wait_until(lambda: duo.log().count("upgrade refused") == 2, what=duo.log())
    assert duo.workers() == workers and duo.get().status == 200


def test_upgrade_goes_back_when_workers_are_hopeless(duo):
    """The new program runs, its worker does not: the old one is back with old workers, same pid."""
    duo.expect_deaths = True
    traffic, pid, old = Everything(duo), duo.pid, duo.workers()
    inode = os.stat(f"/proc/{pid}/exe").st_ino
    install(duo, "silex")
    install(duo, "silex-worker", "#!/bin/sh\nexit 2\n")
    duo.kill(signal.SIGUSR2)
    duo.wait_log("serving with the program before")
    assert "upgrade failed, going back" in duo.log()
    assert os.stat(f"/proc/{pid}/exe").st_ino == inode and duo.pid == pid
    traffic.streams.wait_more()
    wait_gone(duo, old)
    wait_until(lambda: len(duo.workers()) == 2)
    # The worker's file on disk is still the bad one: a respawn takes the one that is known good.
    victim = duo.worker()
    install(duo, "silex-worker")
    traffic.stop()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(duo.workers()) == 2 and victim not in duo.workers())
    # And once it is mended the next attempt succeeds.
    duo.kill(signal.SIGUSR2)
    duo.wait_log("upgrade done")
    assert os.stat(f"/proc/{pid}/exe").st_ino != inode
    assert duo.get().status == 200


def test_upgrade_goes_back_when_not_ready_in_time(duo):
    duo.expect_deaths = True
    set_conf(duo, "workers = 2\nupgrade-timeout = 1s\n")
    old = duo.workers()
    duo.kill(signal.SIGHUP)
    wait_replaced(duo, old)
    duo.wait_log("configuration taken over")
    install(duo, "silex-worker", f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    traffic = Load(duo, CONNECTIONS)
    duo.kill(signal.SIGUSR2)
    duo.wait_log("not ready in upgrade-timeout")
    duo.wait_log("serving with the program before")
    assert_clean(traffic.stop())


def test_a_replaced_worker_file_is_not_used_before_an_upgrade(duo):
    """A package has replaced the file; a worker that dies is still replaced by its like."""
    duo.expect_deaths = True
    install(duo, "silex-worker", "#!/bin/sh\nexit 2\n")
    victim = duo.worker()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(duo.workers()) == 2 and victim not in duo.workers(),
               what=f"a new worker; log:\n{duo.log()}")
    assert all(proc_name(p) == "silex-worker" for p in duo.workers())
    duo.wait_status(200)


# -- TERM ------------------------------------------------------------------------------------------


def test_term_as_kubernetes_sends_it(make_silex, origin):
    """Unready at once, serving through the grace period, streams to their end, exit code 0."""
    s = make_silex(workers=2, flags=["--shutdown-grace-period", "1s"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    load, streams = Load(s, CONNECTIONS), Streams(s)
    streams.wait_more()
    s.kill(signal.SIGTERM)
    wait_until(lambda: s.healthz("/readyz", True) == 503, what="not ready any more")
    for _ in range(20):
        assert s.get().status == 200
    assert_clean(load.stop())
    streams.stop()
    assert s.process.wait(PATIENCE) == 0


# -- a master killed under systemd -----------------------------------------------------------------

RESUME = """
import os, sys
fds, argv = [int(x) for x in sys.argv[1].split(",")], sys.argv[2:]
high = [os.dup2(fd, 100 + i, inheritable=True) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)),
                  LISTEN_FDNAMES=":".join(["silex-stored"] * len(fds)))
os.execv(argv[0], argv)
"""


class Supervisor:
    """As much of systemd as is needed: keeps stored descriptors, starts the service again."""

    def __init__(self, silex, tmp):
        self.silex, self.stored = silex, []
        self.bus = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.bus.bind(str(tmp / "notify"))
        silex.env = {"NOTIFY_SOCKET": str(tmp / "notify")}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                text, fds, _, _ = socket.recv_fds(self.bus, 4096, 8)
            except OSError:
                return
            if b"FDSTORE=1" in text:
                self.stored += fds
            elif b"FDSTOREREMOVE=1" in text:
                self.stored.clear()

    def restart(self):
        s = self.silex
        fds = list(self.stored)
        with open(s.log_path, "ab") as log:
            s.process = subprocess.Popen(
                [sys.executable, "-c", RESUME, ",".join(map(str, fds)), *s.argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=s.tmp, pass_fds=fds,
                env=dict(os.environ, **s.env))


def test_master_killed_under_systemd(make_silex, origin, tmp_path):
    s = make_silex(workers=2)
    boss = Supervisor(s, tmp_path)
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    wait_until(lambda: len(boss.stored) == 2, what="two stored sockets")
    traffic = Everything(s)
    for n in range(2):
        old = s.workers()
        s.kill(signal.SIGKILL)
        s.process.wait(PATIENCE)
        boss.restart()
        s.wait_ready()
        wait_until(lambda m=n: s.log().count("told the predecessor's workers to end") == m + 1)
        traffic.streams.wait_more()
        wait_gone(s, old)
    traffic.stop()
