"""deploy/image/Dockerfile makes what `make image` makes: built by buildah, which needs no daemon, on a Debian 12
that mmdebstrap made here, since no registry is asked for anything."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile

import pytest
from conftest import BUILD
from debian import PACKAGES, base, run

from harness import ROOT

SBOM = "usr/share/doc/silex/sbom.spdx.json"


def archive_of(path):
    """(config, {name: (mode, uid, digest)}, SBOM) of an OCI archive: all its layers, one over the other."""
    with tarfile.open(path) as t:
        def blob(digest):
            return t.extractfile("blobs/" + digest.replace(":", "/")).read()
        index = json.load(t.extractfile("index.json"))
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        config = json.loads(blob(manifest["config"]["digest"]))
        files, sbom = {}, None
        for layer in manifest["layers"]:
            data = blob(layer["digest"])
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            with tarfile.open(fileobj=io.BytesIO(data)) as inner:
                for m in inner.getmembers():
                    name = m.name.strip("/").removeprefix("./")
                    content = inner.extractfile(m).read() if m.isfile() else b""
                    digest = hashlib.sha256(content).hexdigest() if m.isfile() else m.type
                    files[name] = (oct(m.mode & 0o7777), m.uid, digest)
                    sbom = json.loads(content) if name == SBOM else sbom
    files.pop("", None)
    return config["config"], files, sbom


def versions(sbom):
    """{file: (package, version)}"""
    packages = {p["SPDXID"]: (p["name"], p["versionInfo"]) for p in sbom["packages"]}
    names = {f["SPDXID"]: f["fileName"].removeprefix("./") for f in sbom["files"]}
    return {names[r["relatedSpdxElement"]]: packages[r["spdxElementId"]] for r in sbom["relationships"]
            if r["relationshipType"] == "CONTAINS"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("image") / "silex.tar"
    run(ROOT / "deploy/image/mkimage.py", "--build", BUILD, "--version", "0.1.0", "--out", out)
    return archive_of(out)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    where = tmp_path_factory.mktemp("buildah")
    sources = where / "sources"
    sources.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    packed = subprocess.run(["tar", "--null", "-T", "-", "-c"], cwd=ROOT, input=listed, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", sources], input=packed.stdout, check=True)
    engine = ["buildah", "--root", where / "storage", "--runroot", where / "run", "--storage-driver", "vfs"]
    try:
        start = run(*engine, "from", "scratch").strip()
        run(*engine, "add", start, base(*PACKAGES), "/")
        run(*engine, "commit", "--rm", start, "e2e.test/debian:12")
        run(*engine, "build", "--isolation", "chroot", "--pull=never", "--build-arg", "BASE=e2e.test/debian:12",
            "--file", sources / "deploy/image/Dockerfile", "--tag", "silex:0.1.0", sources)
        run(*engine, "push", "silex:0.1.0", f"oci-archive:{where}/silex.tar")
        yield archive_of(where / "silex.tar")
    finally:
        subprocess.run([*engine, "rmi", "--all", "--force"], capture_output=True, check=False)


def test_the_same_files(made, built):
    """With the same owners and modes, and the same bytes but for libraries of another version of their package."""
    _, ours, sbom = made
    _, theirs, their_sbom = built
    assert sorted(ours) == sorted(theirs)
    here, there = versions(sbom), versions(their_sbom)
    for name, wanted in ours.items():
        if name == SBOM or here.get(name) != there.get(name):
            assert theirs[name][:2] == wanted[:2], name
        else:
            assert theirs[name] == wanted, name
    assert {n for n, v in here.items() if v[0] == "silex"} >= {"usr/bin/silex", "usr/bin/silex-worker"}


def test_the_same_settings(made, built):
    ours, theirs = made[0], built[0]
    for key in ("User", "Entrypoint", "Cmd", "ExposedPorts", "StopSignal", "WorkingDir"):
        assert theirs.get(key) == ours.get(key), key
