"""What the tests of TCP and UDP services share: a Silex with their ConfigMaps, clients, origins."""

import hashlib
import os
import resource
import socket
import struct

from client import TIMEOUT
from harness import configmap, free_port

# A thousand sessions are four thousand descriptors of ours, and Silex' come from the same limit.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(_hard, 65536), _hard))


def start(make_silex, tcp=None, *objects, conf="", **how):
    """A running Silex; tcp: {port: "namespace/service:port..."}."""
    flags = ["--tcp-services-configmap", "default/tcp", *how.pop("flags", [])]
    s = make_silex(flags=flags, conf=conf, **how)
    if tcp is not None:
        s.manifests.put("tcp", configmap("tcp", tcp))
    s.manifests.put("objects", *objects)
    s.start()
    for port in tcp or {}:
        s.wait_log(f"port opened: transport=TCP port={port}\\b")
    return s


def set_tcp(silex, tcp):
    silex.manifests.put("tcp", configmap("tcp", tcp))


def listens(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 5).close()
        return True
    except ConnectionRefusedError:
        return False


def connect(port, host="127.0.0.1"):
    s = socket.create_connection((host, port), TIMEOUT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def exchange(sock, data=b"hello"):
    """Send, and read as much again."""
    sock.sendall(data)
    got = b""
    while len(got) < len(data):
        piece = sock.recv(65536)
        if not piece:
            break
        got += piece
    return got


def read_all(sock):
    got = b""
    while piece := sock.recv(1 << 20):
        got += piece
    return got


def is_dead(sock):
    """The other end closed it, whether by FIN or by RST, without a byte."""
    try:
        return sock.recv(1000) == b""
    except ConnectionResetError:
        return True


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def echo(peer):
    """Script of an origin: sends back what comes, and its end."""
    while data := peer.sock.recv(65536):
        peer.sock.sendall(data)
    peer.sock.shutdown(socket.SHUT_WR)


def named(name):
    """Greets with its name, then echoes."""
    def script(peer):
        peer.send(name + "\n")
        echo(peer)
    return script


def greeting(sock):
    got = b""
    while not got.endswith(b"\n"):
        piece = sock.recv(1)
        if not piece:
            return got.decode()
        got += piece
    return got.decode().strip()


def noise(n):
    data = os.urandom(n)
    return data, hashlib.sha256(data).hexdigest()


__all__ = ["connect", "echo", "exchange", "free_port", "greeting", "is_dead", "listens", "named",
           "noise", "read_all", "reset", "set_tcp", "start"]
