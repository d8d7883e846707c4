"""Who Silex is to the API server when a kubeconfig's command says it (client.authentication.k8s.io):
a token or a client certificate, new ones when the old are refused, and commands that fail."""

import json
import os

import pytest

import tls_files
from api_world import (api, arrives, fill, follow, kubeconfig, mark, next_request,  # noqa: F401
                       traffic, wait_well)
from fakeapi import server_context


def credential(path, **status):
    """What the command prints from now on."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"apiVersion": "client.authentication.k8s.io/v1",
                               "kind": "ExecCredential", "status": status}))
    os.replace(new, path)


def command(path):
    """A command as a kubeconfig names it; a second one would be told what is asked of it."""
    return {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
            "command": "sh", "args": ["-c", 'test -n "$KUBERNETES_EXEC_INFO" && cat "$FILE"'],
            "env": [{"name": "FILE", "value": str(path)}]}


@pytest.fixture
def said(tmp_path):
    return tmp_path / "credential"


@pytest.fixture
def by_command(follow, api, tmp_path, said):
    def start(**how):
        return follow(source=["--kubeconfig", kubeconfig(tmp_path, api, exec=command(said))], **how)
    return start


def test_token(by_command, api, said):
    """Refused, the command is run again, and the new token is good."""
    credential(said, token="first")
    api.token = "first"
    silex = by_command()
    with traffic(silex):
        credential(said, token="second")
        api.token = "second"
        api.watch("ingresses").end()
        silex.wait_log("not authenticated")
        arrives(silex, api)
        wait_well(silex)


def common_name(request):
    subject = dict(pair[0] for pair in request.conn.sock.getpeercert()["subject"])
    return subject["commonName"]


def show(said, pair):
    credential(said, clientCertificateData=pair[0].read_text(),
               clientKeyData=pair[1].read_text())


def test_client_certificate(by_command, api, tmp_path, said):
    """The server knows us by it; another one counts for the connections made after it."""
    pki = tls_files.make(tmp_path, "127.0.0.1")
    api.tls = server_context(*pki.server, client_ca=pki.ca)
    show(said, pki.client("silex-one"))
    silex = by_command()
    with traffic(silex):
        arrives(silex, api, "one")
        assert common_name(api.watch("ingresses").request) == "silex-one"
        show(said, pki.client("silex-two"))
        at = mark(api)
        api.on("watch", "ingresses", lambda r: r.fail(401))
        api.watch("ingresses").end()
        arrives(silex, api, "two")
        assert common_name(api.asked("watch", "ingresses", at)[-1]) == "silex-two"
        wait_well(silex)


@pytest.mark.parametrize("text,why", [
    ("", "printed nothing"), ("<html>", "not JSON"), ("{}", "no ExecCredential")])
def test_fails_at_first(by_command, api, said, text, why):
    """Said, and tried again until it works."""
    said.write_text(text)
    api.token = "good"
    silex = by_command(ready=False)
    silex.wait_log(f"no credentials from the kubeconfig's command.*{why}")
    credential(said, token="good")
    silex.wait_ready()
    silex.wait_status(200)
