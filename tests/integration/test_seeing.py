"""What operators look at: health, readiness, metrics, access log, error log, show, -t, --help."""

import json
import os
import re
import signal
import subprocess

import pytest

from harness import ROOT, backends, ingress, wait_until

NGINX_LINE = re.compile(
    r'127\.0\.0\.1 - - \[[^\]]+\] "GET /x\?y HTTP/1\.1" 200 128 "ref" "agent" \d+ [\d.]+ '
    r'\[default-base-80\] \[\] 127\.0\.0\.1:\d+ 128 [\d.]+ 200 [0-9a-f]{32}')


def test_health_and_readiness(silex):
    assert silex.healthz("/healthz") == 200
    assert silex.healthz("/readyz") == 200
    assert silex.healthz("/nothing") == 404


def test_not_ready_before_the_first_table(make_silex):
    """A directory that is not there yet: alive, not ready."""
    s = make_silex()
    os.rename(s.manifests.dir, s.tmp / "aside")
    s.start(ready=False)
    wait_until(lambda: s.healthz("/readyz", quiet=True) == 503, what="an answer of /readyz")
    os.rename(s.tmp / "aside", s.manifests.dir)
    s.wait_ready()


def test_metrics_count_requests(silex):
    for target, status in (("/", 200), ("/status/404", 404), ("/status/503", 503)):
        assert silex.get(target).status == status
    m = silex.metrics()
    assert m["silex_requests_total"] >= 3
    assert m["silex_responses_4xx_total"] >= 1 and m["silex_responses_5xx_total"] >= 1
    assert m["silex_table_version"] >= 1 and m["silex_workers"] == 1
    assert m["silex_upstream_reused_total"] >= 2


def test_a_change_counts_when_its_last_worker_has_it(make_silex, origin):
    """Once, not once a worker; two that adopt it at the same moment may both believe to be last."""
    s = make_silex(workers=4)
    s.manifests.put("base", backends("base", origin.port))
    s.start()

    def adoptions():
        return s.metrics()["silex_table_adoptions_total"]

    def lives():
        return s.metrics()["silex_event_to_live_seconds_count"]
    before, counted = adoptions(), lives()
    for n in range(10):
        s.manifests.put(f"i{n}", ingress(f"i{n}", {f"i{n}.test": "base"}))
        wait_until(lambda seen=n + 1: adoptions() >= before + 4 * seen, what="every worker's own")
    assert 10 <= lives() - counted < 20


def test_metrics_are_valid_exposition(silex):
    silex.get()
    typed = set()
    for line in silex.admin("/metrics").text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert kind in ("counter", "gauge", "histogram") and name not in typed
            typed.add(name)
        elif not line.startswith("#"):
            m = re.fullmatch(r'([a-z_0-9]+)(\{([a-z_]+="[^"\\]*",?)*\})? [-+0-9.e]+(Inf|NaN)?', line)
            assert m, line
            assert re.sub(r"_(bucket|sum|count)$", "", m[1]) in typed or m[1] in typed, line


def test_every_end_has_a_reason(silex):
    assert silex.get(host="nobody.test").status == 404
    m = silex.metrics()
    assert any("no_route" in k and v >= 1 for k, v in m.items()), m


def test_access_log_as_ingress_nginx(silex):
    silex.get("/x?y", fields=[("Referer", "ref"), ("User-Agent", "agent")])
    line = silex.wait_access(lambda x: "/x?y" in x)
    assert NGINX_LINE.fullmatch(line), line


def test_access_log_as_json(make_silex, origin):
    s = make_silex(flags=["--access-log-format", "json"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    s.get('/x?"quoted"', fields=[("User-Agent", 'a"b\\c\xff')])
    line = s.wait_access(lambda x: "/x?" in x)
    record = json.loads(line)
    assert 200 in record.values() or "200" in record.values()
    assert any(v == '/x?"quoted"' or v == 'GET /x?"quoted" HTTP/1.1' for v in record.values())
    assert "done" in record.values(), "the reason is in the record"


def test_access_log_cannot_be_forged(silex):
    with silex.client() as c:
        c.get('/x?%0a"', fields=[("User-Agent", 'evil" 200 \t127.0.0.1 - -')])
    line = silex.wait_access(lambda x: "/x?%0a" in x)
    assert line.count('"') == 6, line


def test_access_log_reopens_on_usr1(silex):
    silex.get("/before")
    silex.wait_access(lambda x: "/before" in x)
    os.rename(silex.access_path, silex.tmp / "access.old")
    silex.kill(signal.SIGUSR1)

    def taken_over():
        silex.get("/perhaps")
        return silex.access_path.exists() and "/perhaps" in silex.access_path.read_text()
    wait_until(taken_over, what="the worker to write the new access log")
    silex.get("/after")
    silex.wait_access(lambda x: "/after" in x)
    assert "/after" not in (silex.tmp / "access.old").read_text()


def test_client_gone_is_logged_as_499(silex):
    with silex.client() as c:
        c.request("/slow/5000")
        wait_until(lambda: silex.metrics()["silex_requests_active"] >= 1, what="the request")
    line = silex.wait_access(lambda x: "/slow/5000" in x)
    assert " 499 " in line


def test_show(silex):
    silex.get()
    workers = silex.show("workers")
    assert workers.returncode == 0 and str(silex.worker()) in workers.stdout, workers
    table = silex.show("table")
    assert table.returncode == 0 and "silex.test" in table.stdout, table
    route = silex.show("route", "silex.test", "/x")
    assert route.returncode == 0 and "base" in route.stdout, route
    conf = silex.show("conf")
    assert conf.returncode == 0 and "http-port" in conf.stdout, conf
    missing = silex.run("show", "workers", "--instance", "no-such-instance")
    assert missing.returncode != 0 and "no-such-instance" in missing.stdout + missing.stderr


@pytest.mark.parametrize("conf, code, text", [
    ("http-port = 8080\n", 0, ""),
    ("http-port = 80800\n", 2, "http-port"),
    ("# fine\n\nhttp-prot = 80\n", 2, ":3"),
    ("workers = many\n", 2, "workers"),
])
def test_configuration_check(make_silex, conf, code, text):
    s = make_silex(conf=conf)
    result = s.run("-t", "--config", str(s.conf_path))
    assert result.returncode == code, result
    assert text in result.stdout + result.stderr


def test_help_fits_on_a_screen(make_silex):
    result = make_silex().run("--help")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert len(lines) <= 50 and max(map(len, lines)) <= 120
    assert "--manifests" in result.stdout


def test_example_is_current(make_silex):
    s = make_silex()
    result = s.run("--print-conf-example")
    assert result.stdout == (ROOT / "silex.conf.example").read_text()
    s.conf_path.write_text(result.stdout)
    assert s.run("-t", "--config", str(s.conf_path)).returncode == 0


def test_bad_configuration_at_hup_changes_nothing(make_silex, origin):
    s = make_silex(conf="keep-alive-requests = 3\n")
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    s.start()
    old = s.workers()
    s.conf_path.write_text("keep-alive-requests = 2\nnonsense\n")
    s.kill(signal.SIGHUP)
    s.wait_log(r"silex\.conf:2")
    assert s.workers() == old and s.get().status == 200
    s.conf_path.write_text("keep-alive-requests = 1\n")
    s.kill(signal.SIGHUP)
    wait_until(lambda: s.workers() and not set(s.workers()) & set(old), what="new workers")
    wait_until(lambda: s.get().get("connection") == "close", what="the new setting")


def test_show_table_while_it_changes(silex, origin):
    """It waits for nobody and nobody for it: while versions come as fast as they can, what it
    shows is whole, or it says that it could not."""
    env = dict(os.environ)
    for round_ in range(10):
        for n in range(5):
            silex.manifests.put(f"x{n}", backends(f"x{n}", origin.port),
                                ingress(f"x{n}", {f"h{round_}-{n}.test": f"x{n}"}))
        p = subprocess.run([str(silex.build / "silex"), "show", "table", "--instance", silex.instance],
                           env=env, capture_output=True, text=True, timeout=60, check=False)
        if p.returncode == 0:
            hosts = int(re.search(r"^hosts (\d+)$", p.stdout, re.M)[1])
            assert len(p.stdout.split("host\n", 1)[1].splitlines()) == hosts, p.stdout
        else:
            assert "changes too fast" in p.stderr, p.stderr
