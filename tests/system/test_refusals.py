# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The matrix of one download again: each single call towards the disk is refused, once."""

import errno

import pytest
from parts import breaker as break_at
from parts.matrix import KINDS, careful, check_state, each_step
from parts.waiting import wait_for

ERRORS = ["EIO", "ENOSPC", "EDQUOT", "EROFS"]
# What a task may say while it waits for the disk to come to its senses.
REASONS = {"disk-space", "destination-gone", "back-off"}


def check_leavings(daemon, kind, breaker):
    """A file whose removal was refused is the only one that may be left: in the spool until
    the next start, beside a destination for good, and the log says so."""
    call, name = breaker.steps()[-1].split(" ", 1)
    if call != "unlinkat":
        return
    if (daemon.state / "spool" / name).exists():
        daemon.restart(**breaker.environment())
        assert not (daemon.state / "spool" / name).exists()
    elif (kind.inbox / name).exists():
        (kind.inbox / name).unlink()
    else:
        return  # it was tried again
    assert f"Cannot remove the part {name}" in daemon.text()


def check_refused(daemon, client, kind, breaker, error):
    """One daemon lives through all of it; the refused task ends right, or says why not."""
    for number, arm in each_step(breaker, getattr(errno, error)):
        kind.begin(number)
        arm()
        task = careful(daemon, client, kind, lambda t: kind.look(t, breaker.struck))
        task.run(lambda: None)
        # Each failure is that of a call which was refused something, and only one was.
        assert len(task.failures) <= breaker.struck and daemon.is_up(), task.failures
        assert task.reasons <= REASONS, task.reasons
        if breaker.struck:
            check_leavings(daemon, kind, breaker)
        check_state(daemon, kind)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_each_call_refused(stopped_daemon, client, kind, breaker, error):
    """Fault (daemon): each write, sync and change of a name or a length that one download
    takes, in the database and around the file, fails once with EIO, ENOSPC, EDQUOT and
    EROFS; for each kind of place and each `if-exists` | Proves: the daemon lives; the call
    is answered with an error and succeeds when repeated, or the task waits, says so and
    ends right, or it ends once and says why; what was there is whole; nothing is left
    over, and the database is sound (laws 1, 2, 5, 6, 7)"""
    stopped_daemon.start(**breaker.environment())
    check_refused(stopped_daemon, client, kind, breaker, error)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", ["spool", "directory"], indirect=True)
def test_each_call_of_the_worker_refused(stopped_daemon, client, kind, breaker, error):
    """Fault (worker): each write and sync of a part fails once with EIO, ENOSPC, EDQUOT and
    EROFS | Proves: the task waits, says so and ends right, or it ends once and says why;
    the worker lives; nothing is left over"""
    daemon = stopped_daemon
    daemon.start("--idle-ms", "-1", "--worker", str(breaker.worker))
    check_refused(daemon, client, kind, breaker, error)
    assert len(daemon.workers()) == 1


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT"])
def test_part_of_a_failed_sync_is_not_believed(stopped_daemon, client, script, inbox,
                                               breaker, error):
    """Fault (disk): the sync of a part fails, after which the kernel may have dropped what
    it could not write, and the next sync says nothing of it | Proves: no more of the part
    is believed than was synced before, though the server would go on (laws 4, 10)"""
    daemon, content, ranges = stopped_daemon, bytes(range(256)) * 4000, []

    def serve(conversation, request):
        ranges.append(request.header("Range"))
        conversation.answer(200, content, ['ETag: "v1"', "Accept-Ranges: bytes"])

    script.on("/synced", serve)
    daemon.start("--idle-ms", "-1", "--worker", str(breaker.worker))
    session = client.open_session()
    session.attach()
    breaker.arm(1, getattr(errno, error), break_at.SYNC)
    task = session.create(script.url("/synced"), inbox, destination_name="f", start=True)
    wait_for(lambda: task.get("WaitReasons") == ["disk-space"], task.get_all)
    (part,) = inbox.iterdir()
    assert breaker.struck and part.stat().st_size == 0
    task.call("Suspend")
    task.resume()
    session.wait_finished(1)
    assert task.error == "" and (inbox / "f").read_bytes() == content
    assert ranges == [[], []]
