# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life of tasks and sessions, as an app sees it."""

import os

import pytest
from parts.client import Client, Failure
from parts.waiting import drain, wait_for

MIB = 1024 * 1024


@pytest.fixture
def stalled(script):
    """An address that never answers until the test says script.gate.set()."""

    def handler(conversation, _request):
        conversation.stall()
        conversation.answer(200, b"late")

    script.on("/stalled.*", handler)
    return script.url("/stalled")


def test_cancel(session, stalled):
    task = session.create(stalled, start=True).wait_state("running")
    task.cancel()
    assert task.state == "finished"
    session.wait_finished(1)
    name, details = task.get("Error")
    assert name == "Cancelled" and "resume-data" not in details
    assert details["reason"] == "client" and details["message"] == "The task was cancelled"
    task.cancel()
    with pytest.raises(Failure) as failure:
        task.resume()
    assert failure.value.name == "BadState"
    assert len(session.finished()) == 1


def test_suspend_is_not_counted(session, nginx):
    nginx.add_file("t49", 10)
    task = session.create(nginx.url("t49"))
    assert task.state == "suspended"
    task.call("Suspend")
    task.call("Suspend")
    task.resume()
    session.wait_finished(1)
    assert task.error == ""


def test_suspend_and_resume_while_running(session, nginx):
    content = nginx.add_file("pauses", 4 * MIB)
    task = session.create(nginx.slow_url("pauses", 2 * MIB), start=True)
    for _ in range(3):
        task.wait_state("running", "finished")
        if task.state == "finished":
            break
        task.call("Suspend")
        assert task.state == "suspended"
        task.resume()
    session.wait_finished(1)
    assert task.error == "" and task.read() == content


def test_cancel_before_resume(session, nginx):
    task = session.create(nginx.url("never"))
    task.cancel()
    (event,) = session.wait_finished(1)
    with pytest.raises(Failure):
        task.resume()
    session.complete(event.arguments[0])
    assert session.list_tasks() == []
    with pytest.raises(Failure) as failure:
        task.get("State")
    assert failure.value.name == "NotFound"


def test_one_end_each(session, script):
    """T-51: cancelled in the moment of failing, many times.

    Fault (caller): Cancel in the moment of failing, forty times (T-51) | Proves: one
    TaskFinished each (law 7)"""
    script.on("/fail", lambda c, r: c.answer(404, b""))
    tasks = [session.create(script.url("/fail"), start=True) for _ in range(40)]
    for task in tasks:
        task.cancel()
    session.wait_finished(40)
    drain()
    assert sorted(s.arguments[1] for s in session.finished()) == sorted(
        task.path for task in tasks
    )
    assert {task.error for task in tasks} <= {"Cancelled", "HttpStatus"}


def test_list_tasks(session, nginx, stalled):
    nginx.add_file("done", 10)
    done = session.create(nginx.url("done"), start=True).wait_state("finished")
    running = session.create(stalled, start=True, group="g").wait_state("running")
    suspended = session.create(stalled, group="g")
    cancelled = session.create(stalled)
    cancelled.cancel()
    states = {path: row["State"] for path, row in session.list_tasks()}
    assert states == {
        done.path: "finished",
        running.path: "running",
        suspended.path: "suspended",
        cancelled.path: "finished",
    }
    assert [r[0] for r in session.list_tasks(state="running")] == [running.path]
    assert [r[0] for r in session.list_tasks(group="g")] == [running.path, suspended.path]
    page = session.list_tasks(limit=2)
    assert [r[0] for r in page] == [done.path, running.path]
    after = int(page[-1][0].rsplit("/", 1)[1])
    assert [r[0] for r in session.list_tasks(after=after)] == [
        suspended.path, cancelled.path]
    (row,) = session.list_tasks(limit=1, properties=["Url"])
    assert row == (done.path, {"Url": nginx.url("done")})


def test_finish_and_invalidate(session, nginx):
    nginx.add_file("last", MIB)
    tasks = [session.create(nginx.slow_url("last", 2 * MIB), start=True) for _ in range(3)]
    session.call("FinishTasksAndInvalidate")
    with pytest.raises(Failure) as failure:
        session.create(nginx.url("last"))
    assert failure.value.name == "BadState"
    session.wait_finished(3)
    last = session.events()[-1]
    session.complete(last.arguments[0])
    wait_for(lambda: session.client.heard("DidBecomeInvalid"), "the session's last word")
    kinds = [s.member for s in session.events()]
    assert kinds == ["TaskFinished"] * 3 + ["DidBecomeInvalid"]
    assert {s.arguments[1] for s in session.events()[:3]} == {t.path for t in tasks}


def test_invalidate_and_cancel(session, client, stalled):
    tasks = [session.create(stalled, start=True) for _ in range(3)]
    session.call("InvalidateAndCancel")
    wait_for(lambda: client.heard("DidBecomeInvalid"), "DidBecomeInvalid")
    events = session.events()
    assert [s.member for s in events] == ["TaskFinished"] * 3 + ["DidBecomeInvalid"]
    assert [s.arguments[1] for s in events[:3]] == [task.path for task in tasks]
    with pytest.raises(Failure) as failure:
        session.create(stalled)
    assert failure.value.name in ("BadState", "NotFound")
    again = client.open_session()
    assert again.path != session.path and not again.results["existing"]
    assert again.list_tasks() == []
    assert again.create(stalled).state == "suspended"


def test_session_in_use(session, bus):
    other = Client(bus)
    try:
        theirs = other.open_session()
        assert theirs.path == session.path and theirs.results["existing"]
        with pytest.raises(Failure) as failure:
            theirs.attach()
        assert failure.value.name == "SessionInUse"
        theirs.attach(observe=True)
        theirs.attach(replace=True)
        wait_for(lambda: session.client.heard("Detached"), "the loser hears of it")
        theirs.wait_did_finish_events()
    finally:
        other.close()


def test_observer_completes_nothing(session, bus, nginx):
    nginx.add_file("seen", 10)
    observer = Client(bus)
    try:
        theirs = observer.session(session.path)
        theirs.attach(observe=True)
        session.create(nginx.url("seen"), start=True)
        (event,) = session.wait_finished(1)
        with pytest.raises(Failure) as failure:
            theirs.complete(event.arguments[0])
        assert failure.value.name == "SessionInUse"
        session.complete(event.arguments[0])
    finally:
        observer.close()


def test_priority_decides(daemon, client, script):
    """T-75: one slot; the order of the requests is the order of the priorities."""
    def first(conversation, _request):
        conversation.stall()
        conversation.answer(200, b"")

    script.on("/first", first)
    script.on(r"/p/.*", lambda c, r: c.answer(200, b""))
    session = client.open_session("one", max_concurrent_tasks=1)
    session.attach()
    session.create(script.url("/first"), start=True, priority=1.0).wait_state("running")
    tasks = {
        name: session.create(script.url(f"/p/{name}"), start=True, priority=priority)
        for name, priority in [("low", 0.1), ("mid", 0.5), ("high", 0.9), ("mid2", 0.5),
                               ("late", 0.2)]
    }
    from gi.repository import GLib

    tasks["late"].set("Priority", GLib.Variant("d", 1.0))
    assert tasks["low"].get("WaitReasons") == ["slot-app"]
    script.gate.set()
    session.wait_finished(6)
    order = [r.target for r in script.requests if r.target.startswith("/p/")]
    assert order == ["/p/late", "/p/high", "/p/mid", "/p/mid2", "/p/low"]


def test_slots_per_host(daemon, client, stalled, script):
    """Law 13: who waits says why."""
    session = client.open_session("slots", max_connections_per_host=2)
    session.attach()
    tasks = [session.create(stalled, start=True) for _ in range(4)]
    wait_for(lambda: len(script.asked("/stalled")) == 2, "two are asked for")
    waiting = [task for task in tasks if task.state == "queued"]
    assert len(waiting) == 2
    assert all(task.get("WaitReasons") == ["slot-host"] for task in waiting)
    script.gate.set()
    session.wait_finished(4)
    assert script.most_open == 2


def test_six_per_host_is_the_default(session, script):
    def handler(conversation, _request):
        wait = len(script.requests) <= 6
        if wait:
            conversation.stall()
        conversation.answer(200, b"x")

    script.on("/many", handler)
    rows = [{"url": script.url("/many"), "start": True} for _ in range(50)]
    session.create_many(rows)
    wait_for(lambda: script.most_open == 6, "six at a time")
    script.gate.set()
    session.wait_finished(50)
    assert script.most_open == 6


def test_ten_thousand(daemon, session, nginx):
    """T-76, without asserting by the clock."""
    before = rss(daemon)
    rows = [{"url": nginx.url(f"t{n}")} for n in range(10000)]
    tasks = session.create_many(rows)
    assert len({task.path for task in tasks}) == 10000
    seen, after = [], 0
    while page := session.list_tasks(after=after, limit=1000):
        seen += [path for path, _row in page]
        after = int(seen[-1].rsplit("/", 1)[1])
    assert seen == [task.path for task in tasks]
    assert session.call("CancelTasks", "(a{sv})", {}) == 10000
    wait_for(lambda: len(session.finished()) == 10000, "all are told")
    session.complete(session.finished()[-1].arguments[0])
    assert session.list_tasks() == []
    # Bounded, not exact: the allocator keeps what it had, and the sanitizer's everything.
    assert "ASAN_OPTIONS" in os.environ or rss(daemon) - before < 64 * MIB


def rss(daemon):
    with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096


def handles(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_three_hundred_small_ones(daemon, session, nginx, inbox):
    content = nginx.add_file("small", 2000)
    session.create(nginx.url("small"), inbox, destination_name="warm", start=True)
    session.wait_finished(1)
    (worker,) = daemon.workers()
    before = handles(daemon.process.pid), handles(worker)
    for n in range(300):
        session.create(nginx.url("small"), inbox, destination_name=f"s{n}", start=True)
    session.wait_finished(301)
    assert all((inbox / f"s{n}").read_bytes() == content for n in range(300))
    wait_for(lambda: handles(daemon.process.pid) <= before[0] + 2, "no handle is kept")
    # The worker keeps the connections alive, six a host.
    assert daemon.workers() == [worker]
    wait_for(lambda: handles(worker) <= before[1] + 8, "nor in the worker")


def test_description_and_user_data(daemon, session, nginx):
    from gi.repository import GLib

    task = session.create(nginx.url("x"), description="one", user_data=b"\0\1\xff",
                          group="album")
    assert bytes(task.get("UserData")) == b"\0\1\xff"
    task.set("Description", GLib.Variant("s", "zwei"))
    task.set("UserData", GLib.Variant("ay", b"neu"))
    daemon.restart()
    assert task.get("Description") == "zwei"
    assert bytes(task.get("UserData")) == b"neu"
    assert task.get("Group") == "album"


def test_resume_comes_before_running(session, nginx):
    """What Resume promised is told in the order it happened."""
    nginx.add_file("order", 10)
    task = session.create(nginx.url("order"))
    session.client.signals.clear()
    task.resume()
    session.wait_finished(1)
    states = [
        s.arguments[1]["State"]
        for s in session.client.heard("PropertiesChanged", path=task.path)
        if "State" in s.arguments[1]
    ]
    assert states[-1] == "finished"
    ranks = ["suspended", "queued", "running", "finished"]
    assert [ranks.index(state) for state in states] == sorted(
        ranks.index(state) for state in states
    )


@pytest.mark.parametrize(
    "options",
    [{"priority": 1.5}, {"if_exists": "maybe"}, {"max_redirects": 1000}],
    ids=["bounds", "word", "count"],
)
def test_wrong_option(session, nginx, options):
    with pytest.raises(Failure) as failure:
        session.create(nginx.url("x"), **options)
    assert failure.value.name == "InvalidArgument"
    assert list(options)[0].replace("_", "-") in failure.value.message


def test_unknown_option(session, nginx):
    from gi.repository import GLib

    with pytest.raises(Failure) as failure:
        session.call("CreateDownloadTask", "(sa{sv})", nginx.url("x"),
                     {"no-such-key": GLib.Variant("s", "")})
    assert failure.value.name == "InvalidArgument"
    assert "no-such-key" in failure.value.message
