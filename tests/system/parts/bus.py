# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private session bus, and connections to it."""

import subprocess

from gi.repository import Gio, GLib

from .waiting import wait_for

# Without the second <allow> nothing may be received, and each client hangs in its Hello.
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Bus:
    def __init__(self, directory, environment):
        self.directory = directory
        self.services = directory / "services"
        self.services.mkdir()
        self.socket = directory / "bus"
        self.address = f"unix:path={self.socket}"
        config = directory / "bus.conf"
        config.write_text(CONFIG.format(socket=self.socket, services=self.services))
        # What it activates inherits its environment.
        self.process = subprocess.Popen(
            ["dbus-daemon", "--nofork", f"--config-file={config}"],
            env=dict(environment, DBUS_SESSION_BUS_ADDRESS=self.address),
            stderr=(directory / "bus.log").open("w"),
        )
        self.own = wait_for(self.try_connect, "the bus listens")

    def connect(self):
        flags = (
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        )
        connection = Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)
        connection.set_exit_on_close(False)
        return connection

    def try_connect(self):
        # Its socket is there a moment before it listens.
        try:
            return self.connect()
        except GLib.Error:
            return None

    def call(self, member, arguments, reply):
        return self.own.call_sync(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            member,
            arguments,
            GLib.VariantType(reply),
            Gio.DBusCallFlags.NONE,
            -1,
            None,
        ).unpack()[0]

    def has_owner(self, name):
        return self.call("NameHasOwner", GLib.Variant("(s)", (name,)), "(b)")

    def owner_of(self, name):
        return self.call("GetNameOwner", GLib.Variant("(s)", (name,)), "(s)")

    def pid_of(self, name):
        argument = GLib.Variant("(s)", (name,))
        return self.call("GetConnectionUnixProcessID", argument, "(u)")

    def add_service(self, name, command):
        """Makes name activatable.  The bus sees new files by itself."""
        self.services.joinpath(name + ".service").write_text(
            f"[D-BUS Service]\nName={name}\nExec={command}\n"
        )
        names = lambda: self.call("ListActivatableNames", None, "(as)")
        self.own.call_sync(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "ReloadConfig",
            None,
            None,
            Gio.DBusCallFlags.NONE,
            -1,
            None,
        )
        wait_for(lambda: name in names(), f"{name} is activatable")

    def stop(self):
        self.own.close_sync(None)
        self.process.terminate()
        self.process.wait(10)
