"""The whole list of what ingress-nginx measures, by name, type and labels, against a table."""

import re

from harness import backends, get, ingress, path, service, wait_until

PREFIX = "nginx_ingress_controller_"
CONSTANT = {"controller_class", "controller_namespace", "controller_pod"}
REQUEST = CONSTANT | {"status", "method", "path", "namespace", "ingress", "service", "canary",
                      "host"}

# name: (type, labels besides those of histograms). From ingress-nginx v1.15's collectors; left out:
# admission_* (there is no webhook) and ssl_* (tests of TLS).
FAMILIES = {
    "requests": ("counter", REQUEST),
    "request_duration_seconds": ("histogram", REQUEST),
    "response_duration_seconds": ("histogram", REQUEST),
    "header_duration_seconds": ("histogram", REQUEST),
    "connect_duration_seconds": ("histogram", REQUEST),
    "request_size": ("histogram", REQUEST),
    "response_size": ("histogram", REQUEST),
    "bytes_sent": ("histogram", REQUEST),
    "nginx_process_connections": ("gauge", CONSTANT | {"state"}),
    "nginx_process_connections_total": ("counter", CONSTANT | {"state"}),
    "nginx_process_requests_total": ("counter", CONSTANT),
    "nginx_process_cpu_seconds_total": ("counter", CONSTANT),
    "nginx_process_resident_memory_bytes": ("gauge", CONSTANT),
    "nginx_process_virtual_memory_bytes": ("gauge", CONSTANT),
    "nginx_process_num_procs": ("gauge", CONSTANT),
    "nginx_process_oldest_start_time_seconds": ("gauge", CONSTANT),
    "nginx_process_read_bytes_total": ("counter", CONSTANT),
    "nginx_process_write_bytes_total": ("counter", CONSTANT),
    "build_info": ("gauge", CONSTANT | {"release", "build", "repository"}),
    "success": ("counter", CONSTANT),
    "errors": ("counter", CONSTANT),
    "config_hash": ("gauge", CONSTANT),
    "config_last_reload_successful": ("gauge", CONSTANT),
    "config_last_reload_successful_timestamp_seconds": ("gauge", CONSTANT),
    "check_success": ("counter", CONSTANT | {"namespace", "ingress"}),
    "check_errors": ("counter", CONSTANT | {"namespace", "ingress"}),
    "leader_election_status": ("gauge", CONSTANT | {"name"}),
    "orphan_ingress": ("gauge", CONSTANT | {"namespace", "ingress", "type"}),
}
PROCESS = {"process_cpu_seconds_total": "counter", "process_resident_memory_bytes": "gauge",
           "process_virtual_memory_bytes": "gauge", "process_open_fds": "gauge",
           "process_start_time_seconds": "gauge"}
OWN = ("silex_requests_ended_total", "silex_connections_ended_total", "silex_http2_calm_total",
       "silex_table_publications_total", "silex_table_adoption_lag_seconds",
       "silex_table_used_bytes", "silex_table_file_bytes", "silex_upstream_idle",
       "silex_upstream_reused_total", "silex_upstream_retries_total", "silex_health_checks_total",
       "silex_endpoints_down", "silex_tls_signatures_late_total", "silex_worker_spawns_total",
       "silex_worker_deaths_total", "silex_access_log_lost_total")

_SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\["\\n])*)"(?:,|$)')


def parse(text):
    """{family: type} and {family: [(name, labels)]}: strict about order and repetition."""
    types, found, current = {}, {}, None
    for line in text.splitlines():
        if line == "# EOF":
            continue
        if m := re.match(r"# TYPE (\S+) (\w+)$", line):
            assert m[1] not in types, f"{m[1]} twice"
            current = m[1]
            types[current], found[current] = m[2], []
            continue
        if line.startswith("# HELP "):
            continue
        m = _SAMPLE.match(line)
        assert m and current and m[1].startswith(current), line
        labels = dict(_LABEL.findall(m[2] or ""))
        assert _LABEL.sub("", m[2] or "") == "", line
        float(m[3])
        found[current].append((m[1], labels))
    return types, found


def served(make_silex, origin):
    s = make_silex()
    s.manifests.put("base", backends("base", origin.port), service("empty"), ingress(
        "base", {"silex.test": "base"}))
    s.manifests.put("orphan", ingress("orphan", {"orphan.test": [
        path("/a", "nowhere"), path("/b", "nowhere"), path("/c", "empty"), path("/d", "base")]}))
    s.start()
    assert s.get().status == 200
    wait_until(lambda: any(k.startswith(PREFIX + "requests{") for k in s.metrics()), what="a count")
    return s


def test_every_family_and_its_labels(make_silex, origin):
    types, found = parse(served(make_silex, origin).admin("/metrics").text)
    for name, (kind, labels) in FAMILIES.items():
        assert types.get(PREFIX + name) == kind, name
        assert found[PREFIX + name], name
        for _, have in found[PREFIX + name]:
            assert set(have) - {"le"} == labels, name
    for name, kind in PROCESS.items():
        assert types.get(name) == kind and len(found[name]) == 1, name
    for name in OWN:
        assert found.get(name), name


def test_openmetrics(make_silex, origin):
    """No family twice, counters named as the standard wants it, and the end is told."""
    s = served(make_silex, origin)
    answer = get(s.healthz_port, "/metrics", "localhost",
                 fields=[("Accept", "application/openmetrics-text;version=1.0.0")])
    assert answer.get("Content-Type").startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n") and answer.text.count("# EOF") == 1
    types, found = parse(answer.text)
    for name, kind in types.items():
        if kind == "counter":
            assert not name.endswith("_total"), name
            assert all(n == name + "_total" for n, _ in found[name]), name
    plain, _ = parse(s.admin("/metrics").text)
    names = {n for samples in found.values() for n, _ in samples}
    for name, (kind, _) in FAMILIES.items():
        assert PREFIX + name in names or kind == "histogram", name
    assert len(plain) == len(types)


def test_orphans(make_silex, origin):
    """Each Ingress once a type, whatever its paths, and only for as long as it is one."""
    s = served(make_silex, origin)

    def orphans():
        _, found = parse(s.admin("/metrics").text)
        return sorted((x["namespace"], x["ingress"], x["type"])
                      for _, x in found[PREFIX + "orphan_ingress"])
    assert orphans() == [("default", "orphan", "no-endpoint"), ("default", "orphan", "no-service")]
    s.manifests.put("nowhere", backends("nowhere", origin.port), backends("empty", origin.port))
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    wait_until(lambda: orphans() == [], what="no orphans")


def test_checks(make_silex, origin):
    s = served(make_silex, origin)

    def value(name):
        return sum(v for k, v in s.metrics().items() if k.startswith(PREFIX + name + "{"))
    assert (value("check_success"), value("check_errors")) == (2, 0)
    s.manifests.put("more", ingress("more", {"more.test": "base"}))
    wait_until(lambda: value("check_success") == 3, what="one more")
    s.manifests.put("bad", ingress("bad", {"bad.test": "base"}, annotations={
        "nginx.ingress.kubernetes.io/server-snippet": "x"}))
    wait_until(lambda: value("check_errors") == 1, what="a refusal")
