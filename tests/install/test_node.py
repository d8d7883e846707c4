"""Silex as a service of a node: the package on a fresh Debian 12 that boots its own systemd, under load.

Nothing that systemd, its administrator or its package manager does to the service loses a request: reload,
the master killed or hung, an upgrade of the package, rotation of the logs.
"""

import json
import re

import pytest
from conftest import BUILD, build_deb
from debian import Machine, Root, run

from harness import ROOT, wait_until
from load import Load, assert_clean
from manifests import backends, ingress, ingress_class

HOST = "node.example.test"
PORT = 9001
CONF = "manifests = /etc/silex/manifests\nhealthz-host = 127.0.0.1\n"


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    return build_deb(tmp_path_factory.mktemp("deb"), "0.1.0")


@pytest.fixture(scope="module")
def machine(tmp_path_factory, deb):
    """The package installed, a manifest, an origin; silex.service is not started."""
    where = tmp_path_factory.mktemp("node")
    depends = [d.split()[0] for d in run("dpkg-deb", "-f", deb, "Depends").split(",")]
    root = Root(where / "root", *depends)
    try:
        root.sh(f"dpkg -i /mnt/{deb.name}", bind=[deb])
        objects = [ingress_class(), *backends("web", PORT), ingress("web", {HOST: "web"})]
        root.path("/etc/silex/manifests/web.json").write_text(
            json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        m = Machine(root, where / "console")
        try:
            m.start(BUILD / "tests/origin/origin", "--name", "web", "--port", PORT)
            yield m
        finally:
            m.stop()
    finally:
        root.remove()


@pytest.fixture(params=["silex.socket silex.service", "silex.service"], ids=["socket", "service"])
def silex(machine, request):
    """Started: with the ports of silex.socket, or with its own."""
    machine.write("/etc/silex/silex.conf", CONF)
    machine.sh(f"systemctl reset-failed; systemctl start {request.param}")
    yield machine
    machine.sh("systemctl stop silex.socket silex.service")


def master(m):
    return int(m.show("silex.service", "MainPID"))


def workers(m):
    return m.sh("pgrep -x silex-worker", check=False).split()


def loads(m):
    """Connections that stay, and one a request: the second kind meets every listening socket."""
    return [Load(m, 8, host=HOST), Load(m, 4, host=HOST, close=True)]


def end(both):
    for load in both:
        counts = load.stop()
        assert_clean(counts)
        assert counts["ok"] > 100


def more_requests(m, n=200):
    """Until Silex has counted n more: whatever happened, they went through it afterwards."""
    def count():
        return sum(float(x.rsplit(" ", 1)[1]) for x in m.sh(
            "curl -s http://127.0.0.1:10254/metrics").splitlines() if x.startswith("silex_requests_total"))
    before = count()
    wait_until(lambda: count() > before + n or count() < before, what="more requests")


def test_started_means_ready(silex):
    """Type=notify: systemctl start comes back when the first table is live in all workers."""
    assert silex.show("silex.service", "StatusText") == "serving"
    assert "origin web" in silex.sh(f"curl -s -H 'Host: {HOST}' http://127.0.0.1/")
    assert silex.sh("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:10254/readyz") == "200"
    assert silex.sh(f"stat -c %U /proc/{master(silex)}/exe /dev/shm/silex.main.table").split()[1] == "silex"


def test_reload_under_load(silex):
    both = loads(silex)
    for _ in range(3):
        pid, before = master(silex), set(workers(silex))
        silex.sh("systemctl reload silex.service")
        wait_until(lambda b=before: workers(silex) and not b & set(workers(silex)), what="new workers only")
        assert master(silex) == pid
        more_requests(silex)
    end(both)


def test_a_bad_file_changes_nothing(silex):
    before = set(workers(silex))
    silex.write("/etc/silex/silex.conf", CONF + "worker-shutdown-timeout = soon\n")
    silex.sh("systemctl reload silex.service", check=False)
    wait_until(lambda: "/etc/silex/silex.conf:3" in silex.journal(), what="file and line in the journal")
    assert set(workers(silex)) == before
    assert "origin web" in silex.sh(f"curl -s -H 'Host: {HOST}' http://127.0.0.1/")


def test_the_master_is_killed_under_load(silex):
    """Its workers serve on; the next master gets the same sockets from systemd's store (or silex.socket)."""
    both = loads(silex)
    for _ in range(3):
        pid, before = master(silex), set(workers(silex))
        silex.sh(f"kill -KILL {pid}")
        wait_until(lambda p=pid: master(silex) not in (0, p) and silex.show("silex.service", "StatusText") == "serving",
                   what="the next master")
        wait_until(lambda b=before: workers(silex) and not b & set(workers(silex)), what="its own workers only")
        more_requests(silex)
    end(both)
    assert int(silex.show("silex.service", "NFileDescriptorStore")) > 0


def test_a_master_that_hangs_is_replaced(silex):
    """WatchdogSec, shortened for the test."""
    silex.sh("mkdir -p /run/systemd/system/silex.service.d")
    silex.write("/run/systemd/system/silex.service.d/test.conf", "[Service]\nWatchdogSec=1s\nTimeoutAbortSec=1s")
    try:
        silex.sh("systemctl daemon-reload; systemctl restart silex.service")
        both = loads(silex)
        pid = master(silex)
        silex.sh(f"kill -STOP {pid}")
        wait_until(lambda: master(silex) not in (0, pid) and silex.show("silex.service", "StatusText") == "serving",
                   what="the next master")
        more_requests(silex)
        end(both)
        assert "watchdog" in silex.journal().lower()
    finally:
        silex.sh("rm -r /run/systemd/system/silex.service.d; systemctl daemon-reload")


def test_the_package_is_upgraded_under_load(silex, tmp_path):
    """The new programs take the place of the running ones in the same process; the file that the
    administrator changed stays his."""
    newer = build_deb(tmp_path, "0.1.0+upgraded")
    silex.write("/etc/silex/silex.conf", CONF + "# mine\n")
    silex.root.path("/srv/newer.deb").write_bytes(newer.read_bytes())
    both = loads(silex)
    pid, before = master(silex), set(workers(silex))
    silex.sh("dpkg --force-confold -i /srv/newer.deb")
    wait_until(lambda: workers(silex) and not before & set(workers(silex)), what="new workers only")
    more_requests(silex)
    end(both)
    assert master(silex) == pid
    assert "upgrade done" in silex.journal()
    assert silex.sh(f"stat -L -c %i /proc/{pid}/exe") == silex.sh("stat -c %i /usr/sbin/silex")
    assert "# mine" in silex.sh("cat /etc/silex/silex.conf")
    assert silex.show("silex.service", "StatusText") == "serving"


def test_logs_rotate_under_load(silex):
    """Every request is in the one file or the other."""
    silex.write("/etc/silex/silex.conf", CONF + "access-log = /var/log/silex/access.log\n")
    silex.sh("rm -f /var/log/silex/*; systemctl restart silex.service")
    load = Load(silex, 8, host=HOST)
    more_requests(silex)
    silex.sh("logrotate --force /etc/logrotate.d/silex")
    wait_until(lambda: int(silex.sh("wc -l </var/log/silex/access.log", check=False) or 0) > 100, what="lines in the new file")
    counts = load.stop()
    assert_clean(counts)

    def lines():
        return int(silex.sh(f"cat /var/log/silex/access.log* | grep -c default-web-80", check=False) or 0)
    wait_until(lambda: lines() == counts["ok"], what=f"{counts['ok']} lines, there are {lines()}")
    assert silex.sh("stat -c %U:%a /var/log/silex/access.log").strip() == "silex:640"


def test_a_stop_leaves_nothing(silex):
    silex.sh("systemctl stop silex.socket silex.service")
    assert silex.show("silex.service", "Result") == "success"
    assert silex.show("silex.service", "ExecMainStatus") == "0"
    assert workers(silex) == []
    assert silex.sh("ls /dev/shm").split() == []
    assert int(silex.show("silex.service", "NFileDescriptorStore")) == 0


def test_the_readme_tells_how_tight_it_is(silex):
    out = silex.sh("systemd-analyze security --no-pager silex.service")
    figure = re.search(r"Overall exposure level for silex.service: ([\d.]+)", out)[1]
    assert f"`systemd-analyze security`: {figure}" in (ROOT / "README.md").read_text()
