"""Everything under deploy/ is accepted by a real API server (server-side dry run). The chart: test_chart.py."""

import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def dry_run(cluster, text):
    cluster.kubectl("apply", "--dry-run=server", "-f", "-", text=text)


@pytest.fixture
def namespace(cluster):
    """A dry run makes no namespace for what follows it in the file."""
    cluster.kubectl("apply", "-f", str(DEPLOY / "rbac.yaml"))


@pytest.mark.parametrize("name", ["silex.yaml", "silex-daemonset.yaml", "rbac.yaml"])
def test_plain_manifests(cluster, namespace, name):
    dry_run(cluster, (DEPLOY / name).read_text())


def test_silex_yaml_is_what_kustomize_makes(cluster, namespace):
    assert cluster.kubectl("kustomize", str(DEPLOY)) == (DEPLOY / "silex.yaml").read_text()


def test_a_pod_of_the_deployment_is_restricted(cluster, namespace):
    """The namespace enforces the profile: a Pod from the template must be let in."""
    text = cluster.kubectl("create", "--dry-run=client", "-o", "json", "-f",
                           str(DEPLOY / "manifests" / "deployment.yaml"))
    template = json.loads(text)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
           "metadata": {**template["metadata"], "name": "tried", "namespace": "silex"}}
    dry_run(cluster, json.dumps(pod))

