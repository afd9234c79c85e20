# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""trundled as a process: started, killed, started again over the same state."""

import contextlib
import os
import pathlib
import re
import signal
import sqlite3
import subprocess

from .waiting import wait_for

NAME = "org.freedesktop.BackgroundTransfer1"
PROGRAM = os.environ["TRUNDLE_TEST_DAEMON"]
WORKER = os.environ["TRUNDLE_TEST_WORKER"]

# What no log may hold, whatever was tested.
ALARMS = re.compile(r"CRITICAL|AddressSanitizer|LeakSanitizer|runtime error:")


def query(state, statement):
    """Rows of the database of a daemon that is not running."""
    with contextlib.closing(sqlite3.connect(state / "trundle.db")) as database:
        return database.execute(statement).fetchall()


class Daemon:
    def __init__(self, bus, state, environment):
        self.bus = bus
        self.state = state
        self.log = bus.directory / "daemon.log"
        self.environment = dict(
            environment,
            DBUS_SESSION_BUS_ADDRESS=bus.address,
            G_MESSAGES_DEBUG="trundle",
            # Warnings are for admins; a worker that was killed is worth one.
            G_DEBUG="gc-friendly,fatal-criticals",
        )
        self.process = None
        self.wrapper = []  # a command that becomes the daemon, such as "ip netns exec"

    def command(self, *options):
        return [*self.wrapper, PROGRAM, "--state-dir", str(self.state), "--worker", WORKER, *options]

    def spawn(self, *options, **environment):
        return subprocess.Popen(
            self.command(*options),
            env=dict(self.environment, **environment),
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("a"),
            stderr=subprocess.STDOUT,
        )

    def start(self, *options, **environment):
        """Starts it and waits until it answers to its name."""
        options = options or ("--idle-ms", "-1")
        assert self.process is None
        self.process = self.spawn(*options, **environment)
        wait_for(self.is_up, self.tail)
        return self

    def is_up(self):
        assert self.process.poll() is None, f"trundled left at once\n{self.tail()}"
        return self.bus.has_owner(NAME) and self.bus.pid_of(NAME) == self.process.pid

    def end(self, number):
        """Sends a signal and reaps it; the status as subprocess gives it."""
        self.process.send_signal(number)
        status = self.process.wait(30)
        self.process = None
        wait_for(lambda: not self.bus.has_owner(NAME), "the bus has seen it go")
        return status

    def kill(self):
        assert self.end(signal.SIGKILL) == -signal.SIGKILL

    def restart(self, *options, **environment):
        self.kill()
        return self.start(*options, **environment)

    def workers(self):
        """Process ids of its workers."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [
            int(pid)
            for pid in children.read_text().split()
            if pathlib.Path(f"/proc/{pid}/comm").exists()
            and pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(WORKER.encode())
        ]

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self):
        return "the end of its log:\n" + "\n".join(self.text().splitlines()[-60:])

    def stop(self):
        """At the end of a test: it leaves in peace, and has nothing on its conscience."""
        if self.process and self.process.poll() is None:
            status = self.end(signal.SIGTERM)
            assert status == 0, f"left with {status}\n{self.tail()}"
        found = [line for line in self.text().splitlines() if ALARMS.search(line)]
        assert not found, "\n".join(found + [self.tail()])
