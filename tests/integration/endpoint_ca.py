"""A certificate authority of endpoints, for the tests of verification, made by the openssl command."""

import base64
import pathlib
import subprocess

from certs import Pair
from manifests import meta

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
RSA = ["-newkey", "rsa:2048"]


def openssl(*args, **how):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **how)


class Issued:
    """A certificate with its key; .chain has the intermediates behind it, .crt does not."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.crt, self.key, self.chain = (self.dir / n for n in ("crt.pem", "key.pem", "chain.pem"))

    private_numbers = Pair.private_numbers

    def der(self):
        return openssl("x509", "-in", self.crt, "-outform", "DER").stdout


class Authority(Issued):
    """A root, or with `parent` an intermediate one."""

    def __init__(self, directory, name="root", parent=None):
        super().__init__(directory)
        self.parent = parent
        if parent is None:
            openssl("req", "-x509", *EC, "-noenc", "-keyout", self.key, "-out", self.crt, "-days",
                    "30", "-subj", f"/CN={name}")
        else:
            parent._sign(self, f"/CN={name}", "basicConstraints=critical,CA:TRUE\n", 30, EC)

    def _sign(self, to, subject, extensions, days, kind):
        request, text = to.dir / "request.pem", to.dir / "extensions"
        text.write_text(extensions)
        openssl("req", *kind, "-noenc", "-keyout", to.key, "-out", request, "-subj", subject)
        openssl("x509", "-req", "-in", request, "-CA", self.crt, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", text, "-out", to.crt)
        rest, authority = b"", self
        while authority.parent is not None:
            rest += authority.crt.read_bytes()
            authority = authority.parent
        to.chain.write_bytes(to.crt.read_bytes() + rest)

    def issue(self, *names, ips=(), days=30, kind=None, usage="serverAuth,clientAuth"):
        """days below 0: expired."""
        to = Issued(self.dir / f"{names[0]}{len(list(self.dir.iterdir()))}")
        alt = ",".join([f"DNS:{n}" for n in names] + [f"IP:{i}" for i in ips])
        self._sign(to, f"/CN={names[0]}", f"subjectAltName={alt}\nextendedKeyUsage={usage}\n", days,
                   kind or EC)
        return to


def opaque(name, *, ns="default", **data):
    """A Secret; values are paths or bytes, and "_" in their names stands for "."."""
    def text(x):
        return base64.b64encode(x if isinstance(x, bytes) else pathlib.Path(x).read_bytes())
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name, ns), "type": "Opaque",
            "data": {k.replace("_", "."): text(v).decode() for k, v in data.items()}}
