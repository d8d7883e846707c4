"""The Silex under test: starts it on a directory of manifests, watches its log, stops it.

A test gets one from the `silex` fixture (conftest.py), which runs it under both event backends.
When it stops, everything it must not have done fails the test: a panic, a sanitizer's report,
a worker that died without the test expecting it, shared memory left behind, an exit code.
"""

import errno
import glob
import itertools
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

from client import TIMEOUT, Answer, BadAnswer, Client, get  # noqa: F401 - the tests' one import
from manifests import (Manifests, backend, backends, configmap, endpoint,  # noqa: F401
                       ingress, ingress_class, path, service, slice_)
from origins import Origin, Scripted, answering, mirror, once_then_close  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SILEX_BUILD", ROOT / "build")).resolve()
SANITIZED = "asan" in BUILD.name
PATIENCE = TIMEOUT

_DEFECT = re.compile(r"check failed|panic|AddressSanitizer|LeakSanitizer|runtime error:|"
                     r"UndefinedBehavior|SIGSYS|Segmentation", re.I)
_DEATH = re.compile(r"worker died|worker hangs", re.I)
_count = 0
_first, _last = map(int, os.environ.get("SILEX_TEST_PORTS", "12000-31999").split("-"))
_ports = itertools.count(random.randrange(_last - _first + 1))


def wait_until(cond, timeout=None, what="condition"):
    """Poll until cond() is true and return its value; the only way tests wait."""
    deadline = time.monotonic() + (timeout or PATIENCE)
    while True:
        value = cond()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for: {what}")
        time.sleep(0.01)


def free_port(host="127.0.0.1"):
    """A port nobody listens on, never the same twice; SILEX_TEST_PORTS says from which, so that
    test runs side by side have their own. Not one the kernel hands out: between this and the
    listening it would go to some connection."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = _first + next(_ports) % (_last - _first + 1)
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError as e:
                if e.errno != errno.EADDRINUSE:
                    raise
                continue
        return port


def has_ipv6():
    try:
        free_port("::1")
        return True
    except OSError:
        return False


def children(pid):
    """Pids of the live children of a process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(p) for p in text.split()]


def proc_name(pid):
    """The executable's file name, or "" when it is gone."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).replace(" (deleted)", "")
    except OSError:
        return ""


def command(pid):
    """Its command line as it is now, b"" when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class Silex:
    """One running instance. flags: extra command line; conf: lines of silex.conf."""

    def __init__(self, tmp, event_backend="epoll", *, workers=1, flags=(), conf=None,
                 bind="127.0.0.1", access_log=True, build=BUILD, wrapper=(), env=None, source=None,
                 https=False):
        global _count
        _count += 1
        self.tmp, self.build = pathlib.Path(tmp), pathlib.Path(build)
        self.instance = f"t{os.getpid()}.{_count}"
        self.host = bind
        self.http_port, self.healthz_port = free_port(bind), free_port(bind)
        self.https_port = free_port(bind) if https else 0
        self.manifests = Manifests(self.tmp / "manifests")
        self.log_path, self.access_path = self.tmp / "silex.log", self.tmp / "access.log"
        self.conf_path = self.tmp / "silex.conf"
        self.conf_path.write_text(conf or "")
        self.expect_deaths = self.expect_defects = False
        self.exit_code = 0
        self.process = None
        self.env = env
        # Where the objects come from: the manifests directory, or other flags instead.
        source = ["--manifests", str(self.manifests.dir)] if source is None else source
        self.argv = [*wrapper, str(self.build / "silex"), "--config", str(self.conf_path),
                     *map(str, source), "--instance", self.instance,
                     "--http-port", str(self.http_port), "--https-port", str(self.https_port),
                     "--healthz-port", str(self.healthz_port), "--healthz-host", bind,
                     "--bind-address", bind, "--workers", str(workers),
                     "--event-backend", event_backend, "--access-log",
                     str(self.access_path) if access_log else "off", *map(str, flags)]

    # -- life ---------------------------------------------------------------

    def start(self, ready=True):
        env = dict(os.environ, **(self.env or {}))
        env.setdefault("ASAN_OPTIONS", "abort_on_error=0:halt_on_error=1:detect_leaks=1")
        env.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.tmp, env=env)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"silex ended with {self.process.returncode}:\n{self.log()}")
            return self.healthz("/readyz", quiet=True) == 200
        wait_until(ready, what=f"readiness; log:\n{self.log()}")

    def kill(self, number):
        os.kill(self.process.pid, number)

    def stop(self, number=signal.SIGTERM):
        """Stop it in order and look for everything it must not have done."""
        if self.process is None:
            return
        pids = self.tree()
        if self.process.poll() is None:
            self.kill(number)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill_all(pids)
            raise AssertionError(f"silex did not stop; log:\n{self.log()}") from None
        self.process = None
        self.examine(code, pids)

    def examine(self, code, pids):
        left = [p for p in pids if alive(p)]
        self.kill_all(left)
        log = self.log()
        if not self.expect_defects and (m := _DEFECT.search(log)):
            raise AssertionError(f"defect in the log ({m[0]}):\n{log}")
        if not self.expect_deaths and (m := _DEATH.search(log)):
            raise AssertionError(f"a worker died unexpectedly ({m[0]}):\n{log}")
        if code != self.exit_code:
            raise AssertionError(f"exit code {code}, not {self.exit_code}; log:\n{log}")
        if left:
            raise AssertionError(f"processes left behind: {left}")
        if shm := glob.glob(f"/dev/shm/silex.{self.instance}.*"):
            raise AssertionError(f"shared memory left behind: {shm}")

    def abandon(self):
        """After a failed test: end everything, judge nothing."""
        if self.process is not None:
            pids = self.tree()
            self.process.kill()
            self.process.wait()
            self.kill_all(pids)
            self.process = None
        self.kill_all(self.strays())
        for name in glob.glob(f"/dev/shm/silex.{self.instance}.*"):
            os.unlink(name)

    def strays(self):
        """Workers of this instance whose master died: they serve on, as they should."""
        found = []
        for line in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                words = pathlib.Path(line).read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"silex-worker", self.instance.encode()]:
                found.append(int(line.split("/")[2]))
        return found

    @staticmethod
    def kill_all(pids):
        for p in pids:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # -- processes ----------------------------------------------------------

    @property
    def pid(self):
        return self.process.pid

    def tree(self):
        """The master's descendants, depth first."""
        found, todo = [], children(self.pid)
        while todo:
            p = todo.pop()
            found.append(p)
            todo.extend(children(p))
        return found

    def workers(self):
        return [p for p in children(self.pid) if proc_name(p) == "silex-worker"]

    def keys(self):
        """The pid of the keys process, 0 when there is none."""
        return self.sibling("keys")

    def auth(self):
        """The same of the auth process, which is there from the first list of users on."""
        return self.sibling("auth")

    def sibling(self, name):
        begins = (f"silex: {name}".encode(), f"silex\0--{name}-process".encode())
        return next((p for p in children(self.pid) if command(p).startswith(begins)), 0)

    def worker(self):
        return self.workers()[0]

    # -- talking to it ------------------------------------------------------

    def client(self, **how):
        return Client(self.http_port, self.host, **how)

    def get(self, target="/", host="silex.test", **how):
        return get(self.http_port, target, host, address=self.host, **how)

    def healthz(self, target="/healthz", quiet=False):
        """Status of a path on the healthz port; 0 when it refuses and quiet."""
        try:
            return self.admin(target).status
        except (OSError, BadAnswer):
            if quiet:
                return 0
            raise

    def admin(self, target):
        return get(self.healthz_port, target, "localhost", address=self.host)

    def metrics(self):
        """{name or name{labels}: float} of /metrics."""
        values = {}
        for line in self.admin("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def wait_status(self, status, target="/", host="silex.test", **how):
        """Wait until a request is answered so: how tests wait for a change to be live.
        All workers adopt a version each by itself, so ask once a worker at least."""
        def served():
            n = 3 * max(1, len(self.workers()))
            return all(self.get(target, host, **how).status == status for _ in range(n))
        wait_until(served, what=f"{status} for {host}{target}; log:\n{self.log()}")

    def log(self):
        try:
            return self.log_path.read_text(errors="replace")
        except OSError:
            return ""

    def wait_log(self, pattern, timeout=None):
        return wait_until(lambda: re.search(pattern, self.log()), timeout,
                          f"/{pattern}/ in the log:\n{self.log()}")

    def access_lines(self):
        try:
            return self.access_path.read_text(errors="replace").splitlines()
        except OSError:
            return []

    def wait_access(self, cond, what="access log line"):
        """Wait for a line for which cond(line) is true and return it."""
        return wait_until(lambda: next((x for x in self.access_lines() if cond(x)), None),
                          what=what)

    def run(self, *args, **how):
        """The silex binary with other arguments (-t, show …), its output captured."""
        return subprocess.run([str(self.build / "silex"), *args], capture_output=True, text=True,
                              timeout=PATIENCE, check=False, **how)

    def show(self, *args):
        return self.run("show", *args, "--instance", self.instance)

