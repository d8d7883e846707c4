"""auth-snippet and global-auth-snippet: what they change in the question to the auth service."""

import pytest

from harness import configmap, wait_until
from test_auth import HOST, URL, app_field, auth, get, protect  # noqa: F401 - fixtures

SNIPPETS = ("--annotations-risk-level=Critical", "--allow-snippet-annotations=true")


def test_a_snippet_changes_the_question(protect, auth):
    """What ingress-nginx' auth location would do: fields set, taken away, made up."""
    s = protect({"auth-url": f"{URL}/200", "auth-snippet": """
        set $who "$http_x_who@$host";
        more_set_input_headers "X-In: in" "X-Real-IP: 6.6.6.6";
        more_clear_input_headers "X-Secret-*";
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Original-URL "https://$host$request_uri";
        proxy_set_header X-Who $who;
        proxy_set_header Host auth.example.com;
        proxy_set_header Cookie "";
        proxy_set_header Content-Length "";
        proxy_pass_request_body off;
        auth_request_set $gone $upstream_http_x_gone;
        proxy_read_timeout 5s;
        proxy_buffer_size 32k;
        """}, *SNIPPETS)
    get(s, "/a?b", fields=[("X-Who", "jo"), ("X-Secret-A", "1"), ("Cookie", "a=b"),
                           ("X-Kept", "k")])
    auth.asked()
    assert {n: auth.field(n) for n in ("X-Forwarded-Host", "X-Original-URL", "X-Who", "Host",
                                       "X-In", "X-Kept", "Cookie", "X-Secret-A")} == {
        "X-Forwarded-Host": [HOST], "X-Original-URL": [f"https://{HOST}/a?b"],
        "X-Who": [f"jo@{HOST}"], "Host": ["auth.example.com"], "X-In": ["in"], "X-Kept": ["k"],
        "Cookie": [], "X-Secret-A": []}
    assert auth.field("X-Real-IP") == ["127.0.0.1"]
    assert app_field(s, "X-Who") == ["jo"] and app_field(s, "Cookie") == ["a=b"]
    assert app_field(s, "Host") == [HOST] and app_field(s, "X-In") == []


def test_a_snippet_that_passes_no_fields(protect, auth):
    s = protect({"auth-url": f"{URL}/200", "auth-snippet":
                 "proxy_pass_request_headers off; proxy_set_header X-Key $http_x_key;"}, *SNIPPETS)
    get(s, fields=[("X-Key", "k"), ("X-Other", "o"), ("Cookie", "c=1")])
    auth.asked()
    assert auth.field("X-Key") == ["k"]
    assert auth.field("X-Other") == [] and auth.field("Cookie") == []
    assert auth.field("X-Original-Method") == ["GET"]


@pytest.mark.parametrize("snippet", ["return 302;", "proxy_pass http://other;", "if ($uri) { return 200; }",
                                     "proxy_set_header X $nobody_knows;", "proxy_set_header"])
def test_a_snippet_that_is_refused_closes_the_path(protect, auth, snippet):
    s = protect({"auth-url": f"{URL}/200", "auth-snippet": snippet}, *SNIPPETS)
    get(s, status=503)
    s.wait_log("annotation auth-snippet: line 1: .*its paths answer 503")
    assert auth.heads == [] and s.app == []


def test_a_snippet_that_may_not_be_read_closes_the_path(protect, auth):
    s = protect({"auth-url": f"{URL}/200", "auth-snippet": "proxy_set_header X y;"}, SNIPPETS[0])
    get(s, status=503)
    s.wait_log("auth-snippet: it is not read.*its paths answer 503")
    assert auth.heads == []


def test_a_snippet_without_a_question_is_told(protect):
    s = protect({"auth-snippet": "proxy_set_header X y;"}, *SNIPPETS)
    get(s)
    s.wait_log("auth-snippet: it has no effect without auth-url")


def test_a_snippet_of_all_questions(protect, auth):
    s = protect({}, settings={"global-auth-url": f"{URL}/200",
                              "global-auth-snippet": "proxy_set_header X-Mine $request_method;"})
    get(s)
    assert auth.field("X-Mine") == ["GET"]
    s.manifests.put("settings", configmap("settings", {
        "global-auth-url": f"{URL}/200", "global-auth-snippet": "return 302;"}))
    s.wait_log("global-auth-snippet: line 1: .*what was there before stays in force")
    get(s)
    assert auth.field("X-Mine") == ["GET"]


def test_a_snippet_of_all_questions_that_was_never_good(protect, auth):
    s = protect({}, settings={"global-auth-url": f"{URL}/200", "global-auth-snippet": "deny all;"})
    get(s, status=503)
    s.wait_log("global-auth-snippet: line 1: .*every path that global-auth-url protects answers 503")
    assert auth.heads == []


def test_a_snippet_that_lets_in_or_not(protect, auth):
    """The recipe of many: some paths are not asked about. The service is not asked then."""
    s = protect({"auth-url": f"{URL}/401", "auth-signin": "https://login.test/", "auth-snippet": """
        if ($request_uri ~* "^/(health|ready)") { return 200; }
        if ($request_method = OPTIONS) { return 204; }
        if ($http_x_key = no) { return 403; }
        if ($http_x_key = sign-in) { return 401; }
        if ($http_cookie ~* "jwt=([^;]+)") { set $token "$1"; }
        proxy_set_header X-Jwt $token;
        """}, *SNIPPETS)
    for target in ("/health", "/READY?x"):
        get(s, target)
    get(s, method="OPTIONS")
    get(s, status=403, fields=[("X-Key", "no")])
    assert get(s, status=302, fields=[("X-Key", "sign-in")]).get("location").startswith(
        "https://login.test/?rd=")
    assert auth.heads == [] and len(s.app) == 3
    get(s, "/other?/health", 302, fields=[("Cookie", "a=b; jwt=t0ken; c=d")])
    auth.asked()
    assert auth.field("X-Jwt") == ["t0ken"]
    get(s, "/x", 302)
    assert auth.field("X-Jwt") == [] and len(s.app) == 3


def test_a_snippet_whose_condition_cannot_be_told_lets_nobody_in(protect, auth):
    s = protect({"auth-url": f"{URL}/200",
                 "auth-snippet": "if ($http_x !~ ^(a+)+$) { return 200; }"}, *SNIPPETS)
    get(s, status=500, fields=[("X", "a" * 60 + "b")])
    assert auth.heads == [] and s.app == []


MAPS = """
    map $uri $by_path { default 0; ~^/public 1; }
    map $by_path $twice { default $by_path; }
    map $http_x $by_value { default 0; 1 "$is_args"; }
    map $request_uri $good { default 0; ~^/public 1; }
    """


@pytest.mark.parametrize("name", ["by_path", "twice", "by_value"])
def test_a_map_of_the_path_does_not_decide(protect, auth, name):
    """In nginx the question has a path and a query of its own, also for the source of a map."""
    s = protect({"auth-url": f"{URL}/401", "auth-snippet": f"if (${name}) {{ return 200; }}"},
                *SNIPPETS, settings={"http-snippet": MAPS})
    get(s, "/public?x", 503)
    s.wait_log(f"annotation auth-snippet: line 1: .{name} is made of what is of the question")
    assert auth.heads == [] and s.app == []


def test_a_map_of_what_the_client_asked_for_decides(protect, auth):
    s = protect({"auth-url": f"{URL}/401", "auth-snippet": "if ($good) { return 200; }"},
                *SNIPPETS, settings={"http-snippet": MAPS})
    get(s, "/public?x")
    get(s, "/other", 401)


@pytest.mark.parametrize("how", [
    {"auth-snippet": "return 200;"},
    {"satisfy": "any", "allowlist-source-range": "127.0.0.0/8"}])
def test_who_is_not_asked_about_says_nothing_in_the_services_name(protect, auth, how):
    """auth-response-headers are the service's, or nobody's: as in nginx, where they are empty."""
    s = protect({"auth-url": f"{URL}/401", "auth-response-headers": "X-User, X-Roles"} | how,
                *SNIPPETS)
    get(s, fields=[("X-User", "admin"), ("x-roles", "all"), ("X-Mine", "m")])
    assert auth.heads == [] and app_field(s, "X-Mine") == ["m"]
    assert app_field(s, "X-User") == [] and app_field(s, "X-Roles") == []


def test_captures_of_a_question_are_its_own(protect, auth):
    s = protect({"auth-url": f"{URL}/200", "configuration-snippet": """
        if ($request_uri ~ ^/(a+)) { set $seen 1; }
        more_set_headers "X-Path: $1";
        """, "auth-snippet": """
        if ($http_x ~ "^k=(.+)$") { set $key 1; }
        proxy_set_header X-Key "<$1>";
        """}, *SNIPPETS)
    assert get(s, "/aa").get("x-path") == "aa"
    assert auth.field("X-Key") == ["<>"]
    assert get(s, "/aaa", fields=[("X", "k=v")]).get("x-path") == "aaa"
    assert auth.field("X-Key") == ["<v>"]


def test_texts_that_name_each_other_change_together(protect, auth):
    """global-auth-snippet looks at what server-snippet sets: neither goes on without the other."""
    url = {"global-auth-url": f"{URL}/401"}
    asked = "if ($public) { return 200; } proxy_set_header X-V one;"
    open_ = "if ($closed != 1) { return 200; }"
    s = protect({}, settings=url | {"server-snippet": "set $public $http_x_public;",
                                    "global-auth-snippet": asked})
    get(s, status=401)
    for bad in ({"server-snippet": "set $closed 1; set $public ''; deny nowhere;",
                 "global-auth-snippet": open_},
                {"server-snippet": "set $closed 1; set $public '';",
                 "global-auth-snippet": open_ + " return 302;"}):
        s.manifests.put("settings", configmap("settings", url | bad))
        s.wait_log("line 1: .*(nowhere|return).*what was there before stays in force")
        get(s, status=401)
        get(s, status=200, fields=[("X-Public", "1")])
    s.manifests.put("settings", configmap("settings", url | {
        "server-snippet": "set $closed $http_x_closed;", "global-auth-snippet": open_}))
    wait_until(lambda: s.get("/", host=HOST).status == 200, what="the new texts")
    get(s, status=401, fields=[("X-Closed", "1")])
