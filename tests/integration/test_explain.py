"""silex explain: what a name means, as it stands in a manifest, a ConfigMap or on a command line."""

import pytest


NAMES = [
    ("nginx.ingress.kubernetes.io/rewrite-target", ["annotation rewrite-target: works",
                                                    "risk Medium"]),
    ("proxy-body-size", ["annotation proxy-body-size: works", "ConfigMap key proxy-body-size: works",
                         "silex.conf key and option --proxy-body-size", "default: 1m"]),
    ("whitelist-source-range", ["another name of allowlist-source-range"]),
    ("worker-processes", ["ConfigMap key worker-processes: works", "silex.conf workers"]),
    ("large-client-header-buffers", ["ConfigMap key large-client-header-buffers: works"]),
    ("modsecurity-snippet", ["annotation modsecurity-snippet: not supported",
                             "ConfigMap key modsecurity-snippet: not supported", "put one behind"]),
    ("reuse-port", ["ConfigMap key reuse-port: no effect", "resets nothing"]),
    ("--http-port", ["option --http-port", "a restart"])]


@pytest.mark.parametrize("name,says", NAMES, ids=[n.split("/")[-1] for n, _ in NAMES])
def test_a_name(make_silex, name, says):
    told = make_silex().run("explain", name)
    assert told.returncode == 0
    for words in says:
        assert words in told.stdout
    assert told.stderr == ""


def test_what_was_meant(make_silex):
    told = make_silex().run("explain", "rewrite-taget", "proxy-body-size")
    assert told.returncode == 1 and "proxy-body-size: works" in told.stdout
    assert 'nothing is called "rewrite-taget"; did you mean "rewrite-target"?' in told.stderr
    told = make_silex().run("explain", "quite-another-thing-entirely")
    assert told.returncode == 1 and "did you mean" not in told.stderr


def test_all_of_it(make_silex):
    """Every row of a table has as many cells as its head."""
    text = make_silex().run("explain").stdout
    cells, rows = 0, 0
    for line in text.splitlines():
        n = line.replace("\\|", "").count("|")
        if line.startswith("|---"):
            cells = n
        elif line.startswith("|") and cells:
            assert n == cells, line
            rows += 1
        elif not line.startswith("|"):
            cells = 0
    assert rows > 400
    for name in ("`proxy-body-size`", "`use-gzip`", "`auth-url`", "`shutdown-grace-period`"):
        assert name in text
