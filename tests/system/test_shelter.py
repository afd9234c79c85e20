# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A database that cannot be used: set aside with its files, and the service goes on."""

import contextlib
import os
import pathlib
import signal
import sqlite3

import pytest
from gi.repository import GLib
from parts.client import Failure
from parts.daemon import NAME, query
from parts.waiting import wait_for

DATA = pathlib.Path(__file__).parent.parent / "data"
STEPS_MAX = 300
PAGE = 4096


def number_of(thing):
    return int(thing.path.rsplit("/", 1)[1])


def set_version(state, name, version):
    with contextlib.closing(sqlite3.connect(state / name)) as database:
        database.execute(f"PRAGMA user_version = {version}")


def current_version(state):
    return query(state, "PRAGMA user_version")[0][0]


def overwrite(path, first, last=None):
    """Pages of noise, in place, as a disk would do it."""
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as stream:
        for page in range(first, min(last or pages, pages)):
            stream.seek(page * PAGE)
            stream.write(b"Z" * PAGE)


@pytest.fixture
def kept(daemon, session, nginx, state):
    """The daemon has left; a result is in its spool, and its task in the database."""
    content = nginx.add_file("kept", 3000)
    task = session.create(nginx.url("kept"), start=True)
    session.wait_finished(1)
    daemon.end(signal.SIGTERM)
    assert (state / "spool" / str(number_of(task))).read_bytes() == content
    return session, task, content


def newer(state):
    set_version(state, "trundle.db", current_version(state) + 7)


def garbage(state):
    path = state / "trundle.db"
    path.write_bytes(b"x" * path.stat().st_size)


def cut(state):
    path = state / "trundle.db"
    os.truncate(path, path.stat().st_size // 2 // PAGE * PAGE)


def flipped(state):
    overwrite(state / "trundle.db", 2)


@pytest.mark.parametrize("spoil", [newer, garbage, cut, flipped])
def test_set_aside(daemon, client, kept, state, nginx, spoil):
    session, task, content = kept
    spoil(state)
    spoiled = (state / "trundle.db").read_bytes()
    daemon.start()
    fresh = client.open_session("fresh")
    assert number_of(fresh) > number_of(session)
    new = fresh.create(nginx.url("kept"), start=True)
    assert number_of(new) > number_of(task)
    new.wait_state("finished")
    assert new.read() == content
    with pytest.raises(Failure):
        task.get("State")

    word = "newer" if spoil is newer else "damaged"
    (spool,) = state.glob(f"spool.{word}-*")
    (database,) = [p for p in state.glob(f"trundle.db.{word}-*")
                   if not p.name.endswith(("-wal", "-shm"))]
    assert database.read_bytes() == spoiled
    assert (spool / str(number_of(task))).read_bytes() == content
    assert f"It is kept as {database.name}" in daemon.text()
    # It stays so.
    daemon.restart()
    assert client.open_session("fresh").path == fresh.path
    assert database.exists() and (spool / str(number_of(task))).exists()


def test_used_again(daemon, client, kept, state, nginx):
    session, task, content = kept
    version = current_version(state)
    newer(state)
    daemon.start()
    between = client.open_session("between")
    new = between.create(nginx.url("kept"), start=True).wait_state("finished")
    daemon.end(signal.SIGTERM)

    # It can be read now, but the current one holds a task.
    (database,) = state.glob("trundle.db.newer-*[0-9]")
    set_version(state, database.name, version)
    daemon.start()
    assert new.state == "finished" and database.exists()
    between.complete(1)
    daemon.end(signal.SIGTERM)

    daemon.start()
    assert not database.exists() and not list(state.glob("*.spent*"))
    again = client.open_session()
    assert again.path == session.path and again.results["existing"]
    assert task.state == "finished" and task.read() == content
    assert number_of(again.create(nginx.url("kept"))) == number_of(new) + 1


def test_damaged_in_use(daemon, client, session, nginx, state):
    """Found in the middle of the day: the call fails, and nothing more is written."""
    tasks = session.create_many([{"url": nginx.url(f"n{n}")} for n in range(5000)])
    daemon.end(signal.SIGTERM)  # all of it is in the file now
    daemon.start()
    overwrite(state / "trundle.db", 3)
    spoiled = (state / "trundle.db").read_bytes()

    def is_found():
        try:
            for task in tasks[::50]:
                task.set("Description", GLib.Variant("s", "x"))
        except Failure:
            return True
        return False

    wait_for(is_found, "the damage is found")
    assert daemon.process.wait(30) == 1
    daemon.process = None
    assert (state / "trundle.db").read_bytes() == spoiled
    wait_for(lambda: not daemon.bus.has_owner(NAME), "the bus has seen it go")

    daemon.start()
    assert number_of(client.open_session("fresh")) > number_of(session)
    assert len(list(state.glob("spool.damaged-*"))) == 1


def kill_at_each_step(daemon, breaker, prepare, verify):
    """Each step of a start is the last one, and the next start goes on right."""
    for step in range(1, STEPS_MAX):
        prepare()
        breaker.arm(step)
        daemon.process = daemon.spawn("--idle-ms", "-1", **breaker.environment())
        wait_for(lambda: daemon.process.poll() is not None or daemon.bus.has_owner(NAME),
                 daemon.tail)
        breaker.disarm()
        if breaker.struck:
            daemon.process.wait(30)
            assert daemon.process.returncode == -signal.SIGKILL, daemon.tail()
            daemon.process = None
            daemon.start()
        verify(step)
        daemon.kill()
        if not breaker.struck:
            return breaker.steps()
    raise AssertionError("it never ends")


def load(state, name):
    """A state directory with that database in it, and a file of its task 21."""
    for path in sorted(state.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (state / "spool").mkdir(parents=True, exist_ok=True)
    (state / "spool" / "21").write_bytes(b"kept")
    with contextlib.closing(sqlite3.connect(state / "trundle.db")) as database:
        database.executescript((DATA / name).read_text())


def test_killed_while_setting_aside(stopped_daemon, client, state, breaker):
    daemon = stopped_daemon

    def prepare():
        load(state, "schema-2.sql")
        set_version(state, "trundle.db", 77)

    def verify(step):
        assert number_of(client.open_session(f"fresh-{step}")) > 17, step
        assert (state / "spool.newer-77" / "21").read_bytes() == b"kept", step
        assert (state / "trundle.db.newer-77").exists(), step
        assert not (state / "set-aside").exists(), step

    steps = kill_at_each_step(daemon, breaker, prepare, verify)
    assert sum("trundle.db" in step for step in steps) > 10, steps


def test_killed_while_migrating(stopped_daemon, client, state, breaker):
    daemon = stopped_daemon

    def prepare():
        load(state, "schema-1.sql")

    def verify(step):
        # What the schema's own test compares in full: here, that nothing is half done.
        session = client.open_session("main", app_id="org.example.App")
        assert session.results["existing"] and number_of(session) == 3, step
        assert len(session.list_tasks()) == 5, step
        assert not list(state.glob("trundle.db.*")), step
        assert (state / "spool" / "21").read_bytes() == b"kept", step

    steps = kill_at_each_step(daemon, breaker, prepare, verify)
    assert "fdatasync trundle.db-wal" in steps, steps
