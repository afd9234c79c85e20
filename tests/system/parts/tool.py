# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tool `trundle` as a process: in a pipe, and on a terminal of its own."""

import contextlib
import fcntl
import json
import os
import pty
import subprocess
import termios

from .waiting import wait_for

TOOL = os.environ["TRUNDLE_TEST_TOOL"]


class Tool:
    def __init__(self, bus, environment):
        self.environment = dict(
            environment, DBUS_SESSION_BUS_ADDRESS=bus.address, LC_ALL="C.UTF-8"
        )

    def spawn(self, *arguments, **more):
        """Without a terminal, also when the tests have one."""
        return subprocess.Popen(
            [TOOL, *map(str, arguments)],
            env=self.environment,
            stdin=more.pop("stdin", subprocess.DEVNULL),
            stdout=more.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **more,
        )

    def run(self, *arguments, status=0, given=None):
        """Standard output, and the errors when it is to fail.  The main context turns
        meanwhile: the service may be in this process."""
        with self.spawn(*arguments, stdin=subprocess.PIPE) as process:
            try:
                process.stdin.write(given or "")
                process.stdin.close()
                process.stdin = None
                wait_for(lambda: process.poll() is not None, f"{arguments} ends", 60)
            finally:
                process.kill()
            out, err = process.communicate()
        assert process.returncode == status, (process.returncode, out, err)
        return out + err if status else out

    def json(self, *arguments, status=0):
        out = self.run(*arguments, "--json", status=status)
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def states(self):
        return {task["task"]: task["state"] for task in self.json("list")}

    @contextlib.contextmanager
    def terminal(self, *arguments):
        terminal = Terminal(self, arguments)
        try:
            yield terminal
        finally:
            terminal.close()


class Terminal:
    """The tool, with somebody at its terminal."""

    def __init__(self, tool, arguments):
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.text = ""
        self.process = subprocess.Popen(
            [TOOL, *map(str, arguments)],
            env=tool.environment,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def look(self):
        """All that was ever on it."""
        # EIO once nobody has the other side.
        with contextlib.suppress(OSError):
            while chunk := os.read(self.master, 65536):
                self.text += chunk.decode(errors="replace").replace("\r\n", "\n")
        return self.text

    def wait_text(self, text, count=1):
        wait_for(lambda: self.look().count(text) >= count,
                 lambda: f"{text!r} on the terminal: {self.look()!r}")

    def type(self, keys):
        os.write(self.master, keys.encode())

    def answer(self, prompt, keys):
        self.wait_text(prompt)
        self.type(keys)

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def wait_end(self):
        """Its status, as subprocess gives it."""
        wait_for(lambda: self.process.poll() is not None,
                 lambda: f"it ends; on the terminal: {self.look()!r}")
        self.look()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self.slave)
        os.close(self.master)
