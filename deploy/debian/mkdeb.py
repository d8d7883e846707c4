#!/usr/bin/python3
"""Make the Debian package with dpkg-deb: mkdeb.py --build DIR --version V --out DIR

The tree is laid out here, dependencies come from dpkg-shlibdeps, and the maintainer scripts beside
this file do what debhelper would have written. Reproducible: times are SOURCE_DATE_EPOCH, else the last commit's.
"""

import argparse
import email.utils
import gzip
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RELEASED = "1764547200"  # 2025-12-01, where neither the caller nor git says a time


def epoch():
    said = os.environ.get("SOURCE_DATE_EPOCH")
    git = subprocess.run(["git", "-C", str(ROOT), "log", "-1", "--format=%ct"], capture_output=True, text=True,
                         check=False)
    return said or git.stdout.strip() or RELEASED


EPOCH = epoch()
LOADED = "libcurl4 (>= 7.87)"  # not linked but loaded when it is wanted (k8s/api/curl_lib.h)
MAINTAINER = "Silex maintainers <maintainers@silex.dev>"


def run(*argv, **how):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True, **how).stdout


def put(tree, name, data, mode=0o644):
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(mode)


def zipped(text):
    return gzip.compress(text if isinstance(text, bytes) else text.encode(), 9, mtime=0)


def files(tree, build, version):
    for name in ("silex", "silex-worker"):
        put(tree, f"usr/sbin/{name}", b"")
        run("strip", "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", "-o",
            tree / "usr/sbin" / name, build / name)
        (tree / "usr/sbin" / name).chmod(0o755)
    man = build / "man"
    run(HERE / "mkman.py", build / "silex", version, man)
    put(tree, "usr/share/man/man8/silex.8.gz", zipped((man / "silex.8").read_bytes()))
    (tree / "usr/share/man/man8/silex-worker.8.gz").symlink_to("silex.8.gz")
    put(tree, "usr/share/man/man5/silex.conf.5.gz", zipped((man / "silex.conf.5").read_bytes()))
    for unit in ("silex.service", "silex.socket"):
        put(tree, f"lib/systemd/system/{unit}", (ROOT / "deploy/systemd" / unit).read_bytes())
    put(tree, "etc/logrotate.d/silex", (ROOT / "deploy/systemd/silex.logrotate").read_bytes())
    put(tree, "etc/silex/silex.conf", (HERE / "silex.conf").read_bytes())
    (tree / "etc/silex/manifests").mkdir()
    put(tree, "usr/share/lintian/overrides/silex", (HERE / "lintian-overrides").read_bytes())
    doc = tree / "usr/share/doc/silex"
    put(tree, "usr/share/doc/silex/copyright", (HERE / "copyright").read_bytes())
    put(tree, "usr/share/doc/silex/changelog.gz", zipped(
        f"silex ({version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the sources.\n\n"
        f" -- {MAINTAINER}  {email.utils.formatdate(int(EPOCH))}\n"))
    put(tree, "usr/share/doc/silex/examples/silex.conf.example", (ROOT / "silex.conf.example").read_bytes())
    assert doc.is_dir()


def depends(tree):
    """dpkg-shlibdeps wants a debian/control beside it."""
    work = tree.parent / "shlibdeps"
    (work / "debian").mkdir(parents=True, exist_ok=True)
    (work / "debian/control").write_text("Source: silex\n\nPackage: silex\nArchitecture: any\n")
    out = run("dpkg-shlibdeps", "-O", *(f"-e{tree}/usr/sbin/{n}" for n in ("silex", "silex-worker")), cwd=work)
    return out.strip().removeprefix("shlibs:Depends=")


def control(tree, version):
    size = sum(f.stat().st_size for f in tree.rglob("*") if f.is_file() and not f.is_symlink()) // 1024
    arch = run("dpkg", "--print-architecture").strip()
    needs = depends(tree)
    put(tree, "DEBIAN/control", f"""Package: silex
Version: {version}
Architecture: {arch}
Maintainer: {MAINTAINER}
Installed-Size: {size}
Depends: {needs}, {LOADED}, adduser, init-system-helpers (>= 1.54~)
Recommends: logrotate
Section: httpd
Priority: optional
Description: Kubernetes ingress controller, a drop-in for ingress-nginx
 Silex serves the Ingresses of a Kubernetes cluster, or of a directory of
 manifests, with the classes, annotations and settings of ingress-nginx.
 Routes live in shared memory: no change of routes, endpoints or certificates
 restarts a worker or closes a connection.
""")
    conffiles = sorted("/" + str(f.relative_to(tree)) for f in (tree / "etc").rglob("*") if f.is_file())
    put(tree, "DEBIAN/conffiles", "".join(f + "\n" for f in conffiles))
    for script in ("postinst", "prerm", "postrm"):
        put(tree, f"DEBIAN/{script}", (HERE / script).read_bytes(), 0o755)
    sums = [f"{run('md5sum', f).split()[0]}  {f.relative_to(tree)}\n" for f in sorted(tree.rglob("*"))
            if f.is_file() and not f.is_symlink() and "DEBIAN" not in f.parts and "etc" not in f.relative_to(tree).parts[:1]]
    put(tree, "DEBIAN/md5sums", "".join(sums))
    return arch


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", type=pathlib.Path, required=True)
    p.add_argument("--version", required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    args = p.parse_args()
    build = args.build.resolve()
    tree = build / "deb" / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    os.umask(0o022)
    files(tree, build, args.version)
    arch = control(tree, args.version)
    for d in [tree, *tree.rglob("*")]:
        if d.is_dir():
            d.chmod(0o755)
    out = args.out / f"silex_{args.version}_{arch}.deb"
    run("dpkg-deb", "--root-owner-group", "--build", tree, out,
        env=dict(os.environ, SOURCE_DATE_EPOCH=EPOCH))
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
