"""make conformance: the public suites, run through Silex.

h2spec against the plain port and the TLS port; the gRPC interop client, through Silex, against the
interop server. Both are Go modules, built from go.mod beside this file. A case that fails fails
the run."""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = {"h2spec": "github.com/summerwind/h2spec/cmd/h2spec",
         "interop_client": "google.golang.org/grpc/interop/client",
         "interop_server": "google.golang.org/grpc/interop/server"}

# All of the client's cases but those that need a credentials service, and those that this server
# does not pass even without a proxy (pick_first_unary, orca_per_rpc, orca_oob).
INTEROP = """empty_unary large_unary client_streaming server_streaming ping_pong empty_stream
timeout_on_sleeping_server cancel_after_begin cancel_after_first_response status_code_and_message
special_status_message custom_metadata unimplemented_method unimplemented_service""".split()


def build(where):
    where.mkdir(parents=True, exist_ok=True)
    for name, package in TOOLS.items():
        subprocess.run(["go", "build", "-mod=readonly", "-o", str(where / name), package],
                       cwd=HERE, check=True)


def h2spec(tool, silex, secure):
    port = ["-t", "-k", "-p", str(silex.https_port)] if secure else ["-p", str(silex.http_port)]
    out = subprocess.run([tool, "-h", silex.host, *port, "-P", "/", "-o", "3"],
                         capture_output=True, text=True, timeout=600, check=False)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", out.stdout)
    print(f"h2spec, {'TLS' if secure else 'plain'} port:", (text.strip() or "no output").splitlines()[-1])
    failed = re.findall(r"× \d+: (.*)", text.partition("Failures:")[2])
    for name in sorted(failed):
        print(f"  FAILED {name}")
    if not re.search(r"[1-9]\d+ passed", text):
        print(text, out.stderr)
        return False
    return not failed and out.returncode == 0


def interop(tools, silex, harness):
    port = harness.free_port()
    with subprocess.Popen([tools / "interop_server", "-port", str(port)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            silex.manifests.put("grpc", harness.backends("grpc", port), harness.ingress(
                "grpc", {"": "grpc"}, annotations={"backend-protocol": "GRPC",
                                                   "proxy-body-size": "64m"}))
            harness.wait_until(lambda: one(tools, silex, "empty_unary", quiet=True),
                               what="the first call")
            bad = [case for case in INTEROP if not one(tools, silex, case)]
        finally:
            server.kill()
    print(f"gRPC interop: {len(INTEROP) - len(bad)} of {len(INTEROP)} cases passed")
    return not bad


def one(tools, silex, case, quiet=False):
    out = subprocess.run([tools / "interop_client", "-server_host", silex.host, "-server_port",
                          str(silex.http_port), "-test_case", case],
                         capture_output=True, text=True, timeout=120, check=False)
    if out.returncode != 0 and not quiet:
        print(f"  FAILED {case}\n{out.stdout[-500:]}{out.stderr[-1500:]}")
    return out.returncode == 0


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--build", default="build")
    args.add_argument("--only", choices=["h2spec", "interop"])
    args = args.parse_args()
    where = pathlib.Path(args.build).resolve()
    os.environ["SILEX_BUILD"] = str(where)
    sys.path.insert(0, str(HERE.parent / "integration"))
    import harness  # pylint: disable=import-outside-toplevel
    tools = where / "conformance"
    build(tools)
    good = True
    with tempfile.TemporaryDirectory(prefix="silex-conformance.") as tmp:
        silex = harness.Silex(tmp, https=True)
        origin = harness.Origin(where, "conformance")
        try:
            silex.manifests.put("base", harness.backends("base", origin.port),
                                harness.ingress("base", {"": "base"}))
            silex.start()
            silex.wait_status(200, host="any.test")
            if args.only != "interop":
                good &= h2spec(str(tools / "h2spec"), silex, False)
                good &= h2spec(str(tools / "h2spec"), silex, True)
            silex.manifests.delete("base")
            if args.only != "h2spec":
                good &= interop(tools, silex, harness)
            silex.stop()
        finally:
            silex.abandon()
            origin.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
