"""Full TLS handshakes all the while: what the tests that kill the keys process share."""

import ssl
import threading
import time

from harness import PATIENCE, wait_until


class Handshakes:
    """`threads` clients call shake() again and again, which is True for a good handshake; a socket
    or TLS error is a bad one. .ends: (was it good, seconds) of each."""

    def __init__(self, shake, threads):
        self.shake, self.ends, self.over = shake, [], threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self):
        while not self.over.is_set():
            begin = time.monotonic()
            try:
                good = self.shake()
            except (OSError, ssl.SSLError):
                good = False
            self.ends.append((good, time.monotonic() - begin))

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        for t in self.threads:
            t.join()

    def wait_good(self):
        """Fifty more, and the last twenty of them good."""
        n = len(self.ends)
        wait_until(lambda: len(self.ends) > n + 50 and all(good for good, _ in self.ends[-20:]),
                   what="handshakes after the keys process died")

    def bad(self):
        return sum(not good for good, _ in self.ends)

    def assert_none_hung(self):
        """Two seconds are promised; and what a busy machine adds."""
        assert max(took for _, took in self.ends) < PATIENCE / 2
