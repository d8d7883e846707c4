"""The OCI image: small, reproducible, complete, and it runs with nothing it does not need."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import signal
import subprocess
import tarfile
import time

import pytest

from client import get
from harness import ROOT, children, proc_name, free_port, wait_until
from manifests import Manifests, backends, ingress, ingress_class
from origins import Origin

MAKE = ROOT / "deploy" / "image" / "mkimage.py"
LIMIT = 25_000_000


def make(build, out):
    subprocess.run([MAKE, "--build", build, "--version", "0.1.0", "--out", out], check=True,
                   capture_output=True)
    return pathlib.Path(out)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    from conftest import BUILD
    return make(BUILD, tmp_path_factory.mktemp("image") / "silex.tar")


def layer(archive):
    with tarfile.open(archive) as t:
        def blob(digest):
            data = t.extractfile("blobs/" + digest.replace(":", "/")).read()
            assert hashlib.sha256(data).hexdigest() == digest.split(":")[1]
            return data
        index = json.load(t.extractfile("index.json"))
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        config = json.loads(blob(manifest["config"]["digest"]))
        data = gzip.decompress(blob(manifest["layers"][0]["digest"]))
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(data).hexdigest()]
    return config, tarfile.open(fileobj=io.BytesIO(data))


def test_the_same_inputs_give_the_same_bytes(archive, tmp_path, build):
    assert make(build, tmp_path / "again.tar").read_bytes() == archive.read_bytes()


def test_small_and_nothing_but_what_it_needs(archive):
    config, t = layer(archive)
    names = t.getnames()
    assert sum(m.size for m in t.getmembers()) < LIMIT
    assert config["config"]["User"] == "101:101"
    assert not [n for n in names if n.endswith(("/sh", "/bash", "/busybox")) or "/apt" in n]
    assert all(m.uid == 0 and not m.mode & 0o6022 for m in t.getmembers())


def test_the_sbom_names_every_file_and_its_package(archive):
    _, t = layer(archive)
    sbom = json.load(t.extractfile("usr/share/doc/silex/sbom.spdx.json"))
    assert sbom["spdxVersion"] == "SPDX-2.3"
    told = {f["fileName"]: f["checksums"][1]["checksumValue"] for f in sbom["files"]}
    for m in t.getmembers():
        if m.isfile() and (".so" in m.name or m.name.startswith("usr/bin")):
            assert told["./" + m.name] == hashlib.sha256(t.extractfile(m).read()).hexdigest()
    versions = {p["name"]: p["versionInfo"] for p in sbom["packages"]}
    assert versions["libssl3"] and versions["libc6"] and "unknown" not in versions


@pytest.fixture
def containerd(tmp_path):
    """A containerd of the test's own; its ctr as a function."""
    sock = tmp_path / "ctd.sock"
    conf = tmp_path / "ctd.toml"
    conf.write_text(f'version = 2\nroot = "{tmp_path}/root"\nstate = "{tmp_path}/state"\n'
                    f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                    f'[grpc]\n  address = "{sock}"\n')
    with open(tmp_path / "ctd.log", "wb") as log:
        p = subprocess.Popen(["containerd", "-c", str(conf)], stdout=log, stderr=log)

    def ctr(*argv, check=True):
        return subprocess.run(["ctr", "-a", str(sock), *map(str, argv)], check=check,
                              capture_output=True, text=True)
    try:
        wait_until(lambda: ctr("version", check=False).returncode == 0, timeout=20, what="containerd")
        yield ctr
    finally:
        p.terminate()
        p.wait(20)


@pytest.fixture
def origin(build):
    o = Origin(build)
    yield o
    o.stop()


@pytest.fixture
def bundle(containerd, archive, tmp_path):
    """The image, loaded and unpacked by containerd, as a runc bundle."""
    containerd("images", "import", "--snapshotter", "native", archive)
    name = containerd("images", "ls", "-q").stdout.split()[0]
    rootfs = tmp_path / "bundle" / "rootfs"
    rootfs.mkdir(parents=True)
    containerd("images", "mount", "--snapshotter", "native", name, rootfs)
    yield tmp_path / "bundle"
    subprocess.run(["umount", str(rootfs)], check=False, capture_output=True)


CAPABILITIES = ["CAP_NET_BIND_SERVICE"]


def write_config(bundle, args, manifests):
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    c = json.loads((bundle / "config.json").read_text())
    c["root"]["readonly"] = True
    c["process"].update(terminal=False, args=["/usr/bin/silex", *args], noNewPrivileges=True,
                        user={"uid": 101, "gid": 101},
                        capabilities={k: CAPABILITIES for k in
                                      ("bounding", "effective", "permitted", "inheritable", "ambient")})
    c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 4096}]
    c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")]
    c["linux"]["resources"] = {}
    c["mounts"] = [m for m in c["mounts"] if m["destination"] not in ("/sys", "/sys/fs/cgroup", "/dev/mqueue")]
    c["mounts"].append({"destination": "/etc/silex", "type": "none", "source": str(manifests),
                        "options": ["bind", "ro"]})
    (bundle / "config.json").write_text(json.dumps(c))


def test_it_runs_without_anything_it_does_not_need(bundle, tmp_path, origin):
    """Read-only root, uid 101, one capability, no new privileges: a request within 100 ms."""
    http, health = 80, free_port()
    manifests = Manifests(tmp_path / "manifests")
    manifests.put("base", ingress_class(), backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    os.chmod(manifests.dir, 0o755)
    write_config(bundle, ["--manifests", "/etc/silex", "--http-port", str(http), "--https-port", "0",
                          "--bind-address", "127.0.0.77", "--healthz-port", str(health),
                          "--healthz-host", "127.0.0.1", "--workers", "1", "--access-log", "off"],
                 manifests.dir)
    name = f"silex-{os.getpid()}"
    runc = ["runc", "--root", str(tmp_path / "runc")]
    with open(tmp_path / "out", "wb") as out:
        subprocess.run([*runc, "create", "--bundle", str(bundle), "--pid-file",
                        str(tmp_path / "pid"), name], check=True, stdin=subprocess.DEVNULL,
                       stdout=out, stderr=out)
    pid = int((tmp_path / "pid").read_text())
    try:
        before = time.monotonic()
        subprocess.run([*runc, "start", name], check=True)
        wait_until(lambda: status(http) == 200, timeout=10, what=(tmp_path / "out").read_text())
        took = time.monotonic() - before
        print(f"container start to first answer: {took * 1000:.0f} ms")
        look_inside(pid)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists()
                   or proc_name(pid) == "", timeout=20, what="the container's end")
    finally:
        subprocess.run([*runc, "delete", "--force", name], check=False, capture_output=True)
    (bundle.parent / "took").write_text(f"{took}")


def status(port):
    try:
        return get(port, "/", "silex.test", address="127.0.0.77").status
    except OSError:
        return 0


def look_inside(pid):
    for p in [pid, *children(pid)]:
        fields = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{p}/status").read_text().splitlines() if ":\t" in line)
        assert fields["Uid"].split()[0] == "101" and fields["NoNewPrivs"].strip() == "1"
        assert int(fields["CapBnd"], 16) & ~(1 << 10) == 0
        if p != pid:
            assert int(fields["CapEff"], 16) == 0 and fields["Seccomp"].strip() == "2"
