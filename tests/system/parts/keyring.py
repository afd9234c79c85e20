# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gnome-keyring-daemon on the test's bus, with a prompter that nobody may ever call."""

import shutil
import subprocess

from gi.repository import Gio, GLib

from .waiting import wait_for

NAME = "org.freedesktop.secrets"
PATH = "/org/freedesktop/secrets"
SERVICE = "org.freedesktop.Secret.Service"
COLLECTION = "org.freedesktop.Secret.Collection"
ITEM = "org.freedesktop.Secret.Item"
# How gnome-keyring's own tests unlock without a dialog.
INTERNAL = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"

SECRETS = "org.freedesktop.BackgroundTransfer1.Secrets"
CREDENTIAL = "org.freedesktop.BackgroundTransfer1.Credential"

PROMPTER = """<node><interface name='org.gnome.keyring.internal.Prompter'>
  <method name='BeginPrompting'><arg type='o' direction='in'/></method>
  <method name='PerformPrompt'><arg type='o' direction='in'/><arg type='s' direction='in'/>
    <arg type='a{sv}' direction='in'/><arg type='s' direction='in'/></method>
  <method name='StopPrompting'><arg type='o' direction='in'/></method>
</interface></node>"""


class Prompter:
    """What gnome-keyring asks to show a dialog: it only notes that it was asked."""

    def __init__(self, bus):
        self.asked = []
        self.connection = bus.connect()
        interface = Gio.DBusNodeInfo.new_for_xml(PROMPTER).interfaces[0]
        self.connection.register_object(
            "/org/gnome/keyring/Prompter", interface, self.on_call, None, None)
        self.connection.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "RequestName", GLib.Variant("(su)", ("org.gnome.keyring.SystemPrompter", 4)),
            None, Gio.DBusCallFlags.NONE, -1, None)

    def on_call(self, _connection, _sender, _path, _interface, method, _arguments, invocation):
        self.asked.append(method)
        invocation.return_dbus_error("org.freedesktop.DBus.Error.Failed", "Nobody is there")

    def close(self):
        self.connection.close_sync(None)


class Keyring:
    """The user's keyring: start() unlocks it, or start(unlocked=False) does not."""

    def __init__(self, bus, directory, environment):
        self.bus = bus
        self.directory = directory
        self.environment = dict(environment, DBUS_SESSION_BUS_ADDRESS=bus.address)
        self.password = "open sesame"
        self.process = None
        self.session = None
        self.prompter = Prompter(bus)
        self.log = directory / "keyring.log"

    @staticmethod
    def is_installed():
        return shutil.which("gnome-keyring-daemon") is not None

    # ---- its life ----

    def start(self, unlocked=True):
        """Makes the login keyring when there is none yet, which takes unlocked=True."""
        assert self.process is None
        self.process = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--components=secrets",
             f"--control-directory={self.directory}/keyring",
             *(["--unlock"] if unlocked else [])],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=self.log.open("a"),
            stderr=subprocess.STDOUT,
        )
        self.process.stdin.write(self.password.encode() if unlocked else b"")
        self.process.stdin.close()
        wait_for(lambda: self.bus.has_owner(NAME), "the keyring is there")
        wait_for(lambda: self.default() != "/", "the keyring has a collection")
        assert self.is_locked() is not unlocked
        return self

    def kill(self):
        """As a crash would: the keyring on the disk stays."""
        self.process.kill()
        self.process.wait(10)
        self.process = self.session = None
        wait_for(lambda: not self.bus.has_owner(NAME), "the bus has seen the keyring go")

    def stop(self):
        """At the end of a test: nobody was ever asked for a password."""
        if self.process:
            self.kill()
        self.prompter.close()
        assert self.prompter.asked == []

    # ---- what its user does ----

    def lock(self):
        self.call(PATH, SERVICE, "Lock", "(ao)", [self.default()])
        assert self.is_locked()

    def unlock(self):
        path = self.default()
        self.call(PATH, INTERNAL, "UnlockWithMasterPassword", "(o(oayays))", path,
                  self.wrap(self.password.encode()))
        assert not self.is_locked()

    def add(self, secret, schema=CREDENTIAL, **attributes):
        """An item as another program would store it: app_id="…" is app-id."""
        named = {name.replace("_", "-"): value for name, value in attributes.items()}
        properties = {
            ITEM + ".Label": GLib.Variant("s", "added by the test"),
            ITEM + ".Attributes": GLib.Variant("a{ss}", {**named, "xdg:schema": schema}),
        }
        path, prompt = self.call(
            self.default(), COLLECTION, "CreateItem", "(a{sv}(oayays)b)", properties,
            self.wrap(secret.encode()), False)
        assert prompt == "/"
        return path

    def remove(self, schema):
        for path in self.paths(schema):
            self.call(path, ITEM, "Delete", None)

    # ---- what is in it ----

    def default(self):
        return self.call(PATH, SERVICE, "ReadAlias", "(s)", "default")

    def is_locked(self):
        return self.get(self.default(), COLLECTION, "Locked")

    def paths(self, schema):
        unlocked, locked = self.call(
            PATH, SERVICE, "SearchItems", "(a{ss})", {"xdg:schema": schema})
        return unlocked + locked

    def items(self, schema):
        """The attributes of all items of a schema (SECRETS or CREDENTIAL), locked ones too
        if it was unlocked since it started."""
        found = [self.get(path, ITEM, "Attributes") for path in self.paths(schema)]
        for attributes in found:
            del attributes["xdg:schema"]
        return found

    def secrets(self, schema):
        """What they hold, as bytes; of locked ones nothing."""
        self.open_session()
        found = self.call(PATH, SERVICE, "GetSecrets", "(aoo)", self.paths(schema), self.session)
        return [bytes(secret[2]) for secret in found.values()]

    # ---- the bus ----

    def open_session(self):
        if self.session is None:
            _, self.session = self.call(
                PATH, SERVICE, "OpenSession", "(sv)", "plain", GLib.Variant("s", ""))

    def wrap(self, secret):
        self.open_session()
        return (self.session, b"", secret, "text/plain")

    def get(self, path, interface, name):
        return self.call(path, "org.freedesktop.DBus.Properties", "Get", "(ss)", interface, name)

    def call(self, path, interface, member, signature, *arguments):
        packed = GLib.Variant(signature, arguments) if signature else None
        values = self.bus.own.call_sync(
            NAME, path, interface, member, packed, None, Gio.DBusCallFlags.NO_AUTO_START,
            30000, None).unpack()
        return values[0] if len(values) == 1 else values
