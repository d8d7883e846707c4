"""The corpus of malformed and ambiguous messages, one module for each place they can be wrong.

A Case is what a client sends and what must come of it: the statuses of the answers, the complete
requests the origin may see, and whether the connection must close. An OriginAnswer is what an
origin sends, and what the client must get. `ref` names the rule (RFC section) or the published
vulnerability whose cause it is. Nothing here is expected to work "by luck": a case that is
accepted says in which one reading.
"""

from dataclasses import dataclass, field

HOST = b"Host: silex.test\r\n"


@dataclass
class Case:
    name: str
    send: list              # pieces of bytes; between two the worker has certainly run
    status: tuple           # of the answers, in order: a number, or a set of permitted ones
    seen: tuple = ()        # "METHOD target" of the complete requests at the origin, in order
    close: bool = True      # the proxy closes; False: it must work on; None: either
    shut: bool = False      # the client half-closes behind the last piece
    has: dict = field(default_factory=dict)  # fields of the last request seen; None: must be absent
    body: bytes = None      # its content
    trailers: list = None
    methods: tuple = ()     # of the requests that are answered, where not all are GET-like
    ref: str = ""


@dataclass
class OriginAnswer:
    name: str
    send: list
    status: int             # the client's answer; 502: nothing of the origin's gets through
    body: bytes = b""       # None: the client must see that the content is cut short
    close: bool = False     # the origin closes behind it
    early: bool = False     # sent as soon as the request's head is there
    poison: bool = True     # the proxy must not use the connection again
    method: str = "GET"
    asked: tuple = ()       # fields of the client's request
    has: dict = field(default_factory=dict)
    hints: tuple = ()       # statuses of 1xx before the answer
    ref: str = ""


def pieces(data):
    return data if isinstance(data, list) else [data]


def head(line, *fields, host=HOST):
    return line + b"\r\n" + host + b"".join(f + b"\r\n" for f in fields) + b"\r\n"


def get(*fields):
    return head(b"GET /x HTTP/1.1", *fields)


def post(*fields):
    return head(b"POST /x HTTP/1.1", *fields)


def refused(name, send, ref="", status=400, **how):
    """Answered with an error and closed; the origin sees nothing of it."""
    return Case(name, pieces(send), (status,), ref=ref, **how)


def forwarded(name, send, ref="", seen="GET /x", status=200, close=False, **how):
    """One request in, one canonical request out."""
    return Case(name, pieces(send), (status,), (seen,), close, ref=ref, **how)
