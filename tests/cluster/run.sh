#!/bin/sh
# make e2e-cluster: the tests of tests/cluster in network, mount and process namespaces of their own.
#
#     tests/cluster/run.sh BUILD [program and arguments, instead of the whole run]
#
# Whatever happens in there ends with it: processes with their namespace, mounts and networks too. What the
# kernel keeps, cgroups, is in one corner that is removed here, and so is the directory of all data.
set -eu
cd "$(dirname "$0")/../.."
missing=
[ "$(id -u)" = 0 ] || missing=" root"
for p in containerd runc iptables nsenter; do
	command -v $p >/dev/null 2>&1 || missing="$missing $p"
done
[ -x /usr/lib/cni/bridge ] || missing="$missing containernetworking-plugins"
[ -d /sys/fs/cgroup/memory ] || [ -e /sys/fs/cgroup/cgroup.controllers ] || missing="$missing cgroups"
if [ -n "$missing" ]; then
	echo "silex: make e2e-cluster needs what is missing here:$missing" >&2
	exit 1
fi
SILEX_BUILD=$(cd "$1" && pwd)
shift
SILEX_E2E_BIN=$(tests/e2e/build.sh node)
SILEX_E2E_DIR=$(mktemp -d /tmp/silex-cluster.XXXXXX)
SILEX_E2E_CGROUP=silex-e2e-$$
export SILEX_BUILD SILEX_E2E_BIN SILEX_E2E_DIR SILEX_E2E_CGROUP
[ $# -gt 0 ] || set -- /usr/bin/python3 -B tests/run.py --build "$SILEX_BUILD" --only cluster

clean() {
	find /sys/fs/cgroup -depth -type d -path "*/$SILEX_E2E_CGROUP*" -exec rmdir {} + 2>/dev/null || :
	rm -rf "$SILEX_E2E_DIR"
}
trap clean EXIT
trap 'exit 130' INT TERM
unshare --net --mount --pid --fork --kill-child --mount-proc sh -c 'ip link set lo up && "$@"' sh "$@"
