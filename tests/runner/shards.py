"""The integration tests, shared out: a few test files a pytest process, as many processes at once
as keep the machine busy, both event backends together. A test waits for more than it computes.
"""

import os
import queue
from concurrent.futures import ThreadPoolExecutor

from runner.pytests import ROOT, Pytest

# A process for each, the longest ones first; it changes how long a run takes, nothing else.
LONG = ("api_faults", "keys", "crash", "lifecycle", "proxy_ssl", "api_garbage", "processes",
        "stream_ports", "early_data", "udp_services", "tls", "client_cert")
SHORT_EACH = 5  # files of one process of the other ones: it takes a while to start, too
AT_ONCE = 2 * (os.cpu_count() or 1)
PORTS = range(12_000, 32_000)  # below what the kernel hands out by itself


def groups():
    """Lists of test files, each for one pytest process, the long ones first."""
    files = sorted((ROOT / "tests/integration").glob("test_*.py"))
    long = [f for n in LONG for f in files if f.stem == f"test_{n}"]
    short = [f for f in files if f not in long]
    count = -(-len(short) // SHORT_EACH)
    return [[f] for f in long] + [short[n::count] for n in range(count)]


def run(build, backends):
    """Run all of them; returns {backend: [Pytest, ...]}."""
    runs = {b: [] for b in backends}
    for n, files in enumerate(groups()):
        for b in backends:
            # with poll, tests that know no backend are left out: nothing of a file may remain
            runs[b].append(Pytest(build, f"{b}{n}", [f"--backend={b}", *map(str, files)],
                                  may_be_empty=b == "poll"))
    # Each process that runs at the same time hands out ports of its own.
    ports, each = queue.SimpleQueue(), len(PORTS) // AT_ONCE
    for n in range(AT_ONCE):
        ports.put(f"{PORTS.start + n * each}-{PORTS.start + (n + 1) * each - 1}")

    def one(job):
        mine = ports.get()
        try:
            job.run({"SILEX_TEST_PORTS": mine})
        finally:
            ports.put(mine)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, (job for jobs in zip(*runs.values()) for job in jobs)))
    return runs
