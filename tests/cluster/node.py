"""One real node: containerd, kubelet, kube-proxy and kube-scheduler beside the control plane of tests/e2e.

It lives in the namespaces that run.sh made. The node's address is on a bridge of its own; pods are on another,
by Debian's CNI plugins; a client stands outside, in a third network, and reaches only the node's address. All
data is in SILEX_E2E_DIR. Nothing is pulled: images come from archives made here (images.py).
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from cluster import BIN, Cluster  # noqa: E402
from harness import wait_until  # noqa: E402

DIR = pathlib.Path(os.environ.get("SILEX_E2E_DIR", "/nonexistent"))
CGROUP = os.environ.get("SILEX_E2E_CGROUP", "none")
NAME, ADDRESS, API_SERVICE = "node-1", "198.18.0.1", "10.96.0.1"
CLIENT, OUTSIDE = "198.18.1.2", "198.18.1.1"
START = 120  # seconds, on a busy machine


def sh(script):
    subprocess.run(["sh", "-ec", script], check=True)


class ControlPlane(Cluster):
    """Reached from pods by the Service `kubernetes`; pods get their service account's token."""

    ADDRESSES = (ADDRESS, API_SERVICE)
    REACHED = ("--bind-address=0.0.0.0", f"--advertise-address={ADDRESS}", "--allow-privileged=true")
    CONTROLLERS = (*Cluster.CONTROLLERS, "daemonset-controller", "root-ca-certificate-publisher-controller",
                   "disruption-controller", "node-lifecycle-controller", "pod-garbage-collector-controller")

    def start_controllers(self):
        super().start_controllers()
        self._spawn("kube-scheduler", [
            "kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0",
            f"--authentication-kubeconfig={self.kubeconfig}", f"--authorization-kubeconfig={self.kubeconfig}"])


class Node:
    def __init__(self, cluster):
        self.cluster = cluster
        self.processes = []
        self.client = None  # holds the client's network

    def start(self, archives):
        self._network()
        for name in ("containerd.toml", "kubelet.yaml", "cni.conflist"):
            self._configure(name)
        self._cgroups()
        self._spawn("containerd", ["containerd", "-c", DIR / "containerd.toml"])
        wait_until(lambda: self.ctr("version", check=False).returncode == 0, START, "containerd")
        for archive in archives:
            self.ctr("images", "import", "--snapshotter", "native", archive)
        self._spawn("kubelet", [
            BIN / "kubelet", f"--config={DIR}/kubelet.yaml", f"--kubeconfig={self.cluster.kubeconfig}",
            f"--root-dir={DIR}/kubelet", f"--cert-dir={DIR}/kubelet-certs", f"--hostname-override={NAME}",
            f"--node-ip={ADDRESS}"])
        self._spawn("kube-proxy", [
            BIN / "kube-proxy", f"--kubeconfig={self.cluster.kubeconfig}", f"--hostname-override={NAME}",
            "--proxy-mode=iptables", "--cluster-cidr=198.19.0.0/24", "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s",
            "--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249"])
        wait_until(self._ready, START, f"the node to be ready; see {DIR}/kubelet.log")
        return self

    def _spawn(self, name, argv):
        log = open(DIR / f"{name}.log", "ab")  # noqa: SIM115 - the child's
        self.processes.append(subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log,
                                               stderr=log))

    def _configure(self, name):
        text = (HERE / f"{name}.in").read_text().replace("@DIR@", str(DIR)).replace("@CGROUP@", CGROUP)
        (DIR / "cni").mkdir(exist_ok=True)
        (DIR / ("cni/10-pods.conflist" if name == "cni.conflist" else name)).write_text(text)

    def _network(self):
        """The node's own address, and a wire to a client that is not the node."""
        self.client = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        wait_until(lambda: os.readlink(f"/proc/{self.client.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
                   what="the client's network")
        sh(f"""ip link add node type bridge; ip addr add {ADDRESS}/24 dev node; ip link set node up
               ip link add outside type veth peer name eth0 netns {self.client.pid}
               ip addr add {OUTSIDE}/24 dev outside; ip link set outside up
               ip route add default dev node
               echo 1 >/proc/sys/net/ipv4/ip_forward
               nsenter --target={self.client.pid} --net sh -ec '
                   ip link set lo up; ip addr add {CLIENT}/24 dev eth0; ip link set eth0 up
                   ip route add default via {OUTSIDE}'""")

    def _cgroups(self):
        """kubelet wants its corner to be there, in every hierarchy."""
        top = pathlib.Path("/sys/fs/cgroup")
        for h in [top] if (top / "cgroup.controllers").exists() else [p for p in top.iterdir() if p.is_dir()]:
            (h / CGROUP).mkdir(exist_ok=True)

    def _ready(self):
        ended = [p.args[0] for p in self.processes if p.poll() is not None]
        assert not ended, f"{ended} ended by themselves"
        status, node = self.cluster.request("GET", f"/api/v1/nodes/{NAME}")
        return status == 200 and any(c["type"] == "Ready" and c["status"] == "True"
                                     for c in node["status"].get("conditions", []))

    # -- from outside ------------------------------------------------------------------------

    @property
    def prefix(self):
        """Runs a program where the client is."""
        return ["nsenter", f"--target={self.client.pid}", "--net"]

    def curl(self, *argv):
        return subprocess.run([*self.prefix, "curl", "-sS", "-m", "10", *argv], capture_output=True, text=True,
                              check=False).stdout

    def ctr(self, *argv, check=True):
        return subprocess.run(["ctr", "-a", f"{DIR}/containerd.sock", "-n", "k8s.io", *map(str, argv)], check=check,
                              capture_output=True, text=True)

    def containers(self):
        return self.ctr("tasks", "ls", "-q").stdout.split()

    def logs(self):
        return "\n".join(f"== {p}\n{p.read_text(errors='replace')[-4000:]}"
                         for p in sorted((DIR / "podlogs").rglob("*.log")))

    def stop(self):
        for p in [*reversed(self.processes), self.client]:
            if p is not None and p.poll() is None:
                p.terminate()
                try:
                    p.wait(20)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
