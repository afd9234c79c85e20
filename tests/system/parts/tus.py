# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real tus server of npm, @tus/server; and what servers have stored."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent.parent / "tus"
# Where tools/test installs what HERE/package-lock.json says.
MODULES = pathlib.Path(os.environ.get("TRUNDLE_TEST_NODE_MODULES")
                       or HERE.parent.parent.parent / "build-npm")


@dataclasses.dataclass
class Stored:
    """What one request has left in an upload: bytes from `first` up to `end`."""

    upload: str
    first: int
    end: int


def check_stored(stored, size):
    """Those of one upload: every byte once, and in order."""
    position = 0
    for one in stored:
        assert one.first == position, stored
        assert one.end >= one.first, stored
        position = one.end
    assert position == size, stored


class NpmTus:
    """Creation, with upload too, deferred length, termination, expiration; no checksums.
    SETTINGS are options of its Server as JSON has them, and `expires_ms`."""

    def __init__(self, top, **settings):
        self.files = top
        self.process = subprocess.Popen(
            ["node", HERE / "server.mjs", MODULES, top, json.dumps(settings)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=(top / "stderr").open("a"), text=True)
        line = self.process.stdout.readline()
        assert line.strip().isdigit(), (top / "stderr").read_text()
        self.port = int(line)

    @staticmethod
    def why_not():
        """Why it cannot be started here; None when it can."""
        if not shutil.which("node"):
            return "node is not installed"
        if not (MODULES / "node_modules" / "@tus" / "server").is_dir():
            return "@tus/server is not installed: tools/test gets it from npm"
        return None

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()

    def url(self, target="/files"):
        return f"http://127.0.0.1:{self.port}{target}"

    def uploads(self):
        """Their names."""
        return sorted(path.stem for path in self.files.glob("*.json"))

    def content(self, upload):
        return (self.files / upload).read_bytes()

    def facts(self, upload):
        """What it knows of one: `size`, `metadata`, …"""
        return json.loads((self.files / f"{upload}.json").read_text())

    def stored(self, upload):
        """What its requests have left in one, in order."""
        log = self.files / "stored.log"
        lines = log.read_text().split("\n")[:-1] if log.exists() else []
        return [Stored(name, int(first), int(end))
                for name, first, end in map(str.split, lines) if name == upload]
