"""A name server of a test's own: answers A and AAAA questions over UDP from a dictionary."""

import ipaddress
import socket
import struct
import threading


class NameServer:
    """names: {"db.example.test": ["127.0.0.1", ...]}; changed at will. deaf: does not answer."""

    def __init__(self, ttl=1, **names):
        self.names, self.ttl, self.deaf, self.asked = dict(names), ttl, False, []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(4096)
            except OSError:
                return
            if data and not self.deaf:
                self.sock.sendto(self._answer(data), peer)

    def _answer(self, data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        question = data[12:at + 5]
        (kind,) = struct.unpack("!H", data[at + 1:at + 3])
        name = ".".join(labels).lower()
        self.asked.append(name)
        known = name in self.names
        records = b""
        count = 0
        for text in self.names.get(name, []):
            ip = ipaddress.ip_address(text)
            if kind == (1 if ip.version == 4 else 28):
                records += struct.pack("!HHHIH", 0xc00c, kind, 1, self.ttl, len(ip.packed))
                records += ip.packed
                count += 1
        head = data[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, count, 0, 0)
        return head + question + records

    def stop(self):
        self.sock.close()
