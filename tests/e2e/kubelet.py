"""Stands in for scheduler and kubelet: every Pod of a namespace becomes a process.

A pod's address is one of 198.18.0.0/15, which the run's network namespace has on lo; its process
is tests/origin, named as the pod, on POD_PORT. The pod's status then says Running and Ready, and
the real endpoint-slice controller does the rest. An end is as the kubelet's: spec's
preStop sleep, then the process ends, then the Pod object.
"""

import itertools
import threading
import time

import harness

POD_PORT = 8080
NODE, NODE_ADDRESS = "node-1", "198.18.0.1"
_addresses = itertools.count(1)


class Kubelet:
    """nodes: {name: zone, or None}; pods are placed on them in turns."""

    def __init__(self, cluster, ns, nodes=None):
        self.cluster, self.ns = cluster, ns
        self.nodes = nodes or {NODE: None}
        self.placed = {}  # name of a pod: its node
        self.pods = {}  # name: Origin
        self.started = []  # names, ever
        self.lock = threading.Lock()
        self.ending = set()
        self.stopping = threading.Event()
        self.trouble = None
        for node, zone in self.nodes.items():
            self._node(node, zone)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(harness.PATIENCE)
        with self.lock:
            left, self.pods = list(self.pods.values()), {}
        for origin in left:
            origin.stop()
        assert self.trouble is None, self.trouble

    # -- looking -----------------------------------------------------------------------------

    def _run(self):
        while not self.stopping.is_set():
            try:
                for pod in self.cluster.get(f"/api/v1/namespaces/{self.ns}/pods")["items"]:
                    self._look(pod)
            except (OSError, KeyError, TypeError):
                pass  # the API server is away: tests do that
            except Exception as e:  # noqa: BLE001 - a dead thread would hang the test
                self.trouble = repr(e)
                return
            self.stopping.wait(0.05)

    def _look(self, pod):
        name = pod["metadata"]["name"]
        if pod["metadata"].get("deletionTimestamp"):
            if name not in self.ending:
                self.ending.add(name)
                threading.Thread(target=self._end, args=(name, pod), daemon=True).start()
        elif name not in self.pods:
            self._begin(name)

    # -- a pod's life ------------------------------------------------------------------------

    def _node(self, node, zone):
        self.cluster.request("POST", "/api/v1/nodes", {"metadata": {"name": node}})
        if zone is not None:
            self.cluster.request("PATCH", f"/api/v1/nodes/{node}", {"metadata": {"labels": {
                "topology.kubernetes.io/zone": zone}}}, "application/merge-patch+json")
        self.cluster.request("PATCH", f"/api/v1/nodes/{node}/status", {"status": {
            "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}]}},
            "application/merge-patch+json")

    def _path(self, name, rest=""):
        return f"/api/v1/namespaces/{self.ns}/pods/{name}{rest}"

    def _begin(self, name):
        n = next(_addresses)
        address = f"198.18.{1 + n // 250}.{1 + n % 250}"
        node = list(self.nodes)[len(self.placed) % len(self.nodes)]
        origin = harness.Origin(harness.BUILD, name, address, POD_PORT)
        with self.lock:
            self.pods[name] = origin
            self.started.append(name)
            self.placed[name] = node
        self.cluster.request("POST", self._path(name, "/binding"),
                             {"metadata": {"name": name}, "target": {"kind": "Node",
                                                                     "name": node}})
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.cluster.request("PATCH", self._path(name, "/status"), {"status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "startTime": now,
            "conditions": [{"type": t, "status": "True", "lastTransitionTime": now}
                           for t in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]}},
            "application/merge-patch+json")

    def _end(self, name, pod):
        hook = pod["spec"]["containers"][0].get("lifecycle", {}).get("preStop", {})
        self.stopping.wait(hook.get("sleep", {}).get("seconds", 0))
        with self.lock:
            origin = self.pods.pop(name, None)
        if origin is not None:
            origin.stop()
        harness.wait_until(lambda: self._forget(name), what=f"pod {name} to be gone")

    def _forget(self, name):
        try:
            return self.cluster.request("DELETE", self._path(name), {"gracePeriodSeconds": 0})[0]
        except OSError:
            return 0


def deployment(name, replicas, version, ns, grace=1):
    """Its pods serve on POD_PORT and answer `grace` seconds longer than they are wanted."""
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": grace}}}} if grace else {}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": ns},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": {"app": name, "version": version}},
                "spec": {"containers": [{"name": "origin", "image": f"origin:{version}",
                                         "ports": [{"name": "http", "containerPort": POD_PORT}],
                                         **hook}]}}}}
