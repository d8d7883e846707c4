"""10,000 Ingresses, Services and EndpointSlices: all served, changed while served, let go again."""

import harness
import seed
from load import assert_clean
from test_kinds import HOST_A, HOST_B, wait_who

COUNT = 10_000


def test_ten_thousand(cluster, make_silex, make_origin, make_load):
    make_origin("a", HOST_A)
    make_origin("b", HOST_B)
    seed.fill(cluster, COUNT, HOST_A)
    try:
        silex = make_silex(workers=2, flags=["--log-level", "warn"])
        silex.start(ready=False)
        harness.wait_until(lambda: silex.healthz("/readyz", quiet=True) == 200, 60, "readiness")
        for n in (0, 1, COUNT // 2, COUNT - 1):
            wait_who(silex, seed.host(n), "a")
        assert silex.metric("silex_table_hosts") >= COUNT
        load = make_load(silex, connections=16, host=seed.host(7))
        cluster.apply(seed.slice_(COUNT - 1, HOST_B))
        wait_who(silex, seed.host(COUNT - 1), "b")
        cluster.delete("ingress", seed.name(5), seed.NS)
        wait_who(silex, seed.host(5), 404)
        assert_clean(load.stop())
    finally:
        seed.clear(cluster)
    harness.wait_until(lambda: silex.metric("silex_table_hosts") < COUNT, 60,
                       "the hosts to leave the table")
    wait_who(silex, seed.host(7), 404)
