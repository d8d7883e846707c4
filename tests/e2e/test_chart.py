"""The Helm chart: what it renders is accepted by a real API server, does what the values say, and what it leaves
out it names. Values are those of the chart of ingress-nginx (chart_values.yaml has one of each)."""

import functools
import json
import os
import pathlib
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from cluster import BIN

import harness
from harness import backends, ingress, service, slice_
from origins import Scripted, UdpOrigin

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "silex"
FOREIGN = ROOT / "tests" / "install" / "values-ingress-nginx.yaml"
HELM = BIN / "helm"
CUSTOM = ("monitoring.coreos.com/", "keda.sh/")  # their definitions are not in the cluster
ADDRESS = "198.18.0.31"


def template(values, *argv):
    """The rendered objects of values, a dictionary or a file."""
    done = subprocess.run([HELM, "template", "x", CHART, "--namespace", "chart", "--kube-version", "1.33.0", *argv,
                           "-f", "-" if isinstance(values, dict) else values], check=False, capture_output=True,
                          text=True, input=yaml.safe_dump(values) if isinstance(values, dict) else None)
    assert done.returncode == 0, f"{values}: {done.stderr}"
    return [d for d in yaml.safe_load_all(done.stdout) if d]


def find(objects, kind, name="x-silex"):
    return next(o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name)


def notes(cluster, values):
    # Names of their own for the release and the class: helm takes over nothing that others made.
    done = subprocess.run([HELM, "install", "noted", CHART, "--dry-run=client", "-n", "default", "-f", values,
                           "--set", "controller.ingressClassResource.name=tried"], check=False, capture_output=True,
                          text=True, env=dict(os.environ, KUBECONFIG=str(cluster.kubeconfig)))
    assert done.returncode == 0, done.stderr
    return done.stdout[done.stdout.index("NOTES:"):]


def dry_run(cluster, objects):
    """Strictly: a field the API server does not know, or a value it would change, is an error."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chart"}})
    items = [o for o in objects if not o["apiVersion"].startswith(CUSTOM)]
    cluster.kubectl("apply", "--dry-run=server", "--server-side", "--validate=strict", "-f", "-",
                    text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def test_every_rendering_is_accepted(cluster):
    text = subprocess.run([ROOT / "tests" / "install" / "render.sh", HELM, CHART, FOREIGN], check=True,
                          capture_output=True, text=True).stdout
    dry_run(cluster, [d for d in yaml.safe_load_all(text) if d])
    for kept in ("proxy-body-size: \"10m\"", "is-default-class: \"true\"", "hostPort: 80",
                 "--default-ssl-certificate=default/tls", "X-Frame-Options"):
        assert kept in text, kept
    assert "registry.k8s.io" not in text


def test_what_is_ignored_is_named(cluster, tmp_path):
    told = notes(cluster, FOREIGN)
    for ignored in ("controller.admissionWebhooks", "controller.image"):
        assert f"\n  {ignored}" in told, told
    assert "tcp" not in told
    nothing = tmp_path / "nothing.yaml"
    nothing.write_text("{}\n")
    assert "no effect" not in notes(cluster, nothing)


# ---- each value has an effect, or is named --------------------------------------------------

def leaves(given, path=()):
    """Of chart_values.yaml: ((path, value), ...). A map below `:` is one value."""
    for key, value in given.items():
        if key.endswith(":"):
            yield (*path, key[:-1]), value
        elif isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def nested(path, value):
    for key in reversed(path):
        value = {key: value}
    return value


def merged(a, b):
    both = dict(a)
    for key, value in b.items():
        both[key] = merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def test_each_value_of_ingress_nginx_has_an_effect_or_is_named(cluster, tmp_path):
    """On top of `base`, in which everything optional is there, or of one of the variants: the objects differ, each
    value alone; those that the notes name, all together, change nothing."""
    base, variants, given = yaml.safe_load_all((pathlib.Path(__file__).parent / "chart_values.yaml").read_text())
    bases = [base, *(merged(base, v) for v in variants.values())]
    plain = [template(b) for b in bases]
    values = {".".join(path): nested(path, value) for path, value in leaves(given)}
    everything = functools.reduce(merged, values.values())
    everything["controller"]["keda"]["enabled"] = False  # helm would look for the definition
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(everything))
    text = notes(cluster, tmp_path / "values.yaml").split("no effect in Silex:")[1]
    told = [x.strip() for x in text.splitlines() if x.strip()]
    named = {v for v in values if any(v == t or v.startswith(f"{t}.") for t in told)}

    def works(name):
        return any(template(merged(b, values[name])) != p for b, p in zip(bases, plain))
    others = [v for v in values if v not in named]
    with ThreadPoolExecutor(2) as pool:
        assert [v for v, effect in zip(others, pool.map(works, others)) if not effect] == []
    ignored = functools.reduce(merged, (values[v] for v in named))
    assert [template(merged(b, ignored)) for b in bases] == plain
    assert not [t for t in told if not any(v == t or v.startswith(f"{t}.") for v in named)]
    assert len(others) > 150 and len(named) > 30


def test_everything_at_once_is_accepted(cluster):
    base, variants, _ = yaml.safe_load_all((pathlib.Path(__file__).parent / "chart_values.yaml").read_text())
    dry_run(cluster, template(base))
    for one in variants.values():
        dry_run(cluster, template(merged(base, one)))


# ---- what it does ---------------------------------------------------------------------------

def test_low_ports_need_no_root():
    """A TCP service on 25: the pod may bind it (a sysctl that the restricted profile permits), but not in the
    node's network, where Silex is root."""
    pod = find(template({"tcp": {25: "mail/smtp:25"}}), "Deployment")["spec"]["template"]["spec"]
    assert {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"} in pod["securityContext"]["sysctls"]
    for values in ({"tcp": {2525: "mail/smtp:25"}}, {"tcp": {25: "mail/smtp:25"}, "controller": {"hostNetwork": True}}):
        pod = find(template(values), "Deployment")["spec"]["template"]["spec"]
        assert "sysctls" not in pod["securityContext"]


def mirror(peer):
    while (got := peer.read_request()) is not None:
        peer.answer(200, got[0], "Content-Type: text/plain\r\n")


def echo(peer):
    while data := peer.sock.recv(4096):
        peer.sock.sendall(data)


@pytest.fixture
def world(cluster, ns):
    """Origins on an address the API server takes: HTTP that answers with the head it got, TCP and UDP echoes."""
    http, tcp, udp = Scripted(mirror, ADDRESS), Scripted(echo, ADDRESS), UdpOrigin(lambda data: [data], ADDRESS)
    cluster.apply(service("web", ns=ns), slice_("web", [ADDRESS], http.port, ns=ns),
                  ingress("web", {f"{ns}.example.test": "web"}, ns=ns),
                  *backends("tcp", ns=ns), slice_("tcp", [ADDRESS], tcp.port, ns=ns),
                  service("udp", [{"port": 53, "protocol": "UDP"}], ns=ns),
                  {**slice_("udp", [ADDRESS], udp.port, ns=ns), "ports": [{"port": udp.port, "protocol": "UDP"}]})
    yield
    for one in (http, tcp, udp):
        one.stop()


def as_installed(cluster, make_silex, ns, values):
    """The chart's objects but its pods, applied; and Silex with the arguments of the pods, as their account."""
    objects = template(values, "--namespace", ns)
    pods = find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    cluster.apply(*[o for o in objects if o["kind"] not in ("Deployment", "IngressClass")])
    own = ("--http-port=", "--https-port=", "--healthz-port=")
    flags = [a.replace("$(POD_NAMESPACE)", ns) for a in pods["args"] if not a.startswith(own)]
    return make_silex(ns=ns, account="x-silex", workers=2, flags=flags)


def udp_exchange(port, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.sendto(data, ("127.0.0.1", port))
        try:
            return s.recv(4096)
        except (TimeoutError, ConnectionRefusedError):
            return None


def tcp_exchange(port, data):
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(data)
            return s.recv(4096)
    except (ConnectionError, TimeoutError):
        return None


def test_the_values_do_what_they_say(cluster, ns, make_silex, world):
    """addHeaders, proxySetHeaders, config, tcp and udp: at the client and at the endpoint, and live when changed."""
    port, other = harness.free_port(), harness.free_port()
    values = {"controller": {"addHeaders": {"X-Frame-Options": "DENY"}, "proxySetHeaders": {"X-From": "at $host"},
                             "config": {"hide-headers": "Content-Type"}, "service": {"type": "ClusterIP"}},
              "tcp": {port: f"{ns}/tcp:80"}, "udp": {port: f"{ns}/udp:53"}}
    s = as_installed(cluster, make_silex, ns, values).start()
    host = f"{ns}.example.test"
    harness.wait_until(lambda: s.get("/", host).status == 200, what=f"the route; {s.log()}")
    answer = s.get("/", host)
    assert (answer.get("X-Frame-Options"), answer.get("Content-Type")) == ("DENY", None), s.log()
    assert f"X-From: at {host}".lower() in answer.text.lower()
    harness.wait_until(lambda: tcp_exchange(port, b"hello") == b"hello", what=f"the TCP service; {s.log()}")
    harness.wait_until(lambda: udp_exchange(port, b"hello") == b"hello", what=f"the UDP service; {s.log()}")
    values["controller"]["addHeaders"] = {"X-Frame-Options": "SAMEORIGIN"}
    values["tcp"] = {other: f"{ns}/tcp:80"}
    changed = template(values, "--namespace", ns)
    cluster.apply(*[o for o in changed if o["kind"] == "ConfigMap"])
    harness.wait_until(lambda: s.get("/", host).get("X-Frame-Options") == "SAMEORIGIN", what=f"the change; {s.log()}")
    harness.wait_until(lambda: tcp_exchange(other, b"hello") == b"hello", what=f"the new port; {s.log()}")
    harness.wait_until(lambda: tcp_exchange(port, b"hello") is None, what=f"the old one to close; {s.log()}")
