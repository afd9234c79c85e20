# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads by the IETF draft "Resumable Uploads for HTTP" (T-80 to T-85), with a server
that keeps account of every byte."""

import random

import pytest
from parts.client import SOON
from parts.resumable import Fault, Resumable

MIB = 1024 * 1024
DATA = random.Random(80).randbytes(300 * 1000)


@pytest.fixture(params=[8, 6])
def server(request, session):
    """One whose version the session has found out."""
    server = Resumable(request.param)
    server.introduce(session)
    yield server
    server.stop()


@pytest.fixture
def newest():
    server = Resumable()
    yield server
    server.stop()


def send(session, server, data=DATA, **options):
    task = session.create_upload(server.url("/files/a"), data, start=True, retry=SOON,
                                 **options)
    task.wait_state("finished")
    return task


def assert_sent(task, server, data=DATA, answer=b"stored"):
    assert task.error == "" and task.read() == answer
    assert task.get("BytesSent") == task.get("BytesConfirmed") == len(data)
    server.assert_once(data)


def test_uninterrupted(session, server):
    """T-80: one request, and what is confirmed on the way is heard."""
    server.mark = 64 * 1024
    task = send(session, server, method="POST")
    assert_sent(task, server)
    assert server.asked_methods() == ["POST"]


def test_empty(session, server):
    """T-80, with nothing to send."""
    task = send(session, server, b"")
    assert_sent(task, server, b"")
    assert server.asked_methods() == ["PUT"]


@pytest.mark.parametrize("after", [0, 100 * 1000, len(DATA)])
def test_cut(session, server, after):
    """T-81.

    Fault (server): an upload is cut after some bytes, or all of them (T-81) | Proves: the
    rest is appended where the server is; not a byte is sent twice"""
    server.faults = [Fault("cut", after)]
    task = send(session, server, method="POST")
    assert_sent(task, server)
    assert server.asked_methods() == ["POST", "HEAD", "PATCH"]


def test_server_error(session, server):
    """T-81, with words."""
    server.faults = [Fault(502, 100 * 1000)]
    task = send(session, server, method="POST")
    assert_sent(task, server)
    assert server.asked_methods() == ["POST", "HEAD", "PATCH"]


def test_cut_again_and_again(session, server):
    """Fault (server): an upload and what goes on with it are cut, again and again |
    Proves: it comes to its end; not a byte is stored twice"""
    dice = random.Random(server.version)
    server.faults = [Fault("cut", dice.randrange(60 * 1000)) for _ in range(2)]
    server.faults.insert(1, Fault("reset", is_early=True, method="HEAD"))
    task = send(session, server, method="POST")
    assert_sent(task, server)
    assert task.get("Attempts") > 1


def test_answer_is_lost(session, server):
    """Fault (server): all of an upload is there, and its answer is lost | Proves: nothing
    is sent again; the answer is, where the version has words for that"""
    server.faults = [Fault("lose")]
    task = send(session, server, method="POST")
    if server.version == 8:
        assert_sent(task, server)
        assert server.asked_methods() == ["POST", "HEAD", "PATCH"]
    else:
        assert_sent(task, server, answer=b"")
        assert server.asked_methods() == ["POST", "HEAD"]
    assert server.received == len(DATA)


def test_answer_breaks_off(session, server):
    """Fault (server): all of an upload is there, and the connection is cut behind the head
    of its answer, again and again | Proves: nothing is sent again; the answer is, where the
    version has words for that"""
    server.faults = [Fault("behead"), *[Fault("behead", method="PATCH") for _ in range(2)]]
    task = send(session, server)
    if server.version == 8:
        assert_sent(task, server)
        assert server.asked_methods() == ["PUT", *["HEAD", "PATCH"] * 3]
    else:
        assert_sent(task, server, answer=b"")
        assert server.asked_methods() == ["PUT", "HEAD"]
    assert server.received == len(DATA)


def test_answer_is_not_kept(session, newest):
    newest.faults = [Fault("lose")]
    newest.keeps_answer = False
    task = send(session, newest, method="POST")
    assert_sent(task, newest, answer=b"")
    assert newest.asked_methods() == ["POST", "HEAD", "PATCH", "HEAD"]


@pytest.mark.parametrize("version", [7, 9, ""])
def test_other_version(session, newest, version):
    """T-82.

    Fault (server): a 104 of another version of the draft, or of none, and a cut (T-82) |
    Proves: it is not believed; the upload begins anew"""
    newest.says = version
    newest.faults = [Fault("cut", 50 * 1000)]
    task = send(session, newest)
    assert task.error == "" and newest.asked_methods() == ["PUT", "PUT"]
    first, second = newest.uploads
    assert first.offset == 50 * 1000 and bytes(second.data) == DATA


def test_other_offset(session, server):
    """T-83.

    Fault (server): what it has grew after it was asked (T-83) | Proves: it is asked again;
    goes on where it is now"""
    server.faults = [Fault("cut", 100 * 1000)]
    server.misleads = [50 * 1000]
    task = send(session, server, method="POST")
    assert_sent(task, server)
    assert server.asked_methods() == ["POST", "HEAD", "PATCH", "HEAD", "PATCH"]


def test_less_than_confirmed(session, server):
    """T-83: what is kept is kept.

    Fault (server): it has less than it had confirmed (T-83) | Proves: nothing is appended
    to that; what is there is let go, and the request is not repeated (law 12)"""
    server.mark = 64 * 1024
    server.faults = [Fault("lose")]
    server.misleads = [1000]
    task = send(session, server, method="POST")
    assert task.error == "ProtocolError"
    assert server.asked_methods() == ["POST", "HEAD", "DELETE"]


def test_limit_of_a_request(session, server):
    """T-84."""
    data = random.Random(84).randbytes(3 * MIB)
    server.limits = {"max-append-size": MIB}
    server.faults = [Fault("cut", 0)]
    task = send(session, server, data, method="POST")
    assert_sent(task, server, data)
    assert server.asked_methods() == ["POST", "HEAD", "PATCH", "PATCH", "PATCH"]


def test_limit_of_the_first_request(session, newest):
    """T-84, where the first is one that is too large."""
    data = random.Random(84).randbytes(3 * MIB)
    newest.limits = {"max-append-size": MIB}
    task = send(session, newest, data, method="POST")
    assert_sent(task, newest, data)
    assert set(newest.asked_methods()[1:]) == {"HEAD", "PATCH"}


def test_limit_of_an_upload(session, server):
    """Not sent in vain."""
    server.limits = {"max-size": 1000}
    task = send(session, server, method="POST")
    assert task.error in ("TooLarge", "HttpStatus")
    assert "PATCH" not in server.asked_methods()


@pytest.mark.parametrize("status", [404, 410])
def test_place_is_gone(session, server, status):
    """T-85.

    Fault (server): it has lost an upload that was cut (T-85) | Proves: begins anew, once"""
    server.gone_status = status
    server.faults = [Fault("cut", 100 * 1000)]
    server.roll = lambda request: request.method == "HEAD" and server.expire(server.uploads[0])
    task = send(session, server)
    assert task.error == "" and server.asked_methods() == ["PUT", "HEAD", "PUT"]
    assert bytes(server.uploads[1].data) == DATA


def test_place_is_gone_always(session, server):
    """T-85: but not for ever."""
    server.roll = lambda request: (Fault("cut", 100 * 1000) if request.method == "PUT"
                                   else server.expire(server.uploads[-1]))
    task = send(session, server)
    assert task.error == "ProtocolError"
    assert 2 <= len(server.uploads) <= 4


def test_place_is_gone_and_all_was_sent(session, server):
    """Law 12.

    Fault (server): it has lost an upload of which it may have had all, and the request is
    not to be repeated | Proves: it is not (law 12)"""
    server.faults = [Fault("lose")]
    server.roll = lambda request: request.method == "HEAD" and server.expire(server.uploads[0])
    task = send(session, server, method="POST")
    assert task.error == "ConnectionLost"
    assert server.asked_methods() == ["POST", "HEAD"]


def test_no_server_of_the_draft(session, request):
    """What does not answer is asked in each version once, and then left alone."""
    server = Resumable(3)
    request.addfinalizer(server.stop)
    asked = []
    for _ in range(3):
        assert send(session, server).error == ""
        asked.append(server.requests[-1].header("upload-draft-interop-version"))
    assert asked == [["8"], ["6"], []]
    assert server.plain == [DATA] * 3


def test_off(session, newest):
    task = send(session, newest, resumable="off")
    assert task.error == "" and newest.plain == [DATA]
    assert not newest.requests[0].header("upload-complete")
