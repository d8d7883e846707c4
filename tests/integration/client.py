"""A raw HTTP/1.1 client for tests: sends exactly the given bytes, reads answers strictly.

Strict means: CRLF line ends only, a well-formed status line, no empty or folded field, exactly
the content that was announced, never a byte more. What a browser would forgive fails the test.
"""

import os
import re
import select
import socket
import struct
import time

# Patience, not a measurement: a machine shared with thirty other programs is slow, not wrong.
TIMEOUT = 120 if "asan" in os.path.basename(os.environ.get("SILEX_BUILD", "")) else 60
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_STATUS = re.compile(rb"HTTP/1\.1 ([1-9][0-9]{2}) ([\x20-\x7e\t]*)")


class BadAnswer(AssertionError):
    """The proxy sent something that is not canonical HTTP/1.1."""


class Answer:
    def __init__(self, status, reason, fields):
        self.status, self.reason, self.fields = status, reason, fields
        self.body, self.trailers, self.hints = b"", [], []
        self.framing = "none"

    def all(self, name):
        return [v for k, v in self.fields if k.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def json(self):
        import json
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode("latin-1")

    def __repr__(self):
        return f"<Answer {self.status} {self.fields} {self.body[:80]!r}>"


class Client:
    """One connection. Usable as a context manager."""

    def __init__(self, port, host="127.0.0.1", timeout=TIMEOUT, rcvbuf=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def send_pieces(self, data, size=1, pause=0.0):
        """In pieces of `size` bytes, each its own segment as far as the kernel allows."""
        data = data if isinstance(data, bytes) else data.encode("latin-1")
        for i in range(0, len(data), size):
            self.sock.sendall(data[i:i + size])
            if pause:
                time.sleep(pause)
        return self

    def get(self, target="/", host="silex.test", fields=(), method="GET", body=None):
        """Send a plain request and read its answer."""
        self.request(target, host, fields, method, body)
        return self.read(method)

    def request(self, target="/", host="silex.test", fields=(), method="GET", body=None):
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in (fields.items() if isinstance(fields, dict)
                                                     else fields))
        body = body.encode() if isinstance(body, str) else body
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        return self.send(head.encode("latin-1") + b"\r\n" + (body or b""))

    def fill(self):
        """More bytes into the buffer; False at end of file."""
        data = self.sock.recv(262144)
        self.buf += data
        return bool(data)

    def line(self):
        while b"\n" not in self.buf:
            if len(self.buf) > 2_000_000:
                raise BadAnswer("line without end")
            if not self.fill():
                raise BadAnswer(f"connection closed inside a line: {self.buf[:200]!r}")
        line, self.buf = self.buf.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise BadAnswer(f"line ends without CR: {line[:200]!r}")
        if b"\r" in line[:-1] or b"\0" in line:
            raise BadAnswer(f"CR or NUL in a line: {line[:200]!r}")
        return line[:-1]

    def take(self, n):
        pieces, have = [self.buf], len(self.buf)
        while have < n:
            data = self.sock.recv(min(262144, n - have))
            if not data:
                raise BadAnswer(f"closed {n - have} bytes before the announced end of content")
            pieces.append(data)
            have += len(data)
        data = b"".join(pieces)
        self.buf = data[n:]
        return data[:n]

    def read_fields(self):
        fields = []
        while True:
            line = self.line()
            if not line:
                return fields
            m = _FIELD.fullmatch(line)
            if not m:
                raise BadAnswer(f"field line {line[:200]!r}")
            fields.append((m[1].decode(), m[2].decode("latin-1")))

    def read_head(self):
        line = self.line()
        m = _STATUS.fullmatch(line)
        if not m:
            raise BadAnswer(f"status line {line[:200]!r}")
        return Answer(int(m[1]), m[2].decode("latin-1"), self.read_fields())

    def read_chunked(self, answer):
        pieces = []
        while True:
            line = self.line()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", line):
                raise BadAnswer(f"chunk size line {line[:100]!r}")
            n = int(line, 16)
            if n == 0:
                answer.trailers = self.read_fields()
                return b"".join(pieces)
            pieces.append(self.take(n))
            if self.take(2) != b"\r\n":
                raise BadAnswer("no CRLF after a chunk")

    def read(self, method="GET"):
        """The next final answer; 1xx answers before it are in .hints. 101 is final."""
        hints = []
        answer = self.read_head()
        while 100 <= answer.status < 200 and answer.status != 101:
            if answer.get("content-length") or answer.get("transfer-encoding"):
                raise BadAnswer(f"{answer.status} with content")
            hints.append(answer)
            answer = self.read_head()
        answer.hints = hints
        self.read_body(answer, method)
        return answer

    def read_body(self, answer, method):
        lengths, codings = answer.all("content-length"), answer.all("transfer-encoding")
        if len(lengths) > 1 or len(codings) > 1 or (lengths and codings):
            raise BadAnswer(f"ambiguous length: {answer.fields}")
        if lengths and not re.fullmatch(r"[0-9]+", lengths[0]):
            raise BadAnswer(f"content-length {lengths[0]!r}")
        if answer.status in (101, 204) and (lengths or codings):
            raise BadAnswer(f"{answer.status} announces content")
        if method == "HEAD" or answer.status in (101, 204, 304):
            return
        if codings:
            if codings[0].lower() != "chunked":
                raise BadAnswer(f"transfer-encoding {codings[0]!r}")
            answer.framing, answer.body = "chunked", self.read_chunked(answer)
        elif lengths:
            answer.framing, answer.body = "length", self.take(int(lengths[0]))
        else:
            if "close" not in (answer.get("connection") or "").lower():
                raise BadAnswer("content until close without Connection: close")
            answer.framing, answer.body = "close", self.read_all()

    def read_all(self):
        """Everything until end of file."""
        pieces = [self.buf]
        self.buf = b""
        while True:
            data = self.sock.recv(262144)
            if not data:
                return b"".join(pieces)
            pieces.append(data)

    def at_eof(self):
        """Wait for the connection to close cleanly; no byte may come before."""
        if self.buf or self.fill():
            raise BadAnswer(f"bytes after the end: {self.buf[:200]!r}")
        return True

    def is_quiet(self, seconds=0.0):
        """Nothing to read now (for `seconds`), neither bytes nor end of file."""
        return not self.buf and not select.select([self.sock], [], [], seconds)[0]

    def shut(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def get(port, target="/", host="silex.test", *, fields=(), method="GET", body=None,
        address="127.0.0.1", timeout=TIMEOUT):
    """One request on a connection of its own."""
    with Client(port, address, timeout) as c:
        return c.get(target, host, fields, method, body)
