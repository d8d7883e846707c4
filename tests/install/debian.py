"""A fresh Debian 12 for a test: a root directory made by mmdebstrap, where commands run, and which boots with
its own systemd as process 1 (systemd-nspawn), in a network namespace of its own.

The base is made once, from the package sources of this machine, and kept in SILEX_INSTALL_CACHE (default
~/.cache/silex-install) under the hash of what is in it. Needs root.
"""

import hashlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess

from harness import children, proc_name, wait_until

CACHE = pathlib.Path(os.environ.get("SILEX_INSTALL_CACHE", "~/.cache/silex-install")).expanduser()
# What a small server has; what Silex needs comes with its package, from the package's own Depends.
PACKAGES = ("ca-certificates", "curl", "dbus", "iproute2", "logrotate", "man-db", "procps", "systemd",
            "systemd-sysv")
GIT_AND_MAKE = ("ca-certificates", "git", "make")  # what README asks of a machine
BOOT = 60  # seconds, on a busy machine
_numbers = itertools.count(1)


def run(*argv, check=True, **how):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False, **how)
    assert not check or done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def sources():
    """The files that say where this machine's Debian comes from."""
    apt = pathlib.Path("/etc/apt")
    found = [p for p in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*")))
             if p.suffix in (".list", ".sources") and p.is_file()
             and re.search(r"^(deb|URIs:) .*/debian", p.read_text(), re.M)]
    assert found, "no Debian package source in /etc/apt"
    return found


def base(*packages):
    """The archive of a minimal Debian 12 with these, made when it is not there yet."""
    key = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    archive = CACHE / f"debian12-{key}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = CACHE / f"part-{os.getpid()}.tar"
        run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", "bookworm",
            part, *sources())
        part.rename(archive)
    return archive


class Root:
    """One root directory. Commands in it use this machine's network, and its package sources."""

    def __init__(self, directory, *more, packages=PACKAGES):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True)
        self.dir.chmod(0o755)
        run("tar", "-C", self.dir, "-xf", base(*packages, *more))
        (self.dir / "etc/hosts").write_text("127.0.0.1 localhost\n")  # an installer writes it, mmdebstrap does not
        self.name = f"silex-{os.getpid()}-{next(_numbers)}"

    def remove(self):
        shutil.rmtree(self.dir)

    def nspawn(self, *how):
        return ["systemd-nspawn", "--quiet", f"--directory={self.dir}", f"--machine={self.name}",
                "--register=no", "--keep-unit", *how]

    def spawn(self, script):
        """A shell script in there that goes on; its output is a pipe. Ends with this process."""
        return subprocess.Popen(["setpriv", "--pdeathsig=TERM", *self.nspawn("--pipe", "sh", "-ec", script)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def sh(self, script, check=True, bind=(), own_network=False):
        """The output of a shell script in there; bind: files of ours it sees, under /mnt."""
        binds = [f"--bind-ro={p}:/mnt/{pathlib.Path(p).name}" for p in bind]
        env = ["--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LC_ALL=C.UTF-8"]
        net = ["--private-network"] if own_network else []
        return run(*self.nspawn("--pipe", *net, *binds, *env, "sh", "-ec", script), check=check,
                   stdin=subprocess.DEVNULL)

    def path(self, name):
        return self.dir / name.lstrip("/")

    def exists(self, name):
        return os.path.lexists(self.path(name))


class Machine:
    """A Root, booted. http_port, host and prefix are what load.Load wants to know."""

    http_port, host = 80, "127.0.0.1"

    def __init__(self, root, log):
        self.root = root
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                root.nspawn("--private-network", "--console=pipe", "--boot"), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out)
        self.log = log
        self.started = []
        try:
            self.init = wait_until(self._find_init, BOOT, "the machine's first process")
            wait_until(lambda: self.sh("systemctl is-system-running", check=False).strip()
                       in ("running", "degraded"), BOOT, "systemd")
        except BaseException:
            self.stop()
            raise

    def _find_init(self):
        """Not the helpers that prepare it: they are other children, and end."""
        return next((p for p in children(self.process.pid) if proc_name(p) == "systemd"), None)

    @property
    def prefix(self):
        """Runs a program of ours on its network."""
        return ["nsenter", f"--target={self.init}", "--net"]

    def start(self, *argv):
        """A program of ours on its network, until the machine stops."""
        p = subprocess.Popen([*self.prefix, *map(str, argv)], stdout=subprocess.PIPE, text=True)
        self.started.append(p)
        return p.stdout.readline()

    def sh(self, script, check=True):
        return run("nsenter", f"--target={self.init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root",
                   "--wd", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                   "sh", "-ec", script, check=check, stdin=subprocess.DEVNULL)

    def show(self, unit, field):
        return self.sh(f"systemctl show --value --property={field} {unit}").strip()

    def journal(self, unit="silex.service"):
        return self.sh(f"journalctl --no-pager --unit={unit}")

    def write(self, name, text):
        self.sh(f"cat >{name} <<'END'\n{text}\nEND")

    def stop(self):
        for p in self.started:
            p.kill()
            p.wait()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)  # an orderly power-off
            try:
                self.process.wait(BOOT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
