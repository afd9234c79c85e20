# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two network namespaces and a cable between them, which can be pulled."""

import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000


def is_possible():
    """Found out by trying: a container may say no to any of this."""
    if os.geteuid() or shutil.which("ip") is None:
        return False

    def succeeds(*command):
        return not subprocess.run(["ip", *command], capture_output=True, check=False).returncode

    name = f"trundle-{os.getpid()}-probe"
    if not succeeds("netns", "add", name):
        return False
    possible = succeeds("netns", "exec", name, "ip", "link", "add", "v0", "type", "veth",
                        "peer", "name", "v1")
    return succeeds("netns", "delete", name) and possible


class Network:
    """The service is at HERE, servers are at THERE."""

    HERE = "10.213.0.1"
    THERE = "10.213.0.2"

    def __init__(self):
        name = f"trundle-{os.getpid()}"
        self.here, self.there = name + "-a", name + "-b"
        self.ip("netns", "add", self.here)
        self.ip("netns", "add", self.there)
        self.ip("link", "add", "v0", "netns", self.here, "type", "veth",
                "peer", "name", "v0", "netns", self.there)
        for namespace, address in ((self.here, self.HERE), (self.there, self.THERE)):
            self.ip("-n", namespace, "link", "set", "lo", "up")
            self.ip("-n", namespace, "address", "add", address + "/24", "dev", "v0")
            self.ip("-n", namespace, "link", "set", "v0", "up")
        self.up()

    def ip(self, *arguments):
        subprocess.run(["ip", *arguments], check=True, stdin=subprocess.DEVNULL)

    def up(self):
        self.ip("-n", self.here, "link", "set", "v0", "up")
        self.ip("-n", self.here, "route", "replace", "default", "via", self.THERE)

    def down(self):
        """Takes the routes along, as when a cable is pulled."""
        self.ip("-n", self.here, "link", "set", "v0", "down")

    def listen(self):
        """A listening socket at the other end: it belongs to where it was made."""
        made = []

        def make():
            libc = ctypes.CDLL(None, use_errno=True)
            handle = os.open(f"/run/netns/{self.there}", os.O_RDONLY)
            if libc.setns(handle, CLONE_NEWNET) == 0:
                made.append(socket.create_server((self.THERE, 0), backlog=128))
            os.close(handle)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        return made[0]

    def remove(self):
        for namespace in (self.here, self.there):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)
        assert not pathlib.Path(f"/run/netns/{self.here}").exists()
