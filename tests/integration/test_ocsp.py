"""OCSP stapling: the master fetches, workers staple; a responder's faults disturb nothing."""

import http.server
import os
import signal
import subprocess
import threading

import pytest

from authority import Authority, run
from certs import secret, tls
from harness import PATIENCE, backends, ingress, wait_until
from test_tls import der


class Responder:
    """Answers as `mode` says; "good" is what the authority's index says, by the openssl command."""

    def __init__(self, authority, signer=None):
        self.authority, self.signer = authority, signer or authority
        self.mode, self.asked, self.flags = "good", 0, ["-ndays", "1"]
        self.release = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                assert self.headers["Content-Type"] == "application/ocsp-request"
                if outer.mode == "hangs":
                    outer.release.wait(PATIENCE)
                    return
                self.send_response(503 if outer.mode == "error" else 200)
                self.end_headers()
                self.wfile.write(outer.answer(body))

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request):
        if self.mode == "garbage":
            return b"<html>welcome to the hotel's network</html>"
        if self.mode == "too long":
            return b"\x30" * 100_000
        d = self.authority.dir
        (d / "ask").write_bytes(request)
        run("openssl", "ocsp", "-index", d / "index.txt", "-CA", self.authority.crt, "-rsigner",
            self.signer.crt, "-rkey", self.signer.key, "-reqin", d / "ask", "-respout", d / "said",
            *self.flags)
        return (d / "said").read_bytes()

    def down(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


@pytest.fixture
def responder(authority):
    r = Responder(authority)
    yield r
    r.down()


def issue(authority, port, **how):
    """A server's certificate with its issuer behind it."""
    c = authority.issue("/CN=silex.test", san="subjectAltName=DNS:silex.test\n"
                        f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}/\n", **how)
    c.crt.write_text(c.pem() + authority.crt.read_text())
    return c


def start(make_silex, origin, cert, *flags, conf=None):
    s = make_silex(workers=2, https=True, flags=flags, conf=conf)
    s.manifests.put("base", backends("base", origin.port),
                    ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]),
                    secret("cert", cert.crt, cert.key))
    return s.start()


def stapled(silex, ask=True, version="-tls1_3"):
    """What the openssl client says of the response it got."""
    out = subprocess.run(
        ["openssl", "s_client", "-connect", f"{silex.host}:{silex.https_port}", "-servername",
         "silex.test", version, *(["-status"] if ask else [])],
        input="", capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
    if "OCSP Response Status: successful" in out:
        return "good" if "Cert Status: good" in out else "other"
    assert not ask or "OCSP response: no response sent" in out, out
    return None


def wait_stapled(silex, want="good"):
    wait_until(lambda: all(stapled(silex) == want for _ in range(6)),
               what=f"stapled: {want}; log:\n{silex.log()}")


def test_good_answers_are_stapled_for_those_who_ask(make_silex, origin, authority, responder):
    cert = issue(authority, responder.port)
    s = start(make_silex, origin, cert, "--enable-ocsp")
    wait_stapled(s)
    assert stapled(s, version="-tls1_2") == "good"
    assert stapled(s, ask=False) is None
    assert responder.asked == 1
    m = s.metrics()
    assert m["silex_ocsp_stapled_certificates"] == 1 and m["silex_ocsp_failures_total"] == 0


def test_off_by_default(make_silex, origin, authority, responder):
    s = start(make_silex, origin, issue(authority, responder.port))
    assert stapled(s) is None
    assert responder.asked == 0


@pytest.mark.parametrize("mode,words", [
    ("error", "HTTP status 503"),
    ("garbage", "no OCSP response"),
    ("too long", "Failed writing received data|no OCSP response"),
    ("hangs", "Timeout was reached"),
    ("revoked", "the certificate is revoked"),
    ("unknown", "does not know the certificate"),
    ("stranger", "not signed by the certificate's issuer"),
])
def test_what_is_not_stapled_disturbs_nothing(make_silex, origin, authority, responder, tmp_path,
                                              mode, words):
    cert = issue(authority, responder.port)
    responder.mode = mode
    if mode == "revoked":
        authority.revoke(cert)
    elif mode == "unknown":
        (authority.dir / "index.txt").write_text("")
    elif mode == "stranger":
        responder.signer = Authority(tmp_path / "other")
    s = start(make_silex, origin, cert, "--enable-ocsp")
    s.wait_log(words)
    assert stapled(s) is None
    assert der(s) == subprocess.run(["openssl", "x509", "-in", cert.crt, "-outform", "DER"],
                                    capture_output=True, check=True).stdout
    m = s.metrics()
    assert m["silex_ocsp_failures_total"] >= 1 and m["silex_ocsp_stapled_certificates"] == 0


def test_a_responder_that_comes_back(make_silex, origin, authority, responder):
    responder.mode = "error"
    s = start(make_silex, origin, issue(authority, responder.port), "--enable-ocsp")
    s.wait_log("HTTP status 503")
    responder.mode = "good"
    wait_stapled(s)
    s.wait_log("stapling again")


def test_a_renewed_certificate_is_asked_for_anew(make_silex, origin, authority, responder):
    cert, other = (issue(authority, responder.port) for _ in range(2))
    s = start(make_silex, origin, cert, "--enable-ocsp")
    wait_stapled(s)
    s.manifests.put("base", backends("base", origin.port),
                    ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]),
                    secret("cert", other.crt, other.key))
    wait_until(lambda: responder.asked == 2, what="the second question")
    wait_stapled(s)
    # The keys process dies: the same certificate keeps its answer.
    old = s.keys()
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: s.keys() not in (0, old), what="another keys process")
    wait_stapled(s)
    assert responder.asked == 2


def test_the_configmap_turns_it_on_and_off(make_silex, origin, authority, responder):
    cert = issue(authority, responder.port)
    s = start(make_silex, origin, cert, "--configmap", "default/config")
    workers = s.workers()

    def say(value):
        s.manifests.put("config", {"apiVersion": "v1", "kind": "ConfigMap",
                                   "metadata": {"name": "config", "namespace": "default"},
                                   "data": {"enable-ocsp": value}})
    say("true")
    wait_stapled(s)
    say("false")
    wait_stapled(s, None)
    assert s.workers() == workers


def test_a_certificate_that_names_nobody(make_silex, origin, authority, tmp_path):
    cert = authority.issue("/CN=silex.test", san="subjectAltName=DNS:silex.test\n")
    s = start(make_silex, origin, cert, "--enable-ocsp")
    s.wait_log("names no OCSP responder")
    assert stapled(s) is None


def test_a_delegate_may_sign(make_silex, origin, authority, responder):
    """RFC 6960 §4.2.2.2: a certificate of the issuer's for this purpose, and no other."""
    responder.signer = delegate_of(authority)
    s = start(make_silex, origin, issue(authority, responder.port), "--enable-ocsp")
    wait_stapled(s)


def delegate_of(authority):
    """(crt, key) with extendedKeyUsage OCSPSigning."""
    d = authority.dir
    (d / "delegate.ext").write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n"
                                    "extendedKeyUsage=OCSPSigning\n")
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
        "-keyout", d / "delegate.key", "-out", d / "delegate.csr", "-subj", "/CN=responder")
    run("openssl", "x509", "-req", "-in", d / "delegate.csr", "-CA", authority.crt, "-CAkey",
        authority.key, "-CAcreateserial", "-out", d / "delegate.crt", "-days", "5", "-extfile",
        d / "delegate.ext")

    class Delegate:
        crt, key = d / "delegate.crt", d / "delegate.key"
    return Delegate


def test_any_other_certificate_of_the_issuer_may_not(make_silex, origin, authority, responder):
    responder.signer = authority.issue("/CN=somebody")
    s = start(make_silex, origin, issue(authority, responder.port), "--enable-ocsp")
    s.wait_log("not signed by the certificate's issuer")
    assert stapled(s) is None
