# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bringing events to apps that are there, that are not, and that fail: law 7."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest
from parts.client import Client
from parts.daemon import query
from parts.waiting import drain, wait_for

APP = "org.example.TestApp"


@pytest.fixture
def small(nginx):
    nginx.add_file("event", 100)
    return nginx.url("event")


@pytest.fixture
def open_for_app(daemon, bus, app):
    """A session of the activatable app, opened by a process that then leaves."""

    def run(identifier="photos", **options):
        options = {"app_id": APP, "launch_without_display": True, **options}
        client = Client(bus)
        clients.append(client)
        return client.open_session(identifier, **options)

    clients = []
    yield run
    for client in clients:
        client.close()


def create(session, url, count):
    return [session.create(url, start=True) for _ in range(count)]


def test_app_is_woken_once(open_for_app, app, small):
    """T-64."""
    session = open_for_app()
    assert session.results["can-launch"] is True
    tasks = create(session, small, 5)
    session.client.close()
    app.wait_note("completed")
    kinds = [note["what"] for note in app.notes()]
    assert kinds.count("started") == 1
    events = app.notes("TaskFinished")
    sequences = [event["sequence"] for event in events]
    assert sequences == sorted(sequences) and len(sequences) == 5
    assert {event["task"] for event in events} == {task.path for task in tasks}
    assert kinds[-2:] == ["completed", "left"] or kinds[-1] == "completed"
    assert kinds.index("DidFinishEvents") > max(
        n for n, kind in enumerate(kinds) if kind == "TaskFinished"
    )
    assert app.notes("handle-events")[0]["identifier"] == "photos"
    assert app.notes("attached")[0]["woken"] is True


def test_app_that_does_not_want_to_be_woken(open_for_app, app, small, bus):
    """T-65.

    Fault (app): an app that wants no launches is away when its tasks end (T-65) |
    Proves: it is not launched; its events wait for Attach"""
    session = open_for_app(sends_launch_events=False)
    create(session, small, 2)
    wait_for(lambda: session.get("PendingEvents") == 2, "both are done")
    # A session that does want it is served meanwhile; by then this one had its chance.
    other = open_for_app("other")
    create(other, small, 1)
    other.client.close()
    app.wait_note("completed")
    assert {n["identifier"] for n in app.notes("handle-events")} == {"other"}
    assert session.get("Delivery") == "idle"
    session.attach()
    session.wait_did_finish_events()
    assert len(session.finished()) == 2


def test_app_dies_before_completing(open_for_app, app, small):
    """T-66, and the next process hears the rest: events are told again, in order.

    Fault (app): the app dies in the middle of the replay (T-66) | Proves: the next
    process hears everything again, in order, flagged"""
    app.behave("dies-after 2")
    session = open_for_app()
    create(session, small, 4)
    session.client.close()
    wait_for(lambda: len(app.notes("TaskFinished")) >= 2, "the first life")
    app.behave("normal")
    app.wait_note("completed", timeout=45)
    first, second = [], []
    pids = []
    for note in app.notes("TaskFinished"):
        if note["pid"] not in pids:
            pids.append(note["pid"])
        (first if note["pid"] == pids[0] else second).append(note)
    assert len(first) == 2 and not any(note["redelivered"] for note in first)
    assert [note["sequence"] for note in second] == [1, 2, 3, 4]
    assert [note["redelivered"] for note in second][:2] == [True, True]


@pytest.fixture
def run_app(bus, app, environment):
    """Starts the app as if by hand; it attaches to the session at once."""

    def run(session, behaviour):
        app.behave(behaviour)
        processes.append(subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).parent / "parts" / "app.py"), APP,
             str(app.log), str(app.behaviour)],
            env=dict(os.environ, DBUS_SESSION_BUS_ADDRESS=bus.address,
                     TRUNDLE_APP_SESSION=session.path)))
        return processes[-1]

    processes = []
    yield run
    for process in processes:
        process.kill()
        process.wait(10)


def test_app_dies_in_its_handler_three_times(open_for_app, app, run_app, small):
    """T-66, P-14.

    Fault (app): the app dies in its handler of the second of four events, three times |
    Proves: each next process hears all four again, in order, what was told flagged;
    completed once, they never come back (law 7)"""
    session = open_for_app(sends_launch_events=False)
    create(session, small, 4)
    wait_for(lambda: session.get("PendingEvents") == 4, "all are done")
    for death in range(1, 4):
        assert run_app(session, "dies-after 2").wait(30) == 9
        assert len(app.notes("TaskFinished")) == 2 * death
        assert session.get("PendingEvents") == 4
    process = run_app(session, "normal")
    assert process.wait(30) == 0
    last = [n for n in app.notes("TaskFinished") if n["pid"] == process.pid]
    assert [n["sequence"] for n in last] == [1, 2, 3, 4]
    assert [n["redelivered"] for n in last][:2] == [True, True]
    assert session.get("PendingEvents") == 0 and session.list_tasks() == []
    assert session.attach()["pending"] == 0


def test_app_blocks_in_its_handler(open_for_app, app, run_app, small, client):
    """T-67, P-14.

    Fault (app): the app is stopped (SIGSTOP) in its handler of the first event, while its
    own tasks and those of others end | Proves: nothing is lost and nobody else is held up;
    when it goes on it hears all in order, each once, and completes"""
    session = open_for_app(sends_launch_events=False)
    create(session, small, 3)
    wait_for(lambda: session.get("PendingEvents") == 3, "all are done")
    process = run_app(session, "blocks 1 8")
    state = pathlib.Path(f"/proc/{process.pid}/stat")
    wait_for(lambda: state.read_text().rsplit(")", 1)[1].split()[0] == "T", "it is stopped")

    other = client.open_session("other")
    other.attach()
    create(other, small, 20)
    other.wait_finished(20)
    create(session, small, 5)
    wait_for(lambda: session.get("PendingEvents") == 8, "its own are done as well")
    assert session.get("Delivery") == "offering"

    process.send_signal(signal.SIGCONT)
    assert process.wait(30) == 0
    sequences = [n["sequence"] for n in app.notes("TaskFinished")]
    assert sequences == list(range(1, 9))
    assert session.get("PendingEvents") == 0


def test_attaches_twice(session, small):
    """Fault (app): the consumer attaches again over the same connection | Proves: what is
    not completed is told again from the first on, in order and flagged; completed, never"""
    create(session, small, 3)
    wait_for(lambda: session.wait_did_finish_events() == 3, "all are done and told")
    session.complete(1)
    session.client.signals.clear()
    assert session.attach()["pending"] == 2
    session.wait_did_finish_events()
    assert [s.arguments[0] for s in session.finished()] == [2, 3]
    assert all(s.arguments[2]["redelivered"] for s in session.finished())
    session.complete(3)
    session.client.signals.clear()
    assert session.attach()["pending"] == 0
    session.wait_did_finish_events()
    assert not session.finished()


def test_app_that_never_attaches(open_for_app, app, small, bus):
    """T-68: the signal is repeated, the events are kept, the state can be read.

    Fault (app): the app starts and never attaches (T-68) | Proves: the signal is
    repeated, the events are kept"""
    app.behave("deaf")
    session = open_for_app()
    create(session, small, 2)
    app.wait_note("handle-events", count=2)
    assert session.get("Delivery") == "launching"
    assert session.get("PendingEvents") == 2
    assert len(app.notes("started")) == 1
    session.attach()
    session.wait_did_finish_events()
    assert [s.arguments[0] for s in session.finished()] == [1, 2]


def test_app_that_cannot_be_started(open_for_app, app, small):
    """Fault (app): the app exits before it has its name | Proves: the session rests,
    and launches again later"""
    app.behave("leaves")
    session = open_for_app()
    create(session, small, 1)
    app.wait_note("started")
    wait_for(lambda: session.get("Delivery") == "resting", "it rests")
    assert session.get("NextLaunchAt") > 0
    app.behave("normal")
    app.wait_note("completed", timeout=45)


def test_app_that_is_there_is_not_launched(open_for_app, app, small):
    session = open_for_app()
    session.attach()
    create(session, small, 1)
    session.wait_finished(1)
    session.complete(1)
    drain()
    assert not app.notes()


def test_session_without_app_is_never_launched(daemon, client, small):
    session = client.open_session("anonymous")
    assert session.results["can-launch"] is False
    create(session, small, 1)
    wait_for(lambda: session.get("PendingEvents") == 1, "done")
    assert session.get("Delivery") in ("idle", "resting")


def test_consumer_leaves_and_observer_hears(session, bus, small):
    """Fault (app): the consumer vanishes with an event uncompleted | Proves: another
    process of the app is told and takes over"""
    other = Client(bus)
    try:
        theirs = other.session(session.path)
        theirs.attach(observe=True)
        create(session, small, 1)
        session.wait_finished(1)
        session.client.close()
        wait_for(lambda: other.heard("ConsumerLeft"), "ConsumerLeft")
        theirs.attach()
        theirs.wait_did_finish_events()
        assert theirs.finished()[-1].arguments[2]["redelivered"] is True
    finally:
        other.close()


def test_replay_order(daemon, client, bus, small):
    """The reply first, then all events in order, then DidFinishEvents; also for none."""
    session = client.open_session()
    create(session, small, 20)
    wait_for(lambda: session.get("PendingEvents") == 20, "all are done")
    client.signals.clear()
    replied = []
    client.call_later(session.path, session.INTERFACE, "Attach", "(a{sv})", ({},),
                      lambda reply: replied.append((reply, len(client.signals))))
    wait_for(lambda: replied, "the reply")
    (result,), heard = replied[0]
    assert heard == 0
    assert result["pending"] == 20 and result["last-sequence"] == 20
    session.wait_did_finish_events()
    told = client.heard("TaskFinished", "DidFinishEvents", path=session.path)
    assert [s.arguments[0] for s in told] == list(range(1, 21)) + [20]
    empty = client.open_session("empty")
    assert empty.attach()["pending"] == 0
    assert empty.wait_did_finish_events() == 0


def test_did_finish_events_when_all_is_done(session, small):
    create(session, small, 3)
    session.wait_did_finish_events(2)
    told = session.client.heard("TaskFinished", "DidFinishEvents", path=session.path)
    kinds = [s.member for s in told]
    assert kinds[0] == kinds[-1] == "DidFinishEvents"
    assert kinds.count("TaskFinished") == 3


def test_auto_complete(daemon, client, small, inbox):
    """For callers that do not come back: nothing waits for them."""
    session = client.open_session("shell", auto_complete=True)
    session.create(small, inbox, destination_name="f", start=True)
    wait_for(lambda: session.list_tasks() == [], "forgotten when done")
    assert (inbox / "f").exists()
    assert session.get("PendingEvents") == 0


def test_events_can_be_pulled(daemon, client, small):
    session = client.open_session("pull")
    create(session, small, 5)
    wait_for(lambda: session.get("PendingEvents") == 5, "all are done")
    events, more = session.list_events(0, 3)
    assert [e[0] for e in events] == [1, 2, 3] and more is True
    assert {e[1] for e in events} == {"TaskFinished"}
    events, more = session.list_events(3, 3)
    assert [e[0] for e in events] == [4, 5] and more is False
    session.complete(5)
    assert session.list_events() == ([], False)


def test_complete_beyond_the_last(session, small):
    from parts.client import Failure

    create(session, small, 1)
    session.wait_finished(1)
    with pytest.raises(Failure) as failure:
        session.complete(99)
    assert failure.value.name == "InvalidArgument"


def test_state_and_event_are_one(daemon, client, small, state):
    """Law 5: killed at any moment, a finished row has its event and no other row has one.

    Fault (daemon): SIGKILL among the ends of 36 tasks | Proves: a finished row has
    its event, and no other row has one (law 5)"""
    session = client.open_session()
    for n in range(6):
        create(session, small, 6)
        wait_for(lambda n=n: session.get("PendingEvents") > 6 * n, "one of them is done")
        daemon.kill()
        # 4 is finished; an event of kind 0 is TaskFinished.
        finished = query(state, "SELECT id FROM task WHERE state = 4 ORDER BY id")
        told = query(state, "SELECT task_id FROM event WHERE kind = 0 ORDER BY task_id")
        assert told == finished
        daemon.start()
        wait_for(lambda n=n: session.get("PendingEvents") == 6 * (n + 1), "the others")
