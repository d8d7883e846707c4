"""A large cluster in seconds: objects put where the API server keeps them, past its front door.

What the tests then measure goes through the API server; only the filling does not. One Ingress,
one headless Service and one EndpointSlice for each number, all in the namespace NS.
"""

import base64
import json
import uuid

NS = "scale"
WHERE = {"Service": "services/specs", "EndpointSlice": "endpointslices", "Ingress": "ingress"}
BATCH = 1000


def name(n):
    return f"s{n:05}"


def host(n):
    return f"h{n:05}.scale.test"


def meta(n):
    return {"name": name(n), "namespace": NS, "uid": str(uuid.UUID(int=n)), "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z"}


def service(n):
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(n),
            "spec": {"clusterIP": "None", "clusterIPs": ["None"], "type": "ClusterIP",
                     "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                     "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
                     "ports": [{"name": "http", "port": 80, "protocol": "TCP",
                                "targetPort": 8080}]},
            "status": {"loadBalancer": {}}}


def slice_(n, *addresses):
    m = meta(n)
    m["labels"] = {"kubernetes.io/service-name": name(n),
                   "endpointslice.kubernetes.io/managed-by": "tests"}
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": m,
            "addressType": "IPv4",
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}


def ingress(n):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(n),
            "spec": {"ingressClassName": "nginx", "rules": [{"host": host(n), "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"service": {
                    "name": name(n), "port": {"name": "http"}}}}]}}]},
            "status": {"loadBalancer": {}}}


def put_of(o):
    key = f"/registry/{WHERE[o['kind']]}/{NS}/{o['metadata']['name']}"
    return {"key": base64.b64encode(key.encode()).decode(),
            "value": base64.b64encode(json.dumps(o).encode()).decode()}


def fill(cluster, count, *addresses):
    """`count` of each kind, every endpoint slice with these addresses."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})
    objects = [make(n) for n in range(count)
               for make in (service, lambda n: slice_(n, *addresses), ingress)]
    for at in range(0, len(objects), BATCH):
        cluster.etcd("kv/txn", {"success": [{"requestPut": put_of(o)}
                                            for o in objects[at:at + BATCH]]})


def clear(cluster):
    for where in WHERE.values():
        begin = f"/registry/{where}/{NS}/"
        end = begin[:-1] + "0"  # the character after the slash
        cluster.etcd("kv/deleterange", {
            "key": base64.b64encode(begin.encode()).decode(),
            "range_end": base64.b64encode(end.encode()).decode()})
