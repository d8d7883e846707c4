"""The package's life on a fresh Debian 12: installed with apt, upgraded, removed, purged. Not one step is left to hope:
what each leaves behind and takes away is looked at."""

import pytest
from conftest import build_deb
from debian import Root

ADMIN = "# the administrator's\nmanifests = /etc/silex/manifests\nhttp-port = 8080\n"
OURS = ("/usr/sbin/silex", "/usr/sbin/silex-worker", "/lib/systemd/system/silex.service",
        "/lib/systemd/system/silex.socket", "/usr/share/man/man8/silex.8.gz")


@pytest.fixture(scope="module")
def debs(tmp_path_factory):
    out = tmp_path_factory.mktemp("deb")
    return [build_deb(out, "0.1.0"), build_deb(out, "0.2.0")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Nothing of what Silex needs is there: apt brings it."""
    r = Root(tmp_path_factory.mktemp("debian") / "root")
    yield r
    r.remove()


@pytest.fixture(scope="module")
def installed(root, debs):
    root.sh(f"apt-get update -q && apt-get install -y -q --no-install-recommends /mnt/{debs[0].name}", bind=[debs[0]])
    return root


def status(root):
    return root.sh("dpkg-query -W -f '${db:Status-Status} ${Version}' silex", check=False)


def test_installed(installed):
    assert status(installed) == "installed 0.1.0"
    for name in OURS:
        assert installed.exists(name), name
    assert "configuration /etc/silex/silex.conf is good" in installed.sh("silex -t --config /etc/silex/silex.conf 2>&1")
    assert "0.1.0" in installed.sh("silex --version")
    assert installed.sh("getent passwd silex").endswith(":/nonexistent:/usr/sbin/nologin\n")
    assert installed.sh("dpkg --verify silex") == ""


def test_nothing_starts_by_itself(installed):
    """It would take ports 80 and 443, which may be somebody else's."""
    assert installed.sh("systemctl is-enabled silex.service silex.socket", check=False).split() == ["disabled"] * 2


def test_its_pages_are_read_with_man(installed):
    for page, word in (("8 silex", "SIGNALS"), ("5 silex.conf", "shutdown-grace-period")):
        text = installed.sh(f"MANROFFOPT= man --warnings {page} 2>&1")
        assert word in text and "warning:" not in text, text[:2000]


def test_an_upgrade_keeps_what_the_administrator_wrote(installed, debs):
    installed.path("/etc/silex/silex.conf").write_text(ADMIN)
    installed.path("/etc/silex/manifests/mine.yaml").write_text("# mine\n")
    installed.sh(f"dpkg --force-confdef --force-confold -i /mnt/{debs[1].name}", bind=[debs[1]])
    assert status(installed) == "installed 0.2.0"
    assert installed.path("/etc/silex/silex.conf").read_text() == ADMIN
    assert installed.exists("/etc/silex/manifests/mine.yaml")


def test_a_way_back(installed, debs):
    installed.sh(f"dpkg --force-confold -i /mnt/{debs[0].name}", bind=[debs[0]])
    assert status(installed) == "installed 0.1.0"
    installed.sh("silex -t --config /etc/silex/silex.conf")


def test_removed_and_purged(installed):
    installed.sh("systemctl enable silex.service silex.socket")
    installed.sh("mkdir -p /var/log/silex && touch /var/log/silex/access.log")
    installed.sh("dpkg -r silex")
    assert status(installed) == "config-files 0.1.0"
    assert not any(installed.exists(name) for name in OURS)
    assert installed.path("/etc/silex/silex.conf").read_text() == ADMIN
    installed.sh("dpkg -P silex")
    assert "installed" not in status(installed)
    for gone in ("/etc/silex/silex.conf", "/etc/logrotate.d/silex", "/var/log/silex"):
        assert not installed.exists(gone), gone
    assert installed.exists("/etc/silex/manifests/mine.yaml")  # not ours
    left = installed.sh("find /etc/systemd /lib/systemd /var/lib/systemd -name 'silex*'")
    assert left == "", left


def test_again_after_the_purge(installed, debs):
    installed.sh(f"dpkg -i /mnt/{debs[1].name}", bind=[debs[1]])
    assert status(installed) == "installed 0.2.0"
    assert "administrator" not in installed.path("/etc/silex/silex.conf").read_text()
