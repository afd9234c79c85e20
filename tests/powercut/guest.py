# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Inside the machine, as its only program: service, bus, server and an app that says on the
console what it was promised, until the power goes.

/job/books.json holds what earlier lives were promised.  Lines for the host begin with
"@ ", those that say that a law is broken with "@ FAIL"."""

import json
import os
import pathlib
import random
import re
import socket
import sys
import threading
import time
import traceback

for key, value in (("DAEMON", "daemon/trundled"), ("WORKER", "worker/trundle-worker")):
    os.environ[f"TRUNDLE_TEST_{key}"] = f"/build/src/{value}"
os.environ["TRUNDLE_TEST_BREAKER"] = ""
sys.path[:0] = ["/top/tests/system", "/top/tests/powercut"]

import content
from parts.bus import Bus
from parts.client import Client
from parts.daemon import Daemon
from parts.waiting import drain, wait_for

DATA = pathlib.Path("/data")
INBOX = DATA / "inbox"
AT_A_TIME = 6
PIECE = 64 * 1024
# A part is synced whenever it has grown by so much (common/defaults.h).
SYNC_INTERVAL = 64 << 20


def say(*words):
    print("@", *words, flush=True)


class Server:
    """Serves content.py with strong tags and ranges, not too fast."""

    def __init__(self):
        # The same port in each life, since addresses are stored.
        self.listener = socket.create_server(("127.0.0.1", 8080), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with sock:
            stream = sock.makefile("rb")
            try:
                while first := stream.readline().split():
                    head = b"".join(iter(stream.readline, b"\r\n")).decode("latin-1")
                    self.answer(sock, first[1].decode()[1:], head)
            except OSError:
                pass

    def answer(self, sock, name, head):
        size, begin, tag = content.size_of(name), 0, f'"{name}"'
        lines = ["HTTP/1.1 200 OK"]
        asked = re.search(r"(?im)^range: *bytes=(\d+)-", head)
        if asked and re.search(rf"(?im)^if-range: *{re.escape(tag)}", head):
            begin = int(asked[1])
            lines = ["HTTP/1.1 206 Partial",
                     f"Content-Range: bytes {begin}-{size - 1}/{size}"]
            say("range", name, begin)
        lines += [f"Content-Length: {size - begin}", f"ETag: {tag}", "Accept-Ranges: bytes"]
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        for at in range(begin, size, PIECE):
            sock.sendall(content.make(name, at, min(size, at + PIECE)))
            if at > SYNC_INTERVAL:
                # What was synced is to be the part when the power goes, now and then.
                time.sleep(0.1)
            elif not name.startswith("big"):
                time.sleep(0.02)


class App:
    def __init__(self, books, session):
        self.books, self.session, self.client = books, session, session.client
        self.dice = random.Random(f"{books['seed']}/{books['life']}")
        self.made = 0
        self.open = {}

    def law(self, good, *words):
        if not good:
            say("FAIL", *words)

    def check_promises(self):
        """Law 1: tasks that were promised are there, and those completed are not."""
        rows = dict(self.session.list_tasks(properties=["Description", "State"]))
        names = [row["Description"] for row in rows.values()]
        self.law(len(names) == len(set(names)), "a task is there twice", names)
        for name, path in self.books["created"].items():
            gone = name in self.books["completed"]
            self.law(path in rows or name in self.books["completing"] or gone,
                     "promised and lost:", name)
            self.law(not (gone and path in rows), "completed and there again:", name)
        for path, row in rows.items():
            self.open[path] = row["Description"]
        events = self.session.list_events(0, 1000)[0]
        told = {e[2]: e[0] for e in events if e[1] == "TaskFinished"}
        self.law(len(told) == len(events), "two ends of one task")
        for name, sequence in self.books["told"].items():
            path = self.books["created"].get(name)
            if path in rows and name not in self.books["completing"]:
                self.law(told.get(path) == sequence, "told and forgotten:", name)

    def create(self):
        self.made += 1
        size = self.dice.choice([1, 5000, 100_000, 700_000, 3_000_000])
        kind = "small"
        if self.made % 8 == 1:
            # Longer than the interval in which a part is synced.
            kind, size = "big", 70 << 20
        name = f"{kind}-{self.books['life']}x{self.made}-{size}"
        options = {"description": name, "start": True}
        if kind == "big" or self.dice.random() < 0.7:
            options["destination_path"] = str(INBOX / name)
        task = self.session.create(f"http://127.0.0.1:8080/{name}", **options)
        say("created", name, task.path)
        self.open[task.path] = name

    def hear(self):
        drain()
        signals, self.client.signals = self.client.signals, []
        for signal in signals:
            if signal.member == "TaskFinished" and signal.arguments[1] in self.open:
                sequence, path, _details = signal.arguments
                name = self.open.pop(path)
                say("told", name, sequence)
                self.check_end(name, path)
                say("completing", name)
                self.session.complete(sequence)
                say("completed", name)

    def check_end(self, name, path):
        from parts.client import Task

        task = Task(self.client, path)
        self.law(task.error == "", "ended with an error:", name, task.get("Error"))
        if not task.get("Destination"):
            data = task.read()
        elif (INBOX / name).exists():
            data = (INBOX / name).read_bytes()
        else:
            data = b""
        size = content.size_of(name)
        self.law(data == content.make(name, 0, size), "wrong file:", name, len(data))
        if (INBOX / name).exists() and self.dice.random() < 0.8:
            (INBOX / name).unlink()

    def live(self):
        """Until the power goes; in the last life until all is done."""
        is_last = self.books["last"]
        while self.open or not is_last:
            while not is_last and len(self.open) < AT_A_TIME:
                self.create()
            wait_for(lambda: self.client.heard("TaskFinished"), "an end", 400)
            self.hear()


def check_leavings():
    self_made = {p.name for p in INBOX.iterdir() if p.name.startswith(".trundle")}
    if self_made or list((DATA / "state" / "spool").iterdir()):
        say("FAIL left over:", self_made, list((DATA / "state" / "spool").iterdir()))


def main():
    books = json.loads(pathlib.Path("/job/books.json").read_text())
    INBOX.mkdir(exist_ok=True)
    say("boot", pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    top = pathlib.Path("/run/trundle")
    top.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": "/root", "LC_ALL": "C.UTF-8",
                   "GIO_USE_VFS": "local", "GSETTINGS_BACKEND": "memory",
                   "XDG_RUNTIME_DIR": str(top), "GIO_USE_NETWORK_MONITOR": "base",
                   "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/none"}
    server = Server()
    bus = Bus(top, environment)
    daemon = Daemon(bus, DATA / "state", environment)
    daemon.start()
    client = Client(bus)
    app = App(books, client.open_session("cut"))
    say("up")
    app.check_promises()
    app.session.attach()
    app.live()
    daemon.stop()
    check_leavings()
    say("over", server.listener.getsockname()[1])


try:
    main()
except BaseException:
    say("FAIL", traceback.format_exc().replace("\n", " / "))
finally:
    os.sync()
    # As the machine's first process it cannot just end.
    pathlib.Path("/proc/sysrq-trigger").write_text("o")
    time.sleep(30)
