"""`make run` for real: what a newcomer sees, does, and expects to be gone after Ctrl-C."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

from harness import BUILD, PATIENCE, ROOT, SANITIZED, alive, children, wait_until


class Demo:
    def __init__(self, manifests):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        self.process = subprocess.Popen(
            ["make", "run", f"BUILD={BUILD}", f"DEMO={manifests}", *sanitized()], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=env, start_new_session=True)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def curls(self):
        return [x.strip() for x in self.lines if re.match(r"\s+curl ", x)]

    def pids(self):
        found, todo = [], [self.process.pid]
        while todo:
            p = todo.pop()
            found.append(p)
            todo.extend(children(p))
        return found


def sanitized():
    return ["SAN=-fsanitize=address,undefined"] if SANITIZED else []


def curl(line):
    return subprocess.run(line.replace("curl", "curl -sS -m 10"), shell=True, text=True,
                          capture_output=True, check=False, timeout=PATIENCE).stdout


@pytest.fixture
def demo(tmp_path):
    manifests = tmp_path / "demo"
    shutil.copytree(ROOT / "deploy/demo", manifests)
    d = Demo(manifests)
    d.manifests = pathlib.Path(manifests)
    yield d
    if d.process.poll() is None:
        os.killpg(d.process.pid, signal.SIGKILL)
        d.process.wait()


def test_make_run(demo):
    wait_until(lambda: len(demo.curls()) == 4 or demo.process.poll() is not None,
               what="four curl lines")
    text = "\n".join(demo.lines)
    assert demo.process.poll() is None, text
    web, api, secure, metrics = demo.curls()
    assert "silex.local" in web
    assert {curl(web).split()[1] for _ in range(8)} == {"one", "two"}, text
    assert '"origin":"two"' in curl(api) and '"target":"/api/echo"' in curl(api)
    assert curl(secure).split()[1] in ("one", "two"), text
    verified = secure.replace("--insecure", "--cacert " + str(demo_certificate(demo)))
    assert curl(verified).split()[1] in ("one", "two"), text
    assert "silex_requests_total" in curl(metrics)

    edit_web(demo)
    wait_until(lambda: {curl(web).split()[1] for _ in range(4)} == {"one"},
               what="the edited manifest to be live")

    pids = demo.pids()
    assert len(pids) >= 7, "make, shell, two origins, master, worker, keys"
    os.killpg(demo.process.pid, signal.SIGINT)
    demo.process.wait(PATIENCE)
    wait_until(lambda: not any(alive(p) for p in pids), what="everything to be gone")
    assert not [f for p in pids for f in pathlib.Path("/dev/shm").glob(f"silex.demo.{p}.*")]


def demo_certificate(demo):
    """The certificate of the demo's Secret, in a file."""
    text = (demo.manifests / "secure.yaml").read_text()
    begin, end = text.index("-----BEGIN CERT"), text.index("-----END CERT")
    path = demo.manifests.parent / "ca.pem"
    path.write_text("\n".join(x.strip() for x in text[begin:end + 25].splitlines()) + "\n")
    return path


def edit_web(demo):
    """As with an editor: drop the second EndpointSlice of the Service web."""
    path = demo.manifests / "web.yaml"
    docs = path.read_text().split("\n---\n")
    kept = [d for d in docs if "name: web-two" not in d]
    assert len(kept) == len(docs) - 1
    path.write_text("\n---\n".join(kept))
