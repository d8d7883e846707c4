#!/usr/bin/python3
"""Run every test of a build directory and close with "N passed, N failed".

    tests/run.py --build DIR [--backend epoll|poll|both] [--only unit,fuzz,stress,integration,e2e]

unit         the cmocka programs under DIR/tests/unit
fuzz         every corpus file through its fuzz target, without libFuzzer
stress       the shared table under killed readers and writers, short
integration  pytest, one process for each event backend, side by side
e2e          pytest against a real control plane; only by tests/e2e/run.sh, which prepares it

An integration test that failed is tried once more, alone, and named as unsteady when it passes
then; more than a few of them, or a defect that a program reported of itself, are not tried again.
A skipped test counts as failed: a test that cannot run proves nothing. So does a program that
ends badly without having named a failed test, and a stage that ran no test at all.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[1]
STRESS_SECONDS = "5"
PROGRAM_TIMEOUT = 300
PYTEST_TIMEOUT = 1500
UNSTEADY_MOST = 3  # failed tests of a stage that are tried again; more of them are no accident
DEFECT = re.compile(r"check failed|panic|Sanitizer|runtime error:|UndefinedBehavior|SIGSYS|"
                    r"SIGSEGV|Segmentation|worker died|worker hangs", re.I)


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, passed, failed):
        self.passed += passed
        self.failed += failed


def run_program(argv, env=None, timeout=PROGRAM_TIMEOUT):
    """(exit code, output); a program that does not end is killed and its code is 124."""
    env = dict(os.environ, **(env or {}))
    try:
        p = subprocess.run(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                           errors="replace", check=False)
        return p.returncode, p.stdout
    except subprocess.TimeoutExpired as e:
        return 124, (e.stdout or b"").decode(errors="replace") + f"\nno end in {timeout} s"


def count_tap(code, output):
    """cmocka's TAP: a line "ok 1 - name" a test; skipped ones are failures."""
    passed = failed = 0
    for line in output.splitlines():
        if re.match(r"ok \d+", line):
            skipped = "# skip" in line.lower()
            passed, failed = passed + (not skipped), failed + skipped
        elif re.match(r"not ok \d+", line):
            failed += 1
    if code != 0 and failed == 0 or passed + failed == 0:
        failed += 1
    return passed, failed


def report(name, passed, failed, seconds, output):
    word = "FAILED" if failed else "ok"
    print(f"  {word:6} {name}: {passed} passed, {failed} failed ({seconds:.1f} s)", flush=True)
    if failed:
        print("\n".join("    | " + x for x in output.splitlines()[-60:]), flush=True)


def run_unit(build, tally):
    programs = sorted(p for p in (build / "tests/unit").glob("*/test_*")
                      if os.access(p, os.X_OK) and p.is_file() and p.suffix == "")

    def one(program):
        start = time.monotonic()
        code, output = run_program([str(program)], {"CMOCKA_MESSAGE_OUTPUT": "TAP"})
        return program, *count_tap(code, output), time.monotonic() - start, output
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for program, passed, failed, seconds, output in pool.map(one, programs):
            tally.add(passed, failed)
            report(str(program.relative_to(build / "tests/unit")), passed, failed, seconds, output)
    return len(programs)


def run_fuzz(build, tally):
    """One test a corpus: no input that was ever worth keeping crashes its target."""
    programs = sorted((build / "tests/fuzz").glob("replay_*"))
    for program in programs:
        if program.suffix or not os.access(program, os.X_OK):
            continue
        name = program.name.removeprefix("replay_")
        start = time.monotonic()
        code, output = run_program([str(program), f"tests/fuzz/corpus/{name}"])
        tally.add(code == 0, code != 0)
        report(f"fuzz corpus {name}", int(code == 0), int(code != 0), time.monotonic() - start,
               output)
    return len(programs)


def run_stress(build, tally):
    program = build / "tests/stress/table_stress"
    if not program.exists():
        return 0
    start = time.monotonic()
    code, output = run_program([str(program), STRESS_SECONDS])
    tally.add(code == 0, code != 0)
    report(f"table stress, {STRESS_SECONDS} s", int(code == 0), int(code != 0),
           time.monotonic() - start, output)
    return 1


def count_junit(path):
    passed = failed = 0
    bad = []
    for case in ET.parse(path).getroot().iter("testcase"):
        wrong = [case.find(k) for k in ("failure", "error", "skipped")]
        wrong = [w for w in wrong if w is not None]
        if wrong:
            failed += 1
            bad.append(f"{case.get('classname')}::{case.get('name')}: {wrong[0].get('message')}")
        else:
            passed += 1
    return passed, failed, bad


def run_pytest(build, name, *args):
    result = build / f"tests/pytest-{name}.xml"
    result.unlink(missing_ok=True)
    start = time.monotonic()
    code, output = run_program(
        ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-o", f"cache_dir={build}/tests/cache-{name}",
         "-o", "junit_family=xunit2", f"--junitxml={result}", "--tb=short",
         f"--basetemp={build}/tests/tmp-{name}", "--durations=5", *args],
        {"SILEX_BUILD": str(build)}, PYTEST_TIMEOUT)
    if result.exists():
        passed, failed, bad = count_junit(result)
    else:
        passed, failed, bad = 0, 1, ["pytest wrote no result"]
    if code != 0 and failed == 0:
        failed = 1
    return passed, failed, time.monotonic() - start, output + "\n" + "\n".join(bad)


def may_be_the_machine(build, name):
    """The names of the failed tests when they may be tried again: few, and none of them because
    of a defect that a program reported of itself. None: they may not."""
    names = []
    result = build / f"tests/pytest-{name}.xml"
    for case in ET.parse(result).getroot().iter("testcase") if result.exists() else ():
        wrong = [w for w in (case.find(k) for k in ("failure", "error", "skipped"))
                 if w is not None]
        if any(w.tag == "skipped" or DEFECT.search(w.get("message", "") + (w.text or ""))
               for w in wrong):
            return None
        if wrong:
            names.append(f"{case.get('classname')}::{case.get('name')}")
    return names if 0 < len(names) <= UNSTEADY_MOST else None


def again(build, name, first, *args):
    """What failed, once more and alone: these tests race real processes against each other, and a
    machine that stands still for a second is no defect of ours. What passes now is named as
    unsteady, so that it is looked at; what fails again has failed."""
    passed, failed, seconds, output = first
    names = may_be_the_machine(build, name) if failed else None
    if names is None or len(names) != failed:
        return first
    kept = (build / f"tests/pytest-{name}.xml").rename(build / f"tests/pytest-{name}-first.xml")
    p, f, s, o = run_pytest(build, name, "--last-failed", "--last-failed-no-failures=none", *args)
    if f == 0 and p == len(names):
        print(f"  UNSTEADY {', '.join(names)}: failed, then passed alone; see {kept}", flush=True)
        return passed + p, 0, seconds + s, output + o
    return passed, failed, seconds + s, output + o


def report_pytest(build, tally, name, what, passed, failed, seconds, output):
    tally.add(passed, failed)
    report(what, passed, failed, seconds, output)
    log = build / f"tests/pytest-{name}.log"
    log.write_text(output)
    if failed:
        print(f"    whole output: {log}", flush=True)


def run_integration(build, tally, backends):
    def one(backend):
        return run_pytest(build, backend, f"--backend={backend}", "tests/integration")
    with ThreadPoolExecutor(len(backends)) as pool:
        results = list(pool.map(one, backends))
    for name, first in zip(backends, results):
        result = again(build, name, first, f"--backend={name}", "tests/integration")
        report_pytest(build, tally, name, f"integration, {name}", *result)
    return len(backends)


def run_e2e(build, tally):
    report_pytest(build, tally, "e2e", "end to end", *run_pytest(build, "e2e", "tests/e2e"))
    return 1


def run_cluster(build, tally):
    report_pytest(build, tally, "cluster", "whole cluster", *run_pytest(build, "cluster", "tests/cluster"))
    return 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--backend", choices=["epoll", "poll", "both"], default="both")
    parser.add_argument("--only", default="unit,fuzz,stress,integration")
    args = parser.parse_args()
    build = args.build.resolve()
    backends = ["epoll", "poll"] if args.backend == "both" else [args.backend]
    stages = {"unit": lambda t: run_unit(build, t), "fuzz": lambda t: run_fuzz(build, t),
              "stress": lambda t: run_stress(build, t),
              "integration": lambda t: run_integration(build, t, backends),
              "e2e": lambda t: run_e2e(build, t), "cluster": lambda t: run_cluster(build, t)}
    tally = Tally()
    for name in args.only.split(","):
        start = time.monotonic()
        print(f"{name}:", flush=True)
        if stages[name](tally) == 0:
            print(f"  FAILED nothing to run for {name} in {build}")
            tally.add(0, 1)
        print(f"  {name} took {time.monotonic() - start:.0f} s", flush=True)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
