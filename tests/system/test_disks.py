# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that are full, over quota, read-only or away."""

import errno
import os
import pathlib
import subprocess
import sys

import pytest
from parts.breaker import NAME, WRITE
from parts.waiting import wait_for

UNSHARE = ["unshare", "--mount", "--propagation", "private"]


def test_disks(inbox):
    """Fault (disk): small disks, read-only disks and sticks that are pulled out (T-78,
    T-79) | Proves: the disk is not filled; the task waits, says so, asks no server, and
    goes on by itself from where it was"""
    if os.geteuid():
        pytest.skip("mounting takes root")
    probe = [*UNSHARE, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(inbox)]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this kernel or container lets us mount nothing")
    command = [*UNSHARE, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q",
               "--rootdir", str(pathlib.Path(__file__).parent),
               str(pathlib.Path(__file__).with_name("inside_disks.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def wait_over_quota(task, breaker):
    wait_for(lambda: breaker.struck, lambda: "not reached")
    # What an attempt had reserved and gives back is a reason to look again, so that the wait
    # may be over before anybody sees it.
    wait_for(lambda: task.get("WaitReasons") == ["disk-space"]
             or task.get("State") == "finished", lambda: f"{task.get_all()}")
    name, _details = task.get("LastTransientError")
    assert name == "NoSpace"


def test_quota_of_the_worker(stopped_daemon, client, script, breaker, inbox):
    """Fault (disk): EDQUOT while the file is written | Proves: waits for space, and goes on
    by itself"""
    stopped_daemon.start("--idle-ms", "-1", "--worker", str(breaker.worker))
    session = client.open_session()
    session.attach()
    content = os.urandom(3_000_000)
    script.on("/f", lambda talk, request: talk.answer(200, content))
    breaker.arm(2, errno.EDQUOT, WRITE)
    task = session.create(script.url("/f"), inbox, destination_name="f", start=True)
    wait_over_quota(task, breaker)
    assert task.get("LastTransientError")[1]["errno"] == errno.EDQUOT
    session.wait_finished(1)
    assert task.error == "" and (inbox / "f").read_bytes() == content


def test_quota_of_the_daemon(stopped_daemon, client, script, breaker, inbox):
    """Fault (disk): EDQUOT when the file gets its name | Proves: waits for space, and
    nothing is fetched twice"""
    stopped_daemon.start("--idle-ms", "-1", **breaker.environment())
    session = client.open_session()
    session.attach()
    content = os.urandom(3_000_000)
    script.on("/f", lambda talk, request: talk.answer(200, content))
    task = session.create(script.url("/f"), inbox, destination_name="f")
    breaker.arm(2, errno.EDQUOT, NAME)
    task.resume()
    wait_over_quota(task, breaker)
    session.wait_finished(1)
    assert task.error == "" and (inbox / "f").read_bytes() == content
    assert len(script.asked("/f")) == 1
