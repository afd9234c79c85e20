# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the bytes land, and when they may be seen: laws 5, 6 and 10."""

import os
import pathlib
import subprocess
import sys

import pytest
from parts.client import Failure
from parts.waiting import wait_for

MIB = 1024 * 1024


def test_visible_only_when_whole(session, nginx, inbox):
    content = nginx.add_file("whole", MIB)
    task = session.create(nginx.slow_url("whole", MIB // 2), inbox,
                          destination_name="whole", start=True)
    wait_for(lambda: task.get("BytesReceived"), "it moves")
    (part,) = inbox.iterdir()
    assert part.name.startswith(".trundle-") and part.name.endswith(".part")
    session.wait_finished(1)
    assert [p.name for p in inbox.iterdir()] == ["whole"]
    assert (inbox / "whole").read_bytes() == content
    assert task.get("Destination") == str(inbox / "whole")


def test_cancel_leaves_nothing(session, nginx, inbox):
    nginx.add_file("nothing", MIB)
    task = session.create(nginx.slow_url("nothing", "200k"), inbox, destination_name="f",
                          start=True)
    wait_for(lambda: list(inbox.iterdir()), "a part")
    task.cancel()
    session.complete(session.wait_finished(1)[0].arguments[0])
    wait_for(lambda: not list(inbox.iterdir()), "nothing is left behind")


def test_existing_file_is_kept(session, nginx, inbox):
    (inbox / "f").write_bytes(b"precious")
    with pytest.raises(Failure) as failure:
        session.create(nginx.url("x"), inbox, destination_name="f")
    assert failure.value.name == "FileExists"
    assert (inbox / "f").read_bytes() == b"precious"
    assert session.list_tasks() == []


def test_file_that_came_meanwhile_is_kept(session, nginx, inbox):
    """Law 6: `fail` at the last moment, too; and the bytes are not lost.

    Fault (disk): a file of the name appears during the download, `if-exists` fail |
    Proves: it is kept, and so are the bytes that came (law 6)"""
    content = nginx.add_file("late", 1000)
    task = session.create(nginx.url("late"), inbox, destination_name="f")
    (inbox / "f").write_bytes(b"precious")
    task.resume()
    session.wait_finished(1)
    assert task.error == "FileExists"
    assert (inbox / "f").read_bytes() == b"precious"
    handle = os.open(inbox, os.O_RDONLY | os.O_DIRECTORY)
    try:
        name = task.call("MoveFile", "(hsa{sv})", 0, "g", {}, handles=[handle])
    finally:
        os.close(handle)
    assert name == "g" and (inbox / "g").read_bytes() == content


def test_replace(session, nginx, inbox):
    content = nginx.add_file("new", 1000)
    (inbox / "f").write_bytes(b"old")
    task = session.create(nginx.url("new"), inbox, destination_name="f", if_exists="replace",
                          start=True)
    session.wait_finished(1)
    assert task.error == "" and (inbox / "f").read_bytes() == content


def test_rename(session, nginx, inbox):
    content = nginx.add_file("other", 1000)
    (inbox / "a.tar.gz").write_bytes(b"old")
    tasks = [
        session.create(nginx.url("other"), inbox, destination_name="a.tar.gz",
                       if_exists="rename", start=True)
        for _ in range(3)
    ]
    session.wait_finished(3)
    assert (inbox / "a.tar.gz").read_bytes() == b"old"
    names = {pathlib.Path(task.get("Destination")).name for task in tasks}
    assert names == {"a (1).tar.gz", "a (2).tar.gz", "a (3).tar.gz"}
    assert all((inbox / name).read_bytes() == content for name in names)


def test_directory_by_path(session, nginx, inbox):
    content = nginx.add_file("path", 1000)
    task = session.create(nginx.url("path"), destination_path=str(inbox / "by-path"),
                          start=True)
    session.wait_finished(1)
    assert task.error == "" and (inbox / "by-path").read_bytes() == content


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "x" * 256])
def test_name_that_is_none(session, nginx, inbox, name):
    with pytest.raises(Failure) as failure:
        session.create(nginx.url("x"), inbox, destination_name=name)
    assert failure.value.name == "InvalidArgument"


def test_directory_that_is_not_there(session, nginx, inbox):
    with pytest.raises(Failure) as failure:
        session.create(nginx.url("x"), destination_path=str(inbox / "no" / "f"))
    assert failure.value.name == "FileNotFound"


def test_handle_that_is_no_directory(session, nginx, inbox):
    from gi.repository import GLib

    (inbox / "file").touch()
    handle = os.open(inbox / "file", os.O_RDONLY)
    try:
        with pytest.raises(Failure) as failure:
            session.call(
                "CreateDownloadTask", "(sa{sv})", nginx.url("x"),
                {"destination": GLib.Variant("h", 0),
                 "destination-name": GLib.Variant("s", "f")},
                handles=[handle],
            )
    finally:
        os.close(handle)
    assert failure.value.name == "InvalidArgument"


def test_spool_is_kept_until_completed(session, nginx, state):
    """Law 7 for files: read, move away, forgotten when completed."""
    content = nginx.add_file("spooled", 5000)
    task = session.create(nginx.url("spooled"), start=True)
    (event,) = session.wait_finished(1)
    assert task.read() == content
    number = task.path.rsplit("/", 1)[1]
    assert (state / "spool" / number).read_bytes() == content
    session.complete(event.arguments[0])
    assert not (state / "spool" / number).exists()


def test_handle_is_for_reading(session, nginx):
    nginx.add_file("readonly", 10)
    task = session.create(nginx.url("readonly"), start=True).wait_state("finished")
    handle = task.call("OpenFile")
    try:
        with pytest.raises(OSError):
            os.write(handle, b"x")
    finally:
        os.close(handle)


@pytest.mark.parametrize("policy, name", [("fail", None), ("replace", "f"), ("rename", "f (1)")])
def test_move_file(session, nginx, inbox, policy, name):
    from gi.repository import GLib

    content = nginx.add_file("move", 1000)
    task = session.create(nginx.url("move"), start=True).wait_state("finished")
    (inbox / "f").write_bytes(b"old")
    options = {"if-exists": GLib.Variant("s", policy)}
    handle = os.open(inbox, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if name is None:
            with pytest.raises(Failure) as failure:
                task.call("MoveFile", "(hsa{sv})", 0, "f", options, handles=[handle])
            assert failure.value.name == "FileExists"
            assert (inbox / "f").read_bytes() == b"old" and task.read() == content
        else:
            taken = task.call("MoveFile", "(hsa{sv})", 0, "f", options, handles=[handle])
            assert taken == name and (inbox / name).read_bytes() == content
    finally:
        os.close(handle)


def test_destination_vanishes(session, nginx, inbox):
    """It waits and says so; it goes on when the directory is back.

    Fault (disk): the directory of the destination is renamed away | Proves: the task
    waits, says so, and goes on when it is back"""
    content = nginx.add_file("vanish", MIB)
    folder = inbox / "folder"
    folder.mkdir()
    task = session.create(nginx.url("vanish"), folder, destination_name="f")
    folder.rename(inbox / "elsewhere")
    task.resume()
    wait_for(lambda: task.get("WaitReasons") == ["destination-gone"],
             lambda: f"a reason: {task.get_all()}")
    (inbox / "elsewhere").rename(folder)
    task.call("Suspend")
    task.resume()
    session.wait_finished(1)
    assert task.error == "" and (folder / "f").read_bytes() == content


def test_another_directory_in_its_place(session, nginx, inbox):
    """Fault (disk): another directory takes the name of the destination | Proves:
    nothing is written into it; the task waits and says so"""
    nginx.add_file("swap", 1000)
    folder = inbox / "folder"
    folder.mkdir()
    task = session.create(nginx.url("swap"), folder, destination_name="f")
    folder.rename(inbox / "elsewhere")
    folder.mkdir()
    task.resume()
    wait_for(lambda: task.get("WaitReasons") == ["destination-gone"],
             lambda: f"a reason: {task.get_all()}")
    assert not list(folder.iterdir())
    task.cancel()




def test_disk_full(top, inbox):
    """In a mount namespace of its own, where a small disk does not outlive the test.

    Fault (disk): a disk too small for the file (T-78) | Proves: the task waits and
    says so; freed, it goes on and is right"""
    if os.geteuid():
        pytest.skip("mounting takes root")
    probe = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs",
             "-o", "size=1m", "tmpfs", str(inbox)]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this kernel or container lets us mount nothing")
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m",
               "pytest", "-p", "no:cacheprovider", "-q", "--rootdir",
               str(pathlib.Path(__file__).parent),
               str(pathlib.Path(__file__).with_name("inside_small_disk.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
