# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A proxy for TCP before any server, which cuts a connection where it is told to: after so
many bytes of one direction, by an end of both streams or by a reset."""

import contextlib
import dataclasses
import socket
import struct
import threading

PIECE = 16 * 1024
# What a cut leaves on its way is what the other side does not know of: keep it short.
BUFFER = 64 * 1024


@dataclasses.dataclass
class Cut:
    """After so many bytes that the client sent ("up") or was sent ("down"); up to there
    all is passed on."""

    after: int
    direction: str = "up"
    is_reset: bool = False


class Cutter:
    """plan(n) gives the Cut of the n-th connection, from 0, or None to leave it alone."""

    def __init__(self, port, plan=lambda number: None, host="127.0.0.1"):
        self.address = host, port
        self.plan = plan
        self.lock = threading.Lock()
        self.connections = 0
        self.cuts = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, target):
        return f"http://127.0.0.1:{self.port}{target}"

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                cut = self.plan(self.connections)
                self.connections += 1
            threading.Thread(target=self.join, args=(client, cut), daemon=True).start()

    def join(self, client, cut):
        try:
            server = socket.create_connection(self.address)
        except OSError:
            client.close()
            return
        for sock in (client, server):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        struck = threading.Event()
        ways = [("up", client, server), ("down", server, client)]
        threads = [threading.Thread(target=self.pass_on, args=(*way, cut, struck), daemon=True)
                   for way in ways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
        server.close()

    def pass_on(self, direction, source, target, cut, struck):
        left = cut.after if cut and cut.direction == direction else None
        with contextlib.suppress(OSError):
            while left != 0 and (data := source.recv(min(PIECE, left or PIECE))):
                target.sendall(data)
                left = left and left - len(data)
        if left == 0:
            struck.set()
            with self.lock:
                self.cuts.append(cut)
            for sock in (source, target):
                self.end(sock, cut.is_reset)
        elif not struck.is_set():
            # Who is told of the end may still have something to say.
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def end(self, sock, is_reset):
        """Closing alone would leave the other thread's recv() waiting."""
        with contextlib.suppress(OSError):
            if is_reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.shutdown(socket.SHUT_RD if is_reset else socket.SHUT_RDWR)

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
