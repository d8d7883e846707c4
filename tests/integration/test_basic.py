"""Basic authentication: auth-type, auth-secret, auth-secret-type, auth-realm."""

import re

import pytest

from endpoint_ca import opaque
from frames import H2
from harness import backends, configmap, wait_until
from passwords import APR1, HASHES, basic, protected, users

CHALLENGE = 'Basic realm="Staff only"'


@pytest.fixture
def app(make_scripted):
    """An application: .heads are the requests that reached it."""
    def script(peer):
        while (got := peer.read_request()) is not None:
            app.heads.append(got[0].decode("latin-1"))
            peer.answer(200, b"welcome")
    app = make_scripted(script)
    app.heads = []
    return app


@pytest.fixture
def guard(make_silex, app):
    """guard(secrets..., annotation=value) -> Silex whose host asks for passwords."""
    def start(*objects, flags=(), settings=None, also=(), ready=True, conf="", workers=1,
              **annotations):
        if settings is not None:
            flags = [*flags, "--configmap=default/settings"]
        s = make_silex(flags=flags, conf=conf, workers=workers)
        if settings is not None:
            s.manifests.put("settings", configmap("settings", settings))
        if objects:
            s.manifests.put("secrets", *objects)
        if also:
            s.manifests.put("also", *also)
        s.manifests.put("app", backends("app", app.port), protected(**annotations))
        return s.start(ready)
    return start


def ask(silex, status, *who, target="/", **how):
    a = silex.get(target, fields=[*basic(*who), *how.pop("fields", [])], **how)
    assert a.status == status, (a, silex.log())
    return a


def wait_asked(silex, status, *who, **how):
    wait_until(lambda: silex.get(fields=basic(*who), **how).status == status,
               what=f"{status} for {who}; log:\n{silex.log()}")


def stat(silex, name):
    return silex.metrics()[f"silex_auth_basic_{name}_total"]


def reason(silex, label):
    return silex.metrics()[f'silex_requests_ended_total{{reason="{label}"}}']


# ---- who comes in ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", sorted(HASHES))
def test_every_form_of_hash(guard, app, form):
    s = guard(users(lines=f"alice:{HASHES[form]}\n"))
    assert ask(s, 200).body == b"welcome"
    ask(s, 401, "alice", "Secret")
    ask(s, 401, "alice", "")
    ask(s, 401, "bob", "secret")
    assert len(app.heads) == 1


def test_the_challenge(guard, app):
    s = guard(users())
    a = s.get()
    assert (a.status, a.all("www-authenticate")) == (401, [CHALLENGE])
    assert a.get("content-type") == "text/html" and b"401" in a.body
    assert ask(s, 401, "alice", "wrong").all("www-authenticate") == [CHALLENGE]
    assert ask(s, 200).all("www-authenticate") == []
    assert len(app.heads) == 1 and reason(s, "password_refused") == 2
    assert (stat(s, "refused"), stat(s, "questions")) == (2, 2)


def test_the_origin_does_not_see_the_password(guard, app):
    s = guard(users())
    ask(s, 200, fields=[("X-Other", "1")])
    assert "uthorization" not in app.heads[0] and "X-Other: 1" in app.heads[0]
    s.wait_access(lambda x: re.search(r"alice", x))


@pytest.mark.parametrize("value", [
    "Basic", "Basic ", "Basic !!!!", "Basic YWxpY2U=", "Basic OnNlY3JldA==", "Bearer YWxpY2U6c2VjcmV0",
    "YWxpY2U6c2VjcmV0", "Basic " + "QUFB" * 600, "Digest username=alice", "Basic YWxpY2U6c2VjcmV0AHg="])
def test_what_are_no_credentials(guard, app, value):
    s = guard(users())
    assert s.get(fields=[("Authorization", value)]).status == 401
    assert app.heads == []


def test_two_fields_are_none(guard, app):
    s = guard(users())
    assert s.get(fields=[*basic(), *basic("bob", "x")]).status in (400, 401)
    assert app.heads == []


@pytest.mark.parametrize("value", ["basic YWxpY2U6c2VjcmV0", "Basic YWxpY2U6c2VjcmV0",
                                   "BASIC   YWxpY2U6c2VjcmV0"])
def test_ways_to_write_it(guard, value):
    s = guard(users())
    assert s.get(fields=[("Authorization", value)]).status == 200


def test_a_password_with_a_colon_and_utf8(guard):
    s = guard(users(lines=f"alice:{APR1}\nzoë:{{SHA}}Y0V2rs4EIU9UUPpJtzPTxTLC+JI=\n"))
    ask(s, 200)
    ask(s, 401, "zoë", "ä:b")


def test_an_htpasswd_file_as_nginx_reads_it(guard):
    s = guard(users(lines=f"# staff\n\nalice:{APR1}:a comment\r\nalice:{{PLAIN}}other\n"
                          "bob:{PLAIN}pw"))
    ask(s, 200)
    ask(s, 401, "alice", "other")  # the first line of a name counts
    ask(s, 200, "bob", "pw")
    ask(s, 401, "# staff", "")


def test_auth_map(guard):
    s = guard(opaque("users", alice=APR1.encode(), bob=b"{PLAIN}pw\n"), auth_secret_type="auth-map")
    ask(s, 200)
    ask(s, 200, "bob", "pw")
    ask(s, 401, "bob", "secret")
    ask(s, 401, "auth", "secret")


@pytest.mark.parametrize("realm, said", [
    (None, 'Basic realm=""'), ("", 'Basic realm=""'), ("off", 'Basic realm="off"'), ("a \"b\" \\c", r'Basic realm="a \"b\" \\c"'),
    ("$host", 'Basic realm="$host"')])
def test_realms(guard, app, realm, said):
    s = guard(users(), auth_realm=realm)
    a = s.get()
    assert (a.status, a.all("www-authenticate"), app.heads) == (401, [said], [])


# ---- what cannot be had is closed -----------------------------------------------------------


def closed(silex, app, *words):
    silex.wait_status(503)
    ask(silex, 503)
    assert app.heads == []
    for word in words:
        silex.wait_log(re.escape(word))


def test_no_secret(guard, app):
    s = guard()
    closed(s, app, "AnnotationParsingFailed", "Secret default/users: it does not exist")
    s.manifests.put("secrets", users())
    wait_asked(s, 200)


@pytest.mark.parametrize("annotations, words", [
    ({"auth_type": "digest"}, "digest is not"),
    ({"auth_type": "basic; proxy_pass http://evil"}, "auth-type must be basic"),
    ({"auth_secret": None}, "auth-secret is missing"),
    ({"auth_secret": "other/users"}, "names another namespace"),
    ({"auth_secret": "../users"}, "must be the name of a Secret"),
    ({"auth_secret": "a/../users"}, "must be the name of a Secret"),
    ({"auth_secret": "/users"}, "must be the name of a Secret"),
    ({"auth_secret": "users?watch=1"}, "must be the name of a Secret"),
    ({"auth_secret_type": "auth-other"}, "auth-secret-type must be"),
])
def test_annotations_that_cannot_be_honoured(guard, app, annotations, words):
    s = guard(users(), users(ns="other"), **annotations)
    closed(s, app, words)


def test_another_namespace_when_that_is_allowed(guard, app):
    s = guard(users(ns="other"), auth_secret="other/users",
              settings={"allow-cross-namespace-resources": "true"})
    ask(s, 200)
    s.manifests.put("settings", configmap("settings", {}))
    closed_after = len(app.heads)
    s.wait_status(503)
    assert len(app.heads) == closed_after


@pytest.mark.parametrize("secret, words", [
    (opaque("users", passwd=APR1.encode()), "has no key auth"),
    (users(lines=""), "it holds no user"),
    (users(lines="# nobody\n"), "it holds no user"),
    (users(lines="alice\n"), "line 1 of its key auth has no colon"),
    (users(lines="alice:secret\n"), "line 1 of its key auth is no hash"),
    (users(lines="alice:$2b$31$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"),
     "takes too long"),
])
def test_secrets_in_which_nobody_can_log_in(guard, app, secret, words):
    s = guard(secret)
    closed(s, app, words)
    assert "secret\n" not in s.log()


def test_one_bad_line_among_good_ones(guard, app):
    """Nobody comes in by it; the others are not turned away, as nginx has it."""
    s = guard(users(lines=f"alice:{APR1}\nbob:letmein\ncarol\n"))
    s.wait_log("line 2 of its key auth is no hash.*left out of it: 2")
    ask(s, 200)
    ask(s, 401, "bob", "letmein")
    ask(s, 401, "carol", "")
    assert "letmein" not in s.log() and len(app.heads) == 1


def test_without_auth_type_nobody_is_asked(guard, app):
    s = guard(users(), auth_type=None)
    assert s.get().status == 200
    s.wait_log("auth-secret has no effect without auth-type")


# ---- changes --------------------------------------------------------------------------------


def test_a_changed_secret_counts_at_once(guard):
    s = guard(users(), workers=2)
    for _ in range(8):
        ask(s, 200)
    s.manifests.put("secrets", users(lines="alice:{PLAIN}new\nbob:{PLAIN}pw\n"))
    s.wait_status(401, fields=basic())  # what workers knew of the old list counts no more
    ask(s, 200, "alice", "new")
    ask(s, 200, "bob", "pw")
    s.manifests.put("secrets", users(lines="bob:{PLAIN}pw\n"))
    s.wait_status(401, fields=basic("alice", "new"))
    ask(s, 200, "bob", "pw")


def test_a_secret_that_goes_and_comes(guard, app):
    s = guard(users())
    ask(s, 200)
    s.manifests.delete("secrets")
    s.wait_status(503, fields=basic())
    s.manifests.put("secrets", users(lines="alice:{PLAIN}back\n"))
    wait_asked(s, 200, "alice", "back")
    ask(s, 401)


def test_an_ingress_that_comes_long_after_its_secret(guard, app):
    s = guard(users(), auth_type=None, auth_secret=None)
    assert s.get().status == 200 and s.auth() == 0
    s.manifests.put("app", backends("app", app.port), protected())
    s.wait_status(401)
    ask(s, 200)
    assert s.auth() != 0


def test_a_changed_annotation_is_no_moment_of_503(guard, app):
    s = guard(users())
    ask(s, 200)
    with s.client() as c:
        for n in range(20):
            s.manifests.put("app", backends("app", app.port), protected(auth_realm=f"realm {n}"))
            seen = set()

            def told(wanted=f'Basic realm="realm {n}"', seen=seen):
                a = c.get()
                seen.add(a.status)
                return a.get("www-authenticate") == wanted
            wait_until(told, what="the new realm")
            assert seen == {401}


# ---- with others ----------------------------------------------------------------------------


def test_known_credentials_are_not_looked_at_again(guard):
    s = guard(users())
    with s.client() as c:
        for _ in range(20):
            assert c.get(fields=basic()).status == 200
    assert (stat(s, "questions"), stat(s, "known")) == (1, 19)
    for n in range(5):  # wrong ones are, each time
        ask(s, 401, "alice", "wrong")
        assert stat(s, "questions") == 2 + n


@pytest.mark.parametrize("inside", [True, False])
def test_satisfy_any(guard, app, inside):
    s = guard(users(), satisfy="any",
              allowlist_source_range="127.0.0.1/32" if inside else "192.0.2.0/24")
    assert s.get().status == (200 if inside else 401)
    ask(s, 200)
    assert "uthorization" not in app.heads[-1]


def test_satisfy_all(guard, app):
    s = guard(users(), allowlist_source_range="192.0.2.0/24")
    a = ask(s, 403)
    assert a.all("www-authenticate") == [] and app.heads == []


def auth_service(make_scripted, status):
    def script(peer):
        while (head := peer.read_head()) is not None:
            service.heads.append(head.decode("latin-1"))
            peer.answer(status, b"", 'WWW-Authenticate: Bearer\r\n' if status == 401 else "")
    service = make_scripted(script)
    service.heads = []
    return service


@pytest.mark.parametrize("satisfy, status, without, wrong, right", [
    ("all", 200, 401, 401, 200), ("all", 403, 401, 401, 403), ("any", 200, 200, 200, 200),
    ("any", 403, 401, 401, 200), ("any", 401, 401, 401, 200), ("any", 500, 500, 500, 200)])
def test_with_an_auth_service(guard, make_scripted, app, satisfy, status, without, wrong, right):
    service = auth_service(make_scripted, status)
    s = guard(users(), also=backends("auth", service.port), satisfy=satisfy,
              auth_url="http://auth.default.svc.cluster.local/ask")
    assert s.get().status == without
    asked = len(service.heads)
    assert asked == (0 if satisfy == "all" else 1)  # the password is looked at first
    ask(s, wrong, "alice", "wrong")
    a = ask(s, right)
    assert a.all("www-authenticate") == []
    assert len(service.heads) == (2 * asked if satisfy == "any" else 1)
    assert len(app.heads) == [without, wrong, right].count(200)
    if satisfy == "any" and status in (401, 403):
        assert CHALLENGE in s.get().all("www-authenticate")
    if satisfy == "all":
        assert basic()[0][1] in service.heads[0]


def test_cors_preflight_is_not_asked(guard, app):
    s = guard(users(), enable_cors="true")
    assert s.get(method="OPTIONS", fields=[("Origin", "https://a.test")]).status == 204
    a = s.get(fields=[("Origin", "https://a.test")])
    assert a.status == 401 and a.get("access-control-allow-origin") == "*"
    assert app.heads == []


def test_no_auth_locations(guard, app):
    s = guard(users(), where="/.well-known/acme-challenge")
    assert s.get("/.well-known/acme-challenge/token").status == 200


def test_other_paths_of_the_host_are_their_own(guard, app):
    s = guard(users(), where="/private", also=[protected("open", where="/", auth_type=None,
                                                         auth_secret=None)])
    assert s.get("/").status == 200
    for target in ("/private", "/private/x", "//private", "/%70rivate", "/open/../private"):
        assert s.get(target).status == 401, target
    ask(s, 200, target="/private/x")


def test_custom_error_pages(guard, make_scripted, app):
    def script(peer):
        while (got := peer.read_request()) is not None:
            pages.heads.append(got[0].decode("latin-1"))
            peer.answer(401, b"log in, please")
    pages = make_scripted(script)
    pages.heads = []
    s = guard(users(), also=backends("pages", pages.port), custom_http_errors="401",
              default_backend="pages")
    a = ask(s, 401, "alice", "wrong")
    assert (a.body, a.all("www-authenticate")) == (b"log in, please", [CHALLENGE])
    assert "X-Code: 401" in pages.heads[0] and app.heads == []
    assert "uthorization" not in pages.heads[0]
    assert ask(s, 200).body == b"welcome"


def test_a_canary_asks_too(guard, make_scripted, app):
    s = guard(users(), also=[*backends("new", app.port), protected(
        "canary", "new", auth_type=None, auth_secret=None, auth_realm=None, canary="true",
        canary_by_header="X-Canary")])
    assert s.get(fields=[("X-Canary", "always")]).status == 401
    ask(s, 200, fields=[("X-Canary", "always")])
    assert len(app.heads) == 1 and "uthorization" not in app.heads[0]


def test_content_waits_for_the_answer(guard, app):
    s = guard(users())
    body = b"x" * 300000
    assert s.get(method="POST", body=body, fields=basic()).status == 200
    with s.client() as c:
        assert c.get(method="POST", body=body).status == 401


def test_http2_and_grpc(guard, app):
    s = guard(users())
    with H2(s.http_port) as h:
        a = h.get("/")
        assert a.status == 401
        assert a.fields["www-authenticate"] == CHALLENGE
        assert h.get("/", extra=[("authorization", basic()[0][1])]).status == 200
        call = h.get("/x.Y/Z", method="POST", extra=[("content-type", "application/grpc"),
                                                     ("te", "trailers")])
        assert call.status == 200 and call.fields["grpc-status"] == "16"
    assert len(app.heads) == 1


def test_the_limit_comes_first(guard, app):
    s = guard(users(), limit_rpm="1", limit_burst_multiplier="1")
    seen = [s.get(fields=basic("alice", f"guess {n}")).status for n in range(6)]
    assert set(seen) == {401, 503} and app.heads == []
    assert stat(s, "questions") == seen.count(401)
