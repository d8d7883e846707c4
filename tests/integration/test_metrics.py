"""Metrics of routes: names and labels of ingress-nginx, and that counts never fall."""

import os
import re
import signal

from harness import backends, ingress, path, wait_until

PREFIX = "nginx_ingress_controller_"
HISTOGRAMS = {"request_duration_seconds": 11, "response_duration_seconds": 11,
              "header_duration_seconds": 11, "connect_duration_seconds": 11,
              "request_size": 10, "response_size": 10, "bytes_sent": 7}
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples(silex, family):
    """[(labels, value)] of one name."""
    found = []
    for key, value in silex.metrics().items():
        name, _, labels = key.partition("{")
        if name == PREFIX + family:
            found.append((dict(LABEL.findall(labels)), value))
    return found


def total(silex, family="requests", **labels):
    return sum(v for have, v in samples(silex, family)
               if all(have.get(k) == x for k, x in labels.items()))


def wait_total(silex, n, **labels):
    """A request is counted when it ends, an instant after its answer; another worker, asked for
    its metrics in that instant, does not have it yet. Never more, and in the end all."""
    def there():
        found = total(silex, **labels)
        assert found <= n, f"{found} counted, {n} made"
        return found == n
    wait_until(there, what=f"{n} requests counted")


def test_requests_have_the_labels_of_ingress_nginx(silex):
    for target, status in (("/", 200), ("/", 200), ("/status/404", 404)):
        assert silex.get(target).status == status
    found = [s for s in samples(silex, "requests") if s[0]["status"] == "200"]
    assert len(found) == 1
    labels, value = found[0]
    assert value == 2
    assert labels == {"controller_class": "k8s.io/ingress-nginx", "controller_namespace": "",
                      "controller_pod": labels["controller_pod"], "namespace": "default",
                      "ingress": "base", "service": "base", "path": "/", "method": "GET",
                      "status": "200", "canary": "", "host": "silex.test"}
    assert total(silex, status="404") == 1


def test_histograms_have_their_bounds_and_agree_with_the_count(silex):
    for _ in range(3):
        silex.get()
    for family, bounds in HISTOGRAMS.items():
        buckets = samples(silex, family + "_bucket")
        assert len(buckets) == bounds + 1, family
        assert [v for _, v in buckets] == sorted(v for _, v in buckets), family
        assert buckets[-1][0]["le"] == "+Inf"
        assert buckets[-1][1] == total(silex, family + "_count") == 3, family
        assert total(silex, family + "_sum") > 0, family


def test_excluded(make_silex, origin):
    """By ingress-nginx' short names or by full ones; the others stay."""
    s = make_silex(flags=["--exclude-socket-metrics",
                          f"connect_duration_seconds, {PREFIX}response_size,size"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    s.get()
    text = s.admin("/metrics").text
    for family in HISTOGRAMS:
        there = family not in ("connect_duration_seconds", "response_size")
        assert (total(s, family + "_count") == 1) == there, family
        assert (f"# TYPE {PREFIX}{family} " in text) == there, family
    assert total(s) == 1


def test_quantiles_of_an_ingress(silex):
    silex.get()
    values = [v for k, v in silex.metrics().items()
              if k.startswith("silex_ingress_request_duration_quantile_seconds{")]
    assert len(values) == 4 and all(v > 0 for v in values)


def test_unknown_hosts_are_not_counted_unless_asked(make_silex, silex):
    silex.get(host="nobody.test")
    assert samples(silex, "requests") == []


def test_unknown_hosts_count_when_asked(make_silex, origin):
    s = make_silex(flags=["--metrics-per-undefined-host"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    s.get(host="nobody.test")
    assert total(s, status="404", ingress="-", host="-") == 1


def test_classes_of_status_without_hosts(make_silex, origin):
    s = make_silex(flags=["--report-status-classes", "--metrics-per-host=false",
                          "--time-buckets=0.5,60"])
    s.manifests.put("base", backends("base", origin.port),
                    ingress("base", {"a.test": "base", "b.test": "base"}))
    s.start()
    for host in ("a.test", "b.test", "b.test"):
        s.get("/status/201", host)
    found = samples(s, "requests")
    assert [v for k, v in found if k.get("status") == "2xx"] == [3], found
    assert all("host" not in k for k, _ in found)
    assert [k["le"] for k, _ in samples(s, "request_duration_seconds_bucket")] == \
        ["0.5", "60", "+Inf"]


def test_counts_survive_the_worker(silex):
    for _ in range(5):
        silex.get()
    silex.expect_deaths = True
    old = silex.worker()
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: set(silex.workers()) - {old}, what="another worker")
    silex.wait_ready()
    silex.wait_status(200)
    assert total(silex, status="200") >= 5
    assert total(silex, "request_duration_seconds_count", status="200") >= 5


def test_counts_survive_a_reload_and_add_up_over_workers(make_silex, origin):
    s = make_silex(workers=2)
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    for _ in range(10):
        s.get()
    wait_total(s, 10, status="200")
    s.kill(signal.SIGHUP)
    for _ in range(10):
        s.get()
    wait_total(s, 20, status="200")


def test_a_route_that_left_is_not_shown_and_its_number_is_clean(silex, origin):
    silex.manifests.put("other", backends("other", origin.port),
                        ingress("other", {"other.test": [path("/", "other")]}))
    silex.wait_status(200, host="other.test")
    assert total(silex, ingress="other", host="other.test") >= 1
    silex.manifests.delete("other")
    silex.wait_status(404, host="other.test")
    assert total(silex, host="other.test") == 0
    silex.manifests.put("third", backends("third", origin.port),
                        ingress("third", {"third.test": [path("/", "third")]}))
    silex.wait_status(200, host="third.test")
    n = total(silex, host="third.test", status="200")
    assert 1 <= n <= 10


def test_many_routes_are_bounded_and_nothing_is_lost(make_silex, origin):
    s = make_silex(flags=["--metrics-max-series=100", "--metrics-max-histograms=10"])
    s.manifests.put("base", backends("base", origin.port))
    s.manifests.put("many", *[ingress(f"i{n}", {f"h{n}.test": "base"}) for n in range(300)])
    s.start()
    s.wait_status(200, host="h299.test")
    for n in range(300):
        assert s.get(host=f"h{n}.test").status == 200
    assert len(samples(s, "requests")) <= 101
    done = s.metrics()["silex_requests_total"]
    assert total(s) == total(s, "request_duration_seconds_count") == done
    assert len(samples(s, "request_duration_seconds_count")) <= 22


def test_bad_bounds_are_refused_at_once(make_silex):
    s = make_silex(flags=["--time-buckets=2,1"])
    s.start(ready=False)
    assert s.process.wait(10) == 2
    s.process = None
    assert "time-buckets" in s.log()
