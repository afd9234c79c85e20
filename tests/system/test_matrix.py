# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The matrix of one download: each single step towards the disk that it takes, in the
daemon and in the worker, is its last one.  A COMMIT is the sync of the database's log."""

import contextlib

import pytest
from gi.repository import GLib
from parts import breaker as break_at
from parts.matrix import (KINDS, OLD, STEPS_MAX, Doomed, UploadKind, careful, check_state,
                          each_step, reap)
from parts.resumable import Resumable
from parts.waiting import wait_for

BESIDE = ["directory", "path", "replace", "rename"]


def count_requests(nginx):
    return (nginx.top / "access.log").read_text().count("GET /matrix ")


def kill_at_each_step(daemon, client, kind, breaker, kinds):
    doomed = Doomed(daemon, breaker, kind)
    for step, arm in each_step(breaker, break_at.KILL, kinds):
        kind.begin(step)
        doomed.start()
        arm()
        careful(daemon, client, kind).run(doomed.revive)
        doomed.end()
        check_state(daemon, kind)
    commits = breaker.steps().count("fdatasync trundle.db-wal")
    assert commits >= 4, f"too few commits were seen: {breaker.steps()}"


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_killed_at_each_step(stopped_daemon, client, kind, breaker):
    """Fault (daemon): SIGKILL before and after each sync and each change of a name, and
    before each write (behind the first of a transaction: with the spool only), of a
    download; to the spool, to a directory by handle and by path,
    over a file of the name with each `if-exists` | Proves: what was answered is there; it
    ends once and is right; what was there is whole, the old or the new; nothing is left
    over (laws 1, 3, 5, 6, 7)"""
    kill_at_each_step(stopped_daemon, client, kind, breaker,
                      break_at.EVERYTHING if kind.name == "spool" else break_at.OURS)


@pytest.mark.parametrize("kind", ["spool", "directory"], indirect=True)
def test_worker_killed_at_each_step(stopped_daemon, client, kind, breaker):
    """Fault (worker): SIGKILL before each write and before and after each sync of a
    download | Proves: it ends once and is right, and the daemon does not notice more than
    a worker's death; nothing is left over"""
    daemon = stopped_daemon
    daemon.start("--idle-ms", "-1", "--worker", str(breaker.worker))
    for step, arm in each_step(breaker, break_at.KILL):
        kind.begin(step)
        arm()
        task = careful(daemon, client, kind)
        task.run(lambda: pytest.fail(f"the service failed: {task.failures}"))
        check_state(daemon, kind)
    steps = {step.rsplit(" ", 1)[0] for step in breaker.steps()}
    assert {"pwrite", "fdatasync", "after fdatasync"} <= steps


@pytest.fixture
def upload_kind(request, top):
    server = Resumable(8)
    (top / "own").mkdir()
    yield UploadKind(request.param, server, bytes(range(250)) * 800, top / "own" / "source")
    server.stop()


@pytest.mark.parametrize("upload_kind", ["ietf", "watched"], indirect=True)
def test_upload_killed_at_each_step(stopped_daemon, client, upload_kind, breaker):
    """Fault (daemon): SIGKILL before and after each sync and each change of a name, and
    before each write (of a transaction: the first), of an upload: as its source is copied, as it is created, as its place
    is stored, as the answer is sealed, as it is completed | Proves: what was answered is
    there; it ends once, and the server has the bytes; nothing is left over of the source or
    of the answer (laws 1, 3, 5, 7)"""
    kill_at_each_step(stopped_daemon, client, upload_kind, breaker, break_at.OURS)


@pytest.mark.parametrize("upload_kind", ["plain", "ietf"], indirect=True)
def test_upload_worker_killed_at_each_step(stopped_daemon, client, upload_kind, breaker):
    """Fault (worker): SIGKILL before each write and before and after each sync of the
    answer of an upload | Proves: it ends once, and the server has the bytes; nothing is
    left over"""
    daemon, kind = stopped_daemon, upload_kind
    daemon.start("--idle-ms", "-1", "--worker", str(breaker.worker))
    for step, arm in each_step(breaker, break_at.KILL):
        kind.begin(step)
        arm()
        task = careful(daemon, client, kind)
        task.run(lambda: pytest.fail(f"the service failed: {task.failures}"))
        check_state(daemon, kind)
    steps = {step.rsplit(" ", 1)[0] for step in breaker.steps()}
    assert {"pwrite", "fdatasync", "after fdatasync"} <= steps


def cut_down(daemon, client, kind, breaker):
    """A daemon that has died between the rename and the commit, and its client."""
    doomed = Doomed(daemon, breaker, kind)
    doomed.start()
    kind.begin(1)
    task = careful(daemon, client, kind)
    task.open()
    task.create()
    breaker.arm(1, break_at.KILL_AFTER_RENAME)
    task.resume()
    wait_for(lambda: daemon.process.poll() is not None, "it renames, and dies")
    reap(daemon)
    assert breaker.struck
    return task


def is_up_or_struck(daemon, breaker):
    # It may go between any two of the questions that is_up() asks.
    with contextlib.suppress(GLib.Error, AssertionError):
        return breaker.struck or daemon.is_up()
    return False


@pytest.mark.parametrize("kind", BESIDE, indirect=True)
def test_killed_between_rename_and_commit(stopped_daemon, client, nginx, kind, breaker):
    """Fault (daemon): SIGKILL between the rename and the commit, for each `if-exists`, and
    then at each step of what the next daemon does about it | Proves: the file is there
    already, whole; it is a success, not fetched again (law 6)"""
    daemon = stopped_daemon
    task = cut_down(daemon, client, kind, breaker)
    kind.glimpse()
    asked = count_requests(nginx)
    doomed = Doomed(daemon, breaker, kind)

    for step in range(1, STEPS_MAX):
        breaker.arm(step)
        daemon.process = daemon.spawn("--idle-ms", "-1", **breaker.environment())
        wait_for(lambda: is_up_or_struck(daemon, breaker), daemon.tail)
        if not breaker.struck:
            break
        reap(daemon)
        kind.glimpse()
    task.run(doomed.revive)
    assert step > 3 and count_requests(nginx) == asked
    doomed.end()
    check_state(daemon, kind)


@pytest.mark.parametrize("kind", BESIDE, indirect=True)
@pytest.mark.parametrize("follower", [None, OLD], ids=["gone", "followed"])
def test_file_taken_away_before_it_was_told(stopped_daemon, client, nginx, kind, breaker,
                                            follower):
    """Fault (daemon): SIGKILL between the rename and the commit; then the file is moved
    away, and another may bear its name | Proves: success with `file-moved`, never a second
    download; the other file is not touched (law 6)"""
    task = cut_down(stopped_daemon, client, kind, breaker)
    asked = count_requests(nginx)
    path = kind.path(" (1)" if kind.name == "rename" else "")
    # It keeps its inode, or the next file might be given the same.
    path.rename(kind.inbox / "taken")
    if follower:
        path.write_bytes(follower)

    def look(moved):
        assert moved.error == ""
        assert task.session.finished()[-1].arguments[2]["file-moved"] is True

    task.look = look
    stopped_daemon.start()
    task.run(lambda: pytest.fail("it died again"))
    assert count_requests(nginx) == asked
    assert (path.read_bytes() if path.exists() else None) == follower
    assert (kind.inbox / "taken").read_bytes() == kind.content
