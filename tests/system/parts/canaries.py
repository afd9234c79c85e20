# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets that are planted everywhere, and the search for them in all that can be read."""

import base64
import contextlib
import re
import secrets
import subprocess

from gi.repository import Gio

from .waiting import wait_for


def needles_of(value):
    """The ways in which bytes may stand in others: as they are, in hexadecimal, and in
    Base64 at each of the three places they can have in it."""
    yield value
    yield value.hex().encode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value)
        first = -(-before * 8 // 6)
        # What the last characters are depends on what follows.
        whole = (before + len(value)) * 8 // 6
        yield encoded[first + (before > 0):whole]


class Canaries:
    def __init__(self):
        self.needles = []
        self.names = []

    def new(self, name):
        """A secret of letters and digits, other than all others."""
        value = re.sub(r'[^a-z]', '', name.lower()) + secrets.token_hex(12)
        self.add(name, value.encode())
        return value

    def add(self, name, value):
        self.names.append(name)
        self.needles += [(name, needle) for needle in needles_of(value)]

    def find(self, data):
        """Names of those that are in some bytes."""
        return sorted({name for name, needle in self.needles if needle in data})

    def find_in_files(self, top, but=()):
        """What is found below a directory: names by path."""
        found = {}
        for path in top.rglob("*"):
            # Files of the database come and go.
            try:
                data = path.read_bytes() if path.is_file() and path not in but else b""
            except FileNotFoundError:
                continue
            if names := self.find(data):
                found[str(path.relative_to(top))] = names
        return found

    def find_in_process(self, pid):
        """In what /proc shows of a process to its user."""
        found = {}
        for name in ("environ", "cmdline", "status", "comm"):
            # The environment of one that is not dumpable is shown to root alone.
            with contextlib.suppress(PermissionError), open(f"/proc/{pid}/{name}", "rb") as stream:
                if names := self.find(stream.read()):
                    found[name] = names
        return found


class Monitor:
    """Every message on a bus, as somebody sees it who may see all."""

    def __init__(self, bus, path):
        self.path = path
        self.process = subprocess.Popen(
            ["dbus-monitor", "--binary", "--address", bus.address],
            stdout=path.open("wb"), stderr=subprocess.DEVNULL)
        # Its first is the NameLost that it gets for becoming a monitor.
        wait_for(lambda: path.stat().st_size, "the monitor watches")
        self.bus = bus

    def messages(self):
        """All that were sent until now, as bytes and parsed."""
        self.bus.call("GetId", None, "(s)")
        mark = self.bus.own.get_last_serial()
        ours = self.bus.own.get_unique_name()
        wait_for(lambda: any(m.get_sender() == ours and m.get_serial() >= mark
                             for _, m in self.parse()), "the monitor has seen all")
        return list(self.parse())

    def parse(self):
        data = self.path.read_bytes()
        while len(data) >= 16:
            length = Gio.DBusMessage.bytes_needed(data[:16])
            if length > len(data):
                return
            yield data[:length], Gio.DBusMessage.new_from_blob(
                data[:length], Gio.DBusCapabilityFlags.UNIX_FD_PASSING)
            data = data[length:]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
