"""Secrets with users, and what clients send of them."""

import base64

from endpoint_ca import opaque
from harness import ingress, path

# One password, "secret", in every form (openssl passwd -apr1, crypt(3), htpasswd -s).
APR1 = "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"
HASHES = {
    "bcrypt": "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "apr1": APR1,
    "sha": "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "ssha": "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
    "plain": "{PLAIN}secret",
    "md5": "$1$salt$ez2vlPGdaLYkJam5pWs/Y1",
    "sha256": "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
    "sha512": "$6$rounds=1000$salt$HNxBeBnDfSfUrTj6KiLnmd7tGCvHEmcExh8kl/"
              "S0cZ5WrCciNZgfhbpkeFQ4JfkHX.8vPq45lY0iINnCx1Lkm.",
    "yescrypt": "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01",
    "des": "abNANd1rDfiNc",
}
# Of "slow", cost 10: some 50 ms each.
SLOW = "$2b$10$abcdefghijklmnopqrstuuTL3rBAB2FTLNnpGNZhAYflp5RzALnWK"


def basic(user="alice", password="secret"):
    """The Authorization field, as Silex.get's fields have it."""
    return [("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())]


def users(name="users", lines=f"alice:{APR1}\n", ns="default"):
    """A Secret of auth-file."""
    return opaque(name, ns=ns, auth=lines.encode())


def protected(name="app", service="app", host="silex.test", where="/", **annotations):
    """An Ingress that asks for a password, with further annotations (a_b is a-b)."""
    wanted = {"auth-type": "basic", "auth-secret": "users", "auth-realm": "Staff only"}
    wanted.update({k.replace("_", "-"): v for k, v in annotations.items()})
    return ingress(name, {host: [path(where, service)]},
                   annotations={k: v for k, v in wanted.items() if v is not None})
