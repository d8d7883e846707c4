"""A real control plane on loopback: etcd, kube-apiserver with RBAC, and what tests do with it.

Lives in the network namespace of the test run (tests/e2e/run.sh), so nothing it listens on can
meet anything else, and every address of 198.18.0.0/15 is local there: the API refuses loopback
addresses as endpoints.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("SILEX_E2E_BIN", "/nonexistent"))
ADMIN = "admin-0123456789"
START = 60  # seconds a control plane may take on a busy machine


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


class Pki:
    """CA, serving certificate, client certificates, service account key: once a run."""

    def __init__(self, where, addresses=()):
        self.dir = pathlib.Path(where)
        self.dir.mkdir(parents=True)
        self.ca = self.dir / "ca.crt"
        self._key("ca")
        self._ssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=e2e-ca", "-days", "30",
                  "-out", "ca.crt", "-addext", "basicConstraints=critical,CA:TRUE",
                  "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        names = ",".join(["IP:127.0.0.1", "DNS:localhost", *(f"IP:{a}" for a in addresses)])
        self.leaf("apiserver", "/CN=kube-apiserver",
                  f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        self.leaf("kcm", "/O=system:masters/CN=system:kube-controller-manager", "extendedKeyUsage=clientAuth\n")
        self._ssl("genrsa", "-out", "sa.key", "2048")
        self._ssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def _ssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)

    def _key(self, name):
        self._ssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", f"{name}.key")

    def leaf(self, name, subject, extensions):
        self._key(name)
        (self.dir / f"{name}.ext").write_text(extensions)
        self._ssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
        self._ssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                  "-CAcreateserial", "-days", "30", "-out", f"{name}.crt", "-extfile",
                  f"{name}.ext")


AUDIT_POLICY = {
    # Who wrote a status or a lease, when, and what: how tests know that two never wrote.
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Request", "verbs": ["create", "update", "patch"],
         "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]},
                       {"group": "networking.k8s.io", "resources": ["ingresses/status"]}]},
        {"level": "None"}]}


class Cluster:
    ADDRESSES = ()  # the API server is reached by, besides loopback
    REACHED = ("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
               "--disable-admission-plugins=ServiceAccount")
    CONTROLLERS = ("endpointslice-controller", "deployment-controller", "replicaset-controller", "namespace-controller",
                   "garbage-collector-controller", "serviceaccount-controller")

    def __init__(self, where):
        self.dir = pathlib.Path(where)
        self.pki = Pki(self.dir / "pki", self.ADDRESSES)
        self.processes = {}
        self.etcd_port, self.peer_port, self.port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self.context = ssl.create_default_context(cafile=str(self.pki.ca))
        self.tokens = {ADMIN: ("admin", "system:masters")}
        self.kubeconfig = self.dir / "admin.kubeconfig"

    # -- processes ---------------------------------------------------------------------------

    def start(self):
        self._write_tokens()
        self.write_kubeconfig(self.kubeconfig, ADMIN)
        self.start_etcd()
        self.start_apiserver()
        return self

    def _spawn(self, name, argv):
        log = open(self.dir / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen([str(BIN / argv[0]), *argv[1:]], stdout=log,
                                                stderr=log, stdin=subprocess.DEVNULL)

    def start_etcd(self):
        client, peer = (f"http://127.0.0.1:{p}" for p in (self.etcd_port, self.peer_port))
        self._spawn("etcd", [
            "etcd", "--data-dir", str(self.dir / "etcd"), "--name", "e2e",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"e2e={peer}", "--unsafe-no-fsync",
            "--quota-backend-bytes", "4294967296", "--max-txn-ops", "1024"])

    def start_apiserver(self, *extra):
        p = self.pki.dir
        (self.dir / "audit.json").write_text(json.dumps(AUDIT_POLICY))
        self._spawn("kube-apiserver", [
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            *self.REACHED, f"--secure-port={self.port}",
            "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
            f"--client-ca-file={p}/ca.crt", f"--tls-cert-file={p}/apiserver.crt",
            f"--tls-private-key-file={p}/apiserver.key", f"--token-auth-file={self.dir}/tokens.csv",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={p}/sa.pub",
            f"--service-account-signing-key-file={p}/sa.key",
            f"--audit-policy-file={self.dir}/audit.json", f"--audit-log-path={self.dir}/audit.log",
            *extra])
        wait_until(self.ready, START, "the API server to be ready")

    def ready(self):
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait()

    def start_controllers(self):
        """Deployments become pods, pods become EndpointSlices."""
        kubeconfig = self.dir / "kcm.kubeconfig"
        self.write_kubeconfig(kubeconfig, None, certificate="kcm")
        self._spawn("kube-controller-manager", [
            "kube-controller-manager", f"--kubeconfig={kubeconfig}",
            f"--controllers={','.join(self.CONTROLLERS)}", f"--root-ca-file={self.pki.ca}",
            "--leader-elect=false", "--secure-port=0", "--bind-address=127.0.0.1",
            f"--service-account-private-key-file={self.pki.dir}/sa.key"])

    def etcd(self, call, body):
        """One call of etcd's JSON gateway, for instance "kv/range"."""
        r = urllib.request.Request(f"http://127.0.0.1:{self.etcd_port}/v3/{call}",
                                   data=json.dumps(body).encode())
        with urllib.request.urlopen(r, timeout=START) as answer:
            return json.loads(answer.read())

    def compact(self):
        """Forget every revision but the newest."""
        newest = self.etcd("kv/range", {"key": "AA=="})["header"]["revision"]
        self.etcd("kv/compaction", {"revision": newest, "physical": True})

    def stop(self):
        for name in list(reversed(self.processes)):
            self.kill(name)
        shutil.rmtree(self.dir / "etcd", ignore_errors=True)

    # -- who may do what ---------------------------------------------------------------------

    def _write_tokens(self):
        lines = [f'{t},{user},{user},"{group}"' for t, (user, group) in self.tokens.items()]
        (self.dir / "tokens.csv").write_text("\n".join(lines) + "\n")

    def service_account_token(self, ns, name, seconds=3600):
        """A token as the kubelet would mount it."""
        status, body = self.request(
            "POST", f"/api/v1/namespaces/{ns}/serviceaccounts/{name}/token",
            {"spec": {"expirationSeconds": seconds}})
        assert status == 201, body
        return body["status"]["token"]

    def write_kubeconfig(self, path, token, token_file=None, certificate=None, port=None):
        if certificate:
            user = {"client-certificate": f"{self.pki.dir}/{certificate}.crt",
                    "client-key": f"{self.pki.dir}/{certificate}.key"}
        else:
            user = {"tokenFile": str(token_file)} if token_file else {"token": token}
        pathlib.Path(path).write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {
                "server": f"https://127.0.0.1:{port or self.port}",
                "certificate-authority": str(self.pki.ca)}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]}))
        return path

    # -- asking ------------------------------------------------------------------------------

    def request(self, method, path, body=None, kind="application/json", token=ADMIN):
        """(status, decoded answer or text)."""
        data = None if body is None else json.dumps(body).encode()
        r = urllib.request.Request(self.url + path, method=method, data=data, headers={
            "Authorization": f"Bearer {token}", "Content-Type": kind,
            "User-Agent": "silex-e2e"})
        try:
            with urllib.request.urlopen(r, context=self.context, timeout=START) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as e:
            status, text = e.code, e.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode(errors="replace")

    def get(self, path):
        return self.request("GET", path)[1]

    def revision(self, group, plural):
        """The resourceVersion of a kind's newest list."""
        return self.get(f"/apis/{group}/v1/{plural}?limit=1")["metadata"]["resourceVersion"]

    def watch(self, group, plural, revision):
        """The text a watch from that revision on brings within a second."""
        answer = self.get(f"/apis/{group}/v1/{plural}?watch=1&timeoutSeconds=1"
                          f"&resourceVersion={revision}")
        return answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))

    def kubectl(self, *args, text=None, check=True):
        done = subprocess.run([str(BIN / "kubectl"), "--kubeconfig", str(self.kubeconfig), *args],
                              input=text, capture_output=True, text=True, timeout=START * 2)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def apply(self, *objects):
        """As users do it."""
        self.kubectl("apply", "-f", "-", text=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def delete(self, kind, name, ns="default"):
        self.kubectl("delete", kind, name, "-n", ns, "--wait=false")
