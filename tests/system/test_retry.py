# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is tried again, when and where, and what is not: real servers that count."""

import email.utils
import hashlib
import os
import signal
import socket
import time

import pytest
from gi.repository import GLib
from parts.client import Failure, pack
from parts.waiting import wait_for

BODY = bytes(range(256)) * 256
DIGESTS = {"sha256": hashlib.sha256(BODY).hexdigest()}
QUICK = {"base-delay": GLib.Variant("t", 50), "jitter": GLib.Variant("d", 0.0)}


class Counter:
    """Answers the n-th request by the n-th of its answers, and by the last from then on."""

    def __init__(self, script, target, *answers):
        self.answers = answers
        self.times = []
        self.requests = []
        self.url = script.url(target)
        script.on(target, self.handle)

    def handle(self, conversation, request):
        self.times.append(time.monotonic())
        self.requests.append(request)
        return self.answers[min(len(self.times), len(self.answers)) - 1](conversation)


def answer(status, body=b"", *headers):
    return lambda conversation: conversation.answer(status, body, headers)


def hang_up(_conversation):
    return True


def stall(conversation):
    conversation.stall()
    return True


def half(conversation):
    conversation.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n")
    conversation.send(BODY[:len(BODY) // 2])
    return True


def dead_url():
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def fetch(session, url, **options):
    task = session.create(url, start=True, **options)
    session.wait_finished(1)
    return task


# ---- Retry-After ----


def test_waits_as_long_as_told(session, script):
    """Fault (server): 503 with Retry-After | Proves: tried again when it said, not before

    T-86.
    """
    server = Counter(script, "/busy", answer(503, b"", "Retry-After: 2"), answer(200, BODY))
    task = session.create(server.url, start=True)
    wait_for(lambda: "retry-after" in task.get("WaitReasons"), task.get_all)
    assert task.get("LastTransientError")[0] == "HttpStatus"
    assert task.get("NextAttemptAt") > time.time() * 1e6
    session.wait_finished(1)
    assert task.error == "" and task.read() == BODY
    assert 1.9 <= server.times[1] - server.times[0] <= 10
    assert task.get("Attempts") == 2


def test_waits_for_the_date(session, script):
    """Fault (server): 429 with a date to come back at | Proves: tried again then, not before

    T-86, the other form (RFC 9110 §10.2.3).
    """
    dates = []

    def until(conversation):
        dates.append(int(time.time()) + 3)
        conversation.answer(
            429, b"", ["Retry-After: " + email.utils.formatdate(dates[0], usegmt=True)])

    server = Counter(script, "/busy", until, answer(200, BODY))
    task = fetch(session, server.url)
    assert task.error == "" and len(server.times) == 2
    assert 1 <= server.times[1] - server.times[0] <= 10


def test_no_status_is_repeated_that_is_not_named(session, script):
    """T-86: without the status in `retry` it is the end at once."""
    server = Counter(script, "/busy", answer(503, b"", "Retry-After: 2"))
    task = fetch(session, server.url, retry={"statuses": GLib.Variant("au", [])})
    assert task.error == "HttpStatus" and len(server.times) == 1


def test_statuses_are_not_repeated_for_ever(session, script):
    """Fault (server): 500 for ever | Proves: five attempts, and the task says why it ended"""
    server = Counter(script, "/broken", answer(500))
    task = fetch(session, server.url, retry=QUICK)
    assert task.error == "HttpStatus" and len(server.times) == 5
    assert task.get("Attempts") == 5


# ---- law 12 ----


@pytest.mark.parametrize("ending", [hang_up, answer(503), answer(429, b"", "Retry-After: 1")])
def test_post_is_sent_once(session, script, ending):
    """Fault (server): a POST is cut off, or answered 503 or 429 | Proves: sent once (law 12)"""
    server = Counter(script, "/order", ending)
    task = fetch(session, server.url, method="POST", retry=QUICK)
    assert task.error in ("ConnectionLost", "HttpStatus")
    assert len(server.times) == 1


def test_post_that_may_be_repeated_is(session, script):
    server = Counter(script, "/order", hang_up, answer(503), answer(200, BODY))
    task = fetch(session, server.url, method="POST", idempotent=True, retry=QUICK)
    assert task.error == "" and len(server.times) == 3


def test_post_nobody_saw_is_sent(session):
    task = session.create(dead_url(), start=True, method="POST", retry=QUICK)
    wait_for(lambda: task.get("Attempts") >= 3, task.get_all)
    assert task.state != "finished"


def test_post_is_sent_once_whoever_dies(daemon, session, script):
    """Fault (daemon): SIGKILL of worker and daemon amid a POST | Proves: sent once (law 12)

    Neither a worker's nor the service's death makes it go out again.
    """
    server = Counter(script, "/order", stall)
    first = session.create(server.url, start=True, method="POST", retry=QUICK)
    wait_for(lambda: len(server.times) == 1, first.get_all)
    for pid in daemon.workers():
        os.kill(pid, signal.SIGKILL)
    session.wait_finished(1)
    second = session.create(server.url, start=True, method="POST", retry=QUICK)
    wait_for(lambda: len(server.times) == 2, second.get_all)
    daemon.restart()
    wait_for(lambda: second.state == "finished", second.get_all)
    assert second.error == "ConnectionLost" and len(server.times) == 2


@pytest.mark.parametrize("options, count, error", [
    ({}, 1, "ConnectionLost"),
    ({"retry_safe": True}, 3, ""),
    ({"idempotency_key": True}, 3, ""),
    ({"headers": [("Idempotency-Key", '"mine"')]}, 3, ""),
], ids=["no", "safe", "key", "own-key"])
def test_upload_whose_answer_is_lost(session, script, options, count, error):
    """Fault (server): takes all of a POST with a body and hangs up, twice | Proves: sent
    once; with `retry-safe` or a key again, and each time with the same key (law 12)"""
    server = Counter(script, "/order", hang_up, hang_up, answer(200, BODY))
    task = session.create_upload(server.url, b"an order", start=True, method="POST",
                                 retry=QUICK, **options)
    session.wait_finished(1)
    assert (task.error, len(server.requests)) == (error, count)
    assert {request.body for request in server.requests} == {b"an order"}
    keys = [request.header("idempotency-key") for request in server.requests]
    wanted = {"idempotency_key": [f'"{task.get("Uuid")}"'], "headers": ['"mine"']}
    assert keys == [next((wanted[name] for name in options if name in wanted), [])] * count


# ---- mirrors ----


def test_mirror_stands_in(session, script):
    """Fault (server): the first address is dead | Proves: a mirror is asked at once"""
    server = Counter(script, "/file", answer(200, BODY))
    task = fetch(session, dead_url(), mirrors=[server.url], digests=DIGESTS)
    assert task.error == "" and task.read() == BODY
    assert task.get("CurrentRequest")["url"] == server.url
    assert task.get("LastTransientError")[0] == "CannotConnect"


def test_mirror_serves_what_another_broke_off(session, script):
    """Fault (server): breaks off in the middle, then is dead | Proves: a mirror serves the file

    The first is asked again, since bytes came; when none come, the next.
    """
    first = Counter(script, "/first", half, hang_up)
    second = Counter(script, "/second", answer(200, BODY))
    task = fetch(session, first.url, mirrors=[second.url], digests=DIGESTS, retry=QUICK)
    assert task.error == "" and task.read() == BODY
    assert (len(first.times), len(second.times)) == (2, 1)


def test_mirror_with_the_wrong_file_is_left(session, script):
    """Fault (server): wrong content under the right tag | Proves: begun anew at a mirror"""
    wrong = Counter(script, "/wrong", answer(200, BODY[::-1], 'ETag: "same"'))
    right = Counter(script, "/right", answer(200, BODY, 'ETag: "same"'))
    task = fetch(session, wrong.url, mirrors=[right.url], digests=DIGESTS)
    assert task.error == "" and task.read() == BODY
    assert len(wrong.times) == 1
    assert not right.requests[0].header("Range")


def test_no_mirror_has_it(session, script):
    first = Counter(script, "/first", answer(404))
    second = Counter(script, "/second", answer(410))
    task = fetch(session, first.url, mirrors=[second.url], digests=DIGESTS)
    assert task.error == "HttpStatus" and task.get("Error")[1]["url"] == second.url
    assert (len(first.times), len(second.times)) == (1, 1)


def test_mirror_gets_no_secrets(session, script):
    """Law 9."""
    mirror = Counter(script, "/file", answer(200, BODY))
    headers = [("Cookie", "canary"), ("X-Plain", "plain")]
    fetch(session, dead_url(), mirrors=[mirror.url], digests=DIGESTS, headers=headers)
    assert mirror.requests[0].header("X-Plain") == ["plain"]
    assert not mirror.requests[0].header("Cookie")


def test_mirrors_need_a_digest(session):
    for digests in ({}, {"md5": hashlib.md5(BODY).hexdigest()}):
        with pytest.raises(Failure) as failure:
            session.create("http://localhost/", mirrors=["http://localhost/"], digests=digests)
        assert failure.value.name == "InvalidArgument" and "digests" in failure.value.message


# ---- the same task twice ----


def test_dedup_key(session, script):
    """T-87."""
    server = Counter(script, "/file", answer(200, BODY))
    task = session.create(server.url, dedup_key="k")
    again, other = session.create_many([
        {"url": server.url, "dedup-key": "k", "start": True},
        {"url": server.url, "dedup-key": "other"},
    ])
    assert again.path == task.path != other.path
    session.wait_finished(1)
    assert session.create(server.url, dedup_key="k", start=True).path == task.path
    assert len(server.times) == 1
    session.complete(session.finished()[-1].arguments[0])
    assert session.create(server.url, dedup_key="k").path != task.path


# ---- what the app says ----


def test_retry_after_the_end(daemon, session, script):
    server = Counter(script, "/file", answer(404), answer(200, BODY))
    task = fetch(session, server.url)
    assert task.error == "HttpStatus"
    task.call("Retry")
    assert session.get("PendingEvents") == 0
    wait_for(lambda: len(session.finished()) == 2, task.get_all)
    assert task.error == "" and task.read() == BODY and task.get("Attempts") == 2
    assert [row[0] for row in session.list_events()[0]] == [2]
    with pytest.raises(Failure) as failure:
        task.call("Retry")
    assert failure.value.name == "BadState"


def test_retry_survives_kill(daemon, session, client, script):
    """Fault (daemon): SIGKILL after Retry was answered | Proves: the end is withdrawn for good

    Law 1: the end is taken back for good.
    """
    server = Counter(script, "/file", answer(404), stall)
    task = fetch(session, server.url)
    task.call("Retry")
    daemon.restart()
    assert task.get("Error")[0] == "" and task.state in ("queued", "running")
    assert session.list_events() == ([], False)


def test_retry_keeps_what_was_received(session, script):
    """What has a validator goes on where it was."""

    def cut(conversation):
        conversation.send(
            f'HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\nETag: "v1"\r\n'
            "Accept-Ranges: bytes\r\n\r\n")
        conversation.send(BODY[:1000])
        return True

    def rest(conversation):
        conversation.answer(206, BODY[1000:], [
            'ETag: "v1"', f"Content-Range: bytes 1000-{len(BODY) - 1}/{len(BODY)}"])

    server = Counter(script, "/file", cut, rest)
    task = fetch(session, server.url, retry={"max-attempts": GLib.Variant("u", 1)})
    assert task.error == "ConnectionLost"
    task.call("Retry")
    wait_for(lambda: len(session.finished()) == 2, task.get_all)
    assert task.error == "" and task.read() == BODY
    assert server.requests[1].header("Range") == ["bytes=1000-"]


def test_retry_now(session, script):
    server = Counter(script, "/file", answer(503, b"", "Retry-After: 3600"), answer(200, BODY))
    task = session.create(server.url, start=True)
    wait_for(lambda: "retry-after" in task.get("WaitReasons"), task.get_all)
    task.call("Retry")
    session.wait_finished(1)
    assert task.error == ""


def test_update_request(session, script):
    """C-24: a token is old; the app gives a new one, and the task goes on."""
    server = Counter(script, "/file", answer(503, b"", "Retry-After: 3600"), answer(200, BODY))
    other = Counter(script, "/other", answer(200, BODY))
    task = session.create(server.url, start=True, headers=[("Authorization", "old")])
    wait_for(lambda: "retry-after" in task.get("WaitReasons"), task.get_all)
    task.call("UpdateRequest", "(a{sv})", pack({"headers": [("Authorization", "new")]}))
    session.wait_finished(1)
    assert server.requests[1].header("Authorization") == ["new"]
    assert task.error == "" and task.get("Durable") is False

    task = session.create(server.url)
    task.call("UpdateRequest", "(a{sv})", pack({"url": other.url}))
    assert task.get("Url") == other.url == task.get("OriginalRequest")["url"]
    task.resume()
    session.wait_finished(2)
    assert len(other.times) == 1
    with pytest.raises(Failure) as failure:
        task.call("UpdateRequest", "(a{sv})", {})
    assert failure.value.name == "BadState"
