"""Header fields of the ConfigMap and of annotations, and who is blocked: live, on one instance."""

import pytest

from fakeapi import FakeApi
from harness import backends, ingress, ingress_class, mirror, path, wait_until

PREFIX = "nginx.ingress.kubernetes.io/"


def named(name, data, ns="infra"):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": ns},
            "data": data}


def configmap(**data):
    return named("settings", {k.replace("_", "-"): str(v) for k, v in data.items()})


@pytest.fixture
def origin(make_scripted):
    return make_scripted(mirror)


@pytest.fixture
def served(make_silex, origin):
    s = make_silex(flags=["--configmap", "infra/settings"])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    return s.start()


def annotate(served, origin, annotations, where="/", kind="Prefix"):
    served.manifests.put("base", backends("base", origin.port),
                         ingress("base", {"silex.test": [path(where, "base", kind=kind)]},
                                 annotations={PREFIX + k: v for k, v in annotations.items()}))


def seen(served, target="/", **how):
    """The head as the origin got it."""
    return served.get(target, **how).text.lower()


def test_add_headers(served):
    """On every answer: the origin's, and those made here; replaced, changed and removed live."""
    workers = served.workers()
    served.manifests.put("more", named("more", {"X-Frame-Options": "DENY", "Content-Type": "x/y",
                                                "X-Host": "host $host"}))
    served.manifests.put("config", configmap(add_headers="infra/more"))
    wait_until(lambda: served.get().get("X-Frame-Options") == "DENY", what="the header")
    answer = served.get()
    assert answer.all("Content-Type") == ["x/y"]
    assert answer.get("X-Host") == "host silex.test"
    missing = served.get("/", host="unknown.test")
    assert (missing.status, missing.get("X-Frame-Options")) == (404, "DENY")
    served.manifests.put("more", named("more", {"X-Frame-Options": "SAMEORIGIN"}))
    wait_until(lambda: served.get().get("X-Frame-Options") == "SAMEORIGIN", what="the change")
    assert served.get().get("X-Host") is None
    served.manifests.delete("config")
    wait_until(lambda: served.get().get("X-Frame-Options") is None, what="none")
    assert served.workers() == workers


def test_bad_headers_are_told(served):
    """What cannot stand in a head, or would change its framing, is left out; the rest works."""
    served.manifests.put("more", named("more", {
        "X-Good": "yes", "X-Split": "a\r\nX-Evil: 1", "Content-Length": "5",
        "Transfer-Encoding": "chunked", "Connection": "close", "X-Open": "${host"}))
    served.manifests.put("config", configmap(add_headers="infra/more",
                                             proxy_set_headers="infra/none"))
    wait_until(lambda: served.get().get("X-Good") == "yes", what="the good one")
    answer = served.get()
    for name in ("X-Split", "X-Evil", "X-Open"):
        assert answer.get(name) is None
    for text in ("X-Split.* control character",
                 "Content-Length.* frames the message", "Transfer-Encoding.* frames",
                 "Connection.* frames", "X-Open.* without", "proxy-set-headers names this"):
        served.wait_log(text)


def test_proxy_set_headers(served):
    served.manifests.put("more", named("more", {
        "X-Who": "$remote_addr for $host$request_uri", "X-Real-IP": "192.0.2.9",
        "X-Custom": "$http_x_in", "X-Client": "", "Host": "evil.test"}))
    served.manifests.put("config", configmap(proxy_set_headers="infra/more"))
    wait_until(lambda: "x-who:" in seen(served), what="the header")
    head = seen(served, "/a?b=1", fields=[("X-Client", "secret"), ("X-In", "in")])
    assert "x-who: 127.0.0.1 for silex.test/a?b=1" in head
    assert head.count("x-real-ip:") == 1 and "x-real-ip: 192.0.2.9" in head
    assert "x-custom: in" in head
    assert "x-client" not in head  # an empty value takes it away
    assert "evil.test" not in head
    assert "x-custom" not in seen(served)  # no value, no field
    served.wait_log('Host.* frames the message')


def test_value_from_a_request_cannot_split(served):
    """$uri is a decoded path: what would end a field becomes a blank."""
    served.manifests.put("more", named("more", {"X-Path": "$uri"}))
    served.manifests.put("config", configmap(proxy_set_headers="infra/more",
                                             add_headers="infra/more"))
    wait_until(lambda: "x-path: /x" in seen(served, "/x"), what="the header")
    head = seen(served, "/a%0d%0aX-Evil:%201")
    assert "x-path: /a  x-evil: 1" in head and "\nx-evil" not in head
    assert served.get("/a%0d%0aX-Evil:%201").get("X-Evil") is None


def test_many_fields_have_room(served):
    """More fields than were counted on, of the client and of the settings."""
    served.manifests.put("more", named("more", {f"X-Set-{n}": str(n) for n in range(60)}))
    served.manifests.put("config", configmap(proxy_set_headers="infra/more",
                                             add_headers="infra/more"))
    wait_until(lambda: served.get().get("X-Set-59") == "59", what="the headers")
    head = seen(served, fields=[(f"X-Mine-{n}", "m") for n in range(80)])
    assert head.count("x-set-") == 60 and head.count("x-mine-") == 80


def test_hidden_and_server(served):
    answer = served.get("/?fields=Server=origin/1&X-Powered-By=php&x-secret=1")
    assert answer.get("Server") is None and answer.get("X-Powered-By") == "php"
    served.manifests.put("config", configmap(hide_headers="x-powered-by,X-Secret",
                                             allow_backend_server_header="true"))

    def hidden():
        return served.get("/?fields=X-Powered-By=php").get("X-Powered-By") is None
    wait_until(hidden, what="hidden headers")
    answer = served.get("/?fields=Server=origin/1&X-Powered-By=php&x-secret=1")
    assert answer.get("X-Secret") is None and answer.get("Server") == "origin/1"
    served.manifests.put("config", configmap(server_tokens="true"))
    wait_until(lambda: (served.get().get("Server") or "").startswith("silex/"), what="tokens")
    assert served.get("/?fields=Server=origin/1").all("Server") == [served.get().get("Server")]
    assert served.get("/", host="unknown.test").get("Server").startswith("silex/")


def test_custom_headers(served, origin):
    """Only names that the administrator lists; anything else closes the location."""
    served.manifests.put("mine", named("mine", {"X-Mine": "a$b"}, ns="default"))
    served.manifests.put("other", named("other", {"X-Mine": "other"}))
    served.manifests.put("config", configmap(global_allowed_response_headers="X-Mine, X-Other"))
    annotate(served, origin, {"custom-headers": "mine"})
    wait_until(lambda: served.get().get("X-Mine") == "a$b", what="the header")
    served.manifests.put("mine", named("mine", {"X-Mine": "2", "X-Bad": "1"}, ns="default"))
    served.wait_status(503)
    served.wait_log('X-Bad.* which global-allowed-response-headers does not list')
    served.manifests.put("mine", named("mine", {"X-Mine": "2"}, ns="default"))
    wait_until(lambda: served.get().get("X-Mine") == "2", what="the change")
    annotate(served, origin, {"custom-headers": "infra/other"})
    served.wait_status(503)
    served.wait_log("allow-cross-namespace-resources is off")
    annotate(served, origin, {"custom-headers": "nowhere"})
    served.wait_log("names a ConfigMap that does not exist")
    served.wait_status(503)
    annotate(served, origin, {})
    served.wait_status(200)


def test_forwarded_prefix(served, origin):
    annotate(served, origin, {"rewrite-target": "/$2", "x-forwarded-prefix": "/$1"},
             "/(api|web)/(.*)", "ImplementationSpecific")
    wait_until(lambda: "get /x " in seen(served, "/api/x"), what="the rewrite")
    assert "x-forwarded-prefix: /api" in seen(served, "/api/x")
    annotate(served, origin, {"x-forwarded-prefix": "/fixed"})
    wait_until(lambda: "get /api/x " in seen(served, "/api/x"), what="no rewrite")
    assert "x-forwarded-prefix" not in seen(served, "/api/x")


def test_original_uri_and_request_id(served):
    head = seen(served, "/o?x=1", fields=[("X-Original-URI", "/forged")])
    assert "x-original-uri" not in head and "x-request-id: " in head
    served.manifests.put("config", configmap(proxy_add_original_uri_header="true",
                                             generate_request_id="false"))
    wait_until(lambda: "x-original-uri: /o?x=1" in seen(served, "/o?x=1"), what="the header")
    wait_until(lambda: "x-request-id" not in seen(served), what="no id")
    assert "x-request-id: mine" in seen(served, fields=[("X-Request-ID", "mine")])


def test_odd_names(served):
    fields = [("X_Under", "1"), ("X.Dot", "2")]
    head = seen(served, fields=fields)
    assert "x_under" not in head and "x.dot" not in head
    served.manifests.put("config", configmap(enable_underscores_in_headers="true"))
    wait_until(lambda: "x_under: 1" in seen(served, fields=fields), what="underscores")
    assert "x.dot" not in seen(served, fields=fields)
    served.manifests.put("config", configmap(ignore_invalid_headers="false"))
    wait_until(lambda: "x.dot: 2" in seen(served, fields=fields), what="every token")


def test_blocked(served):
    """By network, User-Agent and Referer, on every host; and let in again."""
    workers = served.workers()
    served.manifests.put("config", configmap(block_user_agents="BadBot,~*curl/[0-9],~(",
                                             block_referers="~^https?://spam"))

    def status(**fields):
        return served.get(fields=[(k.replace("_", "-"), v) for k, v in fields.items()]).status
    wait_until(lambda: status(User_Agent="badbot") == 403, what="403")
    assert status(User_Agent="badbot 2") == 200
    assert status(User_Agent="my CURL/8") == 403
    assert status(Referer="http://spam.test/") == 403
    assert status(Referer="HTTP://SPAM.test/") == 200
    assert status() == 200
    assert served.get(host="unknown.test", fields=[("User-Agent", "BadBot")]).status == 403
    served.wait_log(r"block-user-agents: .* has no effect")
    served.manifests.put("config", configmap(block_cidrs="203.0.113.0/24,127.0.0.0/8"))
    served.wait_status(403)
    served.manifests.put("config", configmap(block_cidrs="203.0.113.0/24"))
    served.wait_status(200)
    assert served.workers() == workers


def test_global_access_lists(served, origin):
    """Defaults of the annotations, which win over them."""
    served.manifests.put("config", configmap(whitelist_source_range="203.0.113.0/24"))
    served.wait_status(403)
    annotate(served, origin, {"whitelist-source-range": "127.0.0.1"})
    served.wait_status(200)
    annotate(served, origin, {})
    served.manifests.put("config", configmap(denylist_source_range="127.0.0.0/8"))
    served.wait_status(403)
    served.manifests.delete("config")
    served.wait_status(200)


def test_followed_through_the_api(make_silex, origin):
    """ConfigMaps are watched by name, as soon as something names them."""
    api = FakeApi()
    try:
        api.put(ingress_class(), backends("base", origin.port),
                ingress("base", {"silex.test": "base"}),
                named("more", {"X-More": "1"}), configmap(add_headers="infra/more"))
        s = make_silex(source=["--apiserver-host", api.url],
                       flags=["--disable-leader-election", "--configmap", "infra/settings"])
        s.start()
        assert s.get().get("X-More") == "1"
        assert "does not exist" not in s.log()  # it was only on its way
        api.put(named("more", {"X-More": "2"}))
        wait_until(lambda: s.get().get("X-More") == "2", what="the change")
        api.put(named("mine", {"X-Mine": "m", "Content-Length": "5"}, ns="default"),
                configmap(global_allowed_response_headers="X-Mine,Content-Length"),
                ingress("base", {"silex.test": "base"},
                        annotations={PREFIX + "custom-headers": "mine"}))
        s.wait_status(503)
        api.put(named("mine", {"X-Mine": "m"}, ns="default"))
        wait_until(lambda: s.get().get("X-Mine") == "m", what="the header of the annotation")
        assert s.get().get("X-More") is None
        wait_until(lambda: any("Content-Length" in e["message"] for e in api.all("Event")),
                   what="the Event")
        api.put(ingress("base", {"silex.test": "base"},
                        annotations={PREFIX + "custom-headers": "nowhere"}))
        s.wait_status(503)
        s.wait_log("names a ConfigMap that does not exist")
        s.stop()
    finally:
        api.down()
