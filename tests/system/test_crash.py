# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing is lost when the daemon or a worker dies: laws 1, 3, 6, 7, 16."""

import os
import signal

import pytest
from parts.daemon import query
from parts.waiting import wait_for

MIB = 1024 * 1024


def test_daemon_killed_amid_five_downloads(daemon, session, nginx, inbox):
    """Fault (daemon): SIGKILL amid five downloads | Proves: all five end once and are
    right; no part is left"""
    contents = {f"five-{n}": nginx.add_file(f"five-{n}", 2 * MIB) for n in range(5)}
    tasks = [
        session.create(nginx.slow_url(name, MIB), inbox, destination_name=name, start=True)
        for name in contents
    ]
    wait_for(lambda: all(task.get("BytesReceived") for task in tasks), "all five move")
    assert not session.finished()
    assert not list(inbox.glob("five-*"))
    daemon.restart()
    session.client.signals.clear()
    session.attach()
    finished = session.wait_finished(5)
    assert sorted(s.arguments[1] for s in finished) == sorted(t.path for t in tasks)
    for name, content in contents.items():
        assert (inbox / name).read_bytes() == content
    assert sorted(p.name for p in inbox.iterdir()) == sorted(contents)
    assert not any(task.error for task in tasks)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_worker_killed(daemon, session, nginx, inbox, name):
    """Fault (worker): SIGKILL and SIGSEGV of the worker of three downloads | Proves:
    all end once and are right"""
    if name == "SIGSEGV" and "ASAN_OPTIONS" in os.environ:
        # The sanitizer would catch it and exit, which is no fault.
        name = "SIGILL"
    content = nginx.add_file("worker", 2 * MIB)
    tasks = [
        session.create(nginx.slow_url("worker", MIB), inbox, destination_name=f"w{n}",
                       start=True)
        for n in range(3)
    ]
    wait_for(lambda: all(task.get("BytesReceived") for task in tasks), "all move")
    workers = daemon.workers()
    assert len(workers) == 1
    os.kill(workers[0], signal.Signals[name])
    session.wait_finished(3, timeout=90)
    assert len(session.finished()) == 3
    for n, task in enumerate(tasks):
        assert task.error == ""
        assert (inbox / f"w{n}").read_bytes() == content


def test_reply_survives_kill(daemon, client, nginx):
    """Law 1, at the moment it is hardest: killed as soon as the reply is here.

    Fault (daemon): SIGKILL as soon as a reply has come, twelve times | Proves: what
    the reply promised is there (law 1)"""
    made = []
    for n in range(12):
        session = client.open_session(f"promise-{n}")
        made.append((session.path, session.create(nginx.url("x"), description=f"d{n}").path))
        daemon.restart()
    for n, (path, task) in enumerate(made):
        session = client.open_session(f"promise-{n}")
        assert session.results["existing"] and session.path == path
        assert [row[0] for row in session.list_tasks()] == [task]


def test_batch_survives_kill(daemon, client, nginx):
    """Fault (daemon): SIGKILL after the reply for 200 tasks | Proves: all 200 are
    there, in order (law 1)"""
    session = client.open_session()
    tasks = session.create_many([{"url": nginx.url(f"n{n}")} for n in range(200)])
    daemon.restart()
    assert [row[0] for row in session.list_tasks()] == [task.path for task in tasks]


def test_running_is_never_stored(daemon, session, nginx, inbox, state):
    """Law 3: the row of a running task says queued.

    Fault (daemon): SIGKILL while a task runs | Proves: its row says queued (law 3)"""
    nginx.add_file("law3", MIB)
    task = session.create(nginx.slow_url("law3", "100k"), inbox, destination_name="f",
                          start=True)
    task.wait_state("running")
    daemon.kill()
    # 1 is queued, 2 would be running.
    assert query(state, "SELECT state FROM task") == [(1,)]
    daemon.start()


def test_completion_survives_kill(daemon, session, nginx, inbox):
    """Law 7: told, not completed, so told again, and said to be told again.

    Fault (daemon): SIGKILL before and after CompleteEvents | Proves: told again with
    `redelivered`, and once completed never again (law 7)"""
    content = nginx.add_file("again", 1000)
    task = session.create(nginx.url("again"), inbox, destination_name="f", start=True)
    first = session.wait_finished(1)[0]
    daemon.restart()
    session.client.signals.clear()
    assert session.attach()["pending"] == 1
    last = session.wait_did_finish_events()
    (again,) = session.finished()
    assert again.arguments[:2] == first.arguments[:2] == (last, task.path)
    assert again.arguments[2]["redelivered"] is True
    session.complete(last)
    daemon.restart()
    session.client.signals.clear()
    assert session.attach()["pending"] == 0
    assert session.wait_did_finish_events() == 0
    assert not session.finished()
    assert (inbox / "f").read_bytes() == content


def test_second_daemon_leaves(daemon, state):
    """Law 16: with a message, and the first does not notice.

    Fault (daemon): a second daemon over the same state | Proves: it leaves with a
    message, the first does not notice (law 16)"""
    second = daemon.spawn("--idle-ms", "-1")
    assert second.wait(20) not in (0, None)
    assert str(state) in daemon.text() or "already" in daemon.text()
    assert daemon.is_up()


def test_spool_without_row_is_swept(daemon, state):
    """Fault (disk): a file in the spool that no row knows | Proves: it is removed at
    the next start"""
    daemon.kill()
    stray = state / "spool" / "987654"
    stray.write_bytes(b"of nobody")
    daemon.start()
    assert not stray.exists()
