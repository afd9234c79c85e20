# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An app that does everything right: it goes on where the service failed, repeats what had
no answer, and complains when something that was promised is not so."""

from .client import Failure
from .waiting import wait_for

# More often than anything here is broken.
TRIES_MAX = 30


class Died(Exception):
    """The service went while it was waited for."""


class Careful:
    """One download in a session of its own, from OpenSession to CompleteEvents.

    order(session) makes the task and prepare(task) what has to be there before it runs;
    both may be done again after an answer was lost.  look(task) judges the end."""

    def __init__(self, daemon, client, identifier, order, *, prepare=None, look=None):
        self.daemon = daemon
        self.client = client
        self.identifier = identifier
        self.order = order
        self.prepare = prepare or (lambda task: None)
        self.look = look or (lambda task: None)
        self.session = self.task = None
        self.is_resumed = self.is_completing = self.is_completed = False
        # What it was told to wait for.
        self.reasons = set()
        self.failures = []

    def run(self, revive):
        """To the end; revive() makes sure that there is a service."""
        for _ in range(TRIES_MAX):
            try:
                self.advance()
                return self
            except Failure as failure:
                self.failures.append(failure)
            except Died:
                pass
            revive()
        raise AssertionError(f"it does not end: {self.failures}")

    def advance(self):
        self.open()
        if not self.is_completing or self.session.list_tasks():
            self.create()
            self.resume()
            self.hear()
            self.judge()
            self.complete()
        assert self.session.list_tasks() == [], "completed, and there again"

    def open(self):
        """Law 1: a session that was promised is there."""
        session = self.client.open_session(self.identifier)
        assert self.session is None or self.session.path == session.path
        self.session = session
        self.client.signals.clear()
        session.attach(replace=True)

    def create(self):
        paths = [path for path, _row in self.session.list_tasks()]
        if self.task is not None:
            assert paths == [self.task.path], "what was promised is not there"
        elif paths:
            (path,) = paths
            self.task = self.adopt(path)
        else:
            self.task = self.order(self.session)
        assert not self.is_completed
        if not self.is_resumed:
            self.prepare(self.task)

    def adopt(self, path):
        """The answer was lost, the task is there all the same."""
        from .client import Task

        return Task(self.client, path)

    def resume(self):
        state = self.task.state
        if state == "suspended":
            assert not self.is_resumed, "resumed, and suspended again"
            self.task.resume()
        self.is_resumed = True

    def hear(self):
        wait_for(self.is_over, lambda: f"its end: {self.daemon.tail()}", 60)
        if not self.session.finished():
            raise Died

    def is_over(self):
        if self.daemon.process.poll() is not None or self.session.finished():
            return True
        # What waits for the disk is not waited for here.
        try:
            reasons = self.task.get("WaitReasons") if self.task.state == "queued" else []
            if reasons:
                self.reasons |= set(reasons)
                self.is_resumed = False
                self.task.call("Suspend")
                self.resume()
        except Failure:
            return self.daemon.process.poll() is not None
        return False

    def judge(self):
        """Law 7: one end, however often it was told."""
        assert {s.arguments[:2] for s in self.session.finished()} == {
            (self.session.finished()[0].arguments[0], self.task.path)
        }
        told = [e for e in self.session.list_events()[0] if e[1] == "TaskFinished"]
        assert len(told) == 1, told
        self.look(self.task)

    def complete(self):
        self.is_completing = True
        self.session.complete(self.session.finished()[-1].arguments[0])
        self.is_completed = True
