"""Service account tokens rotate: the file is replaced, and the old token dies."""

import os

from harness import ingress
from load import assert_clean
from replica import ACCOUNT, NS
from test_kinds import HOST_A, serve, wait_who


def bound_token(cluster, secret):
    """A token that dies with a Secret, which this makes."""
    cluster.apply({"apiVersion": "v1", "kind": "Secret",
                   "metadata": {"name": secret, "namespace": NS}})
    status, body = cluster.request(
        "POST", f"/api/v1/namespaces/{NS}/serviceaccounts/{ACCOUNT}/token",
        {"spec": {"boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": secret}}})
    assert status == 201, body
    return body["status"]["token"]


def revoke(cluster, secret, token):
    """The token dies; the API server, which remembers good tokens for a while, starts anew, and
    every watch must begin again."""
    cluster.kubectl("delete", "secret", secret, "-n", NS)
    cluster.kill("kube-apiserver")
    cluster.start_apiserver()
    assert cluster.request("GET", "/version", token=token)[0] == 401


def replace(path, token):
    """As the kubelet does it: never a half-written file."""
    new = path.with_suffix(".new")
    new.write_text(token)
    os.replace(new, path)


def test_rotation(cluster, ns, make_silex, make_origin, make_load, tmp_path):
    make_origin("a", HOST_A)
    host, file = f"{ns}.example.test", tmp_path / "token"
    old = bound_token(cluster, f"{ns}-1")
    replace(file, old)
    silex = make_silex(token_file=file, workers=2).start()
    serve(cluster, ns, host)
    wait_who(silex, host, "a")
    load = make_load(silex, connections=16, host=host)

    replace(file, bound_token(cluster, f"{ns}-2"))  # in time
    revoke(cluster, f"{ns}-1", old)
    cluster.apply(ingress("more", {f"more.{host}": "web"}, ns=ns))
    wait_who(silex, f"more.{host}", "a")

    old = file.read_text()
    revoke(cluster, f"{ns}-2", old)  # too late
    silex.wait_log(r"status=401")
    wait_who(silex, host, "a")
    replace(file, bound_token(cluster, f"{ns}-3"))
    cluster.apply(ingress("last", {f"last.{host}": "web"}, ns=ns))
    wait_who(silex, f"last.{host}", "a")
    assert_clean(load.stop())
