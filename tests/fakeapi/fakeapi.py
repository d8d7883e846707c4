"""A Kubernetes API server that misbehaves on demand: what a real one will not do when asked to.

One thread a connection, HTTP/1.1, plain or TLS. It keeps objects, numbers every change, lists in
pages, watches with bookmarks and initial events, and takes the writes Silex makes (status, Events,
Leases). A test puts objects in, and answers chosen requests itself:

    api = FakeApi()
    api.put(ingress(...))                        # seen by every watch
    api.on("list", "services", lambda r: r.reply(500, {}), times=2)
    api.watch("services").reset()                # the connection dies now

Facts about the real one stand behind every answer here: what it says on a 410, how a watch ends.
"""

import copy
import itertools
import json
import select
import socket
import ssl
import struct
import threading
import time
import urllib.parse

#          plural: (kind, API root, namespaced)
KINDS = {
    "ingresses": ("Ingress", "/apis/networking.k8s.io/v1", True),
    "ingressclasses": ("IngressClass", "/apis/networking.k8s.io/v1", False),
    "services": ("Service", "/api/v1", True),
    "endpointslices": ("EndpointSlice", "/apis/discovery.k8s.io/v1", True),
    "secrets": ("Secret", "/api/v1", True),
    "configmaps": ("ConfigMap", "/api/v1", True),
    "namespaces": ("Namespace", "/api/v1", False),
    "events": ("Event", "/api/v1", True),
    "pods": ("Pod", "/api/v1", True),
    "nodes": ("Node", "/api/v1", False),
    "leases": ("Lease", "/apis/coordination.k8s.io/v1", True),
}
PLURAL = {kind: plural for plural, (kind, _, _) in KINDS.items()}
PASS = object()  # returned by a test's answer: let the server answer after all
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound",
           409: "Conflict", 410: "Expired", 422: "Invalid", 429: "TooManyRequests",
           500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


def status(code, message="", reason=None):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message or REASONS.get(code, ""), "code": code,
            "reason": reason or REASONS.get(code, "")}


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


class Request:
    """One request, and the means to answer it in any way, right or wrong."""

    def __init__(self, conn, method, target, fields, body):
        self.conn, self.method, self.fields, self.body = conn, method, fields, body
        url = urllib.parse.urlsplit(target)
        self.path = url.path
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.at = time.monotonic()
        self.plural = self.ns = self.name = self.sub = None
        self._split()
        self.verb = self._verb()

    def _split(self):
        words = self.path.strip("/").split("/")
        words = words[2:] if words[0] == "api" else words[3:]
        if len(words) > 2 and words[0] == "namespaces":
            self.ns, words = words[1], words[2:]
        self.plural, self.name, self.sub, *_ = [*words, None, None, None]

    def _verb(self):
        if self.method == "GET" and self.name is None:
            return "watch" if self.query.get("watch") in ("1", "true") else "list"
        return self.method.lower()

    def reply(self, code, body=b"", *, fields=(), kind="application/json"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        head = f"HTTP/1.1 {code} {REASONS.get(code, 'OK')}\r\nContent-Type: {kind}\r\n"
        self.raw(head.encode() + b"".join(f"{f}\r\n".encode() for f in fields) +
                 f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def fail(self, code, message="", **how):
        self.reply(code, status(code, message), **how)

    def raw(self, data):
        self.conn.send(data)

    def reset(self):
        self.conn.reset()

    def __repr__(self):
        return f"<{self.method} {self.path} {self.query}>"


class Watch:
    """One open watch. The server's changes go out by themselves; a test may say anything more."""

    def __init__(self, request):
        self.request, self.plural, self.ns = request, request.plural, request.ns
        self.rv = request.query.get("resourceVersion", "")
        self.name = None
        selector = request.query.get("fieldSelector", "")
        if selector.startswith("metadata.name="):
            self.name = selector.partition("=")[2]
        self.open, self.mute = True, False
        request.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n")

    def wants(self, o):
        m = o["metadata"]
        return (not self.ns or m.get("namespace") == self.ns) and \
               (not self.name or m["name"] == self.name)

    def bytes(self, data, size=0):
        """Raw bytes in one chunk, or in chunks of `size` bytes."""
        size = size or len(data)
        for at in range(0, len(data), size):
            piece = data[at:at + size]
            self.request.raw(b"%x\r\n%s\r\n" % (len(piece), piece))

    def event(self, kind, o, size=0):
        if self.open and not self.mute:
            self.bytes(json.dumps({"type": kind, "object": o}).encode() + b"\n", size)

    def error(self, code, reason=None, message=""):
        self.event("ERROR", status(code, message, reason))
        self.end()

    def bookmark(self, rv, initial=False):
        kind = KINDS[self.plural][0]
        meta = {"resourceVersion": str(rv)}
        if initial:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        self.event("BOOKMARK", {"kind": kind, "metadata": meta, "spec": {}})

    def end(self):
        """As at timeoutSeconds: the last chunk, and no event."""
        if self.open:
            self.open = False
            self.request.raw(b"0\r\n\r\n")

    def reset(self):
        self.open = False
        self.request.reset()


class Connection(threading.Thread):
    def __init__(self, api, sock):
        super().__init__(daemon=True)
        self.api, self.sock, self.data, self.lock = api, sock, b"", threading.Lock()

    def send(self, data):
        """From any thread. What cannot be written ends the connection: a client that is told
        nothing would wait for it."""
        try:
            with self.lock:
                self.sock.sendall(data)
        except OSError:
            self.shut()

    def reset(self):
        """A TCP reset, as a server that dies sends."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.shut()

    def shut(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def receive(self):
        """An OpenSSL connection is not to be read and written by two threads at a time: waited
        outside the lock, read within."""
        if not isinstance(self.sock, ssl.SSLSocket):
            return self.sock.recv(65536)
        if not self.sock.pending():
            readable = select.poll()
            readable.register(self.sock, select.POLLIN)
            readable.poll()
        with self.lock:
            return self.sock.recv(65536)

    def fill(self):
        piece = self.receive()
        if not piece:
            raise EOFError
        self.data += piece

    def read(self):
        while b"\r\n\r\n" not in self.data:
            self.fill()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)}
        length = int(fields.get("content-length", 0))
        while len(self.data) < length:
            self.fill()
        body, self.data = self.data[:length], self.data[length:]
        method, target, _ = first.split(" ")
        return Request(self, method, target, fields, body)

    def run(self):
        try:
            if self.api.tls is not None:
                self.sock = self.api.tls.wrap_socket(self.sock, server_side=True)
            while True:
                self.api.serve(self.read())
        except (OSError, EOFError, ValueError):
            pass
        finally:
            self.api.forget(self)
            self.sock.close()


class FakeApi:
    def __init__(self, tls=None):
        self.tls = tls  # an ssl.SSLContext, replaced at will
        self.lock = threading.RLock()
        self.objects = {plural: {} for plural in KINDS}
        self.history, self.oldest = [], 0  # (rv, plural, type, object); versions before are gone
        self.rv = 100
        self.uids = itertools.count(1)
        self.answers, self.requests, self.open_watches, self.connections = [], [], [], set()
        self.watchlist, self.page_size, self.token = True, 500, None
        self.forbidden, self.missing = set(), set()  # plurals
        self.listener = None
        self.port = 0
        self.listen()

    # -- the listening socket -------------------------------------------------

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn = Connection(self, sock)
            with self.lock:
                self.connections.add(conn)
            conn.start()

    def down(self):
        """Nobody listens any more, and every connection is reset."""
        if self.listener.fileno() != -1:
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            connections = list(self.connections)
        for c in connections:
            c.reset()

    def forget(self, conn):
        with self.lock:
            self.connections.discard(conn)
            self.open_watches = [w for w in self.open_watches if w.request.conn is not conn]

    @property
    def url(self):
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    # -- objects ----------------------------------------------------------------

    def put(self, *objects, tell=True):
        """Create or change. tell=False: while nobody was looking, for a lost history."""
        with self.lock:
            for o in objects:
                for one in o if isinstance(o, list) else [o]:
                    self._put(copy.deepcopy(one), tell)

    def _key(self, o):
        return o["metadata"].get("namespace", ""), o["metadata"]["name"]

    def _put(self, o, tell=True):
        plural = PLURAL[o["kind"]]
        old = self.objects[plural].get(self._key(o))
        self.rv += 1
        meta = o["metadata"]
        meta["resourceVersion"] = str(self.rv)
        meta.setdefault("uid", old["metadata"]["uid"] if old else f"uid-{next(self.uids)}")
        meta["generation"] = self._generation(old, o)
        self.objects[plural][self._key(o)] = o
        self._record(plural, "MODIFIED" if old else "ADDED", o, tell)
        return o

    @staticmethod
    def _generation(old, new):
        if old is None:
            return 1
        same = old.get("spec") == new.get("spec")
        return old["metadata"]["generation"] + (0 if same else 1)

    def delete(self, kind, name, ns="default", tell=True):
        plural = PLURAL[kind]
        with self.lock:
            ns = ns if KINDS[plural][2] else ""
            o = copy.deepcopy(self.objects[plural].pop((ns, name)))
            self.rv += 1
            o["metadata"]["resourceVersion"] = str(self.rv)
            self._record(plural, "DELETED", o, tell)

    def _record(self, plural, kind, o, tell):
        if not tell:
            return
        o = copy.deepcopy(o)
        self.history.append((self.rv, plural, kind, o))
        for w in self.watches(plural):
            if w.wants(o):
                w.event(kind, o)

    def get(self, kind, name, ns="default"):
        plural = PLURAL[kind]
        with self.lock:
            return copy.deepcopy(
                self.objects[plural].get((ns if KINDS[plural][2] else "", name)))

    def all(self, kind):
        with self.lock:
            return [copy.deepcopy(o) for o in self.objects[PLURAL[kind]].values()]

    def lose_history(self):
        """Every watch from before now is too old."""
        with self.lock:
            self.rv += 1
            self.oldest, self.history = self.rv, []

    def restore(self, snapshot):
        """An older world, as after etcd's restore: snapshot() of earlier."""
        with self.lock:
            self.objects, self.rv = copy.deepcopy(snapshot)
            self.history, self.oldest = [], 0

    def snapshot(self):
        with self.lock:
            return copy.deepcopy((self.objects, self.rv))

    # -- what tests steer -----------------------------------------------------------

    def on(self, verb, plural, answer, times=1):
        """The next `times` such requests are answered by answer(request)."""
        with self.lock:
            self.answers.append([verb, plural, answer, times])

    def watches(self, plural):
        with self.lock:
            return [w for w in self.open_watches if w.plural == plural and w.open]

    def watch(self, plural):
        """The one open watch of a kind, waited for."""
        deadline = time.monotonic() + 20
        while not self.watches(plural):
            assert time.monotonic() < deadline, f"nobody watches {plural}"
            time.sleep(0.01)
        return self.watches(plural)[-1]

    def asked(self, verb, plural=None, since=0):
        """The requests so far, by verb and plural."""
        with self.lock:
            return [r for r in self.requests[since:]
                    if r.verb == verb and plural in (None, r.plural)]

    # -- answering ----------------------------------------------------------------

    def serve(self, r):
        with self.lock:
            self.requests.append(r)
            answer = self._chosen(r)
        if answer is not None and answer(r) is not PASS:
            return
        if self.token is not None and r.fields.get("authorization") != f"Bearer {self.token}":
            r.fail(401)
        elif r.plural in self.missing or r.plural not in KINDS:
            r.reply(404, b"404 page not found\n", kind="text/plain")
        elif r.plural in self.forbidden:
            r.fail(403, f'{r.plural} is forbidden: User "x" cannot {r.verb} it')
        else:
            getattr(self, f"_serve_{r.verb}")(r)

    def _chosen(self, r):
        for entry in self.answers:
            verb, plural, answer, times = entry
            if verb == r.verb and plural == r.plural and times > 0:
                entry[3] -= 1
                return answer
        return None

    def _items(self, r):
        selector = r.query.get("fieldSelector", "").partition("metadata.name=")[2]
        return [o for (ns, name), o in sorted(self.objects[r.plural].items())
                if r.ns in (None, ns) and selector in ("", name)]

    def _serve_list(self, r):
        kind, root, _ = KINDS[r.plural]
        with self.lock:
            items = self._items(r)
            at = int(r.query.get("continue", "0-0").split("-")[1])
            size = min(int(r.query.get("limit", 500)), self.page_size)
            meta = {"resourceVersion": str(self.rv)}
            if at + size < len(items):
                meta["continue"] = f"page-{at + size}"
            page = copy.deepcopy(items[at:at + size])
        r.reply(200, {"kind": f"{kind}List", "apiVersion": root.rpartition("/")[2],
                      "metadata": meta, "items": page})

    def _serve_watch(self, r):
        initial = r.query.get("sendInitialEvents") == "true"
        if initial and not self.watchlist:
            r.fail(422, "sendInitialEvents is forbidden for watch unless the feature gate is on")
            return
        with self.lock:
            w = Watch(r)
            since = int(r.query.get("resourceVersion") or 0)
            if initial:
                for o in self._items(r):
                    w.event("ADDED", o)
                w.bookmark(self.rv, initial=True)
            elif since < self.oldest:
                w.error(410, message=f"too old resource version: {since} ({self.oldest})")
                return
            else:
                for rv, plural, kind, o in self.history:
                    if rv > since and plural == r.plural and w.wants(o):
                        w.event(kind, o)
            self.open_watches.append(w)
        self._hold(w, float(r.query.get("timeoutSeconds", 300)))

    def _hold(self, w, seconds):
        """Until the watch ends, by the test, by its client, or by its time."""
        deadline, conn = time.monotonic() + seconds, w.request.conn
        while w.open and time.monotonic() < deadline:
            if select.select([conn.sock], [], [], 0.02)[0]:
                conn.fill()
                break
        with self.lock:
            if w.open:
                w.bookmark(self.rv)
            w.end()
            if w in self.open_watches:
                self.open_watches.remove(w)

    def _serve_get(self, r):
        o = self.objects[r.plural].get((r.ns or "", r.name))
        r.reply(200, o) if o else r.fail(404)

    def _serve_post(self, r):
        o = json.loads(r.body)
        with self.lock:
            if self._key(o) in self.objects[r.plural]:
                r.reply(409, status(409, reason="AlreadyExists"))
                return
            o = self._put(o)
        r.reply(201, o)

    def _serve_put(self, r):
        new = json.loads(r.body)
        with self.lock:
            old = self.objects[r.plural].get((r.ns or "", r.name))
            if old is None:
                r.fail(404)
                return
            if new["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"]:
                r.fail(409)
                return
            new = self._put(new)
        r.reply(200, new)

    def _serve_patch(self, r):
        with self.lock:
            old = self.objects[r.plural].get((r.ns or "", r.name))
            if old is None:
                r.fail(404)
                return
            new = merge(old, json.loads(r.body))
            if new != old:
                new = self._put(new)
        r.reply(200, new)


def server_context(cert, key, client_ca=None):
    """client_ca: clients must have a certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
