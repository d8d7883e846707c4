#!/bin/sh
# make run: two origins of HTTP and WebSocket, one of gRPC, and Silex on manifests, until Ctrl-C.
#
#     deploy/demo/run.sh BUILD MANIFESTS
#
# Ports: 8080, 8443 and 10254, or the next free ones; origins on 9001 to 9003, as the manifests say.
# When those are taken, a copy of the manifests with other ports is served, and that is said.
set -eu
build=$1 manifests=$2
one= two= three= silex=

# Is a TCP port of this machine listened on? The kernel's own list, so that no tool is needed.
taken() {
	hex=$(printf ':%04X' "$1")
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v p="$hex" \
	    '$4 == "0A" && substr($2, length($2) - 4) == p { found = 1 } END { exit !found }'
}

free_from() {
	port=$1
	while taken "$port"; do
		port=$((port + 1))
	done
	echo "$port"
}

stop() {
	trap - INT TERM EXIT
	for p in $silex $one $two $three; do
		kill "$p" 2>/dev/null || :
	done
	for p in $silex $one $two $three; do
		wait "$p" 2>/dev/null || :
	done
}

http=$(free_from 8080)
https=$(free_from 8443)
health=$(free_from 10254)
[ "$http" = 8080 ] || echo "silex: port 8080 is taken, using $http"
[ "$https" = 8443 ] || echo "silex: port 8443 is taken, using $https"
[ "$health" = 10254 ] || echo "silex: port 10254 is taken, using $health"
first=9001 second=9002 third=9003
if taken 9001 || taken 9002 || taken 9003; then
	first=$(free_from 9004)
	second=$(free_from $((first + 1)))
	third=$(free_from $((second + 1)))
	copy=$build/demo
	rm -rf "$copy"
	mkdir -p "$copy"
	for f in "$manifests"/*.yaml; do
		sed "s/\\b9001\\b/$first/; s/\\b9002\\b/$second/; s/\\b9003\\b/$third/" "$f" >"$copy/${f##*/}"
	done
	manifests=$copy
	echo "silex: port 9001, 9002 or 9003 is taken, origins use $first, $second and $third;"
	echo "       serving a copy of the manifests that says so: $manifests"
fi

trap 'stop; exit 0' INT TERM
trap stop EXIT
"$build/tests/origin/origin" --name one --port "$first" >/dev/null &
one=$!
"$build/tests/origin/origin" --name two --port "$second" >/dev/null &
two=$!
"$build/tests/grpc/grpc" --name three --port "$third" >/dev/null &
three=$!
"$build/silex" --manifests "$manifests" --http-port "$http" --https-port "$https" \
    --healthz-port "$health" --instance "demo.$$" --access-log stdout &
silex=$!

tries=0
until "$build/tests/load/load" --port "$http" --host silex.local --connections 1 --requests 1 |
    grep -q '"ok":1'; do
	tries=$((tries + 1))
	if [ $tries -gt 50 ] || ! kill -0 $silex 2>/dev/null; then
		echo "silex: silex.local is not served; see the log above" >&2
		break
	fi
	sleep 0.1
done
kill -0 $silex 2>/dev/null || exit 1
cat <<END

Silex serves $manifests. Try:

    curl -H 'Host: silex.local' http://127.0.0.1:$http/
    curl -H 'Host: silex.local' http://127.0.0.1:$http/api/echo
    curl --insecure --resolve secure.silex.local:$https:127.0.0.1 https://secure.silex.local:$https/
    curl http://127.0.0.1:$health/metrics

    # a WebSocket that greets, for two seconds; a gRPC health check: ... 002 \\b 001 is SERVING
    curl -i -N -m 2 -H 'Host: chat.silex.local' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: c2lsZXggc2lsZXggc2lsZQ==' http://127.0.0.1:$http/ws
    printf '\\0\\0\\0\\0\\0' | curl -sS --http2-prior-knowledge -H 'Host: grpc.silex.local' -H 'Content-Type: application/grpc' -H 'TE: trailers' --data-binary @- http://127.0.0.1:$http/grpc.health.v1.Health/Check | od -An -c

Edit a manifest while this runs: the next request follows it. Ctrl-C stops everything.

END
wait $silex
