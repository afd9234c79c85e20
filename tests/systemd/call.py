#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls the service from inside the container.

call task NAME URL [N]
                      fetches URL to ~/NAME, in a session of that name; not before N s
                      from now, and prints that date too
call storm N          calls N times at random moments around an idle exit of 30 ms
call postpone N       in the database of a stopped service: no task before N s from now
"""

import os
import random
import sqlite3
import sys
import time

from gi.repository import Gio, GLib

NAME = "org.freedesktop.BackgroundTransfer1"
PORTAL = "org.freedesktop.portal.BackgroundTransfer"
PATH = "/org/freedesktop/BackgroundTransfer1"
CALLERS = 3
bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def call(path, interface, method, arguments):
    """One call, answered."""
    reply = bus.call_sync(
        NAME, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, -1, None
    )
    return reply.unpack()


def add_task(name, url, date):
    """A task that begins at once, or then, and needs nobody later."""
    configuration = {"auto-complete": GLib.Variant("b", True)}
    session = call(PATH, NAME, "OpenSession", GLib.Variant("(sa{sv})", (name, configuration)))[0]
    options = {
        "start": GLib.Variant("b", True),
        "destination-path": GLib.Variant("s", os.path.expanduser("~/" + name)),
    }
    if date:
        options["earliest-begin"] = GLib.Variant("x", date * 1000000)
    create = GLib.Variant("(sa{sv})", (url, options))
    return call(session, NAME + ".Session", "CreateDownloadTask", create)[0]


class Storm:
    """Callers who each call again some moments after the last answer."""

    def __init__(self, total):
        self.total = total
        self.begun = self.answered = self.lost = self.processes = 0
        self.loop = GLib.MainLoop()
        bus.signal_subscribe(
            "org.freedesktop.DBus",
            "org.freedesktop.DBus",
            "NameOwnerChanged",
            "/org/freedesktop/DBus",
            NAME,
            Gio.DBusSignalFlags.NONE,
            self.on_owner_changed,
        )

    def on_owner_changed(self, *signal):
        """Counts those who come."""
        if signal[5].unpack()[2]:
            self.processes += 1

    def run(self):
        """Until all calls have ended."""
        for _ in range(CALLERS):
            self.begin()
        self.loop.run()

    def begin(self):
        """The next call, to either name."""
        if self.begun == self.total:
            return False
        self.begun += 1
        bus.call(
            random.choice([NAME, PORTAL]),
            PATH,
            NAME,
            "ListSessions",
            None,
            None,
            Gio.DBusCallFlags.NONE,
            -1,
            None,
            self.on_reply,
        )
        return False

    def on_reply(self, connection, result):
        """Counts, and calls again after 0 to 120 ms."""
        try:
            connection.call_finish(result)
            self.answered += 1
        except GLib.Error as error:
            self.lost += 1
            print(error.message)
        if self.answered + self.lost == self.total:
            self.loop.quit()
        GLib.timeout_add(random.randrange(120), self.begin)


def postpone(seconds):
    """As a long back-off would."""
    database = sqlite3.connect(os.path.expanduser("~/.local/state/trundle/trundle.db"))
    moments = [
        int((time.clock_gettime(clock) + seconds) * 1e6)
        for clock in (time.CLOCK_REALTIME, time.CLOCK_BOOTTIME)
    ]
    with database:
        database.execute(
            "UPDATE task SET not_before_us = ?, not_before_boot_us = ? WHERE state = 1", moments
        )
    database.close()


if sys.argv[1] == "task":
    begin = int(time.time()) + int(sys.argv[4]) if len(sys.argv) > 4 else 0
    print(add_task(sys.argv[2], sys.argv[3], begin), begin or "")
elif sys.argv[1] == "postpone":
    postpone(int(sys.argv[2]))
else:
    started = GLib.get_monotonic_time()
    storm = Storm(int(sys.argv[2]))
    storm.run()
    seconds = (GLib.get_monotonic_time() - started) / 1e6
    print(
        f"{storm.answered} answered, {storm.lost} lost, "
        f"by {storm.processes} processes in {seconds:.1f} s"
    )
