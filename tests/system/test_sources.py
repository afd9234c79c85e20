# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is sent is what was given, or the task ends with SourceChanged: the file is changed
in each way at each moment, for each kind of snapshot."""

import os
import random

import pytest
from parts.client import SOON
from parts.resumable import Streamed
from parts.script import Script

KIB, MIB = 1024, 1024 * 1024
# More than all the buffers on the way hold.
SIZE = 9 * MIB
READ = 256 * KIB
OLD = random.Random("old").randbytes(SIZE)
NEW = random.Random("new").randbytes(SIZE)


# ---- what happens to the file

def overwrite(path):
    with path.open("r+b") as stream:
        stream.seek(SIZE - MIB)
        stream.write(NEW[:MIB])


def overwrite_unseen(path):
    """With the times that it had; but for the one that nobody can set."""
    before = path.stat()
    overwrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def change_last_byte(path):
    with path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([OLD[-1] ^ 1]))


def truncate(path):
    os.truncate(path, SIZE // 2)


def append(path):
    with path.open("ab") as stream:
        stream.write(b"more")


def replace(path):
    new = path.with_name("new")
    new.write_bytes(NEW)
    new.replace(path)


def delete(path):
    path.unlink()


def touch(path):
    os.utime(path)


CHANGES = [overwrite, overwrite_unseen, change_last_byte, truncate, append, replace, delete,
           touch]


# ---- when

class Taker(Script):
    """Takes what is put to /STAGE/…, and calls `change` at that moment of it."""

    conversation = Streamed

    def __init__(self):
        super().__init__()
        self.taken = []
        self.change = None
        for stage in ("before", "sending", "between", "end"):
            self.on(f"/{stage}", getattr(self, stage))

    def strike(self):
        if self.change:
            change, self.change = self.change, None
            change()
            return True
        return False

    def read(self, conversation, request, size):
        data = bytearray()
        while len(data) < size and (piece := conversation.read_piece(request, READ)):
            data += piece
        return data

    def take(self, conversation, request, data):
        """The rest, and the answer; what is cut off is none."""
        data += self.read(conversation, request, SIZE)
        if request.left:
            return True
        self.taken.append(data)
        return conversation.answer(201)

    def before(self, conversation, request):
        return self.take(conversation, request, bytearray())

    def sending(self, conversation, request):
        data = self.read(conversation, request, READ)
        self.strike()
        return self.take(conversation, request, data)

    def between(self, conversation, request):
        data = self.read(conversation, request, READ)
        return self.strike() or self.take(conversation, request, data)

    def end(self, conversation, request):
        """All but the last byte was taken, and is changed before that is."""
        data = self.read(conversation, request, READ)
        while len(data) < SIZE - 1:
            piece = conversation.read_piece(request, min(READ, request.left - 1))
            if not piece:
                return True
            data += piece
        self.strike()
        return self.take(conversation, request, data)


@pytest.fixture
def taker():
    taker = Taker()
    yield taker
    taker.stop()


@pytest.fixture
def source(top):
    path = top / "source"
    path.mkdir()
    return path / "file"


@pytest.mark.parametrize("stage", ["before", "sending", "between", "end"])
@pytest.mark.parametrize("snapshot", ["copy", "auto", "none"])
def test_changed(session, taker, source, snapshot, stage):
    """Fault (app): what is sent is overwritten, also with its old times, cut, made
    longer, replaced, deleted or touched, before the first attempt, in it, between two and
    at the last byte; with a copy, by default and watched only | Proves: what was given
    arrives, or SourceChanged is the end; never anything else, and never a mixture"""
    found = {}
    for change in CHANGES:
        source.write_bytes(OLD)
        task = session.create_upload(taker.url(f"/{stage}"), snapshot=snapshot,
                                     body_path=str(source), resumable="off", retry=SOON)
        if stage == "before":
            change(source)
        else:
            taker.change = lambda change=change: change(source)
        task.resume()
        task.wait_state("finished")
        assert taker.change is None
        found[change.__name__] = task.error
        assert [data == OLD for data in taker.taken] == [True] * len(taker.taken), found
        assert len(taker.taken) == (not task.error) or stage == "end", found
        assert task.error in ("", "SourceChanged"), task.get("Error")
        taker.taken.clear()
        source.unlink(missing_ok=True)
    # It depends on the file system whether "auto" could copy; a file of this size it can.
    if snapshot != "none":
        assert set(found.values()) == {""}, found
    elif stage in ("before", "between"):
        assert {name for name, error in found.items() if not error} == set(), found
    elif stage == "sending":
        # What is open is read to its end, whatever its name has become.
        assert {name for name, error in found.items() if not error} \
            <= {"replace", "delete", "touch"}, found
