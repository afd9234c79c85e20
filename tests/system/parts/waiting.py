# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for a condition while the main context runs; nothing in these tests sleeps."""

import time

from gi.repository import GLib

# Generous: only a failing test ever waits so long.
PATIENCE = 30


def wait_for(condition, what, timeout=PATIENCE):
    """Iterates the main context until condition() is true, and returns what it gave."""
    context = GLib.MainContext.default()
    deadline = time.monotonic() + timeout
    ticks = GLib.timeout_add(10, lambda: GLib.SOURCE_CONTINUE)
    try:
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                shown = what() if callable(what) else what
                raise AssertionError(f"Waited {timeout} s in vain: {shown}")
            context.iteration(True)
    finally:
        GLib.source_remove(ticks)


def drain():
    """Handles what has arrived already."""
    context = GLib.MainContext.default()
    while context.iteration(False):
        pass
