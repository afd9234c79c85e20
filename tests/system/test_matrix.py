# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The crash matrix: killed at each single step towards the disk around one download."""

import os

import pytest
from parts.client import Failure
from parts.waiting import wait_for

KILLER = os.environ["TRUNDLE_TEST_KILLER"]
# More than one download takes; a matrix that does not end is an error.
STEPS_MAX = 200


def start_doomed(daemon, top):
    asan = daemon.environment.get("ASAN_OPTIONS", "")
    return daemon.start(
        LD_PRELOAD=KILLER,
        TRUNDLE_KILL_FILE=str(top / "kill"),
        # The sanitizer wants to be the first library.
        ASAN_OPTIONS=asan + ":verify_asan_link_order=0",
    )


def is_dead_or_finished(daemon, session):
    return daemon.process.poll() is not None or session.finished()


def is_over(daemon, session):
    """The killer struck, or there is nothing left to do."""
    if daemon.process.poll() is None:
        try:
            return not session.list_tasks()
        except Failure:
            return False  # it is dying
    daemon.process = None
    wait_for(lambda: not daemon.bus.has_owner("org.freedesktop.BackgroundTransfer1"),
             "the bus has seen it go")
    return True


def doom(daemon, client, nginx, top, directory, step):
    """Runs one download until the killer strikes or, after the last step, it is done."""
    (top / "kill").unlink(missing_ok=True)
    start_doomed(daemon, top)
    session = client.open_session(f"step-{step}")
    session.attach()
    where = {"destination_name": f"f{step}"} if directory else {}
    task = session.create(nginx.url("matrix"), directory, **where)
    (top / "kill").write_text(str(step))
    try:
        task.resume()
        wait_for(lambda: is_dead_or_finished(daemon, session), "its end, or the task's")
        if session.finished():
            session.complete(session.finished()[-1].arguments[0])
    except Failure:
        pass  # it died with our call in its hands
    wait_for(lambda: is_over(daemon, session), "its end, or the task's")
    return session, task


def survive(daemon, session, task, step):
    """What the next daemon makes of it."""
    daemon.start()
    session.attach()
    session.wait_did_finish_events()
    if session.list_tasks():
        if task.state == "suspended":
            task.resume()
        session.wait_finished(1)
        assert task.error == "", f"step {step}: {task.get('Error')}"


@pytest.mark.parametrize("where", ["directory", "spool"])
def test_killed_at_each_step(stopped_daemon, client, nginx, inbox, state, top, where):
    """Fault (daemon): SIGKILL before and after each fsync, rename and unlink of a
    download | Proves: the next daemon brings it to one end; the file is right, the
    spool empty, nothing lies beside it (laws 1, 5, 6, 7)"""
    daemon, directory = stopped_daemon, inbox if where == "directory" else None
    content = nginx.add_file("matrix", 3000)
    for step in range(1, STEPS_MAX):
        client.signals.clear()
        session, task = doom(daemon, client, nginx, top, directory, step)
        struck = daemon.process is None
        if struck:
            survive(daemon, session, task, step)
        # Told at least once; and never two different ends.
        assert {s.arguments[0] for s in session.finished()} == {1}, f"step {step}"
        if directory:
            assert (inbox / f"f{step}").read_bytes() == content, f"step {step}"
        elif session.list_tasks():
            assert task.read() == content, f"step {step}"
        if session.list_tasks():
            session.complete(1)
        assert session.list_tasks() == []
        daemon.kill()
        if not struck:
            break
    else:
        raise AssertionError("it never ends")
    assert step > 6, "the steps were not counted"
    assert not list((state / "spool").iterdir())
    assert len(list(inbox.iterdir())) == (step if directory else 0)


def test_file_taken_away_before_it_was_told(stopped_daemon, client, nginx, inbox, top):
    """Law 6: renamed, killed, and moved away: a success all the same, not fetched again.

    Fault (daemon): SIGKILL between the rename and the commit, and the file is moved
    away | Proves: success with file-moved, never a second download (law 6)"""
    nginx.add_file("matrix", 3000)
    session, task = doom(stopped_daemon, client, nginx, top, inbox, "renamed")
    (inbox / "frenamed").rename(inbox / "taken")

    survive(stopped_daemon, session, task, "renamed")
    assert session.finished()[-1].arguments[2]["file-moved"] is True
    assert not (inbox / "frenamed").exists()
