# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run by test_files.py inside a mount namespace of its own: a disk of one MiB."""

import subprocess

import pytest
from parts.waiting import wait_for

MIB = 1024 * 1024


@pytest.fixture
def disk(inbox):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", inbox], check=True)
    yield inbox
    subprocess.run(["umount", inbox], check=True)


def test_waits_for_space(daemon, session, nginx, disk):
    """T-78: full, waits and says why; freed, goes on."""
    content = nginx.add_file("big", MIB * 3 // 4)
    (disk / "ballast").write_bytes(b"x" * (MIB // 2))
    task = session.create(nginx.url("big"), disk, destination_name="f", start=True)
    wait_for(
        lambda: task.get("WaitReasons") == ["disk-space"],
        lambda: f"a reason: {task.get_all()}",
    )
    assert task.state == "queued" and not (disk / "f").exists()
    (disk / "ballast").unlink()
    task.call("Suspend")
    task.resume()
    session.wait_finished(1)
    assert task.error == "" and (disk / "f").read_bytes() == content
