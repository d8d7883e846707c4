"""The C load generator as an object: tests/load/load.c says what it counts."""

import json
import pathlib
import re
import signal
import subprocess

import harness


GENTLE = 4  # ms between an answer and the next request: traffic all the while, and no load


class Load:
    """--pause 0, the default, asks as fast as answers come: for tests of what races requests."""

    def __init__(self, silex, connections=32, **options):
        # prefix: how a program gets to where it can reach it (tests/install: another network).
        argv = [*getattr(silex, "prefix", ()), str(harness.BUILD / "tests/load/load"), "--port",
                str(silex.http_port), "--address", silex.host, "--connections", str(connections)]
        for name, value in options.items():
            argv += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        harness.wait_until(self._listens_to_us, what="the load generator's start")

    def _listens_to_us(self):
        """SIGTERM before it is caught would end it without its counts."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        caught = int(re.search(r"^SigCgt:\s*(\w+)$", status, re.M)[1], 16)
        return caught >> (signal.SIGTERM - 1) & 1 or not self.running()

    def running(self):
        return self.process.poll() is None

    def stop(self):
        """End it, wait for the answers under way, return its counts as a dictionary."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        out = self.process.communicate(timeout=harness.PATIENCE + 15)[0]
        counts = json.loads(out)
        counts["failed"] = sum(counts[k] for k in ("refused", "reset", "closed", "short", "bad",
                                                   "timeout"))
        return counts


def assert_clean(counts):
    """Not one request failed."""
    assert counts["failed"] == 0, counts
