"""The proxies of the benchmark, started alike: one worker, on the CPU they are given.

Each class knows how to write its configuration for N hosts, how to start, and which of its
processes do the work. All listen on 127.0.0.1 and send everything to one origin port.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import manifests as k8s  # noqa: E402

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def hosts(count):
    return [f"h{i:05}.bench.test" for i in range(count)]


def first_answer(process, port, host, deadline):
    """Seconds until GET / is answered 200, asked anew every half millisecond; None: never."""
    start = time.monotonic()
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    while process.poll() is None and time.monotonic() - start < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.sendall(request)
                if s.recv(4096).startswith(b"HTTP/1.1 200"):
                    return time.monotonic() - start
        except OSError:
            pass
        time.sleep(0.0005)
    return None


class Proxy:
    name = ""
    executable = ""

    def __init__(self, directory, origin_port, nhosts, cpu):
        self.dir = pathlib.Path(directory) / f"{self.name}-{nhosts}"
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.origin, self.nhosts, self.cpu = origin_port, nhosts, cpu
        self.port = free_port()
        self.h2_port = self.port  # where HTTP/2 is spoken by prior knowledge; None: nowhere
        self.process = None
        self.started_in = None
        self.configure()

    @classmethod
    def missing(cls, _build):
        """Why this proxy cannot run, or None."""
        return None if shutil.which(cls.executable, path=PATH) else f"{cls.executable} not installed"

    def configure(self):
        raise NotImplementedError

    def argv(self):
        raise NotImplementedError

    def template(self, name, target, **values):
        text = (HERE / name).read_text()
        for key, value in {"DIR": self.dir, "PORT": self.port, "ORIGIN": self.origin,
                           "NOFILE": resource.getrlimit(resource.RLIMIT_NOFILE)[1], **values}.items():
            text = text.replace(f"@{key}@", str(value))
        (self.dir / target).write_text(text)

    def start(self, patience=60):
        log = open(self.dir / "log", "wb")  # noqa: SIM115 - the child's
        start = time.monotonic()
        self.process = subprocess.Popen(["taskset", "-c", str(self.cpu), *self.argv()],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env=dict(os.environ, PATH=PATH))
        log.close()
        spent = time.monotonic() - start
        answered = self.answers(patience)
        if answered is None:
            text = (self.dir / "log").read_text(errors="replace")
            self.stop()
            raise RuntimeError(f"{self.name} does not answer: {text[-2000:]}")
        self.started_in = spent + answered
        return self

    def answers(self, patience):
        """Seconds until the first one, as first_answer()."""
        return first_answer(self.process, self.port, hosts(1)[0], patience)

    def pids(self):
        """The main process and all its descendants."""
        found, todo = [], [self.process.pid]
        while todo:
            p = todo.pop()
            found.append(p)
            try:
                text = pathlib.Path(f"/proc/{p}/task/{p}/children").read_text()
            except OSError:
                continue
            todo.extend(int(x) for x in text.split())
        return found

    def worker(self):
        """The process that serves: the last born."""
        return self.pids()[-1]

    def stop(self):
        if self.process is None:
            return
        pids = self.pids()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for p in pids:
                try:
                    os.kill(p, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        self.process = None


class Forward(Proxy):
    name, executable = "forwarder", "taskset"

    def __init__(self, *args):
        super().__init__(*args)
        self.h2_port = None

    @classmethod
    def missing(cls, build):
        return None if (build / "tests/bench/forward").exists() else "tests/bench/forward not built"

    def configure(self):
        pass

    def argv(self):
        return [str(self.build / "tests/bench/forward"), str(self.port), str(self.origin)]


class Nginx(Proxy):
    name = executable = "nginx"

    def configure(self):
        self.h2_port = free_port()
        server = ("\tserver {{ listen 127.0.0.1:{port}; listen 127.0.0.1:{h2} http2; "
                  "server_name {host}; location / {{ proxy_pass http://origin; }} }}")
        self.template("nginx.conf.in", "nginx.conf", SERVERS="\n".join(
            server.format(port=self.port, h2=self.h2_port, host=h) for h in hosts(self.nhosts)))

    def argv(self):
        return ["nginx", "-p", str(self.dir), "-e", "stderr", "-c", str(self.dir / "nginx.conf")]


class Haproxy(Proxy):
    name = executable = "haproxy"

    def configure(self):
        (self.dir / "hosts.map").write_text("".join(f"{h} origin\n" for h in hosts(self.nhosts)))
        self.template("haproxy.cfg.in", "haproxy.cfg", ROUTING="\tuse_backend "
                      f"%[req.hdr(host),lower,map({self.dir}/hosts.map)]")

    def argv(self):
        return ["haproxy", "-W", "-db", "-f", str(self.dir / "haproxy.cfg")]


class Silex(Proxy):
    name = "silex"

    @classmethod
    def missing(cls, build):
        return None if os.access(build / "silex-worker", os.X_OK) else "build/silex not built"

    def configure(self):
        self.healthz = free_port()
        directory = k8s.Manifests(self.dir / "manifests")
        directory.put("service", k8s.backends("origin", self.origin))
        for h in hosts(self.nhosts):
            name = h.split(".")[0]
            directory.put(f"{name[:3]}/{name}", k8s.ingress(name, {h: "origin"}))

    def argv(self):
        return [str(self.build / "silex"), "--manifests", str(self.dir / "manifests"),
                "--http-port", str(self.port), "--https-port", "0", "--bind-address", "127.0.0.1",
                "--healthz-port", str(self.healthz), "--healthz-host", "127.0.0.1",
                "--workers", "1", "--access-log", "off", "--instance", f"bench{os.getpid()}.{self.nhosts}",
                "--keep-alive-requests", "2000000000", "--upstream-keepalive-requests",
                "2000000000", "--upstream-keepalive-connections", "512"]

    def worker(self):
        for p in self.pids():
            if os.path.basename(os.readlink(f"/proc/{p}/exe")) == "silex-worker":
                return p
        raise RuntimeError("silex has no worker")


ALL = [Forward, Nginx, Haproxy, Silex]


def cpu_ns(pids):
    """CPU time used by all threads of these processes: the scheduler's own count."""
    total = 0
    for p in pids:
        for task in pathlib.Path(f"/proc/{p}/task").glob("*/schedstat"):
            total += int(task.read_text().split()[0])
    return total


def pss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss")


def rss_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def as_json(value):
    return json.dumps(value, indent=1) + "\n"
