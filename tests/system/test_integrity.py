# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file is the one that was promised, or there is none (law 10): sizes, digests, and what
is decoded."""

import base64
import gzip
import hashlib
import random
import zlib

import pytest
from parts import breaker as break_at
from parts.daemon import query
from parts.matrix import Doomed, Kind, careful, check_state, each_step
from parts.waiting import wait_for

MIB = 1024 * 1024
CONTENT = random.Random(7).randbytes(100 * 1000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"another file").hexdigest()


def serve(script, body=CONTENT, headers=(), chunked=False):
    def handler(conversation, _request):
        if not chunked:
            conversation.answer(200, body, headers)
            return
        conversation.answer(200, headers=["Transfer-Encoding: chunked", *headers], length=False)
        conversation.send(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")

    script.on("/file", handler)
    return script.url("/file")


def declare(digest, field="Repr-Digest"):
    return f"{field}: sha-256=:{base64.b64encode(bytes.fromhex(digest)).decode()}:"


def fetch(session, url, inbox, **options):
    """The task at its end, and the details of its TaskFinished."""
    task = session.create(url, inbox, destination_name="file", start=True, **options)
    details = session.wait_finished(1)[0].arguments[2]
    assert details["error"] == task.error
    return task, details


def check_nothing_left(daemon, inbox):
    """Neither under the final name nor under another."""
    assert list(inbox.iterdir()) == []
    assert list((daemon.state / "spool").iterdir()) == []


def test_right(session, script, inbox):
    url = serve(script, headers=[declare(SHA256)])
    task, details = fetch(session, url, inbox, digests={"sha256": SHA256.upper()},
                          expected_bytes=len(CONTENT), max_bytes=len(CONTENT))
    assert task.error == "" and (inbox / "file").read_bytes() == CONTENT
    found = task.get("Integrity")["digests"]
    assert found == [{"algorithm": "sha256", "digest": SHA256, "source": source, "weak": False}
                     for source in ("application", "server")]
    assert details["digests"] == found


def test_weak(session, script, inbox):
    md5 = hashlib.md5(CONTENT).hexdigest()
    task, _details = fetch(session, serve(script), inbox, digests={"md5": md5})
    assert task.error == ""
    assert [entry["weak"] for entry in task.get("Integrity")["digests"]] == [True]


def test_nothing_to_prove(session, script, inbox):
    task, details = fetch(session, serve(script), inbox)
    assert "digests" not in task.get("Integrity") and "digests" not in details


@pytest.mark.parametrize("source", ["app", "server", "old-server"])
def test_wrong_digest(daemon, session, script, inbox, source):
    """Fault (server): sends a file with another digest than the app, or its own answer,
    says | Proves: the task ends with IntegrityFailed, and there is nothing under the final
    name, at no time (law 10)"""
    old = f"Digest: SHA-256={base64.b64encode(bytes.fromhex(OTHER)).decode()}"
    headers = {"app": [], "server": [declare(OTHER)], "old-server": [old]}[source]
    options = {"digests": {"sha256": OTHER}} if source == "app" else {}
    task, details = fetch(session, serve(script, headers=headers), inbox, **options)
    assert task.error == "IntegrityFailed"
    assert details["reason"] == "digest" and details["algorithm"] == "sha256"
    assert details["expected"] == OTHER and details["computed"] == SHA256
    assert "digests" not in task.get("Integrity")
    check_nothing_left(daemon, inbox)


@pytest.mark.parametrize("chunked", [False, True], ids=["told", "chunked"])
@pytest.mark.parametrize("more", [-1, 1], ids=["larger", "smaller"])
def test_wrong_size(daemon, session, script, inbox, chunked, more):
    """Fault (server): sends a file of another size than the app says | Proves: the task
    ends with IntegrityFailed, and nothing is left"""
    url = serve(script, chunked=chunked)
    task, details = fetch(session, url, inbox, expected_bytes=len(CONTENT) + more)
    assert task.error == "IntegrityFailed" and details["reason"] == "size"
    check_nothing_left(daemon, inbox)


@pytest.mark.parametrize("chunked", [False, True], ids=["told", "chunked"])
def test_too_large(daemon, session, script, inbox, chunked):
    url = serve(script, chunked=chunked)
    task, _details = fetch(session, url, inbox, max_bytes=len(CONTENT) - 1)
    assert task.error == "TooLarge"
    assert len(script.asked("/file")) == 1
    check_nothing_left(daemon, inbox)


def test_limit_of_the_session(daemon, client, script, inbox):
    session = client.open_session(max_bytes=10)
    session.attach()
    task, _details = fetch(session, serve(script), inbox)
    assert task.error == "TooLarge"
    check_nothing_left(daemon, inbox)


# Going on


def digested(state):
    return query(state, "SELECT synced, digest_state FROM task")[0]


def test_daemon_killed_amid_a_digest(daemon, client, nginx, inbox):
    """Fault (daemon): SIGKILL in the middle of a large download that has a digest | Proves:
    it goes on, and the digest is right without reading again what was hashed before"""
    content = nginx.add_file("large", 200 * MIB)
    session = client.open_session()
    task = session.create(nginx.slow_url("large", 80 * MIB), inbox, start=True,
                          destination_name="file",
                          digests={"sha256": hashlib.sha256(content).hexdigest()})
    wait_for(lambda: digested(daemon.state)[1], "digests of something are stored")
    daemon.kill()
    synced, state = digested(daemon.state)
    assert synced >= MIB and state
    (part,) = inbox.iterdir()
    assert synced <= part.stat().st_size < len(content)

    # Who reads the beginning again finds another one.
    with part.open("r+b") as stream:
        stream.write(bytes(MIB))
    daemon.start()
    session.attach()
    session.wait_finished(1)
    assert task.error == "", task.get("Error")
    assert task.get("Integrity")["digests"][0]["source"] == "application"
    assert (inbox / "file").read_bytes() == bytes(MIB) + content[MIB:]


def test_state_is_not_ahead_of_the_part(daemon, client, nginx, inbox):
    """Fault (power): the last bytes of a part are gone, the digests of them are not |
    Proves: all is read again, and the digest is right"""
    content = nginx.add_file("large", 200 * MIB)
    session = client.open_session()
    task = session.create(nginx.slow_url("large", 80 * MIB), inbox, start=True,
                          destination_name="file",
                          digests={"sha256": hashlib.sha256(content).hexdigest()})
    wait_for(lambda: digested(daemon.state)[1], "digests of something are stored")
    daemon.kill()
    (part,) = inbox.iterdir()
    with part.open("r+b") as stream:
        stream.truncate(MIB)
    daemon.start()
    session.attach()
    session.wait_finished(1)
    assert task.error == "", task.get("Error")
    assert (inbox / "file").read_bytes() == content


# Decoding


def raw_deflate(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


ENCODINGS = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "members": ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "deflate": ("deflate", zlib.compress),
    "raw": ("deflate", raw_deflate),
}


@pytest.mark.parametrize("place", ["spool", "inbox"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_decode(daemon, session, script, inbox, name, place):
    """T-03."""
    word, encode = ENCODINGS[name]
    url = serve(script, encode(b"Hello World!"), [f"Content-Encoding: {word}"])
    where = {"destination_path": str(inbox / "file")} if place == "inbox" else {}
    task = session.create(url, start=True, decode=True, expected_bytes=12, **where,
                          digests={"sha256": hashlib.sha256(b"Hello World!").hexdigest()})
    session.wait_finished(1)
    assert task.error == "", task.get("Error")
    assert task.read() == b"Hello World!"
    assert task.get("Integrity")["decoded"] is True
    assert task.get("Response")["content-encoding"] == word
    assert [path.name for path in inbox.iterdir()] == (["file"] if place == "inbox" else [])
    assert len(list((daemon.state / "spool").iterdir())) == (place == "spool")


def test_decode_off(session, script, inbox):
    """T-04."""
    encoded = gzip.compress(b"Hello World!")
    url = serve(script, encoded, ["Content-Encoding: gzip"])
    task, _details = fetch(session, url, inbox)
    assert (inbox / "file").read_bytes() == encoded
    assert task.get("Response")["content-encoding"] == "gzip"
    assert "decoded" not in task.get("Integrity")


def test_decode_what_is_plain(daemon, session, script, inbox):
    task, _details = fetch(session, serve(script), inbox, decode=True)
    assert task.error == "" and [p.name for p in inbox.iterdir()] == ["file"]
    assert (inbox / "file").read_bytes() == CONTENT


BROKEN = {
    "cut": ("gzip", gzip.compress(CONTENT)[:-1], "DecodeFailed"),
    "excess": ("gzip", gzip.compress(CONTENT) + b"x", "DecodeFailed"),
    "unknown": ("br", b"whatever", "DecodeFailed"),
    "twice": ("gzip, gzip", gzip.compress(gzip.compress(CONTENT)), "DecodeFailed"),
    "bomb": ("gzip", gzip.compress(bytes(50 * MIB)), "TooLarge"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_decode_fails(daemon, session, script, inbox, name):
    """Fault (server): an encoded file that breaks off, has something behind it, is encoded
    in another way, or decodes to more than it may | Proves: the task ends and says why,
    nothing is left, and no more was written than it may be"""
    word, body, error = BROKEN[name]
    url = serve(script, body, [f"Content-Encoding: {word}"])
    task, _details = fetch(session, url, inbox, decode=True, max_bytes=MIB)
    assert task.error == error
    check_nothing_left(daemon, inbox)


class DecodedKind(Kind):
    """A download that is decoded."""

    def order(self, session):
        where = {} if self.name == "spool" else {"destination_path": str(self.path())}
        return session.create(self.url, decode=True, **where)


@pytest.mark.parametrize("place", ["spool", "path"])
def test_decode_killed_at_each_step(stopped_daemon, client, script, inbox, breaker, place):
    """Fault (daemon): SIGKILL before and after each sync and each change of a name of a
    download that is decoded, from the encoded part to the file | Proves: the file is the
    decoded one, never the encoded one nor a part of either; nothing is left over (law 6)"""
    url = serve(script, gzip.compress(CONTENT), ["Content-Encoding: gzip", 'ETag: "v1"'])
    kind = DecodedKind(place, url, CONTENT, inbox)
    doomed = Doomed(stopped_daemon, breaker, kind)
    names = set()
    for step, arm in each_step(breaker, break_at.KILL):
        kind.begin(step)
        doomed.start()
        arm()
        careful(stopped_daemon, client, kind).run(doomed.revive)
        doomed.end()
        check_state(stopped_daemon, kind)
        names |= {line.rsplit(" ", 1)[-1] for line in breaker.steps()}
    assert any(name.endswith(".decoded") for name in names), names
