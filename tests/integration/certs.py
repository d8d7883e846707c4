"""Key pairs and Secrets for the tests of TLS, made by the openssl command."""

import base64
import pathlib
import subprocess

from manifests import meta

KINDS = {
    "rsa": ["rsa:2048"],
    "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["ed25519"],
    "p521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
}


class Pair:
    """A self-signed certificate for some names, and its key."""

    def __init__(self, tmp, *names, kind="p256", days=30):
        self.dir = pathlib.Path(tmp)
        self.crt, self.key = self.dir / "tls.crt", self.dir / "tls.key"
        self.dir.mkdir(parents=True, exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", *KINDS[kind], "-noenc",
                        "-keyout", self.key, "-out", self.crt, "-days", str(days),
                        "-subj", f"/CN={names[0]}", "-addext",
                        "subjectAltName=" + ",".join(f"DNS:{n}" for n in names)],
                       check=True, capture_output=True)

    def der(self):
        """Of the certificate."""
        return subprocess.run(["openssl", "x509", "-in", self.crt, "-outform", "DER"],
                              check=True, capture_output=True).stdout

    def private_numbers(self):
        """Bytes that only who has the private key can know: the scalar, or a prime."""
        text = subprocess.run(["openssl", "pkey", "-in", self.key, "-noout", "-text"],
                              check=True, capture_output=True, text=True).stdout
        lines = text.splitlines()
        at = next(i for i, x in enumerate(lines) if x.strip() in ("priv:", "prime1:"))
        digits = ""
        for x in lines[at + 1:]:
            if not x.startswith("    "):
                break
            digits += x.strip().replace(":", "")
        return bytes.fromhex(digits).lstrip(b"\0")


def secret(name, crt, key, *, ns="default", kind="kubernetes.io/tls"):
    """crt, key: paths, or bytes."""
    def text(x):
        return base64.b64encode(x if isinstance(x, bytes) else pathlib.Path(x).read_bytes())
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name, ns), "type": kind,
            "data": {"tls.crt": text(crt).decode(), "tls.key": text(key).decode()}}


def tls(secret_name, *hosts):
    """An entry of an Ingress' tls section."""
    return {"hosts": list(hosts), "secretName": secret_name}
