"""One pytest process: how it is started, what its result file says, and when it is tried again.

Its files, under DIR/tests: pytest-NAME.xml (the result), tmp-NAME (the tests' files), cache-NAME.
"""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM_TIMEOUT = 300
PYTEST_TIMEOUT = 1500
NO_TESTS = 5  # pytest's exit code
UNSTEADY_MOST = 3  # failed tests of a stage that are tried again; more of them are no accident
DEFECT = re.compile(r"check failed|panic|Sanitizer|runtime error:|UndefinedBehavior|SIGSYS|"
                    r"SIGSEGV|Segmentation|worker died|worker hangs", re.I)


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


class Pytest:
    """pytest on some files, with a name of its own. After run(): passed; bad, (name, why) of each
    test that did not pass, or of the whole where no test says what was wrong; output."""

    def __init__(self, build, name, args, env=None, may_be_empty=False):
        self.build, self.name, self.args = build, name, args
        self.env, self.may_be_empty = dict(env or {}, SILEX_BUILD=str(build)), may_be_empty
        self.result = build / f"tests/pytest-{name}.xml"
        self.cache = build / f"tests/cache-{name}"
        self.passed, self.bad, self.output = 0, [], ""

    def run(self, env=None):
        shutil.rmtree(self.cache, ignore_errors=True)
        return self._run(dict(self.env, **(env or {})))

    def _run(self, env, *more):
        self.result.unlink(missing_ok=True)
        code, self.output = run_program(
            ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-o", f"cache_dir={self.cache}",
             "-o", "junit_family=xunit2", f"--junitxml={self.result}", "--tb=short",
             f"--basetemp={self.build}/tests/tmp-{self.name}", "--durations=5", *more, *self.args],
            env, PYTEST_TIMEOUT)
        self._count(code)

    def _cases(self):
        """(name, what was wrong with it or None) for each test of the result file."""
        for case in ET.parse(self.result).getroot().iter("testcase") if self.result.exists() else ():
            wrong = [w for w in (case.find(k) for k in ("failure", "error", "skipped"))
                     if w is not None]
            yield f"{case.get('classname')}::{case.get('name')}", wrong[0] if wrong else None

    def _count(self, code):
        cases = list(self._cases())
        self.passed = sum(wrong is None for _, wrong in cases)
        self.bad = [(name, wrong.get("message")) for name, wrong in cases if wrong is not None]
        empty = code == NO_TESTS and not cases and self.may_be_empty
        if not self.bad and not empty and (code != 0 or not cases):
            self.bad = [(f"pytest-{self.name}", f"exit code {code}, {len(cases)} tests")]

    def may_be_the_machine(self):
        """True when each failure is one of a test, and none comes from a defect that a program
        reported of itself, or from a skipped test."""
        wrong = [w for _, w in self._cases() if w is not None]
        return len(wrong) == len(self.bad) and not any(
            w.tag == "skipped" or DEFECT.search(w.get("message", "") + (w.text or ""))
            for w in wrong)

    def again(self):
        """What failed, once more; when all of that passes now, it counts as passed."""
        passed, bad, output = self.passed, self.bad, self.output
        kept = self.result.rename(self.result.with_name(f"pytest-{self.name}-first.xml"))
        self._run(self.env, "--last-failed", "--last-failed-no-failures=none")
        self.output = output + self.output
        if not self.bad and self.passed == len(bad):
            names = ", ".join(name for name, _ in bad)
            print(f"  UNSTEADY {names}: failed, then passed alone; see {kept}", flush=True)
            self.passed += passed
        else:
            self.passed, self.bad = passed, bad

    def tail(self, lines=60):
        """The end of what it printed, and what was bad."""
        bad = "\n".join(f"{name}: {why}" for name, why in self.bad)
        return self.output.splitlines()[-lines:] + bad.splitlines()


def try_again(runs):
    """What failed in these runs of one stage, once more and alone: these tests race real processes
    against each other, and a machine that stands still for a second is no defect of ours. What
    passes now is named as unsteady, so that it is looked at; what fails again has failed."""
    failed = [r for r in runs if r.bad]
    if sum(len(r.bad) for r in failed) <= UNSTEADY_MOST and all(r.may_be_the_machine() for r in failed):
        for r in failed:
            r.again()
