# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service that asks what a test wants it to ask: one task, of which only the challenge is
there.  The real one is in test_servers.py; here every question is a moment away."""

import os

from gi.repository import Gio, GLib

from .client import PATH
from .daemon import NAME

TASK = PATH + "/task/7"
XML = f"""
<node>
  <interface name="{NAME}.Task">
    <method name="RespondToChallenge">
      <arg type="s" direction="in"/>
      <arg type="s" direction="in"/>
      <arg type="a{{sv}}" direction="in"/>
    </method>
    <property name="State" type="s" access="read"/>
    <property name="Url" type="s" access="read"/>
    <property name="WaitReasons" type="as" access="read"/>
    <property name="Challenge" type="a{{sv}}" access="read"/>
  </interface>
</node>
"""
SPACE = {
    "protocol": GLib.Variant("s", "https"),
    "host": GLib.Variant("s", "example.org"),
    "port": GLib.Variant("u", 443),
    "realm": GLib.Variant("s", "the realm"),
    "method": GLib.Variant("s", "basic"),
}


class AskingService:
    def __init__(self, bus):
        self.connection = bus.connect()
        self.answers = []
        self.error = None
        self.reasons = ["authentication"]
        self.ask()
        node = Gio.DBusNodeInfo.new_for_xml(XML)
        self.connection.register_object(
            TASK, node.interfaces[0], self.on_call, self.on_get, None)
        Gio.bus_own_name_on_connection(
            self.connection, NAME, Gio.BusNameOwnerFlags.NONE, None, None)

    def ask(self, space=None, **facts):
        """A challenge of these facts, "a_fact" for "a-fact"; `space` over the usual one."""
        self.challenge = {
            "challenge": GLib.Variant("s", "17"),
            "space": GLib.Variant("a{sv}", dict(SPACE, **(space or {}))),
            "secure": GLib.Variant("b", True),
            **{key.replace("_", "-"): value for key, value in facts.items()},
        }

    def on_get(self, _connection, _sender, _path, _interface, name):
        return {
            "State": GLib.Variant("s", "challenged"),
            "Url": GLib.Variant("s", "https://example.org/file?token=secret"),
            "WaitReasons": GLib.Variant("as", self.reasons),
            "Challenge": GLib.Variant("a{sv}", self.challenge),
        }[name]

    def on_call(self, _connection, _sender, _path, _interface, _method, arguments, invocation):
        challenge, disposition, answer = arguments.unpack()
        handles = invocation.get_message().get_unix_fd_list()
        for key in [key for key in answer if key.endswith("-fd")]:
            with os.fdopen(handles.get(answer.pop(key)), "rb") as stream:
                answer[key.removesuffix("-fd")] = stream.read()
        if self.error:
            invocation.return_dbus_error(f"{NAME}.Error.{self.error[0]}", self.error[1])
            return
        self.answers.append((challenge, disposition, answer))
        invocation.return_value(None)

    def stop(self):
        self.connection.close_sync(None)
