"""Fixtures of the whole-cluster tests: one cluster with one real node for the run."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
for room in ("integration", "e2e", "cluster"):
    sys.path.insert(0, str(HERE.parent / room))

import images  # noqa: E402
from harness import BUILD  # noqa: E402
from node import DIR, ControlPlane, Node  # noqa: E402


def tell(directory):
    """The ends of the logs, for who looks for why something did not start."""
    for log in sorted(directory.glob("*.log")):
        sys.stderr.write(f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}\n")


@pytest.fixture(scope="session")
def cluster():
    c = ControlPlane(DIR / "control-plane")
    try:
        try:
            c.start()
            c.start_controllers()
        except BaseException:
            tell(c.dir)
            raise
        yield c
    finally:
        c.stop()


@pytest.fixture(scope="session")
def node(cluster):
    n = Node(cluster)
    try:
        yield n.start([
            images.pause(DIR / "pause.tar", DIR), images.silex(DIR / "silex.tar", "0.1.0"),
            images.silex(DIR / "silex-next.tar", "0.1.1"),
            images.of_program(DIR / "origin.tar", "e2e.test/origin:1", BUILD / "tests/origin/origin",
                              "--bind", "0.0.0.0", "--port", "8080")])
    except BaseException:
        tell(DIR)
        raise
    finally:
        n.stop()
