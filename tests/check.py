#!/usr/bin/python3
"""`make check`: what can be said about the tree without running it.

Each check is a function that yields complaints, one a line; none means passed. Closes with
"N passed, N failed". A missing tool is a failure: deploy/deps.sh check installs them.

    tests/check.py --build DIR [NAME...]
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAYERS = {"common": {"common"}, "k8s": {"common", "k8s"}, "master": {"common", "k8s", "master"},
          "worker": {"common", "worker"}}
WORKER_MUST_NOT = re.compile(r"\b(curl_|json_object|json_tokener|yaml_)")
FILE_MOST, FUNCTION_MOST = 600, 60
TABLES_MOST = 750  # unit tests are tables for the greater part
# Longer than FUNCTION_MOST and meant to be: tables and byte switches. "file:function": why.
LONG_FUNCTIONS = {}
JOBS = os.cpu_count() or 1


def sh(argv, **how):
    return subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **how)


def sources(*suffixes):
    """Files of the tree with these suffixes, what git ignores left out."""
    top = ["common", "k8s", "master", "worker", "tests"]
    return sorted(p.relative_to(ROOT) for t in top for p in (ROOT / t).rglob("*")
                  if p.suffix in suffixes and p.is_file())


def layers(build):
    """Each layer includes only what lies below it, and the worker links no API library."""
    for p in sources(".c", ".h"):
        allowed = LAYERS.get(p.parts[0])
        if allowed is None:
            continue
        for n, line in enumerate((ROOT / p).read_text().splitlines(), 1):
            m = re.match(r'#include "(\w+)/', line)
            if m and m[1] in LAYERS and m[1] not in allowed:
                yield f"{p}:{n}: {p.parts[0]} must not include {m[1]}"
    worker = build / "silex-worker"
    names = sh(["nm", "-D", worker])
    needed = sh(["ldd", worker])
    if names.returncode or needed.returncode:
        yield f"cannot read {worker}: {names.stdout}{needed.stdout}"
    for line in names.stdout.splitlines():
        if WORKER_MUST_NOT.search(line):
            yield f"silex-worker uses {line.split()[-1]}"
    for line in needed.stdout.splitlines():
        if re.search(r"lib(curl|json-c|yaml|crypt)\b", line):
            yield f"silex-worker links {line.split()[0]}"


def warnings(build, compiler):
    """Everything compiles without a warning, tests included."""
    r = sh(["make", "-s", "-k", f"-j{JOBS}", f"BUILD={build}/{compiler}", f"CC={compiler}",
            "WERROR=1", "test-build"])
    if r.returncode:
        yield from r.stdout.splitlines()[-80:]


def static(build):
    """clang-tidy with .clang-tidy, every finding an error. Unit tests are left to the compilers."""
    flags = ["-std=gnu17", "-D_GNU_SOURCE", "-I.", f"-I{build}/gen"]
    files = [p for p in sources(".c") if p.parts[:2] != ("tests", "unit")]

    def one(p):
        return sh(["clang-tidy", "--quiet", str(p), "--", *flags])
    with ThreadPoolExecutor(JOBS) as pool:
        for r in pool.map(one, files):
            if r.returncode:
                yield from (x for x in r.stdout.splitlines() if ": error: " in x)


def layout(_build):
    """clang-format would change nothing."""
    r = sh(["clang-format", "--dry-run", "-Werror", *map(str, sources(".c", ".h"))])
    if r.returncode:
        yield from (x for x in r.stdout.splitlines() if "error:" in x)


def sizes(_build):
    """No file over 600 lines, no function over 60. With this brace style a function is what
    stands between a line `{` and a line `}`, both in the first column."""
    used = set()
    for p in sources(".c", ".h", ".py"):
        lines = (ROOT / p).read_text().splitlines()
        most = TABLES_MOST if p.parts[:2] == ("tests", "unit") else FILE_MOST
        if len(lines) > most:
            yield f"{p}: {len(lines)} lines, most {most}"
        start = None
        for n, line in enumerate(lines, 1):
            if line == "{":
                start = n
            elif line == "}" and start is not None:
                name = function_name(lines, start)
                used.add(f"{p}:{name}")
                if n - start - 1 > FUNCTION_MOST and f"{p}:{name}" not in LONG_FUNCTIONS:
                    yield f"{p}:{start}: {name}() has {n - start - 1} lines, most {FUNCTION_MOST}"
                start = None
    for name in LONG_FUNCTIONS.keys() - used:
        yield f"{name}: in the allow-list, not in the tree"


def function_name(lines, brace):
    """The word before the first parenthesis of the lines above a body."""
    text = ""
    for line in reversed(lines[max(0, brace - 8):brace - 1]):
        text = line + " " + text
        m = re.match(r"[A-Za-z_].*?(\w+)\(", text)
        if m:
            return m[1]
    return "?"


def shell(_build):
    """Shell scripts parse; Python files compile."""
    for p in [*ROOT.glob("deploy/**/*.sh"), ROOT / ".ci/run"]:
        r = sh(["sh", "-n", str(p)])
        if r.returncode:
            yield r.stdout
    for p in sources(".py"):
        try:
            compile((ROOT / p).read_text(), str(p), "exec")
        except SyntaxError as e:
            yield str(e)


def generated(build):
    """silex.conf.example and SETTINGS.md are what the binary of this tree prints."""
    for name, word in ("silex.conf.example", "--print-conf-example"), ("SETTINGS.md", "explain"):
        r = subprocess.run([build / "silex", word], capture_output=True, text=True, check=False)
        current = ROOT / name
        if r.returncode or not current.exists() or current.read_text() != r.stdout:
            yield f"{name} is not current: make conf-example"


CHECKS = {
    "layers": layers, "sizes": sizes, "format": layout, "scripts": shell, "generated": generated,
    "warnings-gcc": lambda b: warnings(b, "gcc"), "warnings-clang": lambda b: warnings(b, "clang"),
    "static": static,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(CHECKS))
    args = parser.parse_args()
    passed = failed = 0
    for name in args.names or CHECKS:
        start = time.monotonic()
        try:
            complaints = list(CHECKS[name](args.build.resolve()))
        except OSError as e:
            complaints = [str(e)]
        passed, failed = passed + (not complaints), failed + bool(complaints)
        word = "FAILED" if complaints else "ok"
        print(f"  {word:6} {name} ({time.monotonic() - start:.1f} s)", flush=True)
        for line in complaints[:200]:
            print(f"    {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
