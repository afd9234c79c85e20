# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Twenty transfers at a time against a server that misbehaves, while the daemon and its
workers are killed and the app comes and goes.

TRUNDLE_SOAK_ROUNDS and TRUNDLE_SOAK_SEED change what is done; tests/system/soak sets them.
The seed gives the same choices again: which files, which faults at which request, who is
killed after how many events.  What the threads and processes make of it is theirs."""

import collections
import contextlib
import os
import pathlib
import random
import signal
import sqlite3
import statistics
import time

import pytest
from gi.repository import GLib
from parts.chaos import Chaos, Given
from parts.client import Client, Failure, Task
from parts.daemon import NAME
from parts.waiting import drain, wait_for

KIB, MIB = 1024, 1024 * 1024
AT_A_TIME = 20
ROUNDS = int(os.environ.get("TRUNDLE_SOAK_ROUNDS", "120"))
SEED = os.environ.get("TRUNDLE_SOAK_SEED") or str(random.SystemRandom().randrange(10**6))
# Many would make the suite slow under the sanitizers, which are not about this.
if "ASAN_OPTIONS" in os.environ and "TRUNDLE_SOAK_ROUNDS" not in os.environ:
    ROUNDS //= 4
SIZES = [(1, 64 * KIB, 45), (64 * KIB, MIB, 35), (MIB, 5 * MIB, 20)]
# A second would be long here.
SOON = {"base-delay": GLib.Variant("t", 100)}
DEEDS = {"kill-daemon": 50, "kill-worker": 35, "leave": 10, "observe": 5}


class Transfer:
    def __init__(self, file, url, place):
        self.file, self.url, self.place = file, url, place
        self.path = None
        self.sequence = 0

    @property
    def is_upload(self):
        return isinstance(self.file, Given)


class Soak:
    """The app's books: what was promised, what was told, what was completed."""

    def __init__(self, daemon, bus, server, inbox, seed):
        self.daemon, self.bus, self.server, self.inbox = daemon, bus, server, inbox
        self.dice = random.Random(seed)
        self.client = self.session = None
        self.running, self.done = {}, []
        self.completed = self.completing = self.heard = 0
        self.created = 0
        self.figures = collections.Counter()

    # The app

    def attach(self):
        """A consumer hears again everything that was not completed, from the first on."""
        if self.client is None:
            self.client = Client(self.bus)
        self.client.signals.clear()
        self.session = self.client.open_session(
            "soak", max_concurrent_tasks=16, max_connections_per_host=8, retry=SOON)
        self.session.attach(replace=True)
        self.heard = self.completed
        self.reconcile()

    def leave(self):
        self.client.close()
        self.client = None
        self.attach()

    def reconcile(self):
        """Law 1: what was answered is there; what was not may be."""
        if self.completing > self.completed:
            (first,) = [e[0] for e in self.session.list_events(0, 1)[0]] or [0]
            # The answer was lost: all of it or nothing has happened.
            assert first in (0, self.completed + 1) or first > self.completing
            if first == 0 or first > self.completing:
                self.forget(self.completing)
            self.heard = self.completed
        rows = dict(self.session.list_tasks(properties=["Description", "State"]))
        for transfer in list(self.running.values()):
            if transfer.path is None:
                paths = [p for p, r in rows.items()
                         if r["Description"] == transfer.file.name]
                assert len(paths) <= 1, "made twice"
                if paths:
                    transfer.path = paths[0]
                else:
                    del self.running[transfer.file.name]
            assert transfer.path is None or transfer.path in rows, "a promise is lost"

    def fill(self):
        while sum(t.sequence == 0 for t in self.running.values()) < AT_A_TIME:
            transfer = self.invent()
            self.running[transfer.file.name] = transfer
            place = transfer.place
            options = {"description": transfer.file.name, "start": True}
            if transfer.is_upload:
                transfer.path = self.session.create_upload(
                    transfer.url, transfer.file.content(1), **options).path
                continue
            if place is not None:
                options["if_exists"] = self.dice.choice(["fail", "replace", "rename"])
            by_path = self.dice.random() < 0.5
            if place is not None and by_path:
                options["destination_path"] = str(place)
            elif place is not None:
                options["destination_name"] = place.name
            directory = self.inbox if place is not None and not by_path else None
            transfer.path = self.session.create(transfer.url, directory, **options).path

    def invent(self):
        self.created += 1
        name = f"t{self.created}"
        low, high, _ = self.dice.choices(SIZES, [row[2] for row in SIZES])[0]
        if self.dice.random() < 0.3:
            # The larger ones would begin anew for ever: this server keeps no halves.
            size = min(self.dice.randrange(low, high), MIB)
            return Transfer(*self.server.expect(name, size), None)
        manner = self.dice.choice(["tag", "tag", "tag", "chunked", "plain"])
        file, url = self.server.add(name, self.dice.randrange(low, high), manner,
                                    changes=self.dice.random() < 0.15)
        return Transfer(file, url, self.dice.choice([None, self.inbox / name]))

    def harvest(self):
        """Law 7: in order, none twice after it was completed, each task once."""
        drain()
        signals, self.client.signals = self.client.signals, []
        by_path = {t.path: t for t in self.running.values()}
        for heard in signals:
            if heard.member != "TaskFinished":
                continue
            sequence, path, details = heard.arguments
            assert sequence == self.heard + 1, f"{sequence} after {self.heard}"
            self.heard = sequence
            transfer = by_path.get(path)
            if transfer is None or transfer.path is None:
                transfer = self.recognise(path)
            assert transfer.sequence in (0, sequence), "it ended twice"
            if transfer.sequence == 0:
                transfer.sequence = sequence
                self.check(transfer, details)

    def recognise(self, path):
        """Told before its own creation was answered."""
        name = Task(self.client, path).get("Description")
        self.running[name].path = path
        return self.running[name]

    def check(self, transfer, details):
        task = Task(self.client, transfer.path)
        assert task.error == "", f"{transfer.file}: {task.get('Error')} {details}"
        data = transfer.place.read_bytes() if transfer.place else task.read()
        if transfer.is_upload:
            assert data == b"stored"
            data = transfer.file.stored
        assert transfer.file.is_version(data), f"wrong: {transfer.file} {len(data)}"

    def complete(self):
        if self.heard > self.completed and self.dice.random() < 0.5:
            sequence = self.dice.randint(self.completed + 1, self.heard)
            self.completing = sequence
            self.session.complete(sequence)
            self.forget(sequence)

    def forget(self, sequence):
        self.completed = self.completing = sequence
        for name, transfer in list(self.running.items()):
            if 0 < transfer.sequence <= sequence:
                del self.running[name]
                self.done.append(transfer.file)
                if transfer.place:
                    transfer.place.unlink()

    # What is done to the service

    def kill_daemon(self):
        os.kill(self.daemon.process.pid, signal.SIGKILL)

    def kill_worker(self):
        for pid in self.daemon.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.figures["workers"] += 1

    def restart(self):
        self.daemon.process.wait(30)
        self.daemon.process = None
        wait_for(lambda: not self.bus.has_owner(NAME), "the bus has seen it go")
        self.daemon.start()
        self.figures["restarts"] += 1
        self.attach()

    def round(self):
        deed = self.dice.choices(list(DEEDS), list(DEEDS.values()))[0]
        struck = []
        strike = {"kill-daemon": self.kill_daemon, "kill-worker": self.kill_worker}.get(deed)

        def act():
            if strike:
                strike()
            struck.append(True)

        self.server.at(self.dice.randint(1, 60), act)
        wait_for(lambda: self.work() and struck,
                 lambda: f"events of the server: {self.server.counts} {self.daemon.tail()}")
        if deed == "kill-daemon":
            self.restart()
        elif deed == "leave":
            self.leave()
        elif deed == "observe":
            self.observe()
        self.figures["rounds"] += 1
        self.figures[deed] += 1

    def work(self):
        """What an app does all day, until the service dies under it."""
        try:
            self.harvest()
            self.complete()
            self.fill()
        except Failure as failure:
            assert failure.name.startswith("org.freedesktop.DBus.Error"), failure
        return True

    def observe(self):
        observer = Client(self.bus)
        observer.session(self.session.path).attach(observe=True)
        observer.close()

    def finish(self):
        """Everything comes to its end once the server is good."""
        self.server.is_calm = True

        def is_over():
            self.harvest()
            return all(t.sequence for t in self.running.values())

        wait_for(is_over, lambda: f"the rest: {self.daemon.tail()}", 90)
        self.completing = self.heard
        self.session.complete(self.heard)
        self.forget(self.heard)
        assert self.session.list_tasks() == []

    def summary(self):
        given = [file for file in self.done if isinstance(file, Given)]
        fetched = [file for file in self.done if not isinstance(file, Given)]
        refetched = [max(0, file.sent - file.size) for file in fetched
                     if file.manner != "plain" and file.versions == 1]
        every = [max(0, file.sent - file.size) for file in fetched]
        return {
            "rounds": self.figures["rounds"],
            "daemons killed": self.figures["kill-daemon"],
            "workers killed": self.figures["workers"],
            "restarts": self.figures["restarts"],
            "consumers changed": self.figures["leave"],
            "faults of the server": sum(self.server.counts.values()),
            "transfers": len(self.done),
            "of these uploads": len(given),
            "bytes": sum(file.size for file in self.done),
            "bytes on the wire": sum(file.sent for file in self.done),
            "refetched, median": int(statistics.median(every)),
            "refetched, largest": max(every),
            "refetched with a validator, median": int(statistics.median(refetched)),
            "refetched with a validator, largest": max(refetched),
        }


@pytest.fixture
def server():
    server = Chaos(SEED)
    yield server
    server.stop()


def report(capsys, figures):
    """As a comment in the TAP, and in a file beside the build."""
    lines = [f"{name}: {value}" for name, value in figures.items()]
    pathlib.Path(os.environ["TRUNDLE_TEST_FIGURES"], "soak.txt").write_text(
        "\n".join(lines) + "\n")
    with capsys.disabled():
        print(f"# soak: {', '.join(lines)}", flush=True)


def weigh(daemon):
    """Open files and resident KiB of the daemon."""
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd")), int(resident.split()[1])


def test_rounds(stopped_daemon, bus, server, inbox, state, capsys):
    """T-69.

    Fault (daemon): SIGKILL of daemons and workers at random among twenty transfers at a
    time, one in three an upload, consumers that come and go, a server that cuts, resets,
    stalls, hangs up, is slow, busy, ignores ranges, answers with wrong ones, changes its
    files and loses its answers; 120 rounds | Proves: each task ends once, each file is one
    version, whole, and what was put is there; no event is lost, out of order, or told after
    it was completed; nothing is left over; half of the downloads fetch at most 1 MiB twice
    (laws 1, 4, 6, 7, 10, 11)"""
    begun = time.monotonic()
    with capsys.disabled():
        print(f"# soak: seed {SEED}, {ROUNDS} rounds", flush=True)
    daemon = stopped_daemon.start()
    soak = Soak(daemon, bus, server, inbox, SEED)
    soak.attach()
    for _ in range(ROUNDS):
        soak.round()
    soak.finish()
    figures = {"seed": SEED, **soak.summary(),
               "seconds": round(time.monotonic() - begun, 1)}
    report(capsys, figures)

    assert list(inbox.iterdir()) == []
    daemon.kill()
    with contextlib.closing(sqlite3.connect(state / "trundle.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert list((state / "spool").iterdir()) == []
    assert figures["refetched, median"] <= MIB
    assert figures["refetched with a validator, median"] <= MIB


def test_no_growth(stopped_daemon, bus, server, inbox):
    """Fault (server): the same without deaths of the daemon, three times | Proves: the
    daemon keeps neither files open nor memory"""
    daemon = stopped_daemon.start()
    soak = Soak(daemon, bus, server, inbox, SEED + "-growth")
    soak.attach()
    weights = []
    for _ in range(3):
        server.is_calm = False
        for _ in range(20):
            server.at(40, lambda: None)
            wait_for(lambda: soak.work() and server.deed is None, "events of the server")
        soak.kill_worker()
        soak.finish()
        weights.append(weigh(daemon))
    assert weights[-1][0] <= weights[0][0] + 2, weights
    assert "ASAN_OPTIONS" in os.environ or weights[-1][1] <= weights[0][1] + 4096, weights
