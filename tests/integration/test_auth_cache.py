"""Remembered answers of auth services: auth-cache-key, auth-cache-duration, global-auth-cache-*."""

import itertools

import pytest

from harness import backends, ingress, path, wait_until
from test_auth import URL, app_field, auth, get, protect  # noqa: F401 - fixtures

KEY = {"auth-cache-key": "$http_authorization"}


def as_who(who):
    return [("Authorization", who)]


def metric(silex, name):
    return silex.metrics()[f"silex_auth_{name}_total"]


def test_an_answer_is_remembered_for_its_key(protect, auth):  # noqa: F811
    s = protect({"auth-url": f"{URL}/200", "auth-response-headers": "X-User", **KEY})
    for n, who in enumerate(["alice", "bob"]):
        auth.fields = f"X-User: {who}\r\n"
        for _ in range(3):
            get(s, fields=as_who(who))
            assert app_field(s, "X-User") == [who]  # and what goes to the endpoint with it
        auth.asked(n + 1)
    assert (metric(s, "remembered"), metric(s, "questions")) == (4, 2)


def test_without_a_key_everything_is_asked(protect, auth):  # noqa: F811
    s = protect({"auth-url": f"{URL}/200", "auth-cache-duration": "200 5m"})
    get(s)
    get(s)
    auth.asked(2)


@pytest.mark.parametrize("code, duration, asked", [
    (401, None, 1), (403, None, 3), (403, "403 1h", 1), (200, "401 1h", 3), (200, "any 1h", 1),
    (202, "1h", 3), (200, "1h", 1), (500, "500 any 1h", 3)])
def test_which_answers(protect, auth, code, duration, asked):  # noqa: F811
    auth.fields = "WWW-Authenticate: Bearer\r\n"
    s = protect({"auth-url": f"{URL}/{code}", **KEY,
                 **({} if duration is None else {"auth-cache-duration": duration})})
    for _ in range(3):
        a = get(s, status=200 if code // 100 == 2 else code, fields=as_who("alice"))
        assert a.all("www-authenticate") == (["Bearer"] if code == 401 else [])
    auth.asked(asked)
    assert len(s.app) == (3 if code // 100 == 2 else 0)


@pytest.mark.parametrize("field", ["Set-Cookie: a=b", "Cache-Control: no-store", "Vary: Cookie",
                                   "Expires: 0", "X-Accel-Expires: 0"])
def test_what_says_otherwise_of_itself_is_used_once(protect, auth, field):  # noqa: F811
    auth.fields = f"{field}\r\n"
    s = protect({"auth-url": f"{URL}/200", **KEY})
    get(s, fields=as_who("alice"))
    get(s, fields=as_who("alice"))
    auth.asked(2)


def test_for_so_long(protect, auth):  # noqa: F811
    s = protect({"auth-url": f"{URL}/200", **KEY, "auth-cache-duration": "200 1s"})

    def asked_again():
        get(s, fields=as_who("alice"))
        return len(auth.heads) > 1
    wait_until(asked_again, what="another question")


def test_a_path_a_host_and_a_service_for_themselves(protect, auth):  # noqa: F811
    annotations = {"auth-url": f"{URL}/200", **KEY}
    s = protect(annotations, also=[ingress("more", {
        "silex.test": [path("/more", "app")], "other.test": [path("/", "app")]},
        annotations=annotations)])
    for n, (target, host) in enumerate([("/", "silex.test"), ("/more", "silex.test"),
                                        ("/", "other.test")]):
        for _ in range(2):
            get(s, target, host=host, fields=as_who("alice"))
        auth.asked(n + 1)
    s.manifests.put("also", ingress("more", {"other.test": [path("/", "app")]}, annotations={
        **annotations, "auth-url": f"{URL}/403"}))
    s.wait_status(403, host="other.test", fields=as_who("alice"))


def test_it_fails_closed(protect, auth):  # noqa: F811
    """What is remembered lets in those who were let in, and nobody else."""
    s = protect({"auth-url": f"{URL}/200", **KEY})
    get(s, fields=as_who("alice"))
    s.manifests.delete("auth")
    others = (as_who(f"bob {n}") for n in itertools.count())  # nobody's answer is remembered yet
    wait_until(lambda: s.get(fields=next(others)).status == 500, what="no auth service")
    get(s, fields=as_who("alice"))
    get(s, status=500)
    s.manifests.put("auth", backends("auth", auth.port))
    wait_until(lambda: s.get(fields=next(others)).status == 200, what="the auth service")


@pytest.mark.parametrize("duration", ["200", "200 5 m", "20x 5m", "200 5q", "99 1m", "600 1m", ","])
def test_bad_durations(protect, auth, duration):  # noqa: F811
    s = protect({"auth-url": f"{URL}/200", **KEY, "auth-cache-duration": duration})
    if duration != "200":  # which are seconds
        s.wait_log("auth-cache-duration must be statuses and a time.*200 202 401 5m is used")
    get(s, fields=as_who("alice"))
    get(s, fields=as_who("alice"))
    auth.asked(1)


def test_global(protect, auth):  # noqa: F811
    s = protect({}, settings={"global-auth-url": f"{URL}/200",
                              "global-auth-cache-key": "$cookie_session"})
    for n, cookie in enumerate(["session=1", "session=2"]):
        for _ in range(2):
            get(s, fields=[("Cookie", cookie)])
        auth.asked(n + 1)


def test_a_key_with_a_part_that_never_has_a_value(protect, auth):  # noqa: F811
    """It would be the same for all: nothing is remembered, and everybody is asked about."""
    s = protect({"auth-url": f"{URL}/200", "auth-cache-key": "$tenant$geoip_city"})
    get(s, fields=as_who("alice"))
    get(s, fields=as_who("bob"))
    auth.asked(2)
    s.wait_log("auth-cache-key .tenant never has a value.*nothing is remembered")
