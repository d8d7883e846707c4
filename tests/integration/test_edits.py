"""proxy-redirect-*, proxy-cookie-domain and proxy-cookie-path: fields of an endpoint's answer that
are changed, as nginx' directives of these names do it."""

import pytest

from frames import H2
from harness import backends, configmap, ingress, wait_until
from test_edge import reason

HOST = "silex.test"


@pytest.fixture
def world(make_silex, make_scripted):
    """world(fields, annotations, data of the ConfigMap): an origin that answers with these."""
    def start(fields, annotations=None, data=None, **how):
        def script(peer):
            while peer.read_request() is not None:
                peer.answer(fields="".join(f"{k}: {v}\r\n" for k, v in fields))
        flags = ["--configmap", "default/conf"] if data is not None else []
        s = make_silex(flags=flags, **how)
        s.origin = make_scripted(script)
        if data is not None:
            s.manifests.put("conf", configmap("conf", data))
        s.manifests.put("one", backends("one", s.origin.port),
                        ingress("one", {HOST: "one"}, annotations=annotations))
        return s.start()
    return start


def redirect(frm, to):
    return {"proxy-redirect-from": frm, "proxy-redirect-to": to}


REDIRECTS = [
    # What is replaced, by what; the endpoint's Location, and the client's.
    ("http://app.local:8080/", "/", "http://app.local:8080/x?y", "/x?y"),
    ("http://app.local:8080/", "https://$host/app/", "http://app.local:8080/x", "https://silex.test/app/x"),
    ("http://$host/", "https://$host/", "http://silex.test/x", "https://silex.test/x"),
    ("http://app.local/", "/", "http://other.local/x", "http://other.local/x"),
    ("http://app.local/", "/", "HTTP://app.local/x", "HTTP://app.local/x"),
    ("/one/", "/two/", "/one/one/", "/two/one/"),
    ("~^http://[^/]+(/.*)$", "https://$http_host$1", "http://any:80/a?b", "https://silex.test/a?b"),
    ("~^HTTP://", "/", "http://any/", "http://any/"),
    ("~*^HTTP://([^/]*)/(.*)", "/$2/$1", "http://any/x", "/x/any"),
    ("~(a)|(b)", "<$1$2$3>", "xby", "<b>"),
    ("off", "/", "http://app.local/x", "http://app.local/x"),
    ("default", "/", "http://app.local/x", "http://app.local/x"),
    ("http://app.local/", "off", "http://app.local/x", "http://app.local/x"),
]


@pytest.mark.parametrize("frm,to,given,got", REDIRECTS)
def test_location_and_refresh(world, frm, to, given, got):
    s = world([("Location", given), ("Refresh", f"5; URL={given}"), ("X-Other", given)], redirect(frm, to))
    for answer in (s.get("/"), s.get("/", method="HEAD")):
        assert answer.get("location") == got
        assert answer.get("refresh") == f"5; URL={got}"
        assert answer.get("x-other") == given


COOKIES = [
    # proxy-cookie-domain, proxy-cookie-path; the endpoint's Set-Cookie, and the client's.
    ("localhost example.org", None, "a=b; Domain=localhost; Path=/", "a=b; Domain=example.org; Path=/"),
    (".localhost .example.org", None, "a=b; domain=.LOCALHOST", "a=b; domain=.example.org"),
    ("localhost $host", None, "a=b;Domain=localhost;Secure", "a=b;Domain=silex.test;Secure"),
    ("localhost x", None, "a=b; Domain=localhost.localdomain", "a=b; Domain=localhost.localdomain"),
    ("localhost x", None, "domain=localhost; a=b", "domain=localhost; a=b"),
    (r"~^(?:www\.)?([a-z]+)\.local$ $1.test", None, "a=b; Domain=WWW.App.LOCAL", "a=b; Domain=App.test"),
    (None, "/one/ /", "a=b; Path=/one/two; Domain=x", "a=b; Path=/two; Domain=x"),
    (None, "/one/ /", "a=b; Path=/ONE/two", "a=b; Path=/ONE/two"),
    (None, "~^/(.+)$ /app/$1", "a=b; PATH = /x ; HttpOnly", "a=b; PATH = /app/x ; HttpOnly"),
    (None, "~*^/ONE /two", "a=b; path=/one/x", "a=b; path=/two"),
    ("a.local b.test", "/ /app/", "a=b; Path=/x; Domain=a.local", "a=b; Path=/app/x; Domain=b.test"),
    ("off", "off", "a=b; Path=/x; Domain=a.local", "a=b; Path=/x; Domain=a.local"),
    ("a.local b.test", "/ /app/", "a=b; Path=; Domain; Secure", "a=b; Path=; Domain; Secure"),
    ("x y", None, "a=b", "a=b"),
]


@pytest.mark.parametrize("domain,path,given,got", COOKIES)
def test_cookies(world, domain, path, given, got):
    s = world([("Set-Cookie", given), ("Set-Cookie", "plain=1"), ("X-Cookie", given)],
              {k: v for k, v in {"proxy-cookie-domain": domain, "proxy-cookie-path": path}.items() if v})
    answer = s.get("/")
    assert answer.all("set-cookie") == [got, "plain=1"]
    assert answer.get("x-cookie") == given


def test_what_silex_sets_itself_stays(world):
    s = world([("Location", "/x")], {"proxy-cookie-path": "/ /app", "affinity": "cookie",
                                     **redirect("/", "/app/"), "from-to-www-redirect": "true"})
    answer = s.get("/")
    assert answer.get("location") == "/app/x"
    assert "Path=/;" in answer.get("set-cookie") + ";"
    assert s.get("/y", "www." + HOST).get("location").endswith("/y")


def test_http2_and_a_large_value(world):
    long = "http://app.local/" + "x" * 3000
    s = world([("Location", long), ("Set-Cookie", "a=b; Path=/one/")],
              {**redirect("http://app.local/", "/"), "proxy-cookie-path": "/one/ /"})
    with H2(s.http_port) as c:
        answer = c.get("/", authority=HOST)
        fields = dict(answer.fields)
        assert answer.status == 200
        assert fields["location"] == "/" + "x" * 3000
        assert fields["set-cookie"] == "a=b; Path=/"


def test_settings_of_all_and_of_one(world):
    """The ConfigMap holds where an Ingress says nothing; it changes while everything runs."""
    fields = [("Location", "http://app.local/x"), ("Set-Cookie", "a=b; Path=/one/x; Domain=a.local")]
    s = world(fields, {"proxy-cookie-path": "off"},
              {**redirect("http://app.local/", "/"), "proxy-cookie-path": "/one/ /",
               "proxy-cookie-domain": "a.local b.test"})
    answer = s.get("/")
    assert answer.get("location") == "/x"
    assert answer.get("set-cookie") == "a=b; Path=/one/x; Domain=b.test"
    s.manifests.put("conf", configmap("conf", {"proxy-cookie-domain": "one two three"}))
    wait_until(lambda: s.get("/").get("location") == "http://app.local/x", what="the other settings")
    s.wait_log('proxy-cookie-domain: .*one two three.* must be')


@pytest.mark.parametrize("annotations,told", [
    ({"proxy-cookie-path": "/one"}, 'must be ."off.", or two words'),
    ({"proxy-redirect-from": "/a b", "proxy-redirect-to": "/c"}, "must be one word"),
    (redirect("~(", "/"), "is no regular expression"),
    (redirect("/a", "/$"), "without the name of a variable"),
    (redirect("/a", "off"), "has no effect without proxy-redirect-to"),
    ({"proxy-redirect-to": "/a"}, "has no effect without proxy-redirect-from"),
    (redirect("/nothing", "/$no_such_thing"), "no_such_thing never has a value"),
])
def test_what_cannot_be_is_told(world, annotations, told):
    s = world([("Location", "/a")], annotations)
    assert s.get("/").get("location") == "/a"
    s.wait_log(told)


def test_a_regex_that_runs_away(world):
    """Nothing is passed on that should have been another thing."""
    s = world([("Location", "/" + "a" * 400 + "!")], redirect("~^/(a|a|aa)+$", "/"))
    assert s.get("/").status == 500
    wait_until(lambda: reason(s, "regex_limit") == 1, what="the reason")
    assert s.get("/").status == 500
