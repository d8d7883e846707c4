"""Fixtures of the end-to-end tests: one control plane for the run, a Silex and a namespace each."""

import itertools
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "integration"))

import harness  # noqa: E402
from cluster import Cluster  # noqa: E402
from kubelet import Kubelet  # noqa: E402
from load import Load  # noqa: E402
from replica import Replica  # noqa: E402
from reports import end_all, failed, pytest_runtest_makereport  # noqa: E402,F401

RBAC = HERE.parents[1] / "deploy" / "rbac.yaml"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    c = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        c.start()
        c.start_controllers()
        c.kubectl("apply", "-f", str(RBAC))
        c.apply(harness.ingress_class())
        yield c
    finally:
        c.stop()


@pytest.fixture
def ns(cluster):
    """A namespace of the test's own, gone with it."""
    name = f"t{next(_numbers)}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.kubectl("delete", "ingress,service,endpointslice,deployment,secret", "--all", "-n",
                    name, "--wait=false")
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def make_silex(cluster, tmp_path, request):
    """make_silex(name="silex-0", workers=2, flags=[...]) -> Replica, not started."""
    made = []

    def make(**how):
        made.append(Replica(tmp_path / f"silex{len(made)}", cluster, **how))
        return made[-1]
    yield make
    end_all(made, request)


@pytest.fixture
def silex(make_silex):
    """Two workers, everything else as deployed."""
    return make_silex(workers=2).start()


@pytest.fixture
def make_origin(request):
    """make_origin("name", address) -> the C origin on an address the API accepts."""
    made = []

    def make(name="origin", bind="198.18.0.10", port=8080):
        made.append(harness.Origin(harness.BUILD, name, bind, port))
        return made[-1]
    yield make
    complaints = [o.stop() for o in made]
    if not failed(request):
        assert not any(complaints), complaints


@pytest.fixture
def make_kubelet(cluster):
    made = []

    def make(ns, **how):
        made.append(Kubelet(cluster, ns, **how))
        return made[-1]
    yield make
    for k in made:
        k.stop()


@pytest.fixture
def make_load():
    """make_load(silex, host=...) -> Load, ended with the test."""
    made = []

    def make(silex, **how):
        made.append(Load(silex, **how))
        return made[-1]
    yield make
    for one in made:
        if one.running():
            one.process.kill()
            one.process.wait()
