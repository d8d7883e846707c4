"""Image archives for the cluster test: Silex's own as `make image` makes it, and small ones of our programs."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

from harness import BUILD, ROOT

sys.path.insert(0, str(ROOT / "deploy" / "image"))

import mkimage  # noqa: E402


def silex(out, version):
    subprocess.run([ROOT / "deploy/image/mkimage.py", "--build", BUILD, "--version", version, "--out", out],
                   check=True, capture_output=True)
    return out


def of_program(out, name, program, *arguments):
    """An image whose entry point is one program of ours, with the libraries it loads."""
    files = {"app": (pathlib.Path(program).read_bytes(), 0o755)}
    if subprocess.run(["ldd", program], capture_output=True, check=False).returncode == 0:  # else it is static
        files |= {n: (pathlib.Path(p).read_bytes(), 0o755) for n, p in mkimage.libraries(program).items()}
    layer = mkimage.tar_of(files, ["dev", "proc", "sys", "tmp"])

    def digest(data):
        return hashlib.sha256(data).hexdigest()
    config = json.dumps({"architecture": mkimage.run("dpkg", "--print-architecture").strip(), "os": "linux",
                         "config": {"Entrypoint": ["/app", *arguments]},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]}}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": mkimage.MEDIA + "manifest.v1+json",
        "config": {"mediaType": mkimage.MEDIA + "config.v1+json", "size": len(config),
                   "digest": "sha256:" + digest(config)},
        "layers": [{"mediaType": mkimage.MEDIA + "layer.v1.tar", "size": len(layer),
                    "digest": "sha256:" + digest(layer)}]}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [{
        "mediaType": mkimage.MEDIA + "manifest.v1+json", "size": len(manifest),
        "digest": "sha256:" + digest(manifest),
        "annotations": {"io.containerd.image.name": name,
                        "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1]}}]}).encode()
    blobs = {f"blobs/sha256/{digest(b)}": (b, 0o644) for b in (layer, config, manifest)}
    out.write_bytes(mkimage.tar_of({"oci-layout": (b'{"imageLayoutVersion":"1.0.0"}', 0o644),
                                    "index.json": (index, 0o644), **blobs}))
    return out


def pause(out, where):
    """Process 1 of every pod's sandbox, linked statically."""
    program = pathlib.Path(where) / "pause"
    subprocess.run([os.environ.get("CC", "gcc"), "-static", "-O2", "-o", program, ROOT / "tests/cluster/pause.c"],
                   check=True)
    return of_program(out, "e2e.test/pause:1", program)
