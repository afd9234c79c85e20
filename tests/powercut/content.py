# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the files hold, known on both sides of the power: by name and place in the file."""

import random

BLOCK = 4096


def make(name, begin, end):
    """Bytes begin to end of the file called name."""
    tail = random.Random(name).randbytes(BLOCK - 8)
    first = begin // BLOCK
    blocks = b"".join(number.to_bytes(8, "big") + tail
                      for number in range(first, (end + BLOCK - 1) // BLOCK))
    return blocks[begin - first * BLOCK:end - first * BLOCK]


def size_of(name):
    """The size is in the name: "small-17-20000"."""
    return int(name.rsplit("-", 1)[1])
