"""Looking for secrets in the memory of a process. Needs root, as the tests have."""

import array
import base64
import os
import pathlib

PAGE = os.sysconf("SC_PAGE_SIZE")
HELD = 3 << 62  # of a word in /proc/<pid>/pagemap: the page is in memory, or swapped out


def runs(pagemap, begin, end):
    """Where between two addresses a process has pages at all; elsewhere there is nothing to find."""
    pagemap.seek(begin // PAGE * 8)
    words = array.array("Q", pagemap.read((end - begin) // PAGE * 8))
    start = None
    for at, word in zip(range(begin, end, PAGE), words):
        if word & HELD and start is None:
            start = at
        elif not word & HELD and start is not None:
            yield start, at
            start = None
    if start is not None:
        yield start, end


def regions(pid):
    """The readable memory of a process, as far as it is there, region by region."""
    proc = pathlib.Path(f"/proc/{pid}")
    with open(proc / "maps", encoding="ascii") as maps, open(proc / "mem", "rb") as mem, \
            open(proc / "pagemap", "rb") as pagemap:
        for line in maps:
            where, mode, *_, = line.split()
            if "r" not in mode or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in where.split("-"))
            if end - begin > 1 << 32:
                continue  # a reservation, or the sanitizer's shadow
            for first, last in runs(pagemap, begin, end):
                try:
                    mem.seek(first)
                    yield line.strip(), mem.read(last - first)
                except (OSError, ValueError, OverflowError):
                    continue


def found(pid, needles):
    """{name: region} of the needles that are anywhere in the process' memory."""
    hits = {}
    for where, data in regions(pid):
        for name, needle in needles.items():
            if needle in data:
                hits[name] = where
    return hits


def pieces(data, size=24):
    """A few short pieces of it: a buffer that was partly overwritten may hold the rest."""
    step = max(size, len(data) // 6)
    return [data[at:at + size] for at in range(0, len(data) - size + 1, step)]


def forms(pair):
    """{name: bytes}: the private key as numbers, as DER, as PEM, and as a Secret carries it. All of
    them from the secret part: what the public key shares with them is no needle."""
    number = pair.private_numbers()
    pem = pathlib.Path(pair.key).read_bytes()
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    at = der.index(number)
    # Base64 in the Secret is of the PEM text: where in it do the lines of the number lie?
    line = 1 + at * 4 // 3 // 64
    text = b"".join(x + b"\n" for x in pem.splitlines()[:line + 1])
    last = pem.splitlines()[line]
    carried = base64.b64encode(pem)
    end = len(text) * 4 // 3 - 4
    # OpenSSL keeps big numbers in words, least first: reversed bytes on this machine.
    result = {"number": number[:24], "reversed": number[::-1][:24], "reversed end":
              number[::-1][-24:], "pem": last[:24], "pem middle": last[20:44]}
    for i, piece in enumerate(pieces(carried[max(0, end - 60):end])):
        result[f"base64 of PEM {i}"] = piece
    return result
