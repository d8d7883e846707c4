"""Everything under deploy/ is accepted by a real API server (server-side dry run), the chart too."""

import json
import os
import pathlib
import subprocess

import pytest

from cluster import BIN

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


HELM = BIN / "helm"


def test_the_rendered_chart(cluster, namespace):
    here = ROOT / "tests" / "install"
    text = subprocess.run([here / "render.sh", HELM, DEPLOY / "helm" / "silex",
                           here / "values-ingress-nginx.yaml"], check=True, capture_output=True,
                          text=True).stdout
    dry_run(cluster, text)
    for kept in ("proxy-body-size: \"10m\"", "is-default-class: \"true\"", "hostPort: 80",
                 "--default-ssl-certificate=default/tls", "X-Frame-Options"):
        assert kept in text, kept
    assert "registry.k8s.io" not in text


def test_the_chart_names_what_it_ignores(cluster):
    # A name of its own for the class: helm takes over nothing that others made.
    done = subprocess.run(
        [HELM, "install", "x", DEPLOY / "helm" / "silex", "--dry-run=client", "-n", "default",
         "--set", "controller.ingressClassResource.name=tried",
         "-f", ROOT / "tests" / "install" / "values-ingress-nginx.yaml"], check=False,
        capture_output=True, text=True, env=dict(os.environ, KUBECONFIG=str(cluster.kubeconfig)))
    assert done.returncode == 0, done.stderr
    out = done.stdout
    notes = out[out.index("NOTES:"):]
    for ignored in ("controller.admissionWebhooks", "controller.image",
                    "controller.allowSnippetAnnotations", "tcp"):
        assert f"\n  {ignored}" in notes, notes
