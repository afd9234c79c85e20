# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks that begin later, asking before they do (T-71), and clocks that are set."""

import signal
import time

import pytest
from gi.repository import GLib
from parts.client import Client, Failure, pack
from parts.daemon import query
from parts.waiting import wait_for
from parts.wall import Wall

APP = "org.example.TestApp"
SECOND = 1000 * 1000
HOUR = 3600 * SECOND
DAY = 24 * 3600
YEARS = 10 * 365 * DAY


def now_us():
    return int(time.time() * 1e6)


@pytest.fixture
def noted(script):
    """A server that notes when it was asked."""
    script.times = []

    def answer(conversation, _request):
        script.times.append(now_us())
        conversation.answer(200, b"there")

    script.on("/noted.*", answer)
    return script


@pytest.fixture
def wall(top):
    return Wall(top)


@pytest.fixture
def set_daemon(stopped_daemon, wall):
    """One whose clock on the wall is the test's."""
    return stopped_daemon.start(**wall.environment())


def attached(client, identifier="main", **options):
    session = client.open_session(identifier, **options)
    session.attach()
    session.wait_did_finish_events()
    return session


def later(session, url, delay_us, base_us=None, **options):
    date_us = (base_us or now_us()) + delay_us
    task = session.create(url, start=True, earliest_begin=date_us, **options)
    task.date_us = date_us
    return task


def answer(task, disposition, **request):
    task.call("RespondToDelayedRequest", "(sa{sv})", disposition, pack(request))


# ---- dates ----


def test_begins_at_its_date(session, noted):
    """T-71."""
    task = later(session, noted.url("/noted"), 3 * SECOND)
    wait_for(lambda: task.get("WaitReasons") == ["earliest-begin"], "it says why it waits")
    assert task.state == "queued"
    assert task.get("NextAttemptAt") == task.date_us
    assert task.get("EarliestBegin") == task.date_us
    assert task.get("Deadline") == 0
    session.wait_finished(1)
    assert task.date_us <= noted.times[0] < task.date_us + SECOND
    # Not from Resume, but from the date.
    assert abs(task.get("Deadline") - task.date_us - 7 * DAY * SECOND) < SECOND


def test_date_survives_kill(daemon, client, noted):
    """Fault (daemon): kill -9 before the earliest begin of a task | Proves: it begins then,
    and not before"""
    session = attached(client)
    task = later(session, noted.url("/noted"), 3 * SECOND)
    daemon.restart()
    session.attach()
    wait_for(lambda: task.get("WaitReasons") == ["earliest-begin"], "it still waits")
    session.wait_finished(1)
    assert task.date_us <= noted.times[0] < task.date_us + SECOND


def test_another_date(session, noted):
    task = later(session, noted.url("/noted"), HOUR)
    task.set("EarliestBegin", GLib.Variant("x", task.date_us + HOUR))
    assert task.get("NextAttemptAt") == task.date_us + HOUR
    with pytest.raises(Failure) as failure:
        task.set("EarliestBegin", GLib.Variant("x", -1))
    assert failure.value.name == "InvalidArgument"
    task.set("EarliestBegin", GLib.Variant("x", 0))
    session.wait_finished(1)
    with pytest.raises(Failure) as failure:
        task.set("EarliestBegin", GLib.Variant("x", now_us()))
    assert failure.value.name == "BadState"


# ---- asking ----


def test_app_is_asked(daemon, bus, app, noted):
    """T-71: the app is started for the question, though a task is not finished.

    Fault (app): killed in its handler, before it answers whether a task may begin | Proves:
    it is started and asked again, and the task begins by its answer"""
    client = Client(bus)
    session = client.open_session("photos", app_id=APP, launch_without_display=True)
    app.behave("dies-after 1")
    session.create(noted.url("/noted-other"))
    later(session, noted.url("/noted"), SECOND, notify_before_start=True)
    client.close()
    first = app.wait_note("WillBeginDelayedRequest")[0]
    assert first["redelivered"] is False
    assert app.notes("attached")[0]["reason"] == "delayed-request"
    app.behave("normal")
    app.wait_note("answered")
    again = app.notes("WillBeginDelayedRequest")[1]
    assert again["redelivered"] is True and again["sequence"] == first["sequence"]
    wait_for(lambda: noted.asked("/noted"), "it begins")


def test_answers(session, noted):
    """T-71: another request is honoured; who is cancelled is not asked for."""
    other = later(session, noted.url("/noted-1"), SECOND, notify_before_start=True)
    gone = later(session, noted.url("/noted-2"), SECOND, notify_before_start=True)
    plain = later(session, noted.url("/noted-3"), SECOND, notify_before_start=True,
                  headers=[("Authorization", "Basic c2VjcmV0"), ("X-Plain", "yes")])
    with pytest.raises(Failure) as failure:
        answer(other, "continue-loading")
    assert failure.value.name == "BadState"
    wait_for(lambda: len(session.events()) == 3, "all are asked about")
    questions = {event.arguments[1]: event.arguments[2] for event in session.events()}
    assert {event.member for event in session.events()} == {"WillBeginDelayedRequest"}
    for task in (other, gone, plain):
        details = questions[task.path]
        assert details["earliest-begin"] == task.date_us
        assert task.get("WaitReasons") == ["delayed-request"]
        assert abs(details["deadline"] - task.get("NextAttemptAt")) < SECOND
    # Law 9.
    assert questions[plain.path]["request"] == {
        "url": noted.url("/noted-3"), "method": "GET", "headers": [("X-Plain", "yes")],
    }

    for words in (("maybe", {}), ("use-new-request", {}), ("cancel", {"method": "HEAD"})):
        with pytest.raises(Failure) as failure:
            answer(other, words[0], **words[1])
        assert failure.value.name == "InvalidArgument"
    answer(other, "use-new-request", url=noted.url("/noted-4"), headers=[("X-New", "1")])
    answer(gone, "cancel")
    answer(plain, "continue-loading")
    session.wait_finished(3)
    assert gone.error == "Cancelled" and gone.get("Error")[1]["reason"] == "client"
    assert not noted.asked("/noted-1") and not noted.asked("/noted-2")
    assert noted.asked("/noted-3")[0].header("Authorization") == ["Basic c2VjcmV0"]
    assert noted.asked("/noted-4")[0].header("X-New") == ["1"]
    with pytest.raises(Failure) as failure:
        answer(other, "continue-loading")
    assert failure.value.name == "BadState"


def test_no_answer(daemon, client, noted):
    """The question and the time to answer it survive the daemon; completing its event is
    no answer.

    Fault (daemon): kill -9 while an app is asked before a task begins | Proves: the
    question is there again, and the task begins when the time to answer is over"""
    session = attached(client)
    task = later(session, noted.url("/noted"), 0, notify_before_start=True,
                 delayed_request_timeout=4000)
    wait_for(lambda: len(session.events()) == 1, "it is asked about")
    asked_us = now_us()
    daemon.restart()
    session.attach()
    wait_for(lambda: len(session.events()) == 2, "it is asked about again")
    first, again = session.events()
    assert again.arguments[0] == first.arguments[0]
    assert again.arguments[2]["redelivered"] is True
    session.complete(again.arguments[0])
    assert task.get("WaitReasons") == ["delayed-request"]
    session.wait_finished(1)
    assert asked_us + 3 * SECOND < noted.times[0] < asked_us + 6 * SECOND


def test_suspended_while_asked(session, noted):
    task = later(session, noted.url("/noted"), 0, notify_before_start=True)
    wait_for(lambda: len(session.events()) == 1, "it is asked about")
    task.call("Suspend")
    with pytest.raises(Failure) as failure:
        answer(task, "continue-loading")
    assert failure.value.name == "BadState"
    task.resume()
    wait_for(lambda: len(session.events()) == 2, "it is asked about anew")
    answer(task, "continue-loading")
    session.wait_finished(1)


# ---- clocks ----


@pytest.mark.parametrize("by", [-DAY, YEARS])
def test_setting_the_clock_moves_no_delay(set_daemon, wall, client, script, by):
    """Fault (time): set back a day, or on by ten years, amid back-off, transfer and rest |
    Proves: nothing is early, late or expired"""
    asked = []

    def refuse_once(conversation, _request):
        asked.append(time.monotonic())
        conversation.answer(503 if len(asked) == 1 else 200, b"x")

    script.on("/refused", refuse_once)
    script.on("/stalled", lambda c, r: c.stall())
    session = attached(client)
    stalled = session.create(script.url("/stalled"), start=True)
    stalled.wait_state("running")
    refused = session.create(script.url("/refused"), start=True)
    wait_for(lambda: refused.get("WaitReasons") == ["back-off"], "it is to be tried again")
    left_us = refused.get("NextAttemptAt") - wall.now_us()
    wall.set(by)
    # What is shown is true by the clock there is now.
    assert abs(refused.get("NextAttemptAt") - wall.now_us() - left_us) < 2 * SECOND
    assert abs(stalled.get("Deadline") - wall.now_us() - 7 * DAY * SECOND) < 60 * SECOND
    session.wait_finished(1, timeout=10)
    assert 0.7 < asked[1] - asked[0] < 5
    assert stalled.state == "running"

    set_daemon.restart(**wall.environment())
    session.attach()
    stalled.wait_state("running")
    assert abs(stalled.get("Deadline") - wall.now_us() - 7 * DAY * SECOND) < 60 * SECOND


def test_setting_the_clock_past_a_date(set_daemon, wall, client, noted):
    session = attached(client)
    task = later(session, noted.url("/noted"), HOUR)
    wait_for(lambda: task.get("WaitReasons") == ["earliest-begin"], "it waits")
    wall.set(3601)
    # See set-wall.c: it looks again for any reason.
    session.create(noted.url("/noted-other"), start=True)
    session.wait_finished(2)
    assert noted.asked("/noted")


def test_setting_the_clock_back_before_a_date(set_daemon, wall, client, noted):
    session = attached(client)
    wall.set(DAY)
    task = later(session, noted.url("/noted"), 2 * SECOND, base_us=wall.now_us())
    wall.set(0)
    session.create(noted.url("/noted-other"), start=True)
    session.wait_finished(1)
    wait_for(lambda: task.get("WaitReasons") == ["earliest-begin"], "it waits for a day")
    assert task.get("NextAttemptAt") == task.date_us
    assert not noted.asked("/noted")


def test_moments_bear_both_clocks(daemon, client, state, noted):
    session = attached(client)
    session.create(noted.url("/noted"), start=True, priority=0.1)
    session.wait_finished(1)
    session.call("Flush")
    daemon.kill()
    wall_us, boot_us = query(state, "SELECT deadline_us, deadline_boot_us FROM task")[0]
    left_us = 7 * DAY * SECOND
    boot_now_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    assert abs(wall_us - left_us - now_us()) < 60 * SECOND
    assert abs(boot_us - left_us - boot_now_us) < 60 * SECOND
    daemon.start()


def test_settles_in_however_busy(stopped_daemon, client, state):
    """What a start leaves for later is done soon, also for one who is never left in peace."""
    stopped_daemon.start()
    stopped_daemon.end(signal.SIGTERM)
    boot = (state / "boot").read_bytes()
    calendar = (state / "calendar").read_bytes() if (state / "calendar").exists() else b""
    stopped_daemon.start()

    def has_settled():
        client.call("/org/freedesktop/BackgroundTransfer1",
                    "org.freedesktop.BackgroundTransfer1", "ListSessions")
        return ((state / "boot").read_bytes() != boot
                and (state / "calendar").exists()
                and (state / "calendar").read_bytes() != calendar)

    wait_for(has_settled, "it has looked at the clocks, and at what is old")
