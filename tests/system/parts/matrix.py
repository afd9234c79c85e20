# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the matrices share: kinds of places for a download, and what has to hold."""

import contextlib
import os
import sqlite3

from .breaker import EVERYTHING
from .careful import Careful
from .daemon import NAME
from .waiting import wait_for

# More than one download takes; a matrix that does not end is an error.
STEPS_MAX = 400
OLD = b"what was there before" * 100
# What a task may end with when the disk refuses a call.
ENDS = {"WriteFailed", "NoSpace", "FilePermission", "DestinationGone", "FileNotFound",
        "Failed"}
KINDS = ["spool", "directory", "path", "fail", "replace", "rename"]


class Kind:
    """A download to one kind of place.  What it finds there is what it has to respect."""

    def __init__(self, name, url, content, inbox):
        self.name, self.url, self.content, self.inbox = name, url, content, inbox
        self.policy = name if name in ("fail", "replace", "rename") else "fail"
        self.number = 0

    def path(self, suffix=""):
        return self.inbox / f"f{self.number}{suffix}"

    def begin(self, number):
        self.number = number
        if self.name in ("replace", "rename"):
            self.path().write_bytes(OLD)

    def order(self, session):
        if self.name == "spool":
            return session.create(self.url)
        if self.name == "path":
            return session.create(self.url, destination_path=str(self.path()))
        return session.create(self.url, self.inbox, destination_name=self.path().name,
                              if_exists=self.policy)

    def prepare(self, _task):
        if self.name == "fail":
            self.path().write_bytes(OLD)

    def glimpse(self):
        """Law 6, at any moment: whole or not there, and nothing that is not ours is hurt."""
        allowed = {"spool": [None], "directory": [None, self.content],
                   "path": [None, self.content], "fail": [OLD, None],
                   "replace": [OLD, self.content], "rename": [OLD]}[self.name]
        found = self.path().read_bytes() if self.path().exists() else None
        assert found in allowed, "neither the one nor the other"
        if self.path(" (1)").exists():
            assert self.name == "rename"
            assert self.path(" (1)").read_bytes() == self.content

    def look(self, task, may_fail=False):
        self.glimpse()
        error = task.error
        if may_fail and error in ENDS:
            assert task.get("Error")[1], "it does not say why"
        elif self.name == "fail":
            assert error == "FileExists" and self.path().read_bytes() == OLD
        else:
            assert error == "", task.get("Error")
            assert self.found(task) == self.content

    def found(self, task):
        if self.name == "spool":
            return task.read()
        return self.path(" (1)" if self.name == "rename" else "").read_bytes()

    def end(self, kept=frozenset()):
        """Nothing is left beside it, and the next one begins in an empty directory."""
        names = {p.name for p in self.inbox.iterdir()} - kept
        assert names <= {self.path().name, self.path(" (1)").name}, names
        for path in self.inbox.iterdir():
            path.unlink()


class UploadKind:
    """An upload, and what its server has to have in the end.  `plain` is put in one piece,
    `ietf` to a place that is kept for it, `watched` from a file of ours that is not
    copied."""

    def __init__(self, name, server, content, source):
        self.name, self.server, self.content, self.source = name, server, content, source
        self.number = 0

    def begin(self, number):
        self.number = number
        self.server.forget()
        self.source.write_bytes(self.content)

    def order(self, session):
        url = self.server.url(f"/files/{self.number}")
        if self.name == "watched":
            return session.create_upload(url, body_path=str(self.source), snapshot="none")
        return session.create_upload(
            url, self.content, resumable="ietf" if self.name == "ietf" else "off")

    def prepare(self, _task):
        pass

    def glimpse(self):
        assert self.source.read_bytes() == self.content

    def look(self, task):
        assert task.error == "", task.get("Error")
        assert task.read() == bytes(task.get("ResponseBody")) == b"stored"
        assert task.get("BytesSent") == len(self.content)
        whole = self.server.plain + [bytes(upload.data) for upload in self.server.uploads
                                     if upload.is_complete]
        assert whole and set(whole) == {self.content}
        assert self.server.violations == []

    def end(self, kept=frozenset()):
        assert kept == frozenset()


def careful(daemon, client, kind, look=None):
    return Careful(daemon, client, f"step-{kind.number}", kind.order, prepare=kind.prepare,
                   look=look or kind.look)


def kept_parts(database):
    """What resume data still promise is not left over."""
    rows = database.execute("SELECT task_id, part_name FROM resumable").fetchall()
    return {os.fsdecode(name) if name else str(number) for number, name in rows}


def check_state(daemon, kind):
    """What a download that is over and completed leaves: nothing."""
    with contextlib.closing(sqlite3.connect(daemon.state / "trundle.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("SELECT id FROM task").fetchall() == []
        assert database.execute("SELECT kind FROM event").fetchall() == []
        kept = kept_parts(database)
    spool = lambda: {path.name for path in (daemon.state / "spool").iterdir()}
    wait_for(lambda: spool() <= kept,
             lambda: f"an empty spool: {spool()}\n{daemon.tail()}")
    kind.end(kept)


def reap(daemon):
    daemon.process.wait(30)
    daemon.process = None
    wait_for(lambda: not daemon.bus.has_owner(NAME), "the bus has seen it go")


def each_step(breaker, deed, kinds=EVERYTHING):
    """Yields while there are steps; `struck` says so to the next round."""
    for step in range(1, STEPS_MAX):
        yield step, lambda step=step: breaker.arm(step, deed, kinds)
        if not breaker.struck:
            breaker.disarm()
            return
    raise AssertionError("it never ends")


class Doomed:
    """A daemon that is killed when the breaker strikes, and started again."""

    def __init__(self, daemon, breaker, kind):
        self.daemon, self.breaker, self.kind = daemon, breaker, kind
        self.is_revived = False

    def start(self):
        self.is_revived = False
        self.daemon.start(**self.breaker.environment())

    def revive(self):
        # Its connection is closed before the process is gone.
        assert self.breaker.struck, "it failed though nothing was done to it"
        reap(self.daemon)
        self.kind.glimpse()
        self.start()
        self.is_revived = True

    def end(self):
        """Also when the last thing that it did was to die."""
        if self.breaker.struck and not self.is_revived:
            reap(self.daemon)
            self.daemon.start()
        self.daemon.kill()
