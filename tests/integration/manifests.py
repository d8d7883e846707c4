"""Builders of Kubernetes objects and the manifests directory a Silex under test watches.

Objects are plain dictionaries as `kubectl get -o json` shows them; they are written as JSON
files, one file a name, by writing a temporary file and renaming it, as a careful editor does.
Tests of YAML itself write their text with Manifests.write().
"""

import itertools
import json
import os
import pathlib

CONTROLLER = "k8s.io/ingress-nginx"
_age = itertools.count()


def meta(name, ns="default", annotations=None, created=None, labels=None):
    """Objects made later are younger, one second each, so that "oldest wins" is decided."""
    n = next(_age)
    created = created or f"2026-01-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"
    m = {"name": name, "namespace": ns, "creationTimestamp": created}
    if annotations:
        m["annotations"] = {k if "/" in k else f"nginx.ingress.kubernetes.io/{k}": str(v)
                            for k, v in annotations.items()}
    if labels:
        m["labels"] = labels
    return m


def ingress_class(name="nginx", controller=CONTROLLER):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {"name": name}, "spec": {"controller": controller}}


def backend(service, port=80):
    return {"service": {"name": service,
                        "port": {"number": port} if isinstance(port, int) else {"name": port}}}


def path(where, service, port=80, kind="Prefix"):
    return {"path": where, "pathType": kind, "backend": backend(service, port)}


def ingress(name, rules=None, *, ns="default", cls="nginx", default=None, annotations=None,
            created=None, tls=None):
    """rules: {host: [path(...), ...]} or {host: "service"} for everything; host "" is any."""
    spec = {}
    if cls:
        spec["ingressClassName"] = cls
    if default:
        spec["defaultBackend"] = default if isinstance(default, dict) else backend(default)
    if tls:
        spec["tls"] = tls
    spec["rules"] = []
    for host, paths in (rules or {}).items():
        if isinstance(paths, str):
            paths = [path("/", paths)]
        rule = {"http": {"paths": paths}}
        if host:
            rule["host"] = host
        spec["rules"].append(rule)
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": meta(name, ns, annotations, created), "spec": spec}


def service(name, ports=80, *, ns="default", kind="ClusterIP", **spec):
    """ports: a number, or [{"name":…, "port":…, "targetPort":…}, …]."""
    if isinstance(ports, int):
        ports = [{"port": ports, "protocol": "TCP"}]
    spec = {"type": kind, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name, ns), "spec": spec}


def configmap(name, data, *, ns="default"):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name, ns),
            "data": {str(k): str(v) for k, v in data.items()}}


def settings(**data):
    """The ConfigMap infra/settings; a_key stands for a-key."""
    return configmap("settings", {k.replace("_", "-"): v for k, v in data.items()}, ns="infra")


def endpoint(address, ready=True, **conditions):
    return {"addresses": [address], "conditions": {"ready": ready, **conditions}}


def slice_(svc, endpoints, port=None, *, ns="default", name=None, port_name=None, family="IPv4"):
    """endpoints: addresses or endpoint(...) dictionaries, all on the same port of the slice.
    For loopback origins, which differ by port, make one slice each: see backends()."""
    ports = [{"port": port, "protocol": "TCP", **({"name": port_name} if port_name else {})}]
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
            "metadata": meta(name or f"{svc}-{port}", ns, None, None,
                             {"kubernetes.io/service-name": svc}),
            "endpoints": [e if isinstance(e, dict) else endpoint(e) for e in endpoints],
            "ports": ports}


def backends(svc, *ports, ns="default", port=80):
    """A Service and one slice for each loopback port: what most tests need."""
    return [service(svc, port, ns=ns)] + [slice_(svc, ["127.0.0.1"], p, ns=ns) for p in ports]


class Manifests:
    """The directory. Every method leaves only whole files behind."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.put("class", ingress_class())

    def write(self, name, text):
        """A file with exactly this text, replaced atomically. name may hold a subfolder."""
        target = self.dir / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{target.name}.tmp"
        temporary.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.replace(temporary, target)

    def put(self, name, *objects):
        """name.json holding these objects, as one List when there are several."""
        flat = []
        for o in objects:
            flat.extend(o if isinstance(o, list) else [o])
        doc = flat[0] if len(flat) == 1 else {"apiVersion": "v1", "kind": "List", "items": flat}
        self.write(f"{name}.json", json.dumps(doc))

    def delete(self, name):
        target = self.dir / name
        (target if target.exists() else self.dir / f"{name}.json").unlink()
