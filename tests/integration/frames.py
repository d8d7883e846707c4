"""A client of HTTP/2 made of frames, so that a test can send what no library would.

Header blocks are written without compression (literals, never indexed); what comes back is
decoded as far as the tests need it: the static table, literals with and without Huffman coding
are left to `Hpack`, which asks nghttp2's inflater through ctypes."""

import ctypes
import ctypes.util
import socket
import struct

from client import TIMEOUT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
END_STREAM, END_HEADERS, ACK, PADDED, PRIO = 1, 4, 1, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 9, 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def integer(value, bits, first=0):
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def literal(name, value, index=False):
    """A field line: with incremental indexing, or without (RFC 7541 §6.2.1, §6.2.2)."""
    name, value = (v.encode("latin-1") if isinstance(v, str) else v for v in (name, value))
    return (b"\x40" if index else b"\x00") + integer(len(name), 7) + name + \
        integer(len(value), 7) + value


def block(fields):
    return b"".join(literal(n, v) for n, v in fields)


def request_fields(path="/", method="GET", authority="silex.test", scheme="http"):
    return [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]


class _Nv(ctypes.Structure):
    _fields_ = [("name", ctypes.POINTER(ctypes.c_char)), ("value", ctypes.POINTER(ctypes.c_char)),
                ("name_n", ctypes.c_size_t), ("value_n", ctypes.c_size_t),
                ("flags", ctypes.c_uint8)]


class Hpack:
    """The decoder of one connection."""

    def __init__(self):
        self.lib = ctypes.CDLL(ctypes.util.find_library("nghttp2") or "libnghttp2.so.14")
        self.lib.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self.inflater = ctypes.c_void_p()
        if self.lib.nghttp2_hd_inflate_new(ctypes.byref(self.inflater)) != 0:
            raise MemoryError

    def decode(self, data):
        fields, at = [], 0
        while True:
            nv, flags = _Nv(), ctypes.c_int()
            n = self.lib.nghttp2_hd_inflate_hd2(
                self.inflater, ctypes.byref(nv), ctypes.byref(flags), data[at:],
                ctypes.c_size_t(len(data) - at), 1)
            assert n >= 0, f"header block cannot be decoded: {n}"
            at += n
            if flags.value & 2:
                fields.append((nv.name[:nv.name_n].decode("latin-1"),
                               nv.value[:nv.value_n].decode("latin-1")))
            if flags.value & 1:
                self.lib.nghttp2_hd_inflate_end_headers(self.inflater)
                return fields
            if n == 0 and not flags.value & 2:
                return fields


class Answer:
    def __init__(self):
        self.heads, self.body, self.trailers = [], b"", None
        self.ended, self.reset = False, None

    @property
    def fields(self):
        return dict(self.heads[-1])

    @property
    def status(self):
        return int(self.fields[":status"])


class H2:
    """One connection. Frames come in through read(), which keeps what they say."""

    def __init__(self, port, host="127.0.0.1", *, settings=(), window=None, auto=True, start=True,
                 rcvbuf=None, sock=None):
        self.sock = sock or self.connect(port, host, rcvbuf)
        self.buf, self.hpack, self.streams = b"", Hpack(), {}
        self.goaways, self.settings, self.pings, self.closed = [], {}, 0, False
        self.next_id, self.auto, self.frames = 1, auto, []
        if start:
            self.send(PREFACE + frame(SETTINGS, payload=b"".join(
                struct.pack(">HI", *s) for s in settings)))
            if window:
                self.send(frame(WINDOW_UPDATE, payload=struct.pack(">I", window)))

    @staticmethod
    def connect(port, host, rcvbuf):
        sock = socket.socket(socket.AF_INET)
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.settimeout(TIMEOUT)
        sock.connect((host, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def try_send(self, data):
        """Like send; False when the server has closed."""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    # -- streams ----------------------------------------------------------------

    def open(self, fields=(), end=True, extra=(), **how):
        """A request's head; returns the stream's number."""
        stream, self.next_id = self.next_id, self.next_id + 2
        payload = block(list(fields or request_fields(**how)) + list(extra))
        self.streams[stream] = Answer()
        pieces = [payload[i:i + 16384] for i in range(0, len(payload), 16384)]
        for i, piece in enumerate(pieces):
            self.send(frame(CONTINUATION if i else HEADERS,
                            (END_HEADERS if i == len(pieces) - 1 else 0) |
                            (END_STREAM if end and not i else 0), stream, piece))
        return stream

    def data(self, stream, data=b"", end=False):
        self.send(frame(DATA, END_STREAM if end else 0, stream, data))

    def get(self, path="/", **how):
        return self.wait(self.open(path=path, **how))

    def wait(self, stream):
        answer = self.streams[stream]
        self.until(lambda: answer.ended or answer.reset is not None)
        return answer

    # -- receiving --------------------------------------------------------------

    def until(self, cond):
        while not cond():
            assert self.read(), "the connection was closed"

    def read(self):
        """One frame; False at the end of the connection."""
        while len(self.buf) < 9 or len(self.buf) < 9 + int.from_bytes(self.buf[:3], "big"):
            try:
                got = self.sock.recv(65536)
            except ConnectionResetError:
                got = b""
            if not got:
                self.closed = True
                return False
            self.buf += got
        n = int.from_bytes(self.buf[:3], "big")
        kind, flags = self.buf[3], self.buf[4]
        stream = int.from_bytes(self.buf[5:9], "big") & 0x7fffffff
        payload, self.buf = self.buf[9:9 + n], self.buf[9 + n:]
        self.frames.append((kind, flags, stream, n))
        self._take(kind, flags, stream, payload)
        return True

    def _take(self, kind, flags, stream, payload):
        answer = self.streams.setdefault(stream, Answer()) if stream else None
        if kind == HEADERS:
            assert flags & END_HEADERS
            fields = self.hpack.decode(payload)
            if any(n == ":status" for n, _ in fields):
                answer.heads.append(fields)
            else:
                answer.trailers = fields
            answer.ended |= bool(flags & END_STREAM)
        elif kind == DATA:
            answer.body += payload
            answer.ended |= bool(flags & END_STREAM)
            if self.auto and payload:
                credit = struct.pack(">I", len(payload))
                self.try_send(frame(WINDOW_UPDATE, 0, 0, credit) +
                              frame(WINDOW_UPDATE, 0, stream, credit))
        elif kind == RST_STREAM:
            answer.reset = struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack(">II", payload[:8]))
        elif kind == SETTINGS and not flags & ACK:
            for i in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[i:i + 6])
                self.settings[key] = value
            if self.auto:
                self.try_send(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            if self.auto:
                self.try_send(frame(PING, ACK, 0, payload))
        elif kind == PING:
            self.pings += 1

    def drain(self):
        """Read to the end of the connection; the error codes of its GOAWAYs."""
        while self.read():
            pass
        return [code for _, code in self.goaways]


class Peer(H2):
    """The server's end of a connection, for origins: streams are opened by the other side."""

    def __init__(self, sock, settings=()):  # pylint: disable=super-init-not-called
        self.sock = sock
        self.sock.settimeout(TIMEOUT)
        self.buf, self.hpack, self.streams = b"", Hpack(), {}
        self.goaways, self.settings, self.pings, self.closed = [], {}, 0, False
        self.auto, self.frames, self.requests = True, [], []
        preface = b""
        while len(preface) < len(PREFACE):
            got = self.sock.recv(len(PREFACE) - len(preface))
            if not got:
                raise EOFError
            preface += got
        assert preface == PREFACE
        self.send(frame(SETTINGS, payload=b"".join(struct.pack(">HI", *s) for s in settings)))

    def _take(self, kind, flags, stream, payload):
        if kind == HEADERS and stream not in self.streams:
            answer = self.streams[stream] = Answer()
            answer.heads.append(self.hpack.decode(payload))
            answer.ended = bool(flags & END_STREAM)
            self.requests.append(stream)
            return
        super()._take(kind, flags, stream, payload)

    def request(self):
        """The next request's stream, once its head is here; None when the connection ended."""
        while not self.requests:
            if not self.read():
                return None
        return self.requests.pop(0)

    def answer(self, stream, fields, body=None, trailers=None):
        last = END_STREAM if body is None and trailers is None else 0
        self.send(frame(HEADERS, END_HEADERS | last, stream, block(fields)))
        if body is not None:
            self.data(stream, body, end=trailers is None)
        if trailers is not None:
            self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block(trailers)))


def serve_h2(sock, serve, settings=(), begun=lambda peer: None):
    """An origin's end of a connection: begun(peer), then serve(peer, stream) for each request."""
    try:
        peer = Peer(sock, settings)
    except EOFError:  # it was opened, and not needed
        return
    begun(peer)
    while (stream := peer.request()) is not None:
        serve(peer, stream)
