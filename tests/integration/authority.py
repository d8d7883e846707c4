"""A certificate authority for the tests of client certificates: the openssl command's own."""

import base64
import datetime
import pathlib
import subprocess

from certs import KINDS
from manifests import meta

CONF = """[ca]
default_ca=x
[x]
dir={d}
database={d}/index.txt
serial={d}/serial
crlnumber={d}/crlnumber
new_certs_dir={d}
certificate={d}/ca.crt
private_key={d}/ca.key
default_md=sha256
default_crl_days=30
unique_subject=no
policy=y
copy_extensions=none
[y]
[client]
basicConstraints=CA:FALSE
keyUsage=digitalSignature
extendedKeyUsage=clientAuth
{san}
[intermediate]
basicConstraints=critical,CA:TRUE
keyUsage=keyCertSign,cRLSign
"""


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def day(n):
    return (datetime.datetime.now(datetime.timezone.utc) +
            datetime.timedelta(days=n)).strftime("%Y%m%d000000Z")


class Client:
    """A client's certificate with the intermediates above it, and its key."""

    def __init__(self, crt, key):
        self.crt, self.key = crt, key

    def pem(self):
        """Of the certificate alone."""
        return self.crt.read_text().split("-----END CERTIFICATE-----")[0] + \
            "-----END CERTIFICATE-----\n"


class Authority:
    """Self-signed, or below another one."""

    def __init__(self, tmp, name="Test CA", above=None):
        self.dir, self.n, self.chain = pathlib.Path(tmp), 0, []
        self.dir.mkdir(parents=True)
        self.crt, self.key = self.dir / "ca.crt", self.dir / "ca.key"
        for file, text in (("index.txt", ""), ("serial", "01\n"), ("crlnumber", "01\n"),
                           ("ca.conf", CONF.format(d=self.dir, san=""))):
            (self.dir / file).write_text(text)
        subject = f"/CN={name}"
        if above is None:
            run("openssl", "req", "-x509", "-newkey", *KINDS["p256"], "-noenc", "-keyout", self.key,
                "-out", self.crt, "-days", "30", "-subj", subject, "-addext",
                "keyUsage=keyCertSign,cRLSign")
        else:
            made = above.issue(subject, extensions="intermediate")
            made.crt.rename(self.crt)
            made.key.rename(self.key)
            self.chain = [self.crt.read_text().split("\n\n")[0]]

    def issue(self, subject="/CN=client", *, start=-1, end=10, san="", kind="p256",
              extensions="client"):
        """start, end: days from now. san: an openssl line, like subjectAltName=DNS:x."""
        self.n += 1
        base = self.dir / f"client{self.n}"
        crt, key, csr, conf = (base.with_suffix(s) for s in (".crt", ".key", ".csr", ".conf"))
        conf.write_text(CONF.format(d=self.dir, san=san))
        run("openssl", "req", "-new", "-newkey", *KINDS[kind], "-noenc", "-keyout", key, "-out",
            csr, "-subj", subject, "-utf8")
        run("openssl", "ca", "-batch", "-config", conf, "-extensions", extensions, "-in", csr,
            "-out", crt, "-notext", "-startdate", day(start), "-enddate", day(end), "-utf8",
            "-preserveDN")
        crt.write_text(crt.read_text() + "".join(self.chain))
        return Client(crt, key)

    def revoke(self, client):
        single = self.dir / "revoked.crt"
        single.write_text(client.pem())
        run("openssl", "ca", "-config", self.dir / "ca.conf", "-revoke", single)

    def crl(self):
        """PEM, as of now."""
        out = self.dir / "ca.crl"
        run("openssl", "ca", "-config", self.dir / "ca.conf", "-gencrl", "-out", out)
        return out.read_bytes()


def ca_secret(name, *authorities, crl=None, ns="default", crt=None):
    """crt, crl: bytes; crt None: the authorities' certificates."""
    data = {"ca.crt": b"".join(a.crt.read_bytes() for a in authorities) if crt is None else crt}
    if crl is not None:
        data["ca.crl"] = crl
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name, ns), "type": "Opaque",
            "data": {k: base64.b64encode(v).decode() for k, v in data.items()}}
