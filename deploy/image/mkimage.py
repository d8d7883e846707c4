#!/usr/bin/python3
"""Make an OCI image archive of Silex, without a container engine and without a registry.

    mkimage.py --build DIR --version V --out silex.tar

One layer from nothing: the two programs, stripped, the shared libraries they load (what ldd says,
and those of LOADED, nothing else), an empty /etc/silex, and the SBOM. No shell, no package manager, no CA certificates:
the API server's CA comes with the service account. uid 101, no capability, no file that is not
root's. The same inputs give the same bytes: entries are sorted, times are SOURCE_DATE_EPOCH (0).
The SBOM (SPDX 2.3, /usr/share/doc/silex/sbom.spdx.json, and beside the archive) names every file
with its SHA-256 and every Debian package with its version.
"""

import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

UID = 101
SBOM = "usr/share/doc/silex/sbom.spdx.json"
MEDIA = "application/vnd.oci.image."
LOADED = ["libcurl.so.4"]  # what silex loads by itself when it is wanted (k8s/api/curl_lib.c)
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def stripped(path):
    """Without the build id: it is made of the debug information, and so of where the sources lay."""
    with tempfile.NamedTemporaryFile() as t:
        run("strip", "--strip-unneeded", "--remove-section=.note.gnu.build-id", "-o", t.name, str(path))
        return pathlib.Path(t.name).read_bytes()


def loaded(name):
    """The path of a library that no program is linked with."""
    m = re.search(rf"^\s*{re.escape(name)} \(.*\) => (/\S+)$", run("/sbin/ldconfig", "-p"), re.M)
    if not m:
        raise SystemExit(f"mkimage: {name} is not installed")
    return m[1]


def libraries(*programs):
    """{path in the image: path here}: the loader and every library, by the name they are asked for."""
    extra = [loaded(name) for name in LOADED]
    names = list(extra)
    for program in [*programs, *extra]:
        for line in run("ldd", str(program)).splitlines():
            m = re.match(r"\s*(?:\S+ => )?(/\S+) \(0x", line)
            if m:
                names.append(m[1])
            elif "not found" in line:
                raise SystemExit(f"mkimage: {program}:{line}")
    # /lib is a link to usr/lib here; in the image there is only one of them.
    return {name.removeprefix("/usr").lstrip("/"): os.path.realpath(name) for name in names}


def package_of(path):
    """(name, version) of the Debian package a file is of; (None, None) when of none."""
    for name in (path, path.removeprefix("/usr"), "/usr" + path):
        p = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if p.returncode == 0:
            package = p.stdout.split(": ")[0]
            return package.split(":")[0], run("dpkg-query", "-W", "-f", "${Version}", package)
    return None, None


def spdx_id(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def sbom(files, libs, version):
    packages = {("silex", version): []}
    for name in files:
        owner = package_of(libs[name]) if name in libs else ("silex", version)
        packages.setdefault(owner if owner[0] else ("unknown", ""), []).append(name)
    created = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc)
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", spdx_id("Package-silex"))]
    for (package, _), names in packages.items():
        if package != "silex":
            relations.append((spdx_id("Package-silex"), "DYNAMIC_LINK", spdx_id(f"Package-{package}")))
        relations += [(spdx_id(f"Package-{package}"), "CONTAINS", spdx_id(f"File-{n}")) for n in names]

    def described(package, v):
        d = {"SPDXID": spdx_id(f"Package-{package}"), "name": package, "versionInfo": v,
             "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
             "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
             "copyrightText": "NOASSERTION"}
        if package != "silex" and v:
            d["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": f"pkg:deb/debian/{package}@{v}"}]
        return d
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"silex-{version}",
        "documentNamespace": f"urn:silex:sbom:{version}:" + sha256(b"".join(files.values()))[:32],
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: silex-mkimage"]},
        "packages": [described(*p) for p in sorted(packages)],
        "files": [{"SPDXID": spdx_id(f"File-{n}"), "fileName": f"./{n}",
                   "checksums": [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(d).hexdigest()},
                                 {"algorithm": "SHA256", "checksumValue": sha256(d)}],
                   "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}
                  for n, d in sorted(files.items())],
        "relationships": [{"spdxElementId": a, "relationshipType": t, "relatedSpdxElement": b}
                          for a, t, b in relations],
    }, indent=1, sort_keys=True).encode() + b"\n"


def contents(build, version):
    """{path: (bytes, mode)} of everything in the image, directories apart."""
    programs = [build / "silex", build / "silex-worker"]
    libs = libraries(*programs)
    data = {f"usr/bin/{p.name}": stripped(p) for p in programs}
    data.update((name, pathlib.Path(path).read_bytes()) for name, path in libs.items())
    modes = dict.fromkeys(data, 0o755)
    data["etc/passwd"] = (b"root:x:0:0:root:/:/sbin/nologin\n"
                          b"silex:x:%d:%d:silex:/:/sbin/nologin\n" % (UID, UID))
    data["etc/group"] = b"root:x:0:\nsilex:x:%d:\n" % UID
    data["etc/nsswitch.conf"] = b"passwd: files\ngroup: files\nhosts: files dns\n"
    data[SBOM] = sbom(data, libs, version)
    return {name: (d, modes.get(name, 0o644)) for name, d in data.items()}


def tar_of(files, directories=()):
    out = io.BytesIO()
    every = {d: None for d in directories}
    for name in files:
        for parent in pathlib.PurePosixPath(name).parents:
            if str(parent) != ".":
                every[str(parent)] = None
    every.update(files)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name in sorted(every):
            info = tarfile.TarInfo(name)
            info.mtime = EPOCH
            if every[name] is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                t.addfile(info)
            else:
                data, info.mode = every[name]
                info.size = len(data)
                t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def image(layer, version, arch):
    packed = gzip.compress(layer, 9, mtime=0)
    created = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = compact({
        "architecture": arch, "os": "linux", "created": created,
        "config": {"User": f"{UID}:{UID}", "Entrypoint": ["/usr/bin/silex"], "WorkingDir": "/",
                   "ExposedPorts": {"8080/tcp": {}, "8443/tcp": {}, "10254/tcp": {}},
                   "Cmd": ["--http-port=8080", "--https-port=8443"], "StopSignal": "SIGTERM",
                   "Labels": {"org.opencontainers.image.title": "silex",
                              "org.opencontainers.image.version": version}},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer)]}})
    manifest = compact({
        "schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
        "config": {"mediaType": MEDIA + "config.v1+json", "size": len(config),
                   "digest": "sha256:" + sha256(config)},
        "layers": [{"mediaType": MEDIA + "layer.v1.tar+gzip", "size": len(packed),
                    "digest": "sha256:" + sha256(packed)}]})
    index = compact({
        "schemaVersion": 2, "mediaType": MEDIA + "index.v1+json",
        "manifests": [{"mediaType": MEDIA + "manifest.v1+json", "size": len(manifest),
                       "digest": "sha256:" + sha256(manifest),
                       "platform": {"architecture": arch, "os": "linux"},
                       "annotations": {"io.containerd.image.name": f"docker.io/library/silex:{version}",
                                       "org.opencontainers.image.ref.name": version}}]})
    blobs = {f"blobs/sha256/{sha256(b)}": (b, 0o644) for b in (packed, config, manifest)}
    return tar_of({"oci-layout": (b'{"imageLayoutVersion":"1.0.0"}', 0o644),
                   "index.json": (index, 0o644), **blobs}, ["blobs", "blobs/sha256"])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", type=pathlib.Path, required=True)
    p.add_argument("--version", required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    args = p.parse_args()
    arch = run("dpkg", "--print-architecture").strip()
    files = contents(args.build, args.version)
    layer = tar_of(files, ["dev", "etc/silex", "proc", "sys", "tmp"])
    archive = image(layer, args.version, arch)
    args.out.write_bytes(archive)
    args.out.with_suffix(".spdx.json").write_bytes(files[SBOM][0])
    unpacked = sum(len(d) for d, _ in files.values())
    print(f"{args.out}: {len(archive) / 1e6:.1f} MB, unpacked {unpacked / 1e6:.1f} MB, "
          f"{len(files)} files, sha256 {sha256(archive)}")


if __name__ == "__main__":
    main()
