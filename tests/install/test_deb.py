"""The Debian package: lintian has nothing to say, the pages are made of the tables, the unit is tight."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from harness import ROOT, Silex, children, proc_name, wait_until

UNIT = ROOT / "deploy" / "systemd" / "silex.service"


def run(*argv):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    from conftest import BUILD
    out = tmp_path_factory.mktemp("deb")
    run(ROOT / "deploy" / "debian" / "mkdeb.py", "--build", BUILD, "--version", "0.1.0", "--out", out)
    return next(out.glob("silex_0.1.0_*.deb"))


def test_lintian_is_content(deb):
    p = subprocess.run(["lintian", "--fail-on", "error,warning", str(deb)], capture_output=True,
                       text=True, check=False)
    assert p.returncode == 0, p.stdout


def test_what_is_in_it(deb):
    names = [line.split()[5] for line in run("dpkg-deb", "-c", deb).splitlines()]
    for wanted in ("./usr/sbin/silex", "./usr/sbin/silex-worker", "./lib/systemd/system/silex.service",
                   "./etc/silex/silex.conf", "./etc/logrotate.d/silex", "./usr/share/man/man8/silex.8.gz"):
        assert wanted in names, wanted
    assert run("dpkg-deb", "-I", deb, "conffiles").split() == ["/etc/logrotate.d/silex", "/etc/silex/silex.conf"]
    assert "libssl3" in run("dpkg-deb", "-f", deb, "Depends")


def test_the_pages_name_every_key(build, deb):
    page = run("man", "-l", build / "man" / "silex.conf.5")
    keys = re.findall(r"^#([a-z0-9-]+) = ", (ROOT / "silex.conf.example").read_text(), re.M)
    assert len(keys) > 50
    for key in keys:
        assert re.search(rf"^\s+{re.escape(key)}\b", page, re.M), key
    p = subprocess.run(["man", "--warnings", "-l", str(build / "man" / "silex.8")], check=True,
                       capture_output=True, text=True)
    assert p.stderr == ""


def test_the_unit_is_hardened():
    out = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", UNIT)
    figure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", out)[1])
    print(f"systemd-analyze security: {figure}")
    assert figure <= 2.0


def expand(name):
    """The system calls of one of systemd's sets."""
    calls = set()
    for line in run("systemd-analyze", "syscall-filter", name).splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls |= expand(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def test_the_unit_allows_every_system_call_in_use(build):
    """Traced as the unit's user would run it, with a reload, a killed worker and a stop. Trying to
    become root again is meant to fail."""
    allowed = expand("@default")
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.M):
        taken = line.startswith("~")
        for word in line.lstrip("~").split():
            calls = expand(word) if word.startswith("@") else {word}
            allowed = allowed - calls if taken else allowed | calls
    with tempfile.TemporaryDirectory() as name:
        tmp = pathlib.Path(name)
        tmp.chmod(0o777)
        for program in ("silex", "silex-worker"):
            shutil.copy(build / program, tmp)
        trace = tmp / "trace"
        (tmp / "silex-data").mkdir()
        s = Silex(tmp / "silex-data", build=tmp, workers=2, wrapper=[
            "setpriv", "--reuid=65533", "--regid=65533", "--clear-groups",
            "strace", "-f", "-qq", "-o", str(trace)])
        subprocess.run(["chmod", "-R", "a+rwX", str(tmp)], check=True)
        s.start()
        master = next(p for p in children(s.process.pid) if proc_name(p) == "silex")
        os.kill(master, signal.SIGHUP)
        wait_until(lambda: s.log().count("worker ended") >= 2, what="new workers")
        os.kill(next(p for p in children(master) if proc_name(p) == "silex-worker"), signal.SIGKILL)
        wait_until(lambda: "worker died" in s.log(), what="an obituary")
        os.kill(master, signal.SIGTERM)
        s.process.wait(20)
        used = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(), re.M))
    assert {"execve", "epoll_ctl", "capset"} <= used
    assert used - allowed - {"setresuid", "setuid"} == set()


def test_logrotate_reads_the_snippet(tmp_path):
    text = (ROOT / "deploy" / "systemd" / "silex.logrotate").read_text()
    conf = tmp_path / "silex"
    conf.write_text(text.replace("silex adm", "root root"))
    run("logrotate", "--debug", conf)
