#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An app that the bus starts: app.py NAME LOG BEHAVIOUR.

It writes a line of JSON to LOG for all it hears.  BEHAVIOUR is a file with one word, read at
each start: `normal` attaches, hears all, completes and leaves; `dies-after N` is gone after N
events, in the middle of the replay; `blocks N LAST` is stopped by SIGSTOP in its handler
of the Nth and leaves only after LAST; `deaf` never attaches; `leaves` exits before it has its name.  In TRUNDLE_APP_SESSION
may stand a session that it attaches to without being told."""

import json
import os
import pathlib
import signal
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib

SERVICE = "org.freedesktop.BackgroundTransfer1"


class App:
    def __init__(self, name, log, behaviour):
        self.name = name
        self.log = pathlib.Path(log)
        self.behaviour = pathlib.Path(behaviour).read_text(encoding="utf-8").split()
        self.loop = GLib.MainLoop()
        self.heard = 0
        self.session = None
        self.note("started")

    def note(self, what, **more):
        line = json.dumps({"what": what, "pid": os.getpid(), **more})
        with self.log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def run(self):
        if self.behaviour[0] == "leaves":
            sys.exit(3)
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        # Before the name is ours: the signal that wakes us may wait for it already.
        self.bus.signal_subscribe(
            None, None, None, None, None, Gio.DBusSignalFlags.NO_MATCH_RULE, self.on_signal
        )
        Gio.bus_own_name_on_connection(
            self.bus, self.name, Gio.BusNameOwnerFlags.NONE, None,
            lambda *_: self.loop.quit(),
        )
        if "TRUNDLE_APP_SESSION" in os.environ:
            self.attach(os.environ["TRUNDLE_APP_SESSION"])
        GLib.timeout_add_seconds(60, self.loop.quit)
        self.loop.run()
        self.note("left")

    def on_signal(self, _bus, _sender, path, _interface, member, arguments):
        arguments = arguments.unpack()
        if member == "HandleEventsForBackgroundSession":
            self.note("handle-events", identifier=arguments[0], info=str(arguments[2]))
            if self.behaviour[0] != "deaf" and not self.session:
                self.attach(arguments[1])
        elif path == self.session:
            self.on_event(member, arguments)

    def attach(self, session):
        self.session = session
        result = self.call("Attach", GLib.Variant("(a{sv})", ({},))).unpack()[0]
        self.note("attached", **{k: v for k, v in result.items() if k != "challenges"})

    def on_event(self, member, arguments):
        if member == "DidFinishEvents":
            self.note(member, last=arguments[0])
            self.call("CompleteEvents", GLib.Variant("(t)", (arguments[0],)))
            self.note("completed", last=arguments[0])
            if self.behaviour[0] != "blocks" or arguments[0] >= int(self.behaviour[2]):
                self.loop.quit()
        elif member in ("TaskFinished", "DidBecomeInvalid", "WillBeginDelayedRequest",
                        "ChallengeReceived"):
            self.note(member, sequence=arguments[0], task=arguments[1],
                      redelivered=arguments[2].get("redelivered", False))
            self.heard += 1
            if self.behaviour[0] == "dies-after" and self.heard == int(self.behaviour[1]):
                os._exit(9)
            if self.behaviour[0] == "blocks" and self.heard == int(self.behaviour[1]):
                os.kill(os.getpid(), signal.SIGSTOP)
            if member == "WillBeginDelayedRequest":
                self.answer(arguments[1])
            if member == "ChallengeReceived":
                self.log_in(arguments[1], arguments[2])

    def answer(self, task):
        self.bus.call_sync(
            SERVICE, task, SERVICE + ".Task", "RespondToDelayedRequest",
            GLib.Variant("(sa{sv})", ("continue-loading", {})), None,
            Gio.DBusCallFlags.NONE, 30000, None,
        )
        self.note("answered", task=task)

    def log_in(self, task, challenge):
        answer = {"user": GLib.Variant("s", "alice"), "password": GLib.Variant("s", "wonder"),
                  "allow-insecure-auth": GLib.Variant("b", True)}
        self.bus.call_sync(
            SERVICE, task, SERVICE + ".Task", "RespondToChallenge",
            GLib.Variant("(ssa{sv})", (challenge["challenge"], "use-credential", answer)),
            None, Gio.DBusCallFlags.NONE, 30000, None,
        )
        self.note("answered", task=task)

    def call(self, member, arguments):
        return self.bus.call_sync(
            SERVICE, self.session, SERVICE + ".Session", member, arguments, None,
            Gio.DBusCallFlags.NONE, 30000, None,
        )


if __name__ == "__main__":
    App(*sys.argv[1:]).run()
