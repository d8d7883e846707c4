#!/bin/sh
# make e2e: the end-to-end tests in a network namespace of their own, where 198.18.0.0/15 is local.
#
#     tests/e2e/run.sh BUILD [program and arguments, instead of the whole run]
set -eu
cd "$(dirname "$0")/../.."
SILEX_BUILD=$(cd "$1" && pwd)
shift
SILEX_E2E_BIN=$(tests/e2e/build.sh)
export SILEX_BUILD SILEX_E2E_BIN
[ $# -gt 0 ] || set -- /usr/bin/python3 -B tests/run.py --build "$SILEX_BUILD" --only e2e
if [ "$(id -u)" = 0 ]; then
	new='unshare -n'
else
	new='unshare -Urn'
fi
exec $new sh -c 'ip link set lo up && ip addr add 198.18.0.1/15 dev lo && exec "$@"' sh "$@"
