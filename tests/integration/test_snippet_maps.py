"""map and geo of the ConfigMap's http-snippet: what their variables stand for, wherever a template
may name them."""

import json

import pytest

from harness import configmap, ingress, wait_until
from test_snippets_of_all import HOST, OPEN, OTHER, get, serve  # noqa: F401 - fixtures

SHOW = {"location-snippet": "more_set_headers 'X-V: [$v]';"}


def shows(s, want, target="/", **how):
    assert get(s, target, **how).get("x-v") == f"[{want}]", how


def test_texts_expressions_and_the_default(serve):
    s = serve(SHOW | {"http-snippet": """
        map $http_x_key $v {
            default     "none of $host";
            ''          empty;
            one         1;
            ~^two(.*)$  "two and $1";
            ~*^three    3;
            \\~four      4;
            dyn         $request_method;
        }
        """})
    for key, want in (("one", "1"), ("ONE", "1"), ("two more", "two and  more"), ("Two", None),
                      ("THREE", "3"), ("~four", "4"), ("dyn", "GET"), ("one more", None)):
        shows(s, want or f"none of {HOST}", fields=[("X-Key", key)])
    shows(s, "empty")


def test_host_names(serve):
    s = serve(SHOW | {"http-snippet": """
        map $http_x_host $v {
            hostnames;
            a.test      exact;
            *.a.test    below;
            .b.test     "b or below";
            *.x.b.test  longer;
            www.*       www;
            ~^r         regex;
        }
        """})
    for host, want in (("a.test", "exact"), ("x.a.test", "below"), ("b.test", "b or below"),
                       ("y.B.test", "b or below"), ("y.x.b.test", "longer"), ("www.q", "www"),
                       ("www.a.test", "below"), ("rr", "regex"), ("a.test.x", ""),
                       ("a.test.", "exact"), ("x.A.test.", "below"), ("b.test.", "b or below")):
        shows(s, want, fields=[("X-Host", host)])


def test_networks(serve):
    """geo, of the client's address or another; and a map of its value."""
    s = serve({"location-snippet": "more_set_headers 'X-V: [$v]' 'X-W: $w'; ",
               "http-snippet": """
        geo $w { default far; 127.0.0.0/8 near; 127.0.0.1 here; }
        geo $http_x_ip $inner { default ""; 10.0.0.0/8 ten; 10.1.0.0/16 "ten-one"; ::1/128 six; }
        map $inner $v { "" "none"; default "in $inner"; }
        """})
    assert get(s).get("x-w") == "here"
    for ip, want in (("10.2.3.4", "in ten"), ("10.1.3.4", "in ten-one"), ("::1", "in six"),
                     ("192.0.2.1", "none"), ("garbage", "none"), ("10.0.0.0/8", "none")):
        shows(s, want, fields=[("X-Ip", ip)])


def test_nothing_fits_no_expression(serve):
    """As in nginx, whose expressions only look at what is there."""
    s = serve(SHOW | {"http-snippet": "map $http_x $v { default none; ~^[a-z]*$ letters; }"})
    shows(s, "none")
    shows(s, "letters", fields=[("X", "a")])


def test_the_last_of_two_equal_networks_counts(serve):
    s = serve(SHOW | {"http-snippet":
                      "geo $http_x $v { 10.0.0.0/8 1; 10.0.0.0/8 2; 10.9.0.0/8 3; }"})
    shows(s, "3", fields=[("X", "10.1.1.1")])


def test_they_decide(serve):
    """The recipe of many: who may come in, by a map, in a server-snippet."""
    s = serve({"http-snippet": """
        map $http_user_agent $bad { default 0; ~*(curl|bot) 1; }
        map $http_apikey $owner { default ""; "k1" one; }
        """, "server-snippet": "if ($bad) { return 403; }",
        "location-snippet": "proxy_set_header X-Owner $owner;"})
    for host in (HOST, OTHER, "nobody.test"):
        get(s, status=403, host=host, fields=[("User-Agent", "a CURL")])
    assert "\r\nX-Owner: one\r\n" in get(s, fields=[("apikey", "k1")]).text
    assert "X-Owner" not in get(s, fields=[("apikey", "k2"), ("X-Owner", "me")]).text


def test_everywhere_a_template_is(serve):
    s = serve(OPEN | {"http-snippet": "map $http_x_id $id { default $http_x_id; '' nobody; }",
                      "proxy-set-headers": "default/set", "log-format-escape-json": "true",
                      "log-format-upstream": '{"id": "$id", "up": "$up_", "s": "$status"}'},
              also=[configmap("set", {"X-Set": "is $id"})],
              configuration_snippet='if ($id = nobody) { return 401 "$id"; }',
              upstream_hash_by="$id")
    s.set(OPEN | {"http-snippet": """
        map $http_x_id $id { default "$http_x_id"; '' nobody; }
        map $upstream_status $up_ { default $upstream_status; "" '-"1'; }
        """, "proxy-set-headers": "default/set", "log-format-escape-json": "true",
        "log-format-upstream": '{"id": "$id", "up": "$up_", "s": "$status"}'})
    wait_until(lambda: get(s, status=401) and
               {"id": "nobody", "up": '-"1', "s": "401"} in map(json.loads, s.access_lines()),
               what="the second map")
    assert get(s, status=401).text == "nobody"
    assert "\r\nX-Set: is a\"b\r\n" in get(s, fields=[("X-Id", 'a"b')]).text
    s.wait_access(lambda x: json.loads(x) == {"id": 'a"b', "up": "200", "s": "200"})
    assert "$id never has a value" not in s.log()


def test_they_change_while_running(serve):
    s = serve(SHOW | {"http-snippet": "map $host $v { default 1; }"})
    shows(s, "1")
    s.set(SHOW | {"http-snippet": "map $host $v { default 2; }"})
    wait_until(lambda: get(s).get("x-v") == "[2]", what="the new map")
    s.set(SHOW | {"http-snippet": "map $host $v { default 3; include x; }"})
    s.wait_log('http-snippet: line 1: .*include.* cannot stand here.*stays in force')
    shows(s, "2")
    s.manifests.put("new", ingress("new", {"new.test": "app"}))  # may still name it
    s.wait_status(200, host="new.test")
    shows(s, "2", host="new.test")


@pytest.mark.parametrize("http", [
    "map $v $w { default $v; } map $w $v { default $w; }",
    "map $http_x $v { ~^(a+)+$ 1; default 0; }",
    "map $w $v { default 1; } map $v $w { default '" + 60 * "$v" + "'; }",
    "map $host $v { default '" + 60 * "$a" + "'; } map $host $a { default '" + 60 * "$b" +
    "'; } map $host $b { default '" + 60 * "$c" + "'; } map $host $c { default ''; }",
])
def test_what_cannot_be_told_is_500(serve, http):
    """Maps in a ring, an expression that gives up: never as if there were no value."""
    s = serve({"http-snippet": http, "server-snippet": "if ($v) { return 403; }"})
    get(s, status=500, fields=[("X", "a" * 60 + "b")])
    get(s, status=500, host=OTHER, fields=[("X", "a" * 60 + "b")])


def test_a_log_line_does_without_what_cannot_be_told(serve):
    """Nobody stays out of the log by a field that an expression gives up on."""
    s = serve({"http-snippet": "map $http_x $v { ~^(a+)+$ 1; default 0; }",
               "log-format-upstream": "[$v] $status $request_uri"})
    get(s, "/good")
    s.wait_access(lambda x: x == "[0] 200 /good")
    get(s, "/hidden", fields=[("X", "a" * 60 + "b")])
    s.wait_access(lambda x: x == "[-] 200 /hidden")
