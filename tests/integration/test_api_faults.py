"""Every fault of the API server that Silex must survive, each with its reaction, while traffic
flows and not one request fails. The rows are numbered as in the table of faults: test_07_... is
the seventh. The server is tests/fakeapi; no test waits for a time to pass but for what happens."""

import json
import os
import signal
import time

import pytest

import tls_files
from api_world import (api, arrives, fill, follow, kubeconfig, mark, next_request,  # noqa: F401
                       publish_host, traffic, trouble, wait_well)
from fakeapi import PASS, server_context
from harness import backends, ingress, slice_, wait_until


# -- the watch ends ---------------------------------------------------------------------------


def test_01_clean_end(follow, api):
    silex = follow()
    with traffic(silex):
        arrives(silex, api, "one")
        watch, at = api.watch("ingresses"), mark(api)
        rv = api.get("Ingress", "one")["metadata"]["resourceVersion"]
        watch.end()
        again = next_request(api, "watch", "ingresses", at)
        assert again.query["resourceVersion"] == rv
        assert "sendInitialEvents" not in again.query
        arrives(silex, api, "two")
    assert silex.metrics()["silex_api_failures_total"] == 0


@pytest.mark.parametrize("form", ["event", "status"])
def test_02_expired(follow, api, form):
    """Both forms of 410: a new picture, and the old one serves until the new one is whole."""
    silex = follow()
    with traffic(silex):
        api.put(ingress("gone", {"gone.test": "base"}))
        silex.wait_status(200, host="gone.test")
        gate, at = [], mark(api)
        api.on("watch", "ingresses", lambda r: wait_until(lambda: gate) and PASS, times=9)
        api.delete("Ingress", "gone", tell=False)
        if form == "event":
            api.watch("ingresses").error(410, message="too old resource version: 1 (206)")
        else:
            api.answers.insert(0, ["watch", "ingresses", lambda r: r.fail(410), 1])
            api.watch("ingresses").end()
        wait_until(lambda: any("sendInitialEvents" in r.query
                               for r in api.asked("watch", "ingresses", at)), what="a relist")
        assert silex.get(host="gone.test").status == 200
        assert silex.get().status == 200
        gate.append(True)
        silex.wait_status(404, host="gone.test")


@pytest.mark.parametrize("code", [500, 504])
def test_03_error_event(follow, api, code):
    """Back off and watch on from the same version; a new picture only when it repeats."""
    silex = follow()
    with traffic(silex):
        at = mark(api)
        api.watch("services").error(code)
        again = next_request(api, "watch", "services", at)
        assert "sendInitialEvents" not in again.query
        silex.wait_log("the watch ended with an error event")
        for _ in range(2):
            api.watch("services").error(code)
            wait_until(lambda: not api.watches("services"), what="the watch to end")
        wait_until(lambda: any("sendInitialEvents" in r.query
                               for r in api.asked("watch", "services", at)), what="a relist")
        wait_well(silex)
        arrives(silex, api)


def test_04_reset_in_a_line(follow, api):
    silex = follow()
    with traffic(silex):
        arrives(silex, api, "one")
        rv = api.get("Ingress", "one")["metadata"]["resourceVersion"]
        watch, at = api.watch("ingresses"), mark(api)
        watch.bytes(b'{"type":"DELETED","object":{"kind":"Ingress","metadata":{"name":"ba')
        watch.reset()
        again = next_request(api, "watch", "ingresses", at)
        assert again.query["resourceVersion"] == rv
        arrives(silex, api, "two")


@pytest.mark.parametrize("size", [0, 1, 7, 2048])
def test_05_any_pieces(follow, api, size):
    """Several events in a chunk, an event over many, cut in a character and in an escape."""
    silex = follow()
    with traffic(silex):
        watch, text = api.watch("ingresses"), b""
        for n in range(5):
            o = ingress(f"i{n}", {f"i{n}.test": "base"}, annotations={"x/note": "gr\u00fc\u00df \U0001F600"})
            o["metadata"].update(resourceVersion=str(900 + n), uid=f"u{n}")
            text += json.dumps({"type": "ADDED", "object": o}, ensure_ascii=n % 2 == 0).encode() + b"\n"
        watch.bytes(text, size)
        for n in range(5):
            silex.wait_status(200, host=f"i{n}.test")


def test_06_bookmark(follow, api):
    silex = follow()
    with traffic(silex):
        version = silex.metrics()["silex_table_published_version"]
        watch, at = api.watch("ingresses"), mark(api)
        watch.bookmark(7777)
        watch.end()
        assert next_request(api, "watch", "ingresses", at).query["resourceVersion"] == "7777"
        assert silex.metrics()["silex_table_published_version"] == version


def test_07_silence(follow, api):
    """A half-open connection: closed after the time in which bookmarks must have come."""
    silex = follow("--kube-watch-idle-timeout", "1s")
    with traffic(silex):
        watch, at = api.watch("ingresses"), mark(api)
        watch.mute = True
        next_request(api, "watch", "ingresses", at)
        wait_until(lambda: watch not in api.open_watches, what="the silent connection closed")
        arrives(silex, api)


# -- lists and what they find -----------------------------------------------------------------


def test_08_continue_expired(follow, api):
    """Page 2 answers 410: the list begins again, and nothing is lost or published half-way."""
    api.watchlist, api.page_size = False, 2
    api.put(*[ingress(f"i{n}", {f"i{n}.test": "base"}) for n in range(5)])
    silex = follow()
    with traffic(silex):
        at = mark(api)
        api.on("list", "ingresses", PASS_ONCE)
        api.on("list", "ingresses", lambda r: r.fail(410, "The provided continue parameter is too "
                                                          "old"))
        api.lose_history()
        api.watch("ingresses").end()
        wait_until(lambda: len([r for r in api.asked("list", "ingresses", at)
                                if "continue" not in r.query]) >= 2, what="a second beginning")
        wait_until(lambda: api.asked("watch", "ingresses", at)[1:], what="the watch after it")
        for n in range(5):
            assert silex.get(host=f"i{n}.test").status == 200
        arrives(silex, api)


def PASS_ONCE(_):
    return PASS


@pytest.mark.parametrize("watchlist", [True, False])
def test_09_missed_delete(follow, api, watchlist):
    api.watchlist = watchlist
    publish_host(api, "gone")
    silex = follow()
    with traffic(silex):
        silex.wait_status(200, host="gone.test")
        api.delete("Ingress", "gone", tell=False)
        api.lose_history()
        api.watch("ingresses").end()
        silex.wait_status(404, host="gone.test")


def test_10_idempotent(follow, api):
    """Twice the same, a change of what is not known, its deletion, an older version."""
    silex = follow()
    with traffic(silex):
        watch = api.watch("ingresses")
        base, other = api.get("Ingress", "base"), ingress("other", {"other.test": "base"})
        other["metadata"].update(resourceVersion="500", uid="u")
        watch.event("ADDED", base)
        watch.event("ADDED", base)
        watch.event("MODIFIED", other)
        silex.wait_status(200, host="other.test")
        watch.event("DELETED", other)
        watch.event("DELETED", other)
        silex.wait_status(404, host="other.test")
        base["metadata"]["resourceVersion"] = "3"
        watch.event("MODIFIED", base)
        arrives(silex, api)


def test_11_deleted_and_made_again(follow, api, make_origin):
    """One MODIFIED between two lives of the same name: what counts is the new one."""
    silex, second = follow(), make_origin("second")
    with traffic(silex):
        watch = api.watch("endpointslices")
        new = slice_("base", ["127.0.0.1"], second.port)
        old = api.all("EndpointSlice")[0]
        new["metadata"].update(name=old["metadata"]["name"], uid="another", resourceVersion="800")
        watch.event("MODIFIED", new)
        wait_until(lambda: silex.get().body.startswith(b"origin second"), what="the new endpoint")


# -- refusals ---------------------------------------------------------------------------------


def test_12_unauthorized(follow, api, tmp_path):
    """401: the token file is read again, and the new token is good."""
    token = tmp_path / "token"
    token.write_text("first")
    api.token = "first"
    silex = follow(source=["--kubeconfig", kubeconfig(tmp_path, api, tokenFile=str(token))])
    with traffic(silex):
        replace(token, "second")
        api.token = "second"
        api.watch("ingresses").end()
        silex.wait_log("not authenticated")
        arrives(silex, api)
        wait_well(silex)


def replace(path, text):
    """As the kubelet rotates a token."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_13_forbidden(follow, api):
    """One resource is refused: the others go on, and the missing rule is told once, with an Event."""
    api.forbidden = {"ingressclasses"}
    silex = follow("--watch-ingress-without-class",
                   env={"POD_NAME": "silex-0", "POD_NAMESPACE": "infra"}, ready=False)
    api.put(ingress("free", {"silex.test": "base", "free.test": "base"}, cls=None))
    silex.wait_ready()
    silex.wait_status(200, host="free.test")
    with traffic(silex):
        wait_until(lambda: trouble(silex, "ingressclasses") == 403, what="403 in the metrics")
        assert "silex_api_trouble" in silex.admin("/readyz?verbose").text
        rule = r'apiGroups \["networking.k8s.io"\] resources \["ingressclasses"\]'
        silex.wait_log(rule.replace('"', '\\\\?"'))
        event = wait_until(lambda: next((e for e in api.all("Event") if
                                         e["involvedObject"]["name"] == "silex-0"), None),
                           what="an Event on this pod")
        assert event["metadata"]["namespace"] == "infra"
        assert "ingressclasses" in event["message"]


def test_14_no_such_api(follow, api):
    api.missing = {"ingressclasses"}
    silex = follow("--watch-ingress-without-class", ready=False)
    api.put(ingress("free", {"silex.test": "base", "free.test": "base"}, cls=None))
    silex.wait_ready()
    silex.wait_status(200, host="free.test")
    with traffic(silex):
        silex.wait_log("this API does not exist")
        wait_until(lambda: trouble(silex, "ingressclasses") == 404, what="404 in the metrics")
        arrives_classless(silex, api)


def arrives_classless(silex, api):
    publish_host(api, "proof", cls=None)
    silex.wait_status(200, host="proof.test")


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_15_busy(follow, api, code):
    """Retry-After is a lower bound; then it goes on."""
    silex = follow()
    with traffic(silex):
        at = mark(api)
        api.on("watch", "ingresses", lambda r: r.fail(code, fields=["Retry-After: 1"]))
        api.watch("ingresses").end()
        first, second = wait_until(lambda: api.asked("watch", "ingresses", at)[1:2] and
                                   api.asked("watch", "ingresses", at)[:2], what="a second try")
        assert second.at - first.at >= 1
        arrives(silex, api)
        wait_well(silex)


def test_16_away_then_older(follow, api):
    """Refused for a while, and back with the world of yesterday."""
    api.put(ingress("kept", {"kept.test": "base"}))
    silex = follow()
    yesterday = api.snapshot()
    with traffic(silex):
        publish_host(api, "today")
        silex.wait_status(200, host="today.test")
        api.down()
        silex.wait_log("the last known objects stay in use")
        wait_until(lambda: "stale since" in silex.admin("/readyz?verbose").text, what="staleness")
        assert silex.healthz("/readyz") == 200
        assert silex.get(host="today.test").status == 200
        api.restore(yesterday)
        api.listen()
        for plural in ("ingresses", "services", "endpointslices", "ingressclasses"):
            wait_until(lambda p=plural: end_probe(api, p), what=f"{plural} taken from yesterday")
        silex.wait_status(404, host="today.test")
        silex.wait_status(200, host="kept.test")
        wait_well(silex)


def end_probe(api, plural):
    """The first watch after an outage is short; end it as its time would."""
    for w in api.watches(plural):
        if "sendInitialEvents" in w.request.query:
            return True
        w.bookmark(api.rv)
        w.end()
    return False


# -- TLS and tokens ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault,message", [
    ("ca", "certificate"), ("expired", "expired"), ("name", "does not match|subject name")])
def test_17_tls(follow, api, tmp_path, fault, message):
    """The server's certificate is not good any more: said clearly; a new CA file is read."""
    pki = tls_files.make(tmp_path, "127.0.0.1")
    api.tls = server_context(*pki.server)
    silex = follow(source=["--kubeconfig", kubeconfig(tmp_path, api)])
    with traffic(silex):
        arrives(silex, api, "one")
        other = tls_files.make(tmp_path / "other", "127.0.0.1")
        bad = {"ca": other.server, "expired": pki.expired(), "name": pki.named("elsewhere.test")}
        api.tls = server_context(*bad[fault])
        api.down()
        api.listen()
        silex.wait_log(f"stay in use.*({message})")
        assert silex.get(host="one.test").status == 200
        if fault == "ca":
            replace(tmp_path / "ca.pem", other.ca.read_text())
        else:
            api.tls = server_context(*pki.server)
        arrives(silex, api, "two")


@pytest.mark.parametrize("how", ["empty", "gone", "garbage"])
def test_18_token_file(follow, api, tmp_path, how):
    """A token file caught at a bad moment: the old token until a good one is there."""
    token = tmp_path / "token"
    token.write_text("first")
    api.token = "first"
    silex = follow(source=["--kubeconfig", kubeconfig(tmp_path, api, tokenFile=str(token))])
    with traffic(silex):
        if how == "gone":
            token.unlink()
        else:
            replace(token, "" if how == "empty" else "two\nlines\x01")
        api.on("watch", "ingresses", lambda r: r.fail(401))
        at = mark(api)
        api.watch("ingresses").end()
        silex.wait_log("token file gives no token")
        wait_until(lambda: api.asked("watch", "ingresses", at)[1:], what="another try")
        assert api.asked("watch", "ingresses", at)[1].fields["authorization"] == "Bearer first"
        api.token = "second"
        replace(token, "second")
        api.watch("ingresses").end()
        arrives(silex, api)


def test_21_storm(follow, api):
    """Changes come faster than they are published: they are coalesced, the last one counts."""
    silex = follow()
    with traffic(silex):
        before = silex.metrics()["silex_table_publications_total"]
        for n in range(2000):
            api.put(slice_("flap", [f"127.0.0.{1 + n % 200}"], 9, name="flap"))
        arrives(silex, api)
        wait_until(lambda: silex.metrics()["silex_api_events_total"] >= 2000, what="all events")
        assert silex.metrics()["silex_table_publications_total"] - before < 2000


def test_22_conflict(follow, api, make_origin):
    """The oldest wins, whoever comes first; the loser has an Event."""
    second = make_origin("second")
    silex = follow()
    with traffic(silex):
        api.put(backends("second", second.port))
        api.put(ingress("late", {"silex.test": "second"}, created="2030-01-01T00:00:00Z"))
        event = wait_until(lambda: [e for e in api.all("Event") if e["reason"] == "PathTaken"],
                           what=f"an Event; log:\n{silex.log()}")[0]
        assert event["involvedObject"]["name"] == "late" and event["type"] == "Warning"
        assert silex.get().body.startswith(b"origin origin")
        api.put(ingress("early", {"silex.test": "second"}, created="2001-01-01T00:00:00Z"))
        wait_until(lambda: silex.get().body.startswith(b"origin second"), what="the oldest")


def test_22_service_renamed(follow, api, make_origin):
    """The new one first, then who refers to it, then the old one goes: nobody notices."""
    new = make_origin("renamed")
    silex = follow()
    with traffic(silex):
        api.put(backends("renamed", new.port))
        api.put(ingress("base", {"silex.test": "renamed"}))
        wait_until(lambda: silex.get().body.startswith(b"origin renamed"), what="the new name")
        api.delete("Service", "base")
        for one in api.all("EndpointSlice"):
            if one["metadata"]["labels"]["kubernetes.io/service-name"] == "base":
                api.delete("EndpointSlice", one["metadata"]["name"])
        arrives_at(silex, api, "renamed")


def arrives_at(silex, api, service_name):
    publish_host(api, "proof", service_name)
    silex.wait_status(200, host="proof.test")


def test_22_one_secret_for_two_hosts(follow, api):
    """Watched once, whoever names it, until nobody does."""
    silex = follow()
    with traffic(silex):
        for name in ("one", "two"):
            publish_host(api, name, tls=[{"hosts": [f"{name}.test"], "secretName": "shared"}])
            silex.wait_status(200, host=f"{name}.test", fields=[("X-Forwarded-Proto", "https")])
        assert api.watch("secrets").name == "shared"
        assert len(api.asked("watch", "secrets")) == 1
        api.delete("Ingress", "one")
        silex.wait_status(404, host="one.test")
        assert [w.name for w in api.watches("secrets")] == ["shared"]
        api.delete("Ingress", "two")
        wait_until(lambda: not api.watches("secrets"), what="the watch to end")
        arrives(silex, api)


def test_23_server_closes(follow, api):
    """Between two requests the server closes the connection: a new one, the same version."""
    silex = follow()
    with traffic(silex):
        arrives(silex, api, "one")
        rv = api.get("Ingress", "one")["metadata"]["resourceVersion"]
        watch, at = api.watch("ingresses"), mark(api)
        watch.end()
        watch.request.conn.shut()
        assert next_request(api, "watch", "ingresses", at).query["resourceVersion"] == rv
        arrives(silex, api, "two")


# -- the leader -------------------------------------------------------------------------------


def statuses(api, at=0):
    return [r for r in api.asked("patch", "ingresses", at) if r.sub == "status"]


@pytest.fixture
def lead(make_silex, api, origin):
    def start(name="silex-0", *flags, **how):
        fill(api, origin)
        s = make_silex(source=["--apiserver-host", api.url],
                       flags=["--publish-status-address", "192.0.2.7,lb.example.com",
                              "--election-ttl", "4s", "--status-update-interval", "5s", *flags],
                       env={"POD_NAME": name, "POD_NAMESPACE": "infra"}, **how)
        return s.start()
    return start


def holder(api):
    lease = api.get("Lease", "ingress-controller-leader", "infra")
    return lease and lease["spec"]["holderIdentity"]


def shown(api, name="base"):
    return api.get("Ingress", name).get("status", {}).get("loadBalancer", {}).get("ingress")


def test_24_paused_leader(lead, api):
    """A leader that slept past its lease writes nothing when it wakes."""
    silex = lead()
    with traffic(silex):
        wait_until(lambda: shown(api), what="the status")
        silex.kill(signal.SIGSTOP)
        lease = api.get("Lease", "ingress-controller-leader", "infra")
        heard = time.monotonic()
        wait_until(lambda: time.monotonic() > heard + lease["spec"]["leaseDurationSeconds"],
                   what="the end of the lease")
        lease["spec"].update(holderIdentity="other", renewTime="2026-01-01T00:00:00.000000Z")
        api.put(lease)
        at = mark(api)
        publish_host(api, "new")
        silex.kill(signal.SIGCONT)
        silex.wait_status(200, host="new.test")
        silex.wait_log("this replica no longer writes status")
        wait_until(lambda: api.asked("get", "leases", at)[1:], what="two looks at the Lease")
        assert not statuses(api, at)
        assert holder(api) == "other"


@pytest.mark.parametrize("code", [409, 422, 404])
def test_25_status_write(lead, api, code):
    """409 is tried again, 422 is told and left, 404 is left in silence."""
    api.on("patch", "ingresses", lambda r: r.fail(code))
    silex = lead()
    with traffic(silex):
        wait_until(lambda: statuses(api), what="a write")
        if code == 422:
            silex.wait_log("cannot write the status")
        else:
            wait_until(lambda: shown(api), what="the status, now or at the next look")
        assert ("cannot write the status" in silex.log()) == (code == 422)
        arrives(silex, api)


def test_26_paused_process(follow, api):
    """Stopped while the world goes on: workers serve, and the master catches up."""
    silex = follow()
    with traffic(silex):
        silex.kill(signal.SIGSTOP)
        before = api.watches("ingresses")
        publish_host(api, "meanwhile")
        api.lose_history()
        for w in before:
            w.reset()
        assert silex.get().status == 200
        silex.kill(signal.SIGCONT)
        silex.wait_status(200, host="meanwhile.test")
        arrives(silex, api)


def test_27_no_room(follow, api):
    """The table is full: the old version stays and the culprit is named; less makes it well."""
    silex = follow("--table-max-size", "1m")
    paths = [{"path": f"/{n:05}/{'x' * 900}", "pathType": "Exact",
              "backend": {"service": {"name": "base", "port": {"number": 80}}}}
             for n in range(2000)]
    with traffic(silex):
        api.put(ingress("huge", {"huge.test": paths}))
        silex.wait_log("does not fit into the route table.*huge.test")
        assert silex.get(host="huge.test").status == 404
        wait_until(lambda: silex.metrics()["silex_table_publication_failures_total"] > 0,
                   what="the failure in the metrics")
        api.delete("Ingress", "huge")
        arrives(silex, api)
