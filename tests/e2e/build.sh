#!/bin/sh
# Build the control plane the end-to-end tests run against, once: build.sh [node]
#
# kube-apiserver, kube-controller-manager and kubectl are tools of tools/go.mod, etcd of etcd/go.mod (their
# dependencies exclude each other). With "node" also what a node and its pods need: kube-scheduler and kubelet of
# tools/go.mod, kube-proxy of proxy/go.mod. The binaries are kept in $SILEX_E2E_CACHE (default
# ~/.cache/silex-e2e) under the hash of what they are built from. Prints the directory. Cold this takes about
# six minutes on two cores and needs Go >= 1.25.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${SILEX_E2E_CACHE:-$HOME/.cache/silex-e2e}

if ! command -v go >/dev/null 2>&1; then
	PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin
fi
have=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if [ "${have:-0}" -lt 25 ]; then
	echo "silex: make e2e needs Go >= 1.25 (found: $(go env GOVERSION 2>/dev/null || echo none)); install it and put it into PATH" >&2
	exit 1
fi

key=$(cat "$here/tools/go.mod" "$here/tools/go.sum" "$here/etcd/go.mod" "$here/etcd/go.sum" | sha256sum | cut -c1-16)
bin=$cache/$key
mkdir -p "$bin"

# A plain `go build` leaves v0.0.0-master in the binaries, and kubectl then warns of a version skew.
version=$(cd "$here/tools" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=$(echo "$version" | cut -d. -f2)
flags="-s -w"
for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	flags="$flags -X $p.gitVersion=$version -X $p.gitMajor=1 -X $p.gitMinor=$minor -X $p.gitTreeState=clean"
	flags="$flags -X $p.gitCommit=unknown -X $p.buildDate=1970-01-01T00:00:00Z"
done

export CGO_ENABLED=0
build() { # directory, name, package
	[ -x "$bin/$2" ] && return
	echo "silex: building $2 (once)" >&2
	(cd "$here/$1" && go build -p 2 -trimpath -buildvcs=false -ldflags "$flags" -o "$bin/$2.new" "$3")
	mv "$bin/$2.new" "$bin/$2"
}
build tools kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build tools kubectl k8s.io/kubernetes/cmd/kubectl
build tools kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager
build etcd etcd go.etcd.io/etcd/server/v3
if [ "${1:-}" = node ]; then
	build tools kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
	build tools kubelet k8s.io/kubernetes/cmd/kubelet
	build proxy kube-proxy k8s.io/kubernetes/cmd/kube-proxy
fi
if [ ! -x "$bin/helm" ]; then
	echo "silex: building helm (once)" >&2
	GOBIN=$bin go install -p 2 -trimpath -ldflags "-s -w" helm.sh/helm/v3/cmd/helm@v3.18.6
fi
echo "$bin"
