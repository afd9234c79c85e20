# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads by tus 1.0.0: with npm's server, and with one that can be wrong."""

import random
import threading

import pytest
from parts.client import SOON
from parts.tus import check_stored
from parts.waiting import wait_for

DATA = random.Random(100).randbytes(300 * 1000)
NAMED = [("Content-Disposition", 'attachment; filename="närrisch.bin"'),
         ("Content-Type", "application/x-test")]


def send(session, server, data=DATA, **options):
    options = {"resumable": "tus", "retry": SOON, **options}
    return session.create_upload(server.url("/files"), data, start=True, **options)


def assert_sent(task, data=DATA):
    task.wait_state("finished")
    assert task.error == "", task.get("Error")
    assert task.get("BytesSent") == task.get("BytesConfirmed") == len(data)


def assert_kept(server, data=DATA):
    """All of it is there, in one upload, no byte stored twice."""
    upload = server.only()
    assert bytes(upload.content) == data
    check_stored(upload.stored, len(data))


@pytest.fixture
def plain_tus(tus):
    """Without checksums, so that it keeps what came before a cut."""
    tus.extensions = ("creation", "termination", "expiration")
    return tus


# ---- npm's


@pytest.mark.parametrize("data", [DATA, b""], ids=["some", "none"])
def test_real_server(session, npm_tus, data):
    assert_sent(send(session, npm_tus, data), data)
    (upload,) = npm_tus.uploads()
    assert npm_tus.content(upload) == data
    check_stored(npm_tus.stored(upload), len(data))


def test_real_server_hears_names(session, npm_tus):
    assert_sent(send(session, npm_tus, headers=NAMED))
    (upload,) = npm_tus.uploads()
    assert npm_tus.facts(upload)["metadata"]["filetype"] == "application/x-test"


def test_real_server_is_found_out(session, npm_tus):
    """It refuses what is not tus, and says that it speaks it."""
    assert_sent(send(session, npm_tus, resumable="auto"))
    (upload,) = npm_tus.uploads()
    assert npm_tus.content(upload) == DATA


# ---- ours


def test_whole(session, plain_tus):
    assert_sent(send(session, plain_tus))
    assert plain_tus.methods() == ["OPTIONS", "POST", "PATCH"]
    assert_kept(plain_tus)


def test_is_found_out_once(session, plain_tus):
    assert_sent(send(session, plain_tus, resumable="auto"))
    assert plain_tus.methods() == ["PUT", "OPTIONS", "POST", "PATCH"]
    assert_sent(send(session, plain_tus, resumable="auto"))
    assert plain_tus.methods()[4:] == ["OPTIONS", "POST", "PATCH"]


@pytest.mark.parametrize("after", [0, 1, 100 * 1000, len(DATA) - 1])
def test_cut(session, plain_tus, after):
    """Fault (server): an upload by tus is cut after some bytes | Proves: the rest is
    appended where the server is; not a byte is stored twice"""
    plain_tus.cuts = [after]
    assert_sent(send(session, plain_tus))
    assert plain_tus.methods() == ["OPTIONS", "POST", "PATCH", "HEAD", "PATCH"]
    assert_kept(plain_tus)


def test_answer_is_lost(session, plain_tus):
    """Fault (server): all of an upload by tus is there, and its answer is lost | Proves:
    nothing is sent again"""
    plain_tus.lost = 1
    assert_sent(send(session, plain_tus))
    assert plain_tus.methods() == ["OPTIONS", "POST", "PATCH", "HEAD"]
    assert_kept(plain_tus)


def test_checksums(session, tus):
    """Fault (server): what arrives by tus is not what was sent, by its checksum | Proves:
    the same piece is sent again"""
    tus.spoiled = 2
    assert_sent(send(session, tus))
    patches = [request for request in tus.requests if request.method == "PATCH"]
    assert len(patches) == 3
    assert all(patch.header("upload-checksum")[0].startswith("sha1 ") for patch in patches)
    assert_kept(tus)


def test_is_expired(session, plain_tus):
    """Fault (server): what there is of an upload has expired | Proves: it is not asked
    for; the upload begins anew"""
    plain_tus.expires_in = -10
    plain_tus.cuts = [1000]
    assert_sent(send(session, plain_tus, method="PUT"))
    assert plain_tus.methods() == ["OPTIONS", "POST", "PATCH"] * 2
    assert bytes(plain_tus.uploads["2"].content) == DATA


def test_is_gone(session, plain_tus):
    """Fault (server): what there is of an upload by tus is lost | Proves: begins anew"""
    plain_tus.cuts = [1000]
    plain_tus.instead = lambda method, upload, request: (410,) if method == "HEAD" else None
    assert_sent(send(session, plain_tus, method="PUT"))
    assert plain_tus.methods() == ["OPTIONS", "POST", "PATCH", "HEAD",
                                   "OPTIONS", "POST", "PATCH"]
    assert bytes(plain_tus.uploads["2"].content) == DATA


@pytest.mark.parametrize("lost", ["expired", "gone"])
def test_is_not_begun_anew(session, plain_tus, lost):
    """Law 12: it may have come to its end, and that may be why it is gone.

    Fault (server): what there is of an upload by tus is lost, and nobody said that it may
    be sent twice | Proves: it is not; ends with ConnectionLost"""
    plain_tus.lost = 1
    if lost == "expired":
        plain_tus.expires_in = -10
    else:
        plain_tus.instead = lambda method, upload, request: (
            (404,) if method == "HEAD" else None)
    task = send(session, plain_tus, method="POST").wait_state("finished")
    assert task.error == "ConnectionLost"
    assert plain_tus.methods().count("POST") == 1


def test_wrong_offset(session, plain_tus):
    """Fault (server): it says that it has more than it was sent | Proves: ends with
    ProtocolError"""
    plain_tus.instead = lambda method, upload, request: (
        (204, f"Upload-Offset: {len(DATA) + 1}") if method == "PATCH" else None)
    task = send(session, plain_tus).wait_state("finished")
    assert task.error == "ProtocolError"


def test_too_large(session, plain_tus):
    plain_tus.max_size = len(DATA) - 1
    task = send(session, plain_tus).wait_state("finished")
    assert task.error == "TooLarge"
    assert plain_tus.methods() == ["OPTIONS"]


@pytest.fixture
def gate(plain_tus):
    """PATCHes wait for it."""
    gate = threading.Event()

    def wait(method, upload, request):
        if method == "PATCH":
            gate.wait(60)

    plain_tus.instead = wait
    yield gate
    gate.set()


def test_daemon_dies(session, client, stopped_daemon, plain_tus, gate):
    """Fault (daemon): SIGKILL in an upload by tus | Proves: the place is known again; the
    upload goes on there"""
    task = send(session, plain_tus)
    wait_for(lambda: "PATCH" in plain_tus.methods(), "it is sent")
    stopped_daemon.kill()
    gate.set()
    stopped_daemon.start()
    task.wait_state("finished")
    assert task.error == ""
    assert plain_tus.methods().count("POST") == 1
    assert "HEAD" in plain_tus.methods()
    assert_kept(plain_tus)


def test_cancel(session, plain_tus, gate):
    """What is not gone on with is not left to the server."""
    task = send(session, plain_tus)
    wait_for(lambda: "PATCH" in plain_tus.methods(), "it is sent")
    task.cancel()
    wait_for(lambda: not plain_tus.uploads, "the upload is given up")
    (question,) = [request for request in plain_tus.requests if request.method == "DELETE"]
    assert question.header("tus-resumable") == ["1.0.0"]
