"""`make run` for real: what a newcomer sees, does, and expects to be gone after Ctrl-C."""

import asyncio
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import grpc
import pytest
import websockets

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
        return [x.strip() for x in self.lines if re.match(r"\s+(curl|printf) ", x)]

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
                          capture_output=True, check=False, timeout=PATIENCE,
                          errors="replace").stdout


def grpc_clients(port):
    """A gRPC library of its own, without generated code: (one answer, all messages that come back)."""
    options = [("grpc.default_authority", "grpc.silex.local")]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=PATIENCE)
        echo = channel.stream_stream("/silex.demo.Echo/Echo")
        said = [b"first", b"", b"x" * 100_000, b"last"]
        with pytest.raises(grpc.RpcError) as e:
            channel.unary_unary("/silex.demo.Echo/None")(b"", timeout=PATIENCE)
        assert e.value.code() is grpc.StatusCode.UNIMPLEMENTED
        return check, list(echo(iter(said), timeout=PATIENCE)) == said


async def websocket_client(port):
    async with websockets.connect("ws://chat.silex.local/ws", host="127.0.0.1", port=port) as ws:
        greeting = await ws.recv()
        await ws.send("hello")
        return greeting, await ws.recv()


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
    wait_until(lambda: len(demo.curls()) == 6 or demo.process.poll() is not None,
               what="six curl lines")
    text = "\n".join(demo.lines)
    assert demo.process.poll() is None, text
    web, api, secure, metrics, chat, rpc = demo.curls()
    assert "silex.local" in web
    assert {curl(web).split()[1] for _ in range(8)} == {"one", "two"}, text
    assert '"origin":"two"' in curl(api) and '"target":"/api/echo"' in curl(api)
    assert curl(secure).split()[1] in ("one", "two"), text
    verified = secure.replace("--insecure", "--cacert " + str(demo_certificate(demo)))
    assert curl(verified).split()[1] in ("one", "two"), text
    assert "silex_requests_total" in curl(metrics)
    answer = curl(chat)
    assert "101 Switching Protocols" in answer and "what you send comes back" in answer
    assert curl(rpc).split() == [r"\0", r"\0", r"\0", r"\0", "002", r"\b", "001"]
    port = int(re.search(r"http://127.0.0.1:(\d+)/ws", chat)[1])
    assert grpc_clients(port) == (b"\x08\x01", True)
    greeting, said = asyncio.run(websocket_client(port))
    assert greeting.startswith("origin ") and said == "hello"

    edit_web(demo)
    wait_until(lambda: {curl(web).split()[1] for _ in range(4)} == {"one"},
               what="the edited manifest to be live")

    pids = demo.pids()
    assert len(pids) >= 8, "make, shell, three origins, master, worker, keys"
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
