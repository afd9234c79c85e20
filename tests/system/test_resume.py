# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Going on inside a file: laws 4 and 11, with real servers and real deaths."""

import random

import pytest
from parts.client import Failure
from parts.waiting import wait_for

MIB = 1024 * 1024
TAIL = 64 * 1024
MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"
DATES = f"Last-Modified: {MODIFIED}\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n"


def head_value(request, name):
    return next(iter(request.header(name)), None)


@pytest.fixture
def half(script):
    """A server that breaks off in the middle the first time; its behaviour afterwards is
    `half.then`, by default to serve ranges."""

    class Half:
        body = random.Random(1).randbytes(256 * 1024)
        tag = '"v1"'
        dates = ""  # instead of the tag
        cut = 3 * len(body) // 4
        requests = []

        def headers(self, length, tag=None):
            version = self.dates or f"ETag: {tag or self.tag}\r\n"
            return f"Content-Length: {length}\r\n{version}Accept-Ranges: bytes\r\n"

        def whole(self, conversation, body=None, tag=None):
            body = body or self.body
            conversation.send("HTTP/1.1 200 OK\r\n" + self.headers(len(body), tag) + "\r\n")
            conversation.send(body)
            return True

        def ranged(self, conversation, request):
            start, end = head_value(request, "Range").removeprefix("bytes=").split("-")
            start, end = int(start), int(end or len(self.body) - 1) + 1
            rest = self.body[start:end]
            conversation.send(
                "HTTP/1.1 206 Partial Content\r\n" + self.headers(len(rest))
                + f"Content-Range: bytes {start}-{end - 1}/{len(self.body)}\r\n\r\n")
            conversation.send(rest)
            return True

        then = ranged

        def handle(self, conversation, request):
            self.requests.append(request)
            if len(self.requests) == 1:
                conversation.send("HTTP/1.1 200 OK\r\n" + self.headers(len(self.body)) + "\r\n")
                conversation.send(self.body[:self.cut])
                return True
            return self.then(conversation, request)

    server = Half()
    server.requests = []
    server.handlers = [server.handle]
    script.on("/half", lambda *arguments: server.handlers[0](*arguments))
    server.url = script.url("/half")
    return server


def fetch_half(session, half):
    session.attach()
    task = session.create(half.url, start=True)
    session.wait_finished(1)
    return task


def resumed_at(session):
    return [s.arguments[1:] for s in session.client.heard("ResumedAtOffset")]


def test_goes_on_where_it_was_cut(session, half):
    """T-37.

    Fault (server): the connection is cut in the middle (T-37) | Proves: goes on at
    the byte it was cut, by If-Range; the file is right"""
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body
    assert head_value(half.requests[0], "Range") is None
    assert head_value(half.requests[1], "Range") == f"bytes={half.cut}-"
    assert head_value(half.requests[1], "If-Range") == half.tag
    assert resumed_at(session) == [(half.cut, len(half.body))]


def test_changed_meanwhile(session, half):
    """T-38: another version begins anew, and nothing of the first is left.

    Fault (server): cut, and another version on the server (T-38) | Proves: begins
    anew; nothing of the first version is left (law 11)"""
    other = bytes(reversed(half.body))
    half.then = lambda conversation, _request: half.whole(conversation, other, '"v2"')
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == other
    assert resumed_at(session) == [(0, len(other))]


def test_weak_tag_is_not_asked_for(session, half):
    """T-40.

    Fault (server): cut, and only a weak entity tag (T-40) | Proves: begins anew (law
    11)"""
    half.tag = 'W/"v1"'
    half.then = lambda conversation, _request: half.whole(conversation)
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body
    assert head_value(half.requests[1], "Range") is None
    assert not resumed_at(session)


def test_by_date(session, half):
    """T-39: with the last bytes once more, which are compared.

    Fault (server): cut, and nothing but a date says which version it was (T-39) | Proves:
    goes on at the byte it was cut; the file is right"""
    half.dates = DATES
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body
    assert head_value(half.requests[1], "Range") == f"bytes={half.cut - TAIL}-"
    assert head_value(half.requests[1], "If-Range") == MODIFIED
    assert resumed_at(session) == [(half.cut, len(half.body))]


def test_swapped_keeping_the_date(session, half):
    """Law 11: the date is the same and the bytes are not.

    Fault (server): cut, and another version of the same length and date on the server |
    Proves: the bytes that come again are compared; never a mix of both (law 11)"""
    first = half.body
    half.dates = DATES

    def swapped(conversation, request):
        half.body = bytes(reversed(first))
        if head_value(request, "Range") is None:
            return half.whole(conversation)
        return half.ranged(conversation, request)

    half.then = swapped
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == bytes(reversed(first))
    assert len(half.requests) == 3 and not resumed_at(session)


def test_date_of_the_same_second(session, half):
    """RFC 9110, 8.8.2.2: it may have been changed again.

    Fault (server): cut, and a date of the very second of the answer | Proves: begins anew
    (law 11)"""
    half.dates = DATES.replace(":38", ":37")
    half.then = lambda conversation, _request: half.whole(conversation)
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body
    assert head_value(half.requests[1], "Range") is None


def test_date_said_once(session, half):
    """A 206 need not repeat the date (RFC 9110, 15.3.7); it holds when cut again.

    Fault (server): cut twice, and the answer between the cuts bears no validator | Proves:
    goes on both times"""
    half.dates = DATES
    cut = half.cut + 10000

    def cut_again(conversation, request):
        if len(half.requests) > 2:
            return half.ranged(conversation, request)
        start = half.cut - TAIL
        conversation.send(
            "HTTP/1.1 206 Partial Content\r\n"
            f"Content-Length: {len(half.body) - start}\r\n"
            f"Content-Range: bytes {start}-{len(half.body) - 1}/{len(half.body)}\r\n\r\n")
        conversation.send(half.body[start:cut])
        return True

    half.then = cut_again
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body
    assert [head_value(request, "Range") for request in half.requests] == [
        None, f"bytes={half.cut - TAIL}-", f"bytes={cut - TAIL}-"]


@pytest.mark.parametrize("dates", ["", DATES])
def test_ranges_are_ignored(session, half, dates):
    """T-41.

    Fault (server): cut, and 200 to a resumed request (T-41) | Proves: begins anew, and
    says so"""
    half.dates = dates
    half.then = lambda conversation, _request: half.whole(conversation)
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body
    assert head_value(half.requests[1], "Range")
    assert resumed_at(session) == [(0, len(half.body))]


# The rest of the table is in tests/unit/test-worker-range.c and test-worker-tail.c.
@pytest.mark.parametrize("wrong, dates", [
    ({"start": 1}, ""),
    ({"start": 1}, DATES),
    ({"total": 1}, ""),
    ({"more": "Content-Encoding: gzip\r\n"}, DATES),
    ({"more": "Content-Type: multipart/byteranges; boundary=x\r\n"}, ""),
])
def test_wrong_range_is_not_appended(session, half, wrong, dates):
    """T-43: then it begins anew.

    Fault (server): a 206 with another Content-Range than was asked for, encoded, or in
    parts (T-43) | Proves: not appended; begins anew (law 11)"""
    half.dates = dates

    def answer(conversation, request):
        if head_value(request, "Range") is None:
            return half.whole(conversation)
        start = half.cut - (TAIL if dates else 0) + wrong.get("start", 0)
        rest = half.body[start:]
        line = (f"Content-Range: bytes {start}-{len(half.body) - 1}/"
                f"{len(half.body) + wrong.get('total', 0)}\r\n")
        conversation.send(
            "HTTP/1.1 206 Partial Content\r\n" + half.headers(len(rest))
            + line + wrong.get("more", "") + "\r\n")
        conversation.send(rest)
        return True

    half.then = answer
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body
    assert not resumed_at(session)


def test_range_not_satisfiable(session, half):
    """T-42: it begins anew.

    Fault (server): 416 to a resumed request (T-42) | Proves: begins anew"""

    def refuse(conversation, request):
        if head_value(request, "Range") is None:
            return half.whole(conversation)
        conversation.send(
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n"
            "Content-Range: bytes */7\r\n\r\n")
        return True

    half.then = refuse
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body


def test_suspended_three_times(session, nginx):
    """T-48."""
    content = nginx.add_file("thrice", 4 * MIB)
    session.attach()
    task = session.create(nginx.slow_url("thrice", MIB), start=True)
    for _ in range(3):
        before = task.get("BytesReceived")
        wait_for(lambda: task.get("BytesReceived") > before or session.finished(), "bytes come")
        if session.finished():
            break
        task.call("Suspend")
        wait_for(lambda: task.state == "suspended", "it is suspended")
        assert task.get("BytesReceived") >= before
        task.resume()
    session.wait_finished(1)
    assert task.error == "" and task.read() == content
    assert all(offset > 0 for offset, _expected in resumed_at(session))
    assert resumed_at(session)


def test_a_range(session, half):
    """T-48: bytes of the middle, cut and continued.

    Fault (server): a range is cut in the middle | Proves: goes on inside the range; the
    file is the range and nothing else"""
    first, length = 1000, 200000
    half.dates = DATES

    def cut_at_first(conversation, request):
        if len(half.requests) > 1:
            return half.ranged(conversation, request)
        conversation.send(
            "HTTP/1.1 206 Partial Content\r\n" + half.headers(length)
            + f"Content-Range: bytes {first}-{first + length - 1}/{len(half.body)}\r\n\r\n")
        conversation.send(half.body[first:first + 100000])
        return True

    def handle(conversation, request):
        half.requests.append(request)
        return cut_at_first(conversation, request)

    half.handlers[:] = [handle]
    session.attach()
    task = session.create(half.url, range=(first, length), start=True)
    session.wait_finished(1)
    assert task.error == "" and task.read() == half.body[first:first + length]
    assert task.get("BytesExpectedToReceive") == length
    assert [head_value(request, "Range") for request in half.requests] == [
        f"bytes={first}-{first + length - 1}",
        f"bytes={first + 100000 - TAIL}-{first + length - 1}"]
    assert head_value(half.requests[0], "If-Range") is None
    assert resumed_at(session) == [(100000, length)]


@pytest.mark.parametrize(
    "status, error, attempts", [(200, "ProtocolError", 3), (416, "HttpStatus", 1)])
def test_no_range_to_be_had(session, script, status, error, attempts):
    """Fault (server): no ranges, or none there | Proves: the task ends, and says why"""
    script.on("/whole", lambda conversation, _request: conversation.answer(status, b"whole"))
    session.attach()
    task = session.create(script.url("/whole"), range=(2, 2), start=True)
    session.wait_finished(1)
    assert task.error == error
    assert len(script.asked("/whole")) == attempts


def test_a_range_of_what_cannot_be_read(session, script):
    with pytest.raises(Failure) as failure:
        session.create(script.url("/x"), range=(2, 2), method="POST")
    assert failure.value.name == "InvalidArgument"
    with pytest.raises(Failure) as failure:
        session.create(script.url("/x"), headers=[("Range", "bytes=2-3")])
    assert failure.value.name == "InvalidArgument" and "range" in failure.value.message


def test_daemon_killed_goes_on_by_date(daemon, session, script):
    """Fault (daemon): SIGKILL in the middle, and nothing but a date says which version it
    was | Proves: goes on inside the file"""
    body = random.Random(2).randbytes(4 * MIB)
    common = "Connection: close\r\n" + DATES

    def serve(conversation, request):
        wanted = head_value(request, "Range")
        if wanted is None:
            conversation.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{common}\r\n")
            conversation.send(body[:3 * MIB])
            conversation.stall()
            return True
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        conversation.send(
            f"HTTP/1.1 206 Partial Content\r\nContent-Length: {len(body) - start}\r\n{common}"
            f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}\r\n\r\n")
        conversation.send(body[start:])
        return True

    script.on("/dated", serve)
    task = session.create(script.url("/dated"), start=True)
    wait_for(lambda: task.get("BytesReceived") == 3 * MIB, "three mebibytes have come")
    daemon.restart()
    session.client.signals.clear()
    session.attach()
    session.wait_finished(1)
    assert task.error == "" and task.read() == body
    assert head_value(script.asked("/dated")[1], "Range") == f"bytes={3 * MIB - TAIL}-"
    assert resumed_at(session) == [(3 * MIB, 4 * MIB)]


def test_daemon_killed_goes_on(daemon, session, nginx, inbox):
    """Fault (daemon): SIGKILL after the first mebibyte of four | Proves: goes on
    inside the file"""
    content = nginx.add_file("killed", 4 * MIB)
    task = session.create(nginx.slow_url("killed", 2 * MIB), inbox, destination_name="killed",
                          start=True)
    wait_for(lambda: task.get("BytesReceived") > MIB, "a mebibyte has come")
    daemon.restart()
    session.client.signals.clear()
    session.attach()
    session.wait_finished(1)
    assert task.error == "" and (inbox / "killed").read_bytes() == content
    assert [offset for offset, _expected in resumed_at(session) if offset > 0]
