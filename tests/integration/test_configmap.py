"""ingress-nginx' ConfigMap: taken over in a running instance, without a new worker."""

import pytest

from api_world import api  # noqa: F401
from harness import Client, backends, ingress, ingress_class, wait_until
from load import GENTLE, Load, assert_clean
from manifests import settings


@pytest.fixture
def served(make_silex, api, origin):
    api.put(ingress_class(), backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s = make_silex(source=["--apiserver-host", api.url],
                   flags=["--disable-leader-election", "--configmap", "infra/settings"])
    return s.start()


def test_policy_changes_live(served, api):
    """A default of the annotations: in the table, for every route at once."""
    workers, load = served.workers(), Load(served, 2, pause=GENTLE)
    served.wait_status(200, method="POST", body=b"x" * 2000)
    api.put(settings(proxy_body_size="1k"))
    served.wait_status(413, method="POST", body=b"x" * 2000)
    api.put(settings(proxy_body_size="2k"))
    served.wait_status(200, method="POST", body=b"x" * 2000)
    api.put(settings(proxy_body_size="1k"))
    served.wait_status(413, method="POST", body=b"x" * 2000)
    api.delete("ConfigMap", "settings", "infra")
    served.wait_status(200, method="POST", body=b"x" * 2000)
    assert_clean(load.stop())
    assert served.workers() == workers


def test_setting_of_workers_changes_live(served, api):
    """A setting the workers read themselves: handed to them, and they stay the same workers."""
    workers = served.workers()
    api.put(settings(large_client_header_buffers="4 1k"))
    served.wait_status(400, fields=[("X-Long", "x" * 2000)])
    api.put(settings(large_client_header_buffers="4 8k"))
    served.wait_status(200, fields=[("X-Long", "x" * 2000)])
    api.put(settings(keep_alive="0"))

    def closes():
        with Client(served.http_port) as c:
            return c.get().get("Connection") == "close"
    wait_until(closes, what="connections without keep-alive")
    assert served.workers() == workers


def test_number_of_workers(served, api):
    """What is fixed for a worker's life takes others in their place, and nobody notices."""
    load = Load(served, 4, pause=GENTLE)
    api.put(settings(worker_processes="2"))
    wait_until(lambda: len(served.workers()) == 2, what=f"two workers; log:\n{served.log()}")
    wait_until(lambda: served.healthz("/readyz", True) == 200, what="readiness")
    assert_clean(load.stop())


def test_faults_are_told(served, api):
    """On the ConfigMap, where kubectl describe shows it."""
    api.put(settings(proxy_boddy_size="1m", proxy_read_timeout="soon", use_geoip2="true",
                      enable_aio_write="true"))

    def told():
        return {e["message"].split(":")[0]: e for e in api.all("Event")
                if e["reason"] == "ConfigMapKey"}
    wait_until(lambda: len(told()) == 3, what=f"three Events; log:\n{served.log()}")
    assert "did you mean proxy-body-size" in told()["proxy-boddy-size"]["message"]
    assert "proxy-read-timeout" in told() and "use-geoip2" in told()
    assert told()["use-geoip2"]["involvedObject"]["kind"] == "ConfigMap"
    served.wait_log("enable-aio-write: accepted and ignored")
    wait_until(lambda: any(e["reason"] == "CREATE" for e in api.all("Event")), what="its arrival told")


def test_from_a_file(make_silex, origin):
    """The manifests directory has ConfigMaps too."""
    s = make_silex(flags=["--configmap", "infra/settings"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.manifests.put("config", settings(proxy_body_size="1k"))
    s.start()
    s.wait_status(413, method="POST", body=b"x" * 2000)
    s.manifests.delete("config")
    s.wait_status(200, method="POST", body=b"x" * 2000)
