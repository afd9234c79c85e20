# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Going on inside a file: laws 4 and 11, with real servers and real deaths."""

import pytest
from parts.waiting import wait_for

MIB = 1024 * 1024


def head_value(request, name):
    return next(iter(request.header(name)), None)


@pytest.fixture
def half(script):
    """A server that breaks off in the middle the first time; its behaviour afterwards is
    `half.then`, by default to serve ranges."""

    class Half:
        body = bytes(range(256)) * 256
        tag = '"v1"'
        cut = len(body) // 2
        requests = []

        def headers(self, length, tag=None):
            return (f"Content-Length: {length}\r\nETag: {tag or self.tag}\r\n"
                    "Accept-Ranges: bytes\r\n")

        def whole(self, conversation, body=None, tag=None):
            body = body or self.body
            conversation.send("HTTP/1.1 200 OK\r\n" + self.headers(len(body), tag) + "\r\n")
            conversation.send(body)
            return True

        def ranged(self, conversation, request):
            start = int(head_value(request, "Range").removeprefix("bytes=").rstrip("-"))
            rest = self.body[start:]
            conversation.send(
                "HTTP/1.1 206 Partial Content\r\n" + self.headers(len(rest))
                + f"Content-Range: bytes {start}-{len(self.body) - 1}/{len(self.body)}\r\n\r\n")
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
    script.on("/half", server.handle)
    server.url = script.url("/half")
    return server


def fetch_half(session, half):
    session.attach()
    task = session.create(half.url, start=True)
    session.wait_finished(1)
    return task


def resumed_at(session):
    return [s.arguments[1:] for s in session.client.signals if s.member == "ResumedAtOffset"]


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


def test_wrong_range_is_not_appended(session, half):
    """T-43: then it begins anew.

    Fault (server): a 206 with another Content-Range than was asked for (T-43) |
    Proves: not appended; begins anew (law 11)"""

    def wrong(conversation, request):
        if head_value(request, "Range") is None:
            return half.whole(conversation)
        rest = half.body[half.cut + 1:]
        conversation.send(
            "HTTP/1.1 206 Partial Content\r\n" + half.headers(len(rest))
            + f"Content-Range: bytes {half.cut + 1}-{len(half.body) - 1}/{len(half.body)}\r\n\r\n")
        conversation.send(rest)
        return True

    half.then = wrong
    task = fetch_half(session, half)
    assert task.error == "" and task.read() == half.body


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
