"""Tests of what is installed: image, package, manifests, chart, dashboards. Needs root.
`make test-install` runs them; they use Debian's containerd, runc, lintian and prometheus."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
BUILD = pathlib.Path(os.environ.get("SILEX_BUILD", ROOT / "build")).resolve()


def build_deb(out, version):
    """The package of what is built, as `make deb` makes it."""
    subprocess.run([ROOT / "deploy/debian/mkdeb.py", "--build", BUILD, "--version", version, "--out", out],
                   check=True, capture_output=True)
    return next(pathlib.Path(out).glob(f"silex_{version}_*.deb"))


@pytest.fixture
def event_backend():
    return "epoll"


@pytest.fixture
def build():
    return BUILD
