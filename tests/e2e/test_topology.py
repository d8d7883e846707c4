"""spec.trafficDistribution: the real endpoint-slice controller writes the hints, and each replica
keeps to the zone of its node, as long as the zone has a pod."""

import harness
from harness import ingress, service
from kubelet import deployment
from load import assert_clean
from test_kinds import who

NODES = {"node-1": "zone-1", "zone-2-node": "zone-2"}
REPLICAS = 4


def traffic_stays(cluster, ns, how):
    cluster.kubectl("patch", "service", "web", "-n", ns, "--type=merge", "-p",
                    '{"spec":{"trafficDistribution":%s}}' % how)


def test_prefer_close(cluster, ns, make_silex, make_kubelet, make_load):
    kubelet = make_kubelet(ns, nodes=NODES)
    host = f"{ns}.example.test"
    cluster.apply(deployment("web", REPLICAS, "v1", ns, 0),
                  service("web", [{"port": 80, "targetPort": "http"}], ns=ns,
                          selector={"app": "web"}),
                  ingress("web", {host: "web"}, ns=ns))
    first, second = (make_silex(name=f"silex-{n}", node=node, flags=[
        "--enable-topology-aware-routing", "--update-status=false"]).start()
        for n, node in enumerate(NODES))

    def served_by(silex, *nodes):
        wanted = {pod for pod, node in kubelet.placed.items() if node in nodes}
        return {who(silex, host) for _ in range(30)} == wanted

    def wait_served_by(silex, *nodes):
        harness.wait_until(lambda: served_by(silex, *nodes), what=f"{nodes}; {silex.log()}")
    for silex in first, second:
        wait_served_by(silex, *NODES)
    loads = [make_load(silex, connections=4, host=host) for silex in (first, second)]
    traffic_stays(cluster, ns, '"PreferClose"')
    wait_served_by(first, "node-1")
    wait_served_by(second, "zone-2-node")
    traffic_stays(cluster, ns, "null")
    for silex in first, second:
        wait_served_by(silex, *NODES)
    for load in loads:
        assert_clean(load.stop())
