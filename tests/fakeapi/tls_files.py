"""Certificates of a test's own, by the openssl command."""

import pathlib
import subprocess


def _openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


class Pki:
    def __init__(self, directory, address):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.address, self.ca = address, self.dir / "ca.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                 "-nodes", "-keyout", self.dir / "ca.key", "-out", self.ca, "-days", "3650",
                 "-subj", f"/CN=ca of {self.dir.name}",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.server = self.leaf("server", f"IP:{address}")

    def leaf(self, name, san, *dates, usage="serverAuth"):
        """(certificate, key) signed by this CA."""
        cert, key = self.dir / f"{name}.pem", self.dir / f"{name}.key"
        request, extensions = self.dir / f"{name}.csr", self.dir / f"{name}.ext"
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions.write_text(f"subjectAltName={san}\nextendedKeyUsage={usage}\n")
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.dir / "ca.key",
                 "-CAcreateserial", "-out", cert, "-extfile", extensions,
                 *(dates or ("-days", "3650")))
        return cert, key

    def client(self, name):
        return self.leaf(name, f"DNS:{name}", usage="clientAuth")

    def expired(self):
        return self.leaf("expired", f"IP:{self.address}", "-days", "-1")

    def named(self, name):
        return self.leaf("named", f"DNS:{name}")


def make(directory, address):
    return Pki(directory, address)
