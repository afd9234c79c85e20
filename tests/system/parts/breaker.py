# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page that is shared with break-at.c: who is broken, at which step, and how."""

import mmap
import os
import struct

LIBRARY = os.environ["TRUNDLE_TEST_BREAKER"]
SIZE = 24 + 60000
HEADER = struct.Struct("=6i")

DATABASE, WRITE, SYNC, NAME, LENGTH, AGAIN = 1, 2, 4, 8, 16, 32
EVERYTHING = DATABASE | WRITE | SYNC | NAME | LENGTH | AGAIN
# Amid a transaction it is SQLite that is broken, in the same way whatever is stored.
OURS = EVERYTHING & ~AGAIN
KILL, KILL_AFTER_RENAME = -1, -2


class Breaker:
    def __init__(self, top, program):
        """program is the worker, of which a broken one can be had as `worker`."""
        self.path = top / "break"
        self.path.write_bytes(bytes(SIZE))
        with self.path.open("r+b") as page:
            self.page = mmap.mmap(page.fileno(), SIZE)
        self.worker = top / "broken-worker"
        # The daemon gives a worker no environment.
        words = " ".join(f"{name}={value}" for name, value in self.environment().items())
        self.worker.write_text(f"#!/bin/sh\nexec env {words} {program}\n")
        self.worker.chmod(0o755)

    def environment(self):
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {
            "LD_PRELOAD": LIBRARY,
            "TRUNDLE_BREAK_FILE": str(self.path),
            # The sanitizer wants to be the first library.
            "ASAN_OPTIONS": asan + ":verify_asan_link_order=0",
        }

    def arm(self, step, deed=KILL, kinds=EVERYTHING):
        """From now on, until it strikes."""
        self.page[:HEADER.size] = HEADER.pack(step, deed, kinds, 0, 0, 0)

    def disarm(self):
        self.page[:4] = bytes(4)

    @property
    def taken(self):
        return HEADER.unpack(self.page[:HEADER.size])[3]

    @property
    def struck(self):
        return bool(HEADER.unpack(self.page[:HEADER.size])[4])

    def steps(self):
        """What was done since it was armed, a line a step."""
        length = HEADER.unpack(self.page[:HEADER.size])[5]
        return self.page[HEADER.size:HEADER.size + length].decode().splitlines()
