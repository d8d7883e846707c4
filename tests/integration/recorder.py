"""The judge behind the proxy: an origin that forgives nothing and forgets nothing.

It reads requests with a paranoid grammar of its own, narrower than RFC 9112: what a canonical
serialiser writes and not a byte else. Every complete request is kept with its exact bytes; what
is not canonical becomes a violation, which fails the test. A target "/answer/KEY" is answered
with the bytes registered under KEY, everything else with 200 and the target as content, so that
a client can see whether the answer it got is the one to its own request.
"""

import re
import socket
import threading

from client import TIMEOUT

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[\x21-\x22\x24-\x7e\x80-\xff]*|\*) HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z0-9-]+): (|[\x21-\x7e\x80-\xff]|[\x21-\x7e\x80-\xff]"
                    rb"[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])")
_HOST = re.compile(r"([A-Za-z0-9_-]+\.?)+(:[1-9][0-9]{0,4})?|\[[0-9A-Fa-f:.]+\](:[1-9][0-9]{0,4})?")
_CHUNK = re.compile(rb"0|[1-9a-f][0-9a-f]{0,15}")
_CONNECTION = {"close", "keep-alive", "upgrade", "te"}
_NEVER = {"keep-alive", "proxy-connection", "proxy", "http2-settings", "via", "trailers"}
_ONCE = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "expect",
         "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
         "x-forwarded-port", "x-forwarded-scheme", "x-scheme", "x-request-id"}
_NOT_IN_TRAILERS = _ONCE | _NEVER | {"authorization", "cookie", "set-cookie", "content-type",
                                     "content-encoding", "content-range", "max-forwards"}
_OWN = {"x-real-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http",
        "x-forwarded-scheme": "http", "x-scheme": "http"}


class Violation(Exception):
    """Bytes that no canonical serialiser writes."""


class Gone(Exception):
    """The proxy closed in the middle of a message."""


class Request:
    """One complete request as it arrived."""

    def __init__(self, method, target, fields):
        self.method, self.target, self.fields = method, target, fields
        self.body, self.trailers, self.raw = b"", [], b""

    def all(self, name):
        return [v for k, v in self.fields if k.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def __repr__(self):
        return f"{self.method} {self.target}"


class _Reader:
    """One connection from the proxy."""

    def __init__(self, sock):
        self.sock, self.buf, self.used = sock, b"", 0

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        self.buf += data

    def line(self):
        while (at := self.buf.find(b"\n", self.used)) < 0:
            if len(self.buf) - self.used > 70_000:
                raise Violation("line without end")
            self.fill()
        line, self.used = self.buf[self.used:at], at + 1
        if not line.endswith(b"\r"):
            raise Violation(f"LF without CR: {line[:100]!r}")
        return line[:-1]

    def take(self, n):
        while len(self.buf) - self.used < n:
            self.fill()
        data, self.used = self.buf[self.used:self.used + n], self.used + n
        return data

    def cut(self):
        raw, self.buf, self.used = self.buf[:self.used], self.buf[self.used:], 0
        return raw


def _read_fields(reader):
    fields = []
    while line := reader.line():
        m = _FIELD.fullmatch(line)
        if not m:
            raise Violation(f"field line {line[:200]!r}")
        fields.append((m[1].decode(), m[2].decode("latin-1")))
    return fields


def _judge_fields(request):
    names = [k.lower() for k, _ in request.fields]
    for name in _ONCE:
        if names.count(name) > 1:
            raise Violation(f"{name} {names.count(name)} times")
    if found := _NEVER.intersection(names):
        raise Violation(f"forwarded: {found}")
    if not names or names[0] != "host" or not _HOST.fullmatch(request.fields[0][1]):
        raise Violation(f"first field is not a valid Host: {request.fields[:1]}")
    if "content-length" in names and "transfer-encoding" in names:
        raise Violation("Content-Length and Transfer-Encoding")
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", request.get("content-length") or "0"):
        raise Violation(f"Content-Length {request.get('content-length')!r}")
    if (request.get("transfer-encoding") or "chunked") != "chunked":
        raise Violation(f"Transfer-Encoding {request.get('transfer-encoding')!r}")
    if (request.get("expect") or "100-continue") != "100-continue":
        raise Violation(f"Expect {request.get('expect')!r}")
    _judge_connection(request, names)
    for name, value in _OWN.items():
        if request.all(name) not in ([], [value]):
            raise Violation(f"{name}: {request.all(name)}, not the proxy's own {value}")


def _judge_connection(request, names):
    options = (request.get("connection") or "close").lower().split(", ")
    if not _CONNECTION.issuperset(options):
        raise Violation(f"Connection {options}")
    for name in ("upgrade", "te"):
        if (name in names) != (name in options):
            raise Violation(f"{name} and Connection do not agree")


def _read_chunks(reader, request):
    pieces = []
    while True:
        line = reader.line()
        if not _CHUNK.fullmatch(line):
            raise Violation(f"chunk line {line[:100]!r}")
        if line == b"0":
            break
        pieces.append(reader.take(int(line, 16)))
        if reader.take(2) != b"\r\n":
            raise Violation("no CRLF behind a chunk")
    request.trailers = _read_fields(reader)
    for name, _ in request.trailers:
        if name.lower() in _NOT_IN_TRAILERS:
            raise Violation(f"{name} as a trailer")
    return b"".join(pieces)


def read_request(reader, on_head):
    """The next request, or None when the proxy closes between two. on_head(request) runs before
    its content is read."""
    if not reader.buf:
        try:
            reader.fill()
        except Gone:
            return None
    m = _LINE.fullmatch(reader.line())
    if not m:
        raise Violation(f"request line {reader.buf[:200]!r}")
    request = Request(m[1].decode(), m[2].decode("latin-1"), _read_fields(reader))
    _judge_fields(request)
    on_head(request)
    if request.get("transfer-encoding"):
        request.body = _read_chunks(reader, request)
    else:
        request.body = reader.take(int(request.get("content-length") or 0))
    request.raw = reader.cut()
    return request


class Recorder:
    """Listens on a free port until stop(). .answers: KEY -> malformed.OriginAnswer."""

    def __init__(self):
        self.requests, self.violations, self.answers, self.aborted = [], [], {}, 0
        self.lock = threading.Lock()
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(sock,), daemon=True).start()

    def _connection(self, sock):
        sock.settimeout(TIMEOUT * 4)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock:
            try:
                self._serve(_Reader(sock))
            except Violation as e:
                self.violations.append(str(e))
            except (Gone, OSError):
                self.aborted += 1

    def _serve(self, reader):
        poisoned = None

        def on_head(request):
            """An early answer goes out now; else the content is asked for if it waits for that."""
            if poisoned:
                raise Violation(f"{request} on a connection after {poisoned}")
            answer = self._scripted(request)
            if answer and answer.early:
                self._send(reader.sock, answer)
            elif request.get("expect"):
                reader.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        while (request := read_request(reader, on_head)) is not None:
            with self.lock:
                self.requests.append(request)
            answer = self._scripted(request)
            if answer is None:
                self._answer(reader.sock, request)
            elif not answer.early:
                self._send(reader.sock, answer)
            if answer and answer.close:
                return
            poisoned = answer.name if answer and answer.poison else None

    def _scripted(self, request):
        return self.answers.get(request.target.removeprefix("/answer/"))

    @staticmethod
    def _send(sock, answer):
        for piece in answer.send:
            sock.sendall(piece)

    @staticmethod
    def _answer(sock, request):
        body = b"" if request.method == "HEAD" else request.target.encode("latin-1")
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
                     % (len(request.target), body))

    def take(self):
        """The requests recorded since the last call."""
        with self.lock:
            taken, self.requests = self.requests, []
        return taken

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
