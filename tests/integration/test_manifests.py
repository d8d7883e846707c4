"""The manifests directory: editing, replacing, breaking, moving files while Silex serves."""

import json
import os
import shutil

import pytest

from harness import backends, ingress, wait_until

YAML = """\
# a comment, several documents, anchors of quoting: what people write
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: default}}
spec:
  ports:
  - port: 80
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}-1
  namespace: default
  labels:
    "kubernetes.io/service-name": '{name}'
addressType: IPv4
ports: [{{port: {port}, protocol: TCP}}]
endpoints:
- addresses:
  - "127.0.0.1"
---
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: default
  annotations:
    nginx.ingress.kubernetes.io/proxy-read-timeout: "30"
spec:
  ingressClassName: nginx
  rules:
  - host: {host}
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service: {{name: {name}, port: {{number: 80}}}}
"""


@pytest.fixture
def served(silex):
    """Serving silex.test; returns it once that is so."""
    silex.wait_status(200)
    return silex


def test_yaml_of_several_documents(served, origin):
    served.manifests.write("app.yaml", YAML.format(name="app", port=origin.port, host="app.test"))
    served.wait_status(200, host="app.test")
    served.manifests.write("app.yml", YAML.format(name="b", port=origin.port, host="b.test"))
    served.wait_status(200, host="b.test")


def test_edit_in_place(served, origin):
    """Written into, not renamed: what `echo >>` and some editors do."""
    target = served.manifests.dir / "app.yaml"
    target.write_text(YAML.format(name="app", port=origin.port, host="one.test"))
    served.wait_status(200, host="one.test")
    target.write_text(YAML.format(name="app", port=origin.port, host="two.test"))
    served.wait_status(200, host="two.test")
    served.wait_status(404, host="one.test")


def test_delete_and_move(served, origin):
    served.manifests.write("app.yaml", YAML.format(name="app", port=origin.port, host="app.test"))
    served.wait_status(200, host="app.test")
    (served.manifests.dir / "sub").mkdir()
    os.rename(served.manifests.dir / "app.yaml", served.manifests.dir / "sub/app.yaml")
    served.manifests.put("mark", ingress("mark", {"mark.test": "base"}))
    served.wait_status(200, host="mark.test")
    served.wait_status(200, host="app.test")
    (served.manifests.dir / "sub/app.yaml").unlink()
    served.wait_status(404, host="app.test")


def test_subfolders_come_and_go(served):
    served.manifests.put("team/a/x", ingress("x", {"x.test": "base"}))
    served.wait_status(200, host="x.test")
    shutil.rmtree(served.manifests.dir / "team")
    served.wait_status(404, host="x.test")


def test_editors_leftovers_are_not_manifests(served):
    text = json.dumps(ingress("left", {"left.test": "base"}))
    for name in (".x.yaml.swp", "x.yaml~", "#x.yaml#", "4913", "x.txt", ".hidden.json"):
        (served.manifests.dir / name).write_text(text)
    served.manifests.put("mark", ingress("mark", {"mark.test": "base"}))
    served.wait_status(200, host="mark.test")
    assert served.get(host="left.test").status == 404


def test_bad_file_keeps_its_previous_version(served, origin):
    good = YAML.format(name="app", port=origin.port, host="app.test")
    served.manifests.write("app.yaml", good)
    served.wait_status(200, host="app.test")
    served.manifests.write("app.yaml", good.replace("metadata:\n", "metadata: {\n"))
    served.wait_log(r"app\.yaml:\d+")
    served.manifests.put("mark", ingress("mark", {"mark.test": "base"}))
    served.wait_status(200, host="mark.test")
    assert served.get(host="app.test").status == 200
    served.manifests.write("app.yaml", good.replace("app.test", "new.test"))
    served.wait_status(200, host="new.test")
    served.wait_status(404, host="app.test")


def test_bad_document_does_not_stop_its_neighbours(served, origin):
    good = YAML.format(name="app", port=origin.port, host="app.test")
    served.manifests.write("app.yaml", good)
    served.wait_status(200, host="app.test")
    bad = good.replace("rules:\n", "rules: 12\n  other:\n")
    bad += YAML.format(name="also", port=origin.port, host="also.test").join(["---\n", ""])
    served.manifests.write("app.yaml", bad)
    served.wait_status(200, host="also.test")
    assert served.get(host="app.test").status == 200, "the bad document's previous version stays"
    served.wait_log(r"app\.yaml:\d+.*rules|rules.*app\.yaml:\d+")


def test_unknown_kinds_are_ignored(served):
    served.manifests.put("cm", {"apiVersion": "v1", "kind": "ConfigMap",
                                "metadata": {"name": "x", "namespace": "default"}, "data": {}},
                         {"apiVersion": "apps/v1", "kind": "Deployment",
                          "metadata": {"name": "x", "namespace": "default"}, "spec": {}},
                         ingress("x", {"x.test": "base"}))
    served.wait_status(200, host="x.test")


def test_endpoints_change_without_a_lost_request(served, make_origin):
    new = make_origin("new")
    with served.client() as c:
        assert c.get().get("x-origin") == "origin"
        served.manifests.put("base", backends("base", new.port),
                             ingress("base", {"silex.test": "base"}))
        wait_until(lambda: c.get().get("x-origin") == "new", what="the new endpoint")
        assert c.get("/echo").json()["nth"] > 1


def test_directory_appears_later(make_silex, origin):
    s = make_silex()
    real = s.manifests.dir
    s.manifests.put("x", backends("a", origin.port), ingress("x", {"x.test": "a"}))
    aside = real.parent / "aside"
    os.rename(real, aside)
    s.start(ready=False)
    s.wait_log(str(real.name))
    os.rename(aside, real)
    s.wait_ready()
    s.wait_status(200, host="x.test")


def test_a_thousand_ingresses_at_once(make_silex, origin):
    s = make_silex()
    s.manifests.put("svc", backends("a", origin.port))
    for n in range(1000):
        s.manifests.put(f"d{n % 10}/i{n}", ingress(f"i{n}", {f"h{n}.test": "a"}))
    s.start()
    assert all(s.get(host=f"h{n}.test").status == 200 for n in (0, 1, 500, 999))
    assert s.get(host="h1000.test").status == 404
