# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server that misbehaves by dice, and counts what it sent.

What it does to the n-th request of a file is decided by the seed, the file's name and n
alone, so that a seed gives the same choices whatever the threads do."""

import contextlib
import dataclasses
import functools
import random
import re
import socket
import struct
import threading
import time

CHUNK = 32 * 1024
# Between two pieces, so that a transfer lives through a few rounds.
PACE_S = 0.004
# What may go wrong with an answer, and how often.
FAULTS = {
    None: 40,
    "cut": 14,
    "reset": 8,
    "stall": 8,
    "slow-headers": 8,
    "ignore-range": 5,
    "wrong-range": 4,
    "hang-up": 5,
    "change": 4,
    "503": 3,
    "503-retry-after": 1,
}
# Statuses and broken protocol end a task when there are too many in a row.
HARD = {"503", "503-retry-after", "wrong-range"}


@functools.lru_cache(maxsize=64)
def make_content(name, version, size):
    """Takes long enough to be kept for the next request."""
    return random.Random(f"{name}/{version}").randbytes(size)


@dataclasses.dataclass
class File:
    """manner: `tag` (a strong validator), `plain` (none), `chunked` (no length)."""

    name: str
    size: int
    manner: str
    versions: int = 1
    requests: int = 0
    sent: int = 0
    hard: int = 0
    changes: bool = False

    def content(self, version):
        return make_content(self.name, version, self.size)

    def is_version(self, data):
        return any(data == self.content(n + 1) for n in range(self.versions))


class Given(File):
    """What is put here: `sent` counts what came of it, `stored` is what came whole."""

    stored = None


class Chaos:
    def __init__(self, seed, faults=None):
        self.seed = seed
        self.faults = dict(FAULTS if faults is None else faults)
        self.files = {}
        self.lock = threading.Condition()
        self.events = 0
        self.counts = {}
        self.target = self.deed = None
        self.is_calm = False
        self.listeners = [socket.create_server((f"127.0.0.{n + 1}", 0), backlog=64)
                          for n in range(4)]
        for listener in self.listeners:
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def add(self, name, size, manner, changes=False):
        return self.place(File(name, size, manner, changes=changes))

    def place(self, file):
        name = file.name
        self.files["/" + name] = file
        host, port = self.listeners[len(self.files) % len(self.listeners)].getsockname()
        return file, f"http://{host}:{port}/{name}"

    def expect(self, name, size):
        """The same of one that is to be put here."""
        file = Given(name, size, "tag", changes=True)
        return self.place(file)

    def at(self, events, deed):
        """Calls deed() in a thread of ours once so many more things have happened."""
        with self.lock:
            self.target, self.deed = self.events + events, deed

    def note(self):
        deed = None
        with self.lock:
            self.events += 1
            if self.deed and self.events >= self.target:
                deed, self.deed = self.deed, None
        if deed:
            deed()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            # What is on its way is counted as sent: keep it short.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with contextlib.suppress(OSError, ValueError), sock:
            stream = sock.makefile("rb")
            while True:
                first = stream.readline().decode("latin-1").split()
                headers = {}
                while line := stream.readline().decode("latin-1").strip():
                    key, _, value = line.partition(":")
                    headers[key.lower()] = value.strip()
                if len(first) != 3:
                    return
                self.note()
                file = self.files[first[1]]
                answer = self.take if isinstance(file, Given) else self.answer
                if answer(sock, stream, file, headers):
                    return

    def roll(self, file):
        """What is done to this request, with dice of its own, and the version it gets."""
        with self.lock:
            file.requests += 1
            dice = random.Random(f"{self.seed}/{file.name}/{file.requests}")
            fault = dice.choices(list(self.faults), list(self.faults.values()))[0]
            if self.is_calm or fault == "change" and not file.changes:
                fault = None
            file.hard = file.hard + 1 if fault in HARD else 0
            if file.hard > 1:
                fault = None
            if fault == "change":
                file.versions += 1
            if fault:
                self.counts[fault] = self.counts.get(fault, 0) + 1
            return fault, dice, file.versions

    def take(self, sock, stream, file, headers):
        """A body, and what is answered to it, as far as the dice let us."""
        fault, dice, _ = self.roll(file)
        if fault == "hang-up":
            return True
        size = int(headers["content-length"])
        end = dice.randrange(size + 1) if fault in ("cut", "reset", "stall") else size
        data = self.receive(stream, file, end)
        if fault == "stall":
            time.sleep(dice.uniform(0.05, 0.3))
            data += self.receive(stream, file, size - end)
        if fault == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if fault in ("cut", "reset") or len(data) < size:
            return True
        if fault in ("503", "503-retry-after"):
            more = "Retry-After: 1\r\n" if fault == "503-retry-after" else ""
            sock.sendall(f"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n{more}\r\n".encode())
            return False
        file.stored = data
        # It is stored, and the answer is lost.
        if fault == "change":
            return True
        if fault == "slow-headers":
            time.sleep(dice.uniform(0.05, 0.3))
        sock.sendall(b"HTTP/1.1 201 Made\r\nContent-Length: 6\r\n\r\nstored")
        return False

    def receive(self, stream, file, size):
        data = b""
        while len(data) < size and (piece := stream.read(min(CHUNK, size - len(data)))):
            data += piece
            with self.lock:
                file.sent += len(piece)
            self.note()
            time.sleep(PACE_S)
        return data

    def answer(self, sock, _stream, file, headers):
        """Returns whether that was the last of this connection."""
        fault, dice, version = self.roll(file)
        if fault == "hang-up":
            return True
        if fault in ("503", "503-retry-after"):
            more = "Retry-After: 1\r\n" if fault == "503-retry-after" else ""
            sock.sendall(f"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n{more}\r\n".encode())
            return False
        if fault == "slow-headers":
            time.sleep(dice.uniform(0.05, 0.3))
        begin, head = self.compose(file, version, headers, fault)
        sock.sendall(head.encode())
        body = file.content(version)[begin:]
        end = len(body)
        if fault in ("cut", "reset", "stall"):
            end = dice.randrange(end + 1)
        self.send(sock, file, body[:end])
        if fault == "stall":
            time.sleep(dice.uniform(0.05, 0.3))
            self.send(sock, file, body[end:])
        elif fault == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if file.manner == "chunked" and fault not in ("cut", "reset"):
            sock.sendall(b"0\r\n\r\n")
        return fault in ("cut", "reset")

    def compose(self, file, version, headers, fault):
        """Where the body begins, and the head that goes before it."""
        tag = f'"{file.name}-{version}"'
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        begin = int(asked[1]) if asked else 0
        is_range = (asked and headers.get("if-range") == tag and begin < file.size
                    and fault != "ignore-range")
        begin = begin if is_range else 0
        lines = ["HTTP/1.1 206 Partial" if is_range else "HTTP/1.1 200 OK"]
        if is_range:
            # The bytes are right; only what it says of them is not.
            first = begin + 1 if fault == "wrong-range" else begin
            lines.append(f"Content-Range: bytes {first}-{file.size - 1}/{file.size}")
        if file.manner != "plain":
            lines += [f"ETag: {tag}", "Accept-Ranges: bytes"]
        if file.manner == "chunked":
            lines.append("Transfer-Encoding: chunked")
        else:
            lines.append(f"Content-Length: {file.size - begin}")
        return begin, "\r\n".join(lines) + "\r\n\r\n"

    def send(self, sock, file, data):
        for at in range(0, len(data), CHUNK):
            piece = data[at:at + CHUNK]
            if file.manner == "chunked":
                sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            else:
                sock.sendall(piece)
            with self.lock:
                file.sent += len(piece)
            self.note()
            time.sleep(PACE_S)

    def stop(self):
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
