"""Silex as a pod of the cluster would run it: by a service account, with the rights of
deploy/rbac.yaml, its objects from the API server."""

import os
import pathlib

import harness
from cluster import wait_until

NS, ACCOUNT = "silex", "silex"


class Replica(harness.Silex):
    """cluster.Replica(tmp, cluster, name="silex-0", ...): harness.Silex without manifests.

    token_file  a file with the token, so that a test can replace it; None: a fixed token of
                the service account `account`.
    port        where it finds the API server; None: the API server itself.
    node        NODE_NAME of its environment; None: not set.
    ns          the namespace of its pod."""

    def __init__(self, tmp, cluster, *, name="silex-0", account=ACCOUNT, token_file=None,
                 port=None, node=None, ns=NS, bind="127.0.0.1", **how):
        pathlib.Path(tmp).mkdir(parents=True, exist_ok=True)
        env = {"POD_NAME": name, "POD_NAMESPACE": ns}
        if node is not None:
            env["NODE_NAME"] = node
        super().__init__(tmp, how.pop("event_backend", "epoll"), bind=bind, env=env, **how)
        self.name, self.cluster = name, cluster
        token = None if token_file else cluster.service_account_token(ns, account)
        self.kubeconfig = cluster.write_kubeconfig(self.tmp / "kubeconfig", token, token_file,
                                                   port=port)
        at = self.argv.index("--manifests")
        self.argv[at:at + 2] = ["--kubeconfig", str(self.kubeconfig)]

    def metric(self, name):
        return self.metrics().get(name, 0)

    def version(self):
        """The table's version: it rises with each publication."""
        return self.metric("silex_table_published_version")

    def wait_metric(self, name, cond, what=None):
        return wait_until(lambda: cond(self.metric(name)), what=what or f"{name}; {self.log()}")

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def cpu_seconds(self):
        """Of the master alone."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
