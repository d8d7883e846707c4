"""A FastCGI application for tests: one request a connection, answered by a script in Python."""

import json
import struct

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7


def record(kind, content=b"", padding=0, version=1, number=1):
    return struct.pack(">BBHHBx", version, kind, number, len(content), padding) + content + \
        b"\0" * padding


def pairs(data):
    """The name-value pairs of PARAMS, in order."""
    found, at = [], 0
    while at < len(data):
        lengths = []
        for _ in range(2):
            n = data[at]
            if n & 0x80:
                n = struct.unpack(">I", data[at:at + 4])[0] & 0x7fffffff
                at += 4
            else:
                at += 1
            lengths.append(n)
        name, value = data[at:at + lengths[0]], data[at + lengths[0]:at + sum(lengths)]
        found.append((name.decode(), value.decode("latin-1")))
        at += sum(lengths)
    return found


class Call:
    """One request; what a script answers with."""

    def __init__(self, peer):
        self.peer, self.params, self.content = peer, [], b""

    def read(self):
        """False at the end of the connection."""
        params = b""
        while True:
            head = self.peer.read_exactly(8)
            if head is None:
                return False
            version, kind, number, length, padding = struct.unpack(">BBHHBx", head)
            assert (version, number, padding) == (1, 1, 0)
            content = self.peer.read_exactly(length)
            if kind == BEGIN:
                assert content == b"\0\1\0\0\0\0\0\0"  # responder, no kept connection
            elif kind == PARAMS:
                params += content
                self.params = self.params if content else pairs(params)
            elif kind == STDIN:
                self.content += content
                if not content:
                    return True
            else:
                raise AssertionError(f"record of type {kind}")

    def get(self, name):
        """The last one of a name counts, as in PHP."""
        return dict(self.params).get(name)

    def out(self, data, size=65535, padding=0):
        for at in range(0, len(data), size):
            self.peer.send(record(STDOUT, data[at:at + size], padding))

    def end(self):
        self.peer.send(record(STDOUT) + record(END, bytes(8)))

    def answer(self, head, content=b"", **how):
        self.out(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + content, **how)
        self.end()


def echo(call):
    call.answer("Content-Type: application/json\nX-App: fcgi", json.dumps(
        {"params": dict(call.params), "content": call.content.decode("latin-1")}).encode())


class App:
    """.script(call) answers, .calls are the requests so far; make_scripted is the fixture."""

    def __init__(self, make_scripted, script=echo):
        self.script, self.calls = script, []
        self.port = make_scripted(self._run).port

    def _run(self, peer):
        call = Call(peer)
        if call.read():
            self.calls.append(call)
            self.script(call)
