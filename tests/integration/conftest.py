"""Fixtures. Every test that takes `silex` runs under both event backends, or the one given by
--backend; SILEX_BUILD names the build directory, so that the sanitized build runs the same."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fakeapi"))

import frames  # noqa: E402
import harness  # noqa: E402
from reports import end_all, failed, pytest_runtest_makereport  # noqa: E402,F401


def pytest_addoption(parser):
    parser.addoption("--backend", choices=["epoll", "poll", "both"], default="both")


def pytest_generate_tests(metafunc):
    if "event_backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--backend")
        metafunc.parametrize("event_backend", ["epoll", "poll"] if chosen == "both" else [chosen])


def pytest_collection_modifyitems(config, items):
    """Tests without a backend run once: with epoll, or with both."""
    if config.getoption("--backend") == "poll":
        items[:] = [i for i in items if "event_backend" in i.fixturenames]
    if not harness.has_ipv6():
        print("this machine has no IPv6: its tests are left out")
        items[:] = [i for i in items if not i.get_closest_marker("ipv6")]


def pytest_configure(config):
    config.addinivalue_line("markers", "ipv6: needs the address ::1")


@pytest.fixture
def make_silex(tmp_path, event_backend, request):
    """make_silex(workers=2, flags=[...], conf="...") -> Silex, not started."""
    made = []

    def make(**how):
        tmp = tmp_path / f"silex{len(made)}"
        tmp.mkdir()
        made.append(harness.Silex(tmp, event_backend, **how))
        return made[-1]
    yield make
    end_all(made, request)


@pytest.fixture
def make_origin(request):
    """make_origin("name") -> the C origin on a free port. Its complaints fail the test, unless
    the test sets .may_complain on it."""
    made = []

    def make(name="origin", *flags, bind="127.0.0.1", port=0):
        made.append(harness.Origin(harness.BUILD, name, bind, port, *flags))
        return made[-1]
    yield make
    complaints = [(o, o.stop()) for o in made]
    if not failed(request):
        for o, text in complaints:
            assert not text or getattr(o, "may_complain", False), text


@pytest.fixture
def make_scripted():
    """make_scripted(script) -> a Scripted origin (origins.py)."""
    made = []

    def make(script, **how):
        made.append(harness.Scripted(script, **how))
        return made[-1]
    yield make
    for o in made:
        o.stop()


@pytest.fixture
def origin(make_origin):
    return make_origin()


@pytest.fixture
def silex(make_silex, origin):
    """One worker; host silex.test goes to `origin`, every path."""
    s = make_silex()
    s.manifests.put("base", harness.backends("base", origin.port),
                    harness.ingress("base", {"silex.test": "base"}))
    return s.start()


@pytest.fixture
def origin2(silex, make_scripted):
    """origin2(serve) -> a Scripted origin of HTTP/2 behind host h2.test: serve(peer, stream) for
    each request (frames.py); .h2 has the connections that were used."""
    def make(serve, settings=(), **annotations):
        scripted = make_scripted(
            lambda conn: frames.serve_h2(conn.sock, serve, settings, scripted.h2.append))
        scripted.h2 = []
        silex.manifests.put("h2", harness.backends("h2", scripted.port),
                            harness.ingress("h2", {"h2.test": "h2"}, annotations={
                                "backend-protocol": "GRPC", **annotations}))
        harness.wait_until(lambda: "h2.test" in silex.show("table").stdout, what="the route")
        silex.metrics()
        return scripted
    return make


@pytest.fixture
def route(silex, make_scripted):
    """route(script, **annotations) -> a Scripted origin behind host scripted.test."""
    def make(script, **annotations):
        scripted = make_scripted(script)
        silex.manifests.put("scripted", harness.backends("scripted", scripted.port),
                            harness.ingress("scripted", {"scripted.test": "scripted"},
                                            annotations=annotations or None))
        harness.wait_until(lambda: "scripted.test" in silex.show("table").stdout,
                           what="the route")
        silex.metrics()
        return scripted
    return make
