"""Cookie affinity: affinity, affinity-mode, session-cookie-*; what the cookie looks like, who gets
one, and where a client goes when its endpoint does not answer or is gone."""

import re

import pytest

from harness import backends, ingress, path, wait_until
from test_balance import CREATED

MODES = ["balanced", "persistent"]


def annotate(silex, rules=None, name="base", **annotations):
    silex.manifests.put(name, ingress(name, rules or {"silex.test": "base"}, created=CREATED,
                                      annotations={"affinity": "cookie", **{
                                          k.replace("_", "-"): v for k, v in annotations.items()}}))


@pytest.fixture
def farm(make_silex, make_origin):
    def make(n=3, workers=1, rules=None, **annotations):
        origins = [make_origin(f"o{i}") for i in range(n)]
        s = make_silex(workers=workers)
        annotate(s, rules, **annotations)
        s.manifests.put("services", backends("base", *(o.port for o in origins)))
        s.origins = origins
        return s.start()
    return make


def ask(silex, cookie=None, target="/name", host="silex.test", **fields):
    if cookie:
        fields["Cookie"] = cookie
    return silex.get(target, host, fields=fields)


def pair_of(answer):
    """name=value of the cookie it sets, None without one."""
    value = answer.get("set-cookie")
    return value.split(";")[0] if value else None


def attributes(answer):
    return [a.strip() for a in answer.get("set-cookie").split(";")[1:]]


@pytest.mark.parametrize("mode", MODES)
def test_a_client_stays(farm, mode):
    """One cookie, no second; whatever the worker; and new clients are spread."""
    silex = farm(workers=3, affinity_mode=mode)
    seen = set()
    for _ in range(30):
        first = ask(silex)
        cookie = pair_of(first)
        assert re.fullmatch(r"INGRESSCOOKIE=[0-9a-f]{32}\|[0-9a-f]{32}", cookie)
        seen.add(first.get("X-Origin"))
        for _ in range(4):
            again = ask(silex, cookie)
            assert again.get("X-Origin") == first.get("X-Origin")
            assert again.get("set-cookie") is None
    assert seen == {"o0", "o1", "o2"}


def test_the_cookie(farm):
    """Path of the Ingress; HttpOnly always; nothing that was not asked for."""
    silex = farm()
    assert attributes(ask(silex)) == ["Path=/", "HttpOnly"]


def test_every_attribute(farm):
    silex = farm(session_cookie_name="sticky", session_cookie_path="/shop",
                 session_cookie_domain="silex.test", session_cookie_expires="3600",
                 session_cookie_max_age="7200", session_cookie_samesite="strict",
                 session_cookie_secure="true")
    answer = ask(silex)
    assert pair_of(answer).startswith("sticky=")
    expires, *rest = attributes(answer)
    assert re.fullmatch(r"Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", expires)
    assert rest == ["Max-Age=7200", "Domain=silex.test", "Path=/shop", "Secure", "HttpOnly",
                    "SameSite=Strict"]


AGENTS = [("Mozilla/5.0 Chrome/80.0", True), ("Mozilla/5.0 Chrome/55.0", False),
          ("Mozilla/5.0 (iPhone; CPU iPhone OS 12_1 like Mac OS X)", False),
          ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_1) Version/12.0 Safari/605", False),
          ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_1) Chrome/90.0 Safari/605", True),
          (None, True)]


def test_same_site_none_for_those_who_know_it(farm):
    silex = farm(session_cookie_samesite="None",
                 session_cookie_conditional_samesite_none="true")
    for agent, knows in AGENTS:
        answer = ask(silex, **({"User-Agent": agent} if agent else {}))
        assert ("SameSite=None" in attributes(answer)) == knows, agent
    annotate(silex, session_cookie_samesite="None")
    wait_until(lambda: "SameSite=None" in attributes(ask(silex, **{"User-Agent": AGENTS[1][0]})),
               what="SameSite=None for all")


def test_path_of_the_ingress(farm):
    """The location's own path, where there is no session-cookie-path; and only locations whose
    Ingress asked for affinity give a cookie, though the Service's affinity holds for others."""
    silex = farm(rules={"silex.test": [path("/a", "base"), path("/b/c", "base")]})
    silex.manifests.put("plain", ingress("plain", {"plain.test": "base"}))
    silex.wait_status(200, "/name", "plain.test")
    assert attributes(ask(silex, target="/a/x"))[0] == "Path=/a"
    answer = ask(silex, target="/b/c")
    assert attributes(answer)[0] == "Path=/b/c"
    assert ask(silex, host="plain.test").get("set-cookie") is None
    cookie = pair_of(answer)
    assert len({ask(silex, cookie, host="plain.test").get("X-Origin") for _ in range(10)}) == 1


@pytest.mark.parametrize("mode", MODES)
def test_an_endpoint_goes(farm, mode):
    """Its clients move and get new cookies; the others notice nothing."""
    silex = farm(affinity_mode=mode)
    clients = {}
    while len(clients) < 3:
        a = ask(silex)
        clients[a.get("X-Origin")] = pair_of(a)
    silex.manifests.put("services", backends("base", *(o.port for o in silex.origins[:2])))
    wait_until(lambda: ask(silex, clients["o2"]).get("X-Origin") != "o2", what="o2 gone")
    for name in ("o0", "o1"):
        a = ask(silex, clients[name])
        assert a.get("X-Origin") == name and a.get("set-cookie") is None
    moved = ask(silex, clients["o2"])
    assert moved.get("X-Origin") in ("o0", "o1")
    # Balanced: the same key has another endpoint. Persistent: the key was the endpoint's.
    assert (moved.get("set-cookie") is None) == (mode == "balanced")


@pytest.mark.parametrize("mode", MODES)
def test_a_new_endpoint(farm, make_origin, mode):
    """Balanced: it takes over its share of clients. Persistent: nobody moves."""
    silex = farm(affinity_mode=mode)
    clients = []
    for _ in range(60):
        a = ask(silex)
        clients.append((a.get("X-Origin"), pair_of(a)))
    new = make_origin("new")
    silex.manifests.put("services", backends(
        "base", *(o.port for o in silex.origins), new.port))
    wait_until(lambda: any(ask(silex).get("X-Origin") == "new" for _ in range(20)),
               what="the new endpoint")
    moved = [ask(silex, c).get("X-Origin") for o, c in clients if ask(silex, c).get("X-Origin") != o]
    assert set(moved) == ({"new"} if mode == "balanced" else set())
    assert len(moved) < 35


@pytest.mark.parametrize("mode", MODES)
def test_failure(farm, mode):
    """Its endpoint does not answer: the client stays, and is told 502; with change-on-failure it
    moves at once, with another cookie that does not lead back."""
    silex = farm(affinity_mode=mode)
    first = ask(silex)
    cookie, at = pair_of(first), first.get("X-Origin")
    dead = next(o for o in silex.origins if o.name == at)
    dead.process.terminate()
    dead.process.wait()
    assert {ask(silex, cookie).status for _ in range(6)} == {502}
    annotate(silex, affinity_mode=mode, session_cookie_change_on_failure="true")
    wait_until(lambda: ask(silex, cookie).status == 200, what="another endpoint")
    for _ in range(20):
        a = ask(silex, cookie)
        assert a.status == 200 and a.get("X-Origin") != at
        new = pair_of(a)
        assert new is not None
        b = ask(silex, new)
        assert b.get("X-Origin") == a.get("X-Origin") and b.get("set-cookie") is None


GARBAGE = ["INGRESSCOOKIE=", "INGRESSCOOKIE=|", "INGRESSCOOKIE=" + "x" * 4000, "other=1",
           "INGRESSCOOKIE=;INGRESSCOOKIE", "=;;=", "INGRESSCOOKIE=\xff\xfe|y"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cookie", GARBAGE, ids=range(len(GARBAGE)))
def test_cookies_of_nobody(farm, mode, cookie):
    silex = farm(affinity_mode=mode)
    assert {ask(silex, cookie).status for _ in range(4)} == {200}


def test_affinity_beats_hashing(farm):
    silex = farm(upstream_hash_by="$http_x_key", load_balance="ewma")
    assert len({ask(silex, **{"X-Key": "k"}).get("X-Origin") for _ in range(40)}) == 3
    cookie = pair_of(ask(silex))
    assert len({ask(silex, cookie, **{"X-Key": f"{i}"}).get("X-Origin") for i in range(20)}) == 1


def test_paths_that_are_no_cookies(farm):
    """A regex is given as it is; what would end the attribute becomes /."""
    silex = farm(rules={"silex.test": [path("/a;b", "base"), path("/x(/|$)(.*)", "base")]},
                 use_regex="true")
    assert attributes(ask(silex, target="/a;b"))[0] == "Path=/"
    assert attributes(ask(silex, target="/x/y"))[0] == "Path=/x(/|$)(.*)"


def test_nonsense_is_told(farm):
    silex = farm(affinity_mode="sometimes", session_cookie_samesite="maybe",
                 session_cookie_name="a;b", session_cookie_max_age="1h")
    for name in ("affinity-mode", "samesite", "cookie-name", "max-age"):
        silex.wait_log(f"{name}.*must be")
    assert pair_of(ask(silex)).startswith("INGRESSCOOKIE=")
