"""The ConfigMap's snippets: what they mean for all hosts and paths, and what becomes of one that
cannot be read: while running, at the start."""

import pytest

from harness import backends, configmap, ingress, path, wait_until

HOST = "silex.test"
OTHER = "other.test"
SETTINGS = "default/settings"
OPEN = {"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"}


def mirror(peer):
    while (got := peer.read_request()) is not None:
        fields = "Content-Type: text/plain\r\nX-Origin: o\r\n"
        peer.answer(200, got[0], fields)


@pytest.fixture
def serve(make_silex, make_scripted):
    """serve({key: text} of the ConfigMap, annotation=...) -> Silex; .set() puts another one."""
    def build(settings, *, also=(), flags=(), **annotations):
        origin = make_scripted(mirror)
        s = make_silex(flags=[f"--configmap={SETTINGS}", *flags])
        s.set = lambda settings: s.manifests.put("settings", configmap("settings", settings))
        s.set(settings)
        s.manifests.put("app", backends("app", origin.port), *also, ingress(
            "app", {HOST: [path("/", "app"), path("/b", "app")]},
            annotations={k.replace("_", "-"): v for k, v in annotations.items()}),
            ingress("other", {OTHER: "app"}))
        s.start()
        if "asks for other workers" in s.log():
            s.wait_log("worker ended")
        return s
    return build


def get(silex, target="/", status=200, **how):
    a = silex.get(target, **how)
    assert a.status == status, (a, silex.log())
    return a


# ---- location-snippet -----------------------------------------------------------------------


def test_in_every_path(serve):
    """Without allow-snippet-annotations: the administrator wrote it."""
    s = serve({"location-snippet": """
        more_set_headers "X-All: $location_path";
        proxy_set_header X-To-App all;
        if ($arg_no) { return 403; }
        """})
    for host, target, where in ((HOST, "/", "/"), (HOST, "/b/c", "/b"), (OTHER, "/b", "/")):
        a = get(s, target, host=host)
        assert a.get("x-all") == where and "\r\nX-To-App: all\r\n" in a.text
        get(s, target + "?no=1", 403, host=host)


def test_behind_that_of_the_path(serve):
    s = serve(OPEN | {"server-snippet": "set $mine '';", "location-snippet": """
        add_header X-Who "all $mine";
        if ($arg_q) { return 202 all; }
        """}, configuration_snippet="""
        set $mine own;
        add_header X-Who own;
        if ($arg_q = own) { return 201 own; }
        """)
    assert get(s).all("x-who") == ["own", "all own"]
    assert get(s, "/?q=own", 201).text == "own" and get(s, "/?q=1", 202).text == "all"
    assert get(s, host=OTHER).all("x-who") == ["all"]
    assert get(s, "/?q=own", 202, host=OTHER).text == "all"


def test_what_an_ingress_says_itself_counts(serve):
    s = serve({"location-snippet": "client_max_body_size 8k; proxy_buffers 4 8k;"},
              proxy_body_size="1m")
    big = b"x" * 9000
    get(s, method="POST", body=big)
    get(s, method="POST", body=big, status=413, host=OTHER)
    s.wait_log("location-snippet: line 1: proxy_buffers has no effect: answers are passed on")


def test_a_location_of_all(serve):
    s = serve({"location-snippet": "location = /up { return 200 up; }"})
    assert get(s, "/up").text == "up" and get(s, "/up", host=OTHER).text == "up"


# ---- server-snippet -------------------------------------------------------------------------


def test_in_every_host(serve):
    s = serve({"server-snippet": """
        set $seen "s";
        location ~ /\\.git { deny all; }
        if ($http_x_bad) { return 403; }
        add_header X-Seen $seen always;
        """})
    for host in (HOST, OTHER):
        assert get(s, host=host).get("x-seen") == "s"
        get(s, "/a/.git/config", 403, host=host)
        get(s, status=403, host=host, fields=[("X-Bad", "1")])
    # Hosts that nobody has, too; but not the probe.
    get(s, "/.git/x", 403, host="nobody.test")
    get(s, status=403, host="nobody.test", fields=[("X-Bad", "1")])
    assert get(s, status=404, host="nobody.test").get("x-seen") == "s"
    get(s, "/healthz", host="nobody.test", fields=[("X-Bad", "1")])
    s.set({})
    s.wait_status(200, fields=[("X-Bad", "1")])
    get(s, "/.git/x", 404, host="nobody.test")


def test_behind_that_of_the_host(serve):
    s = serve(OPEN | {"server-snippet": "if ($uri = /q) { return 202 all; } location = /l "
                                        "{ return 200 all; }"},
              server_snippet="if ($arg_own) { return 201 own; } location = /m "
                             "{ return 200 own; }")
    assert get(s, "/q?own=1", 201).text == "own" and get(s, "/q", 202).text == "all"
    assert get(s, "/l").text == "all" and get(s, "/m").text == "own"
    assert get(s, "/q?own=1", 202, host=OTHER).text == "all" and get(s, "/l", host=OTHER)


def test_an_ingress_without_host_comes_and_goes(serve):
    s = serve({"server-snippet": "add_header X-Seen s always;"})
    assert get(s, status=404, host="nobody.test").get("x-seen") == "s"
    s.manifests.put("any", ingress("any", {"": "app"}))
    s.wait_status(200, host="nobody.test")
    assert get(s, host="nobody.test").get("x-seen") == "s"
    s.manifests.delete("any")
    s.wait_status(404, host="nobody.test")
    assert get(s, status=404, host="nobody.test").get("x-seen") == "s"


# ---- http-snippet ---------------------------------------------------------------------------


def test_lists_are_inherited(serve):
    """A block's own list takes the place of all that of the blocks around it, but for headers-more,
    which does those around it first."""
    s = serve(OPEN | {"http-snippet": """
        add_header X-H http;
        more_set_headers "X-M: http" "X-N: http";
        proxy_hide_header X-Origin;
        deny 192.0.2.1;
        """, "server-snippet": "add_header X-S server;"},
        configuration_snippet='more_set_headers "X-M: path"; deny 127.0.0.1; allow all;')
    get(s, status=403)
    a = get(s, host=OTHER)
    assert a.get("x-h") is None and a.get("x-s") == "server" and a.get("x-origin") is None
    assert a.get("x-m") == "http" and a.get("x-n") == "http"
    s.set(OPEN | {"http-snippet": 'more_set_headers "X-M: http" "X-N: http";',
                  "server-snippet": 'more_set_headers "X-M: server" "X-O: server";'})
    wait_until(lambda: get(s, host=OTHER).get("x-o") == "server", what="the new text")
    a = get(s, host=OTHER)
    assert a.all("x-m") == ["server"] and a.get("x-n") == "http"


def test_rules_hold_for_all(serve):
    s = serve({"http-snippet": "deny all;"}, whitelist_source_range="127.0.0.0/8")
    get(s)  # the path has rules of its own
    get(s, status=403, host=OTHER)


def test_what_only_tunes_is_taken(serve):
    """Told, and everything is served: what is missing is no protection."""
    s = serve({"http-snippet": """
        proxy_cache_path /tmp/c levels=1:2 keys_zone=c:10m max_size=1g;
        log_format mine '$remote_addr "$request"';
        limit_conn_zone $binary_remote_addr zone=one:10m;
        proxy_set_header X-Forwarded-Port 443;
        proxy_read_timeout 600s;
        upstream u { server 192.0.2.1; keepalive 4; }
        server {
            listen 2443 ssl;
            location / { return 308 https://$host$request_uri; }
        }
        """, "main-snippet": "worker_rlimit_nofile 65535; load_module x.so; env A;",
        "stream-snippet": "server { listen 9999; proxy_pass 192.0.2.1:1; }"})
    get(s)
    get(s, host=OTHER)
    for what in ("proxy_cache_path has no effect: answers are not kept",
                 "log_format has no effect: use log-format-upstream",
                 "limit_conn_zone has no effect: it limits nobody by itself",
                 "proxy_set_header has no effect", "proxy_read_timeout has no effect",
                 "upstream has no effect", "server has no effect: nobody listens on port 2443"):
        s.wait_log(f"http-snippet: line \\d+: {what}")
    s.wait_log("main-snippet: line 1: worker_rlimit_nofile has no effect")
    s.wait_log("main-snippet: line 1: load_module has no effect: there are no modules")
    s.wait_log("stream-snippet: line 1: server has no effect: use tcp-services")


# ---- limit_req -----------------------------------------------------------------------------

SLOW = "limit_req_zone $http_x_key zone=slow:1m rate=1r/m;"


def test_limits_by_any_key(serve):
    """One bucket a key, shared by all who name the zone; without a key nobody is limited."""
    s = serve({"http-snippet": SLOW, "server-snippet": "limit_req zone=slow burst=2 nodelay;",
               "limit-req-status-code": "429"})
    for key in ("a", "b"):
        for host in (HOST, OTHER, HOST):
            get(s, host=host, fields=[("X-Key", key)])
        get(s, status=429, host=OTHER, fields=[("X-Key", key)])
    for _ in range(9):
        get(s)
    s.set({"http-snippet": SLOW, "limit-req-status-code": "429"})
    s.wait_status(200, fields=[("X-Key", "a")])


def test_a_smaller_burst_is_no_way_around_a_larger_one(serve):
    """Both limits have one bucket: to ask here and there in turn is not to begin anew."""
    s = serve(OPEN | {"http-snippet": SLOW, "server-snippet": "limit_req zone=slow burst=9 nodelay;"},
              configuration_snippet="limit_req zone=slow;")
    for _ in range(5):
        get(s, host=OTHER, fields=[("X-Key", "a")])
    for _ in range(3):
        get(s, status=503, fields=[("X-Key", "a")])
    for _ in range(5):
        get(s, host=OTHER, fields=[("X-Key", "a")])
    for _ in range(3):
        get(s, status=503, fields=[("X-Key", "a")])
    get(s, status=503, host=OTHER, fields=[("X-Key", "a")])


def test_a_path_with_limits_of_its_own_has_none_of_the_host(serve):
    s = serve({"http-snippet": SLOW + "limit_req_zone $arg_z zone=other:1m rate=1r/m;",
               "server-snippet": "limit_req zone=slow;"}, limit_rps="1000")
    for _ in range(5):
        get(s, fields=[("X-Key", "a")])
    get(s, host=OTHER, fields=[("X-Key", "a")])
    get(s, status=503, host=OTHER, fields=[("X-Key", "a")])
    s.set({"http-snippet": SLOW + "limit_req_zone $arg_z zone=other:1m rate=1r/m;",
           "location-snippet": "limit_req zone=other;"})
    wait_until(lambda: s.get("/?z=1").status == 503, what="the limit of the path")


# ---- refused --------------------------------------------------------------------------------

BAD = [("http-snippet", "include /etc/nginx/deny.conf;", "include is not supported"),
       ("http-snippet", "waf_appsec_enabled on;", "waf_appsec_enabled.* is none of"),
       ("server-snippet", "limit_conn one 5;", "limit_conn is not supported: use the annotation"),
       ("server-snippet", "limit_req zone=one;", "no limit_req_zone of the ConfigMap"),
       ("server-snippet", "deny nowhere;", "is neither an IP address"),
       ("location-snippet", "access_by_lua 'x';", "access_by_lua.* is none of"),
       ("location-snippet", "return 403", "it ends without")]


@pytest.mark.parametrize(("key", "text", "why"), BAD)
def test_at_the_start_everything_is_closed(serve, key, text, why):
    """It could be what protects them all. The probe lives, and a mended text opens."""
    s = serve({key: text})
    for host in (HOST, OTHER, "nobody.test"):
        get(s, status=503, host=host)
    get(s, "/healthz", host="nobody.test")
    s.wait_log(f"reason=SnippetRefused kind=ConfigMap.*{key}: line 1: .*{why}"
               ".*every host answers 503 until that is mended")
    s.set({})
    s.wait_status(200)
    get(s, host=OTHER)
    get(s, status=404, host="nobody.test")


@pytest.mark.parametrize(("key", "text", "why"), BAD)
def test_while_running_the_one_before_stays(serve, key, text, why):
    good = {"server-snippet": "if ($arg_no) { return 403; } set $a 1;",
            "location-snippet": 'more_set_headers "X-A: $a";'}
    s = serve(good)
    assert get(s).get("x-a") == "1"
    s.set(good | {key: text})
    s.wait_log(f"{key}: line 1: .*{why}.*what was there before stays in force"
               ".* were Silex started now, every host would answer 503")
    assert get(s).get("x-a") == "1"
    get(s, "/?no=1", 403)
    s.set(good | {"location-snippet": 'more_set_headers "X-A: 2";'})
    wait_until(lambda: get(s).get("x-a") == "2", what="the new text")


def test_a_first_snippet_that_is_refused_closes_nothing(serve):
    """Before it there was none, which was good."""
    s = serve({})
    s.set({"http-snippet": "include x;"})
    s.wait_log("http-snippet: line 1: include.*what was there before stays in force")
    get(s)


def test_a_location_that_is_refused_closes_itself(serve):
    s = serve({"server-snippet": "location /x { proxy_pass http://a; }\nlocation /y { deny all; }"})
    get(s)
    get(s, "/x", 503)
    get(s, "/y", 403)
    s.wait_log("server-snippet: line 1: proxy_pass.*the location of line 1 answers 503")


@pytest.mark.parametrize("server", ["server { server_name x.test; return 403; }",
                                    "server { listen 80; deny all; }"])
def test_a_server_on_our_own_port_is_refused(serve, server):
    s = serve({})
    s.set({"http-snippet": server.replace("80", str(s.http_port))})
    s.wait_log("http-snippet: line 1: server is not supported: give its host an Ingress")
    get(s)
