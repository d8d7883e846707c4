"""The C load generator as an object: tests/load/load.c says what it counts."""

import json
import signal
import subprocess

import harness


class Load:
    def __init__(self, silex, connections=32, **options):
        # prefix: how a program gets to where it can reach it (tests/install: another network).
        argv = [*getattr(silex, "prefix", ()), str(harness.BUILD / "tests/load/load"), "--port",
                str(silex.http_port), "--address", silex.host, "--connections", str(connections)]
        for name, value in options.items():
            argv += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

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
