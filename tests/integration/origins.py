"""Origins for tests: the C origin (well-behaved, fast) and scripted ones (anything at all)."""

import http.server
import os
import re
import socket
import struct
import subprocess
import threading

from client import TIMEOUT


class Origin:
    """build/tests/origin/origin: answers by path, see tests/origin/answers.c."""

    def __init__(self, build, name="origin", bind="127.0.0.1", port=0, *flags):
        self.name = name
        self.process = subprocess.Popen(
            [os.path.join(build, "tests/origin/origin"), "--name", name, "--bind", bind,
             "--port", str(port), *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        line = self.process.stdout.readline()
        m = re.search(r"port (\d+)$", line.strip())
        if not m:
            raise AssertionError(f"origin did not start: {line} {self.process.stderr.read()}")
        self.port = int(m[1])

    def stop(self):
        """Returns what it complained about: requests that were not canonical."""
        self.process.terminate()
        complaints = self.process.communicate(timeout=TIMEOUT)[1]
        return complaints


class Peer:
    """One connection accepted by a Scripted origin. Everything received is in .raw."""

    def __init__(self, sock, origin, number):
        sock.settimeout(TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self.origin, self.number = sock, origin, number
        self.raw, self.buf = b"", b""

    def fill(self):
        data = self.sock.recv(65536)
        self.raw += data
        self.buf += data
        return bool(data)

    def read_until(self, mark):
        while mark not in self.buf:
            if not self.fill():
                return None
        at = self.buf.index(mark) + len(mark)
        data, self.buf = self.buf[:at], self.buf[at:]
        return data

    def read_exactly(self, n):
        while len(self.buf) < n:
            if not self.fill():
                return None
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def read_head(self):
        """The next request head as bytes, None at end of file."""
        return self.read_until(b"\r\n\r\n")

    def read_request(self):
        """(head, body) by Content-Length or chunks (raw chunked bytes), None at end of file."""
        head = self.read_head()
        return None if head is None else (head, self.read_content(head))

    def read_content(self, head):
        m = re.search(rb"\r\ncontent-length: *(\d+)\r\n", head, re.I)
        if m:
            return self.read_exactly(int(m[1]))
        if re.search(rb"\r\ntransfer-encoding: *chunked\r\n", head, re.I):
            return self.read_until(b"0\r\n\r\n")
        return b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def answer(self, status=200, body=b"ok\n", fields=""):
        self.send(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode()
                  + body)

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Scripted:
    """A threaded origin: script(peer) runs once a connection and does what it likes.

    An exception in a script fails the test at stop(), except the socket errors that follow
    from the proxy closing. .peers keeps every connection in order of arrival, .requests the
    number of heads is the script's business.
    """

    def __init__(self, script, bind="127.0.0.1"):
        self.script, self.peers, self.errors = script, [], []
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((bind, 0))
        self.sock.listen(128)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            peer = Peer(sock, self, len(self.peers))
            self.peers.append(peer)
            threading.Thread(target=self._run, args=(peer,), daemon=True).start()

    def _run(self, peer):
        try:
            self.script(peer)
        except OSError:
            pass
        except Exception as e:  # shown by stop()
            self.errors.append(e)
        finally:
            peer.sock.close()

    @property
    def raw(self):
        """Everything received, all connections together."""
        return b"".join(p.raw for p in self.peers)

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        if self.errors:
            raise self.errors[0]


def answering(data):
    """A script that reads requests and answers each with the same bytes."""
    data = data if isinstance(data, bytes) else data.encode("latin-1")

    def script(peer):
        while peer.read_request() is not None:
            peer.send(data)
    return script


def mirror(peer):
    """A script that answers with the head it got; what the target says behind "fields=" are fields
    of its own, and what is "missing" is a 404."""
    while (got := peer.read_request()) is not None:
        fields = "Content-Type: text/plain\r\n"
        if b"fields=" in got[0]:
            words = got[0].split(b"fields=")[1].split(b" ")[0].decode().split("&")
            fields += "".join(w.replace("=", ": ") + "\r\n" for w in words)
        peer.answer(404 if b"missing" in got[0] else 200, got[0], fields)


def once_then_close(data):
    """A script that answers one request with these bytes and closes."""
    data = data if isinstance(data, bytes) else data.encode("latin-1")

    def script(peer):
        if peer.read_request() is not None:
            peer.send(data)
    return script


class HttpServer(http.server.ThreadingHTTPServer):
    """Python's own, which speaks TLS where .context is set; what clients do wrong is theirs."""
    daemon_threads = True
    context = None

    def handle_error(self, *_):
        pass

    def get_request(self):
        sock, peer = self.socket.accept()
        sock.settimeout(20)
        return sock, peer

    def finish_request(self, request, client_address):
        self.RequestHandlerClass(self.context.wrap_socket(request, server_side=True)
                                 if self.context else request, client_address, self)


class UdpOrigin:
    """Answers each datagram by answer(data) -> list of datagrams; keeps what came from whom."""

    def __init__(self, answer, host="127.0.0.1"):
        self.answer, self.got = answer, []
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                                  socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(65536)
            except OSError:
                return
            self.got.append((data, peer))
            for one in self.answer(data):
                self.sock.sendto(one, peer)

    def stop(self):
        self.sock.close()
