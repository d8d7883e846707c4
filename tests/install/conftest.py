"""Tests of what is installed: image, package, manifests, chart, dashboards. Needs root.
`make test-install` runs them; they use Debian's containerd, runc, lintian and prometheus."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
BUILD = pathlib.Path(os.environ.get("SILEX_BUILD", ROOT / "build")).resolve()


@pytest.fixture
def event_backend():
    return "epoll"


@pytest.fixture
def build():
    return BUILD
