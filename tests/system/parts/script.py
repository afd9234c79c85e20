# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server that says exactly what a test wants, byte by byte, and remembers the questions."""

import contextlib
import dataclasses
import re
import socket
import ssl
import threading


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: list
    body: bytes
    host: str = ""

    def header(self, name):
        """All values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Conversation:
    """What a handler talks to."""

    def __init__(self, sock, server):
        self.sock = sock
        self.server = server
        self.stream = sock.makefile("rb")

    def read_head(self):
        """A request whose body is not read yet; None at the end, or amid a head."""
        first = self.stream.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers = []
        while (line := self.stream.readline().decode("latin-1")).strip():
            key, _, value = line.partition(":")
            headers.append((key, value.strip()))
        if not line.endswith("\n"):
            return None
        return Request(first[0], first[1], headers, b"")

    def read_request(self):
        request = self.read_head()
        length = request.header("content-length") if request else []
        if request and request.header("expect") == ["100-continue"]:
            self.send("HTTP/1.1 100 Continue\r\n\r\n")
        if length:
            request.body = self.stream.read(int(length[0]))
        return request

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def answer(self, status, body=b"", headers=(), reason="Because", length=True):
        lines = [f"HTTP/1.1 {status} {reason}", *headers]
        if length:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n")
        self.send(body)

    def redirect(self, target, status=302, headers=()):
        self.answer(status, b"", [f"Location: {target}", *headers])

    def stall(self):
        """Says no more until the server is stopped or told to go on."""
        self.server.gate.wait(120)


class Script:
    """Handlers by target, a regular expression; the first that matches answers.

    A handler is called as handler(conversation, request); when it returns True the
    connection is closed, else the next request is read from it."""

    conversation = Conversation

    def __init__(self, certificate=None, listener=None):
        self.handlers = []
        self.requests = []
        self.gate = threading.Event()
        self.open = set()
        self.most_open = 0
        self.lock = threading.Lock()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def on(self, pattern, handler):
        self.handlers.append((re.compile(pattern + r"\Z"), handler))

    def url(self, target, host="127.0.0.1"):
        scheme = "https" if self.context else "http"
        return f"{scheme}://{host}:{self.port}{target}"

    def asked(self, target):
        with self.lock:
            return [request for request in self.requests if request.target == target]

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            conversation = self.conversation(sock, self)
            while request := conversation.read_request():
                if self.handle(conversation, request):
                    break
        except (OSError, ValueError):
            pass  # the client went away, which is its right
        finally:
            sock.close()

    def handle(self, conversation, request):
        with self.lock:
            self.requests.append(request)
            self.open.add(id(conversation))
            self.most_open = max(self.most_open, len(self.open))
        try:
            for pattern, handler in self.handlers:
                if pattern.match(request.target):
                    return handler(conversation, request)
            return conversation.answer(404, b"no such thing")
        finally:
            with self.lock:
                self.open.discard(id(conversation))

    def stop(self):
        self.gate.set()
        # Closing alone would leave the thread in accept(), which answers once more.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
