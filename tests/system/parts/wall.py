# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clock on the wall as the daemon sees it, to be set while that runs: set-wall.c."""

import mmap
import os
import struct
import time

LIBRARY = os.environ["TRUNDLE_TEST_WALL"]


class Wall:
    def __init__(self, top):
        self.path = top / "wall"
        self.path.write_bytes(bytes(8))
        with self.path.open("r+b") as page:
            self.page = mmap.mmap(page.fileno(), 8)
        self.by = 0

    def environment(self):
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {
            "LD_PRELOAD": LIBRARY,
            "TRUNDLE_WALL_FILE": str(self.path),
            # The sanitizer wants to be the first library.
            "ASAN_OPTIONS": asan + ":verify_asan_link_order=0",
        }

    def set(self, seconds):
        """So many seconds from the true time."""
        self.by = seconds
        self.page[:] = struct.pack("=q", seconds * 1000000)

    def now_us(self):
        return int((time.time() + self.by) * 1e6)
