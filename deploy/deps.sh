#!/bin/sh
# Install the Debian packages a stage needs: deps.sh build|test|e2e|e2e-cluster|check|bench|fuzz|install
# Says which are missing; without root (or sudo) prints the exact command and stops.
set -eu

build="gcc pkg-config libc6-dev libssl-dev libcurl4-openssl-dev libjson-c-dev libyaml-dev libnghttp2-dev
       libpcre2-dev libbsd-dev libxxhash-dev libseccomp-dev libc-ares-dev libcrypt-dev zlib1g-dev libbrotli-dev"
test="$build libcmocka-dev python3 python3-pytest curl procps iproute2 openssl nghttp2-client
      python3-websockets python3-grpcio python3-brotli"
e2e="$test python3-yaml util-linux"
cluster="$e2e containerd runc containernetworking-plugins iptables binutils"
check="$test clang clang-format clang-tidy cppcheck binutils git"
fuzz="$build clang libclang-rt-14-dev"
bench="$test nginx-light haproxy wrk python3-pip"
install="$test containerd runc prometheus lintian dpkg-dev systemd man-db logrotate binutils openssl strace
         mmdebstrap systemd-container util-linux git buildah"

case "${1:-}" in
build) want=$build ;;
test) want=$test ;;
e2e) want=$e2e ;;
e2e-cluster) want=$cluster ;;
check) want=$check ;;
fuzz) want=$fuzz ;;
bench) want=$bench ;;
install) want=$install ;;
*) echo "usage: deps.sh build|test|e2e|e2e-cluster|check|fuzz|bench|install" >&2; exit 2 ;;
esac

missing=
for p in $want; do
	s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || s=
	[ "$s" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

echo "silex: Debian packages missing for 'make $1':$missing" >&2
if [ "$(id -u)" = 0 ]; then
	as=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	as=sudo
else
	echo "silex: not root; please run:  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
	exit 1
fi
# Servers that come with the bench packages must not start by themselves.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as tee $policy >/dev/null
	$as chmod 755 $policy
	trap '$as rm -f $policy' EXIT
fi
log=$(mktemp)
if ! { $as apt-get update -q && $as env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -20 "$log" >&2
	echo "silex: installing failed; the whole log is in $log" >&2
	exit 1
fi
rm -f "$log"
