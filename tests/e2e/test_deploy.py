"""Every manifest that is shipped is one that a real API server takes."""

import json
import pathlib

import pytest
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
# Custom resources, whose definitions are not in the cluster; charts are rendered first.
FOREIGN = ("monitoring.coreos.com/", "kustomize.config.k8s.io/")
FILES = [p for p in sorted(DEPLOY.rglob("*.yaml")) if "helm" not in p.parts]


def documents(path):
    """Slices left out: the demo's origins are on loopback, which the API server refuses."""
    return [d for d in yaml.safe_load_all(path.read_text())
            if isinstance(d, dict) and d.get("kind", "EndpointSlice") != "EndpointSlice"
            and not d["apiVersion"].startswith(FOREIGN)]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(DEPLOY)))
def test_server_side_dry_run(cluster, path):
    objects = documents(path)
    if not objects:
        return  # nothing in it is the API server's business
    for ns in {d["metadata"].get("namespace", "default") for d in objects} - {"default"}:
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}})
    cluster.kubectl("apply", "--dry-run=server", "--server-side", "--force-conflicts",
                    "--validate=strict", "-f", "-", text=json.dumps(
                        {"apiVersion": "v1", "kind": "List", "items": objects}))
