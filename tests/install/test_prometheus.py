"""A real Prometheus scrapes Silex, and every family of queries of the official dashboards answers.

The queries are those of the dashboards ingress-nginx ships (its overview, and request handling
performance), reduced to one of each shape, with the variables filled in as Grafana would.
"""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from harness import ROOT, Silex, free_port, wait_until
from manifests import backends, ingress, ingress_class
from origins import Origin

P = "nginx_ingress_controller_"
BY = '{controller_pod=~".*",controller_class=~".*",controller_namespace=~".*"'
QUERIES = {
    "request volume": f"round(sum(irate({P}requests{BY}}}[2m])), 0.001)",
    "connections": f'sum(avg_over_time({P}nginx_process_connections{BY},state="active"}}[2m]))',
    "success rate": f'sum(rate({P}requests{BY},status!~"[4-5].*"}}[2m])) / sum(rate({P}requests{BY}}}[2m]))',
    "config reloads": f"avg(irate({P}success{BY}}}[1m])) * 60",
    "last config failed": f"count({P}config_last_reload_successful{BY}}} == 0) OR vector(0)",
    "config hash": f"count(count by (controller_pod) ({P}config_hash{BY}}}))",
    "reload time": f"time() - max({P}config_last_reload_successful_timestamp_seconds{BY}}})",
    "volume by ingress": f'round(sum(irate({P}requests{BY},ingress=~".+"}}[2m])) by (ingress), 0.001)',
    "success by ingress": f'sum(rate({P}requests{BY},exported_namespace=~".*",ingress=~".+",status!~"[4-5].*"}}[2m]))'
                          f' by (ingress) / sum(rate({P}requests{BY},ingress=~".+"}}[2m])) by (ingress)',
    "bytes in": f"sum (irate ({P}request_size_sum{BY}}}[2m]))",
    "bytes out": f"sum (irate ({P}response_size_sum{BY}}}[2m]))",
    "memory": f"avg({P}nginx_process_resident_memory_bytes{BY}}})",
    "processor": f"avg (rate ({P}nginx_process_cpu_seconds_total{BY}}}[2m]))",
    "p50": f'histogram_quantile(0.50, sum(rate({P}request_duration_seconds_bucket{{ingress!="",ingress=~".*"}}[2m]))'
           f" by (le, ingress))",
    "p99": f'histogram_quantile(0.99, sum(rate({P}request_duration_seconds_bucket{{ingress!=""}}[2m]))'
           f" by (le, ingress))",
    "by host": f'sum by (le, host) (rate({P}request_duration_seconds_bucket{{host=~".+"}}[2m]))',
    "by path": f'histogram_quantile(.95, sum by (le, path) (rate({P}request_duration_seconds_bucket{{path!=""}}[2m])))',
    "upstream": f'histogram_quantile(.90, sum by (le, path) (rate({P}response_duration_seconds_bucket{{ingress=~".*"}}[2m])))',
    "upstream share": f"sum by (path) (rate({P}response_duration_seconds_sum[2m]))",
    "requests by path": f"sum by (path)(rate({P}request_duration_seconds_count[2m]))",
    "errors by path": f'sum by (path) (rate({P}request_duration_seconds_count{{status=~"[4-5].*"}}[2m]))',
    "mean size": f"sum by (path) (rate({P}response_size_sum[2m])) / sum by (path) (rate({P}response_size_count[2m]))",
    "heat map": f"sum(increase({P}request_duration_seconds_bucket[2m])) by (le)",
    "sizes": f"sum by (le) (rate({P}response_size_bucket[2m]))",
    "header": f"histogram_quantile(.9, sum by (le) (rate({P}header_duration_seconds_bucket[2m])))",
    "connect": f"histogram_quantile(.9, sum by (le) (rate({P}connect_duration_seconds_bucket[2m])))",
    "old dashboards": f"sum(rate({P}bytes_sent_sum[2m]))",
    "target": "up == 1",
    "reasons": "sum by (reason) (silex_requests_ended_total)",
    "quantile": 'silex_ingress_request_duration_quantile_seconds{quantile="0.99"}',
    "adoption": "histogram_quantile(0.99, sum by (le) (silex_table_adoption_lag_seconds_bucket))",
}


class Prometheus:
    def __init__(self, tmp, target):
        self.port = free_port()
        conf = tmp / "prometheus.yml"
        conf.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "silex", "static_configs": [{"targets": [target]}]}]}))
        self.log = open(tmp / "prometheus.log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={conf}", f"--storage.tsdb.path={tmp}/tsdb",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)

    def query(self, text):
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        with urllib.request.urlopen(url, timeout=10) as answer:
            data = json.load(answer)
        assert data["status"] == "success", data
        return [r["value"][1] for r in data["data"]["result"]]

    def targets(self):
        url = f"http://127.0.0.1:{self.port}/api/v1/targets"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["activeTargets"]
        except OSError:
            return []

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture
def origin(build):
    o = Origin(build)
    yield o
    o.stop()


@pytest.fixture
def silex(tmp_path, origin):
    (tmp_path / "silex").mkdir()
    s = Silex(tmp_path / "silex")
    s.manifests.put("base", ingress_class(), backends("base", origin.port),
                    ingress("base", {"silex.test": "base"}))
    s.start()
    yield s
    s.stop()


def test_prometheus_answers_the_dashboards(silex, tmp_path):
    p = Prometheus(tmp_path, f"127.0.0.1:{silex.healthz_port}")
    try:
        wait_until(lambda: any(t["health"] == "up" for t in p.targets()), timeout=30, what="a scrape")
        end = time.monotonic() + 5
        while time.monotonic() < end:  # rates need several scrapes with something between them
            for target in ("/", "/", "/status/404"):
                silex.get(target)
        assert all(t["lastError"] == "" for t in p.targets())
        for name, text in QUERIES.items():
            values = wait_until(lambda text=text: p.query(text), timeout=10, what=f"{name}: {text}")
            assert all(v not in ("NaN", "+Inf") for v in values), (name, values)
        assert float(p.query(QUERIES["request volume"])[0]) > 1
        assert 0.4 < float(p.query(QUERIES["success rate"])[0]) < 0.9
        assert float(p.query(QUERIES["last config failed"])[0]) == 0
    finally:
        p.stop()


def test_what_promtool_says(silex, tmp_path):
    silex.get()
    text = silex.admin("/metrics").text
    p = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                       check=False)
    told = [line for line in (p.stdout + p.stderr).splitlines() if not line.startswith(P)]
    assert not [line for line in told if "error" in line.lower() and "parse" in line.lower()], told
    assert p.returncode in (0, 3), told  # 3: opinions on the names, which are ingress-nginx'


def test_the_alerts_are_valid_rules(tmp_path):
    assert shutil.which("promtool")
    text = (ROOT / "deploy" / "monitoring" / "prometheusrule.yaml").read_text()
    spec = text[text.index("spec:\n") + len("spec:\n"):]
    rules = tmp_path / "rules.yml"
    rules.write_text("\n".join(line.removeprefix("  ") for line in spec.splitlines()) + "\n")
    subprocess.run(["promtool", "check", "rules", str(rules)], check=True, capture_output=True)
