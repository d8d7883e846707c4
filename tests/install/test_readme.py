"""Every command in README.md works: those of a node and of a newcomer run here, on a fresh Debian 12 with nothing but
git and make; each of the others is run by another test, which is looked into. A new command in README that is neither
fails here."""

import re
import subprocess
import threading

import pytest
from debian import GIT_AND_MAKE, Root, run

from harness import ROOT, wait_until

README = ROOT / "README.md"
# command: (the test that runs it, what stands there)
ELSEWHERE = {
    "make run": ("tests/install/test_readme.py", "make run"),
    "make test": (".ci/run", "for s in test"),
    "make image": ("tests/install/test_image.py", "mkimage.py"),
    "make deb": ("tests/install/conftest.py", "mkdeb.py"),
    "apt-get install ./silex_*.deb": ("tests/install/test_package.py", "apt-get install"),
    "systemctl start silex.socket silex.service": ("tests/install/test_node.py", "silex.socket silex.service"),
    "systemctl reload silex.service": ("tests/install/test_node.py", "systemctl reload silex.service"),
    "kubectl apply -f deploy/silex.yaml": ("tests/cluster/test_cluster.py", '"deploy/silex.yaml"'),
    "kubectl apply -f deploy/silex-daemonset.yaml": ("tests/cluster/test_cluster.py", '"deploy/silex-daemonset.yaml"'),
    "helm install silex deploy/helm/silex -f values.yaml": ("tests/cluster/test_cluster.py", '"deploy/helm/silex"'),
    "docker build -f deploy/image/Dockerfile -t silex:0.1.0 .": ("tests/install/test_dockerfile.py", "Dockerfile"),
}
HERE = ("make && make install", "silex --manifests /etc/silex/manifests --http-port 80",
        "silex -t --config /etc/silex/silex.conf", "silex show workers | table | route HOST PATH | conf")


def commands():
    """The lines of the indented blocks, without their comments."""
    found = []
    for line in README.read_text().splitlines():
        m = re.match(r"    (\S.*?)(?:\s+#.*)?$", line)
        if m:
            found.append(m[1])
    return found


def test_every_command_is_run_somewhere():
    assert len(commands()) >= 12
    for command in commands():
        if command not in HERE:
            assert command in ELSEWHERE, f"no test runs: {command}"
            path, text = ELSEWHERE[command]
            assert text in (ROOT / path).read_text(), f"{path} does not run: {command}"


def test_every_proof_that_is_promised_is_there():
    """The commands and files that the table of promises names."""
    text = README.read_text()
    table = text[text.index("## Promises"):]
    table = table[:table.index("\n## ", 5)]
    named = re.findall(r"`((?:tests/)?[a-z0-9_/]+\.(?:py|c))(?:::(\w+))?`", table)
    assert len(named) >= 10
    for path, test in named:
        found = [p for p in (ROOT / "tests").rglob(path.split("/")[-1]) if str(p).endswith("/" + path)]
        assert found, path
        assert not test or f"def {test}(" in found[0].read_text(), f"{path}::{test}"
    goals = set(re.findall(r"`make ([a-z0-9-]+)`", text))
    rules = "".join((ROOT / p).read_text() for p in ("Makefile", "tests/tests.mk", "deploy/deploy.mk"))
    for goal in goals:
        assert re.search(rf"^(?:\S+ )*{goal}(?: \S+)*:(?!=)", rules, re.M), f"make {goal}"


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """A clone of what is committed, on a machine with git and make."""
    where = tmp_path_factory.mktemp("newcomer")
    r = Root(where / "root", packages=GIT_AND_MAKE)
    try:
        run("git", "clone", "--quiet", "--no-hardlinks", ROOT, r.dir / "root/silex")
        yield r
    finally:
        r.remove()


class Running:
    """make run, in there; its network is ours."""

    def __init__(self, root):
        self.process = root.spawn("cd /root/silex && exec make run")
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(x.rstrip() for x in self.process.stdout), daemon=True).start()

    def commands(self):
        return [x.strip() for x in self.lines if re.match(r"\s+(curl|printf) ", x)]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def test_make_run_on_a_fresh_machine(newcomer):
    """It installs what is missing and builds; the lines it prints answer."""
    demo = Running(newcomer)
    try:
        wait_until(lambda: len(demo.commands()) == 6 or demo.process.poll() is not None, 1800, "the six commands")
        assert demo.process.poll() is None, "\n".join(demo.lines[-40:])
        for command in demo.commands():
            done = subprocess.run(command.replace("curl", "curl -sS -m 10"), shell=True, capture_output=True,
                                  check=False)
            assert done.stdout and b"404" not in done.stdout[:100], command
    finally:
        demo.stop()


def test_on_a_node(newcomer):
    """make && make install, and the commands of the section "Using it on a node", in its words."""
    install, serve, check, show = (c for c in commands() if c in HERE)
    newcomer.sh(f"cd /root/silex && {install}")
    assert "is good" in newcomer.sh(f"{check} 2>&1")
    shows = [f"silex show {w}" for w in show.removeprefix("silex show ").split(" | ")]
    words = [s.replace("HOST PATH", "silex.local /") for s in shows]
    # A network of its own: ports 80 and 443 may be somebody else's here.
    out = newcomer.sh(f"""cp /root/silex/deploy/demo/*.yaml /etc/silex/manifests/
        {serve} >/tmp/log 2>&1 & pid=$!
        tries=600; until grep -q ready: /tmp/log || [ $((tries -= 1)) = 0 ]; do sleep 0.1; done
        {"; ".join(f"echo == '{w}'; {w}" for w in words)}
        kill $pid; wait $pid || :""", own_network=True)
    parts = re.split(r"^== .*\n", out, flags=re.M)[1:]
    assert len(parts) == len(words)
    assert all(p.strip() for p in parts), out
