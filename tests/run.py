#!/usr/bin/python3
"""Run every test of a build directory and close with "N passed, N failed".

    tests/run.py --build DIR [--backend epoll|poll|both] [--only unit,fuzz,stress,integration,e2e]

unit         the cmocka programs under DIR/tests/unit
fuzz         every corpus file through its fuzz target, without libFuzzer
stress       the shared table under killed readers and writers, short
integration  pytest under each event backend, shared out over processes (runner/shards.py)
e2e          pytest against a real control plane; only by tests/e2e/run.sh, which prepares it

A pytest test that failed is tried once more, alone, and named as unsteady when it passes then; more
than a few of a stage or backend, or a defect that a program reported of itself, are not tried again.
A skipped test counts as failed: a test that cannot run proves nothing. So does a program that
ends badly without having named a failed test, and a stage that ran no test at all.
"""

import argparse
import os
import pathlib
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from runner import shards
from runner.pytests import ROOT, Pytest, run_program, try_again

STRESS_SECONDS = "5"


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, passed, failed):
        self.passed += passed
        self.failed += failed


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


def last(output):
    return output.splitlines()[-60:]


def report(name, passed, failed, seconds, lines):
    word = "FAILED" if failed else "ok"
    print(f"  {word:6} {name}: {passed} passed, {failed} failed ({seconds:.1f} s)", flush=True)
    if failed:
        print("\n".join("    | " + x for x in lines), flush=True)


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
            report(str(program.relative_to(build / "tests/unit")), passed, failed, seconds,
                   last(output))
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
               last(output))
    return len(programs)


def run_stress(build, tally):
    program = build / "tests/stress/table_stress"
    if not program.exists():
        return 0
    start = time.monotonic()
    code, output = run_program([str(program), STRESS_SECONDS])
    tally.add(code == 0, code != 0)
    report(f"table stress, {STRESS_SECONDS} s", int(code == 0), int(code != 0),
           time.monotonic() - start, last(output))
    return 1


def report_pytest(build, tally, name, what, runs, start):
    """Of one stage, or of one backend: one line, and the end of what the bad ones printed."""
    try_again(runs)
    passed, failed = sum(r.passed for r in runs), sum(len(r.bad) for r in runs)
    if passed + failed == 0:
        failed = 1  # not one test ran
    log = build / f"tests/pytest-{name}.log"
    log.write_text("\n".join(r.output for r in runs))
    tally.add(passed, failed)
    report(what, passed, failed, time.monotonic() - start,
           [line for r in runs if r.bad for line in r.tail()])
    if failed:
        print(f"    whole output: {log}", flush=True)


def run_integration(build, tally, backends):
    start = time.monotonic()
    for backend, runs in shards.run(build, backends).items():
        report_pytest(build, tally, backend, f"integration, {backend}", runs, start)
    return len(backends)


def run_one_pytest(build, tally, name, what, tests):
    start = time.monotonic()
    only = Pytest(build, name, [tests])
    only.run()
    report_pytest(build, tally, name, what, [only], start)
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
              "e2e": lambda t: run_one_pytest(build, t, "e2e", "end to end", "tests/e2e"),
              "cluster": lambda t: run_one_pytest(build, t, "cluster", "whole cluster",
                                                  "tests/cluster")}
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
