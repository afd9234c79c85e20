# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is handed over arrives, byte for byte, and its answer comes back: bytes, files,
pipes and forms, which a parser of somebody else's understands (T-25 to T-31)."""

import email
import email.policy
import hashlib
import os
import shutil
import threading

import pytest
from gi.repository import GLib
from parts.client import Client
from parts.waiting import wait_for

KIB = 1024
MIB = 1024 * KIB


def echo(script, status=201):
    """Answers with the digest of what it got."""

    def handler(conversation, request):
        digest = hashlib.sha256(request.body).hexdigest()
        conversation.answer(status, digest.encode(), ["Content-Type: text/plain"])

    script.on("/up", handler)
    return script.url("/up")


def finish(session):
    return session.wait_finished(1)[0].arguments[2]


def fields_of(request):
    """As the parser of Python's own e-mail sees them: (headers, content) by name."""
    head = f"Content-Type: {request.header('content-type')[0]}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/form-data"
    assert not message.defects
    fields = {}
    for part in message.iter_parts():
        assert part.get_content_disposition() == "form-data"
        name = part.get_param("name", header="content-disposition")
        fields[name] = (part, part.get_payload(decode=True))
    return fields


def test_bytes_and_their_answer(session, script):
    """T-25, T-26: the length is declared, a type is not guessed."""
    url = echo(script)
    body = os.urandom(16 * KIB)
    task = session.create_upload(url, body_bytes=body, method="POST", start=True)
    details = finish(session)
    digest = hashlib.sha256(body).hexdigest().encode()
    assert details["error"] == "" and details["status"] == 201
    assert details["sent"] == len(body)
    assert bytes(details["response-body"]) == digest
    assert bytes(task.get("ResponseBody")) == digest and task.read() == digest
    assert task.get("BytesSent") == task.get("BytesExpectedToSend") == len(body)
    (request,) = script.asked("/up")
    assert request.method == "POST" and request.body == body
    assert request.header("content-length") == [str(len(body))]
    assert request.header("content-type") == []


def test_nothing_is_sent(session, script):
    """T-26: an empty body has a length, and no type."""
    session.create_upload(echo(script), body_bytes=b"", method="POST", start=True)
    assert finish(session)["error"] == ""
    (request,) = script.asked("/up")
    assert request.header("content-length") == ["0"]
    assert request.header("content-type") == []


def test_app_that_leaves(session, bus, script):
    """T-29: what was handed over goes out although nobody is there any more."""
    body = os.urandom(3 * MIB)
    other = Client(bus)
    mine = other.open_session("main")
    mine.create_upload(echo(script), body, start=True)
    other.close()
    assert bytes(finish(session)["response-body"]) == hashlib.sha256(
        body).hexdigest().encode()


def test_pipe_that_is_slow(session, script):
    reader, writer = os.pipe()

    def write():
        with os.fdopen(writer, "wb") as stream:
            for _ in range(64):
                stream.write(b"x" * 16 * KIB)
                stream.flush()

    thread = threading.Thread(target=write)
    thread.start()
    session.call("CreateUploadTask", "(sa{sv})", echo(script),
                 {"body": GLib.Variant("h", 0), "start": GLib.Variant("b", True)},
                 handles=[reader])
    os.close(reader)
    thread.join()
    assert finish(session)["error"] == ""
    assert script.asked("/up")[0].body == b"x" * MIB


def test_range_of_a_file(session, script, top):
    """T-31."""
    path = top / "file"
    path.write_bytes(bytes(range(256)) * 16)
    session.create_upload(echo(script), body_path=str(path), range=(10, 1000), start=True)
    assert finish(session)["error"] == ""
    (request,) = script.asked("/up")
    assert request.body == path.read_bytes()[10:1010]
    assert request.header("range") == []


def test_form(session, script, top):
    """T-31: texts, bytes and files, with names that a line would break at."""
    picture = os.urandom(2 * MIB)
    path = top / "picture"
    path.write_bytes(picture)
    long = "ä" * 100 * KIB
    parts = [
        {"name": GLib.Variant("s", "title"), "value": GLib.Variant("s", long)},
        {"name": GLib.Variant("s", "file"), "body-path": GLib.Variant("s", str(path)),
         "file-name": GLib.Variant("s", "a b.png"),
         "content-type": GLib.Variant("s", "image/png")},
        {"name": GLib.Variant("s", "raw"), "body-bytes": GLib.Variant("ay", b"\0\r\n--")},
        {"name": GLib.Variant("s", "piece"), "body-path": GLib.Variant("s", str(path)),
         "range": GLib.Variant("(tt)", (5, 7))},
        {"name": GLib.Variant("s", 'x"\r\nX-Evil: yes'),
         "value": GLib.Variant("s", "kept")},
    ]
    session.create_upload(echo(script), parts=parts, start=True)
    assert finish(session)["error"] == ""
    (request,) = script.asked("/up")
    assert request.method == "POST"
    assert request.header("content-length") == [str(len(request.body))]
    fields = fields_of(request)
    assert len(fields) == 5
    assert fields["title"][1] == long.encode()
    assert fields["file"][1] == picture
    assert fields["file"][0].get_filename() == "a b.png"
    assert fields["file"][0].get_content_type() == "image/png"
    assert fields["raw"][1] == b"\0\r\n--"
    assert fields["piece"][1] == picture[5:12]
    assert fields["x%22%0D%0AX-Evil: yes"][1] == b"kept"
    assert all("X-Evil" not in part for part, _ in fields.values())


def test_answer_that_is_long(session, script):
    """In the file alone."""
    script.on("/up", lambda conversation, _: conversation.answer(200, b"y" * 2 * MIB))
    task = session.create_upload(script.url("/up"), body_bytes=b"x", start=True)
    details = finish(session)
    assert details["error"] == "" and "response-body" not in details
    assert bytes(task.get("ResponseBody")) == b"" and task.read() == b"y" * 2 * MIB


def test_answer_that_is_refused(session, script):
    task = session.create_upload(echo(script, 422), body_bytes=b"x", start=True)
    details = finish(session)
    assert details["error"] == "HttpStatus" and "response-body" not in details
    assert bytes(task.get("ErrorBody")) == hashlib.sha256(b"x").hexdigest().encode()


def test_nothing_is_left(session, script, state):
    """Once the events are completed."""
    body = os.urandom(MIB)
    session.create_upload(echo(script), body, start=True)
    (event,) = session.wait_finished(1)
    session.complete(event.arguments[0])
    wait_for(lambda: not list((state / "spool").iterdir()), "nothing is left behind")


def test_forms_of_many_files(stopped_daemon, bus, script, tmp_path):
    """Fault (daemon): it is started with few files to open, as users' services are |
    Proves: forms of many files are sent at the same time all the same"""
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not installed")
    stopped_daemon.wrapper = ["prlimit", "--nofile=160:4096"]
    stopped_daemon.start()
    client = Client(bus)
    session = client.open_session()
    session.attach()
    parts = []
    for number in range(64):
        path = tmp_path / str(number)
        path.write_bytes(b"%d" % number)
        part = {"name": GLib.Variant("s", str(number)), "body-path": GLib.Variant("s", str(path))}
        parts.append(part)
    echo(script)
    for _ in range(4):
        session.create_upload(script.url("/up"), parts=parts, start=True)
    for end in session.wait_finished(4):
        assert end.arguments[2]["error"] == "", end.arguments[2]
    client.close()
