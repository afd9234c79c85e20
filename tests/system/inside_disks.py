# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run by test_disks.py inside a mount namespace of its own: disks that are small, become
read-only, go and come back."""

import os
import shutil
import subprocess

import pytest
from parts.waiting import wait_for

MIB = 1024 * 1024
SIZE = 8 * MIB
DISK = 16 * MIB


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


def make_tmpfs(_image, where):
    return run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", where)


def make_ext4(image, where):
    image.write_bytes(b"")
    os.truncate(image, DISK + 8 * MIB)
    run("mkfs.ext4", "-q", "-F", "-m", "0", image)
    return run("mount", "-o", "loop", image, where)


@pytest.fixture(params=[make_tmpfs, make_ext4])
def disk(request, top, inbox):
    if request.param is make_ext4 and not shutil.which("mkfs.ext4"):
        pytest.skip("mkfs.ext4 is not installed")
    mounted = request.param(top / "image", inbox)
    if mounted.returncode:
        pytest.skip(f"cannot be mounted: {mounted.stderr}")
    yield inbox
    while not run("umount", inbox).returncode:
        pass


def free(path):
    facts = os.statvfs(path)
    return facts.f_bavail * facts.f_frsize


def fill(disk, but):
    """Ballast until only so much is free."""
    with (disk / "ballast").open("wb") as ballast:
        ballast.write(b"x" * (free(disk) - but))
        os.fsync(ballast.fileno())


def wait_for_reason(task, reason):
    wait_for(lambda: task.get("WaitReasons") == [reason], lambda: f"{task.get_all()}")


def serve(script, content):
    def answer(talk, request):
        since = 0
        headers = ['ETag: "v"']
        wanted = request.header("Range")
        if wanted:
            since = int(wanted[0].removeprefix("bytes=").split("-")[0])
            headers.append(
                f"Content-Range: bytes {since}-{len(content) - 1}/{len(content)}")
        talk.answer(206 if wanted else 200, content[since:], headers)

    script.handlers.clear()
    script.on("/big", answer)


def begin(script, content, n):
    """Announces all of it, and sends but the first n bytes."""
    def half(talk, request):
        talk.send(b'HTTP/1.1 200 OK\r\nETag: "v"\r\nAccept-Ranges: bytes\r\n'
                  + f"Content-Length: {len(content)}\r\n\r\n".encode())
        talk.send(content[:n])
        talk.stall()

    script.handlers.clear()
    script.on("/big", half)


def test_waits_and_goes_on_alone(daemon, session, script, disk):
    """T-78: stopped before it fills the disk; waits and asks nobody; goes on by itself."""
    content = os.urandom(SIZE)
    begin(script, content, MIB)
    fill(disk, 4 * MIB)
    task = session.create(script.url("/big"), disk, destination_name="f", start=True)
    wait_for_reason(task, "disk-space")
    name, details = task.get("LastTransientError")
    assert name == "NoSpace" and details["message"]
    assert free(disk) >= 2 * MIB
    serve(script, content)
    first = task.get("NextAttemptAt")
    assert first > 0
    wait_for(lambda: task.get("NextAttemptAt") > first, lambda: "another look", 20)
    assert not script.asked("/big")[1:]
    assert task.get("WaitReasons") == ["disk-space"]

    (disk / "ballast").unlink()
    session.wait_finished(1)
    assert task.error == "" and (disk / "f").read_bytes() == content
    assert (disk / "f").stat().st_blocks * 512 < SIZE + MIB


def test_looks_when_a_task_goes(daemon, session, script, disk):
    """The space of a part that is cancelled is used at once."""
    content = os.urandom(SIZE)
    serve(script, content)
    most = free(disk) - 4 * MIB

    def half(talk, request):
        talk.send(f"HTTP/1.1 200 OK\r\nContent-Length: {most}\r\n\r\n".encode())
        talk.send(b"x" * MIB)
        talk.stall()

    script.on("/half", half)  # after serve(), which begins anew
    first = session.create(script.url("/half"), disk, destination_name="g", start=True)
    wait_for(lambda: free(disk) < SIZE, lambda: f"{free(disk)} free: not reserved")
    second = session.create(script.url("/big"), disk, destination_name="f", start=True)
    wait_for_reason(second, "disk-space")
    first.call("Cancel")
    session.wait_finished(2)
    assert second.error == "" and (disk / "f").read_bytes() == content


def test_read_only_for_a_while(daemon, session, script, disk):
    """T-79: a disk that becomes read-only is waited for, and the part is gone on with."""
    content = os.urandom(SIZE)
    serve(script, content)
    task = session.create(script.url("/big"), disk, destination_name="f")
    assert not run("mount", "-o", "remount,ro", disk).returncode
    task.resume()
    wait_for_reason(task, "destination-gone")
    assert "read-only" in task.get("LastTransientError")[1]["message"]
    assert not script.asked("/big")
    assert not run("mount", "-o", "remount,rw", disk).returncode
    session.wait_finished(1)
    assert task.error == "" and (disk / "f").read_bytes() == content


def test_read_only_at_creation(daemon, session, script, disk):
    """T-79: what is read-only when a task is made is refused at once."""
    assert not run("mount", "-o", "remount,ro", disk).returncode
    with pytest.raises(Exception, match="FilePermission"):
        session.create(script.url("/big"), disk, destination_name="f")


@pytest.mark.parametrize("disk", [make_ext4], indirect=True)
def test_stick_comes_back(daemon, session, script, disk, top):
    """T-79: a stick that is pulled out is waited for; nothing is written below it; and
    what it has of the file is gone on with."""
    content = os.urandom(SIZE)

    begin(script, content, 3 * MIB)
    task = session.create(script.url("/big"), disk, destination_name="f", start=True)
    wait_for(lambda: task.get("BytesReceived") >= 3 * MIB, lambda: "bytes")
    task.call("Suspend")
    wait_for(lambda: not run("umount", disk).returncode, lambda: "the disk is in use")
    serve(script, content)
    task.resume()
    wait_for_reason(task, "destination-gone")
    assert not list(disk.iterdir())
    assert not run("mount", "-o", "loop", top / "image", disk).returncode
    session.wait_finished(1)
    assert task.error == "" and (disk / "f").read_bytes() == content
    assert script.asked("/big")[-1].header("Range") == [f"bytes={3 * MIB}-"]
