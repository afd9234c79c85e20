# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An app's side of the bus: calls with options and handles, and every signal recorded."""

import dataclasses
import os

from gi.repository import Gio, GLib

from .daemon import NAME
from .waiting import drain, wait_for

PATH = "/org/freedesktop/BackgroundTransfer1"
SESSION = NAME + ".Session"
TASK = NAME + ".Task"
PROPERTIES = "org.freedesktop.DBus.Properties"
ERROR = NAME + ".Error."
EVENTS = ("TaskFinished", "ChallengeReceived", "WillBeginDelayedRequest", "DidBecomeInvalid")

# For `retry`: the second that is waited by default would be long in a test.
SOON = {"base-delay": GLib.Variant("t", 20), "max-delay": GLib.Variant("t", 100)}

# Types of the options that the tests use.
TYPES = {
    "accept-status": "as",
    "activation-name": "s",
    "allow-insecure-auth": "b",
    "after": "t",
    "app-id": "s",
    "auto-complete": "b",
    "body": "h",
    "body-bytes": "ay",
    "body-path": "s",
    "ca-certificates": "s",
    "challenge-handling": "s",
    "challenge-timeout": "t",
    "connect-timeout": "t",
    "content-type": "s",
    "decode": "b",
    "cookie-policy": "s",
    "dedup-key": "s",
    "delayed-request-timeout": "t",
    "description": "s",
    "destination": "h",
    "destination-name": "s",
    "destination-path": "s",
    "digests": "a{ss}",
    "expected-bytes": "t",
    "earliest-begin": "x",
    "expect-continue": "b",
    "first-byte-timeout": "t",
    "group": "s",
    "headers": "a(ss)",
    "if-exists": "s",
    "idempotent": "b",
    "idempotency-key": "b",
    "kind": "s",
    "launch-without-display": "b",
    "limit": "u",
    "max-bytes": "t",
    "max-concurrent-tasks": "u",
    "max-connections-per-host": "u",
    "max-redirects": "u",
    "method": "s",
    "mirrors": "as",
    "allow-insecure-redirect": "b",
    "allow-unframed": "b",
    "negotiate-hosts": "as",
    "notify-before-start": "b",
    "oauth2": "a{sv}",
    "observe": "b",
    "parts": "aa{sv}",
    "preemptive-auth": "b",
    "pins": "as",
    "priority": "d",
    "properties": "as",
    "proxy": "s",
    "proxy-exclusions": "as",
    "range": "(tt)",
    "redirects": "s",
    "replace": "b",
    "request-timeout": "t",
    "resource-timeout": "t",
    "response-body-max": "t",
    "resumable": "s",
    "resume-data": "ay",
    "retry": "a{sv}",
    "retry-safe": "b",
    "sends-launch-events": "b",
    "set-cookies": "b",
    "snapshot": "s",
    "start": "b",
    "state": "s",
    "update-configuration": "b",
    "url": "s",
    "user-data": "ay",
}


# Types of what challenges, protection spaces and credentials are told in.
CREDENTIAL_TYPES = {
    "accept-certificate": "b",
    "allow-insecure-auth": "b",
    "certificate": "s",
    "host": "s",
    "is-proxy": "b",
    "method": "s",
    "password": "s",
    "persistence": "s",
    "pkcs11-uri": "s",
    "pkcs12": "ay",
    "port": "u",
    "protocol": "s",
    "realm": "s",
    "token": "s",
    "user": "s",
}


class Failure(Exception):
    """An error reply; name is the last word of ours, or the whole name of another's."""

    def __init__(self, error):
        remote = Gio.DBusError.get_remote_error(error) or ""
        self.name = remote.removeprefix(ERROR)
        self.message = error.message
        super().__init__(f"{self.name}: {error.message}")


@dataclasses.dataclass
class Signal:
    member: str
    path: str
    arguments: tuple
    sender: str


def pack(options, types=TYPES):
    """An a{sv} of keyword arguments: if_exists="fail" is the key if-exists."""
    packed = {}
    for key, value in options.items():
        key = key.replace("_", "-")
        packed[key] = GLib.Variant(types[key], value)
    return packed


def pack_credential(options):
    """The same for a protection space, a credential or an answer."""
    return pack(options, CREDENTIAL_TYPES)


class Client:
    def __init__(self, bus):
        self.bus = bus
        self.connection = bus.connect()
        self.signals = []
        self.connection.signal_subscribe(
            None, None, None, None, None, Gio.DBusSignalFlags.NO_MATCH_RULE, self.on_signal
        )
        # Directed signals need no match rule.
        self.replies = 0

    def on_signal(self, _connection, sender, path, _interface, member, arguments):
        if member not in ("NameAcquired", "NameLost"):
            self.signals.append(Signal(member, path, arguments.unpack(), sender))

    @property
    def name(self):
        return self.connection.get_unique_name()

    def call(self, path, interface, member, signature=None, *arguments, handles=()):
        """The reply's values: None, the only one, or a tuple."""
        fds = Gio.UnixFDList.new()
        for handle in handles:
            fds.append(handle)
        packed = GLib.Variant(signature, arguments) if signature else None
        try:
            reply, received = self.connection.call_with_unix_fd_list_sync(
                NAME, path, interface, member, packed, None, Gio.DBusCallFlags.NONE,
                60000, fds, None,
            )
        except GLib.Error as error:
            raise Failure(error) from None
        values = reply.unpack()
        if reply.get_type_string() == "(h)":
            return received.get(values[0])
        return values[0] if len(values) == 1 else values or None

    def call_later(self, path, interface, member, signature, arguments, on_reply):
        """Sends without waiting; on_reply(values or Failure) comes from wait_for()."""

        def finish(connection, result):
            try:
                on_reply(connection.call_finish(result).unpack())
            except GLib.Error as error:
                on_reply(Failure(error))

        packed = GLib.Variant(signature, arguments) if signature else None
        self.connection.call(
            NAME, path, interface, member, packed, None, Gio.DBusCallFlags.NONE, 60000, None,
            finish,
        )

    def open_session(self, identifier="main", **configuration):
        path, results = self.call(
            PATH, NAME, "OpenSession", "(sa{sv})", identifier, pack(configuration)
        )
        return Session(self, path, results)

    def list_sessions(self):
        return self.call(PATH, NAME, "ListSessions")

    def session(self, path):
        return Session(self, path, {})

    def heard(self, *members, path=None):
        drain()
        return [
            s for s in self.signals if s.member in members and path in (None, s.path)
        ]

    def close(self):
        if not self.connection.is_closed():
            self.connection.close_sync(None)


class Thing:
    """An object of the service."""

    INTERFACE = ""

    def __init__(self, client, path):
        self.client = client
        self.path = path

    def call(self, member, signature=None, *arguments, handles=()):
        return self.client.call(
            self.path, self.INTERFACE, member, signature, *arguments, handles=handles
        )

    def get(self, name):
        return self.client.call(
            self.path, PROPERTIES, "Get", "(ss)", self.INTERFACE, name
        )

    def get_all(self):
        return self.client.call(self.path, PROPERTIES, "GetAll", "(s)", self.INTERFACE)

    def set(self, name, value):
        self.client.call(
            self.path, PROPERTIES, "Set", "(ssv)", self.INTERFACE, name, value
        )


class Session(Thing):
    INTERFACE = SESSION

    def __init__(self, client, path, results):
        super().__init__(client, path)
        self.results = results

    def attach(self, **options):
        return self.call("Attach", "(a{sv})", pack(options))

    def create(self, url, directory=None, **options):
        """Makes a download; directory is a path whose handle is passed along."""
        if directory is None:
            path = self.call("CreateDownloadTask", "(sa{sv})", url, pack(options))
            return Task(self.client, path)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            packed = pack(dict(options, destination=0))
            path = self.call(
                "CreateDownloadTask", "(sa{sv})", url, packed, handles=[handle]
            )
        finally:
            os.close(handle)
        return Task(self.client, path)

    def create_upload(self, url, body=None, **options):
        """Makes an upload of bytes, or of what the options say."""
        if body is None:
            path = self.call("CreateUploadTask", "(sa{sv})", url, pack(options))
            return Task(self.client, path)
        handle = os.memfd_create("body", os.MFD_CLOEXEC)
        try:
            with open(handle, "wb", closefd=False) as stream:
                stream.write(body)
            packed = pack(dict(options, body=0))
            path = self.call("CreateUploadTask", "(sa{sv})", url, packed, handles=[handle])
        finally:
            os.close(handle)
        return Task(self.client, path)

    def create_many(self, rows):
        paths = self.call("CreateTasks", "(aa{sv})", [pack(row) for row in rows])
        return [Task(self.client, path) for path in paths]

    def list_tasks(self, **filters):
        return self.call("ListTasks", "(a{sv})", pack(filters))

    def list_events(self, after=0, limit=0):
        return self.call("ListEvents", "(tu)", after, limit)

    def complete(self, sequence):
        self.call("CompleteEvents", "(t)", sequence)

    def events(self):
        """The durable signals heard so far, in order."""
        return self.client.heard(*EVENTS, path=self.path)

    def finished(self):
        return [s for s in self.events() if s.member == "TaskFinished"]

    def wait_finished(self, count, timeout=60):
        """Waits for TaskFinished of so many tasks, redelivery counted once."""

        def all_there():
            return len({s.arguments[1] for s in self.finished()}) >= count

        wait_for(all_there, lambda: f"{count} tasks finished; heard {self.events()}", timeout)
        return self.finished()

    def challenges(self):
        """Details of those heard so far, redelivery too."""
        return [s.arguments[2] for s in self.events() if s.member == "ChallengeReceived"]

    def wait_challenge(self, count=1):
        """The details of the last of so many."""
        wait_for(lambda: len(self.challenges()) >= count,
                 lambda: f"{count} challenges; heard {self.client.signals}")
        return self.challenges()[-1]

    def set_credential(self, space, **credential):
        self.call("SetCredential", "(a{sv}a{sv})",
                  pack_credential(space), pack_credential(credential))

    def remove_credential(self, **space):
        self.call("RemoveCredential", "(a{sv})", pack_credential(space))

    def list_credentials(self):
        return self.call("ListCredentials")

    def wait_did_finish_events(self, count=1):
        def enough():
            return len(self.client.heard("DidFinishEvents", path=self.path)) >= count

        wait_for(enough, lambda: f"DidFinishEvents; heard {self.client.signals}")
        return self.client.heard("DidFinishEvents", path=self.path)[-1].arguments[0]


class Task(Thing):
    INTERFACE = TASK

    def resume(self):
        self.call("Resume")

    def cancel(self):
        self.call("Cancel")

    def respond(self, challenge, disposition="use-credential", **answer):
        """`challenge` as the details have told of it, or as the property says."""
        self.call("RespondToChallenge", "(ssa{sv})",
                  challenge["challenge"], disposition, pack_credential(answer))

    @property
    def state(self):
        return self.get("State")

    @property
    def error(self):
        """Name of the error it ended with, "" for none."""
        return self.get("Error")[0]

    def wait_state(self, *states, timeout=60):
        wait_for(
            lambda: self.state in states,
            lambda: f"state {states}: {self.get_all()}",
            timeout,
        )
        return self

    def read(self):
        """The bytes of its file."""
        handle = self.call("OpenFile")
        with os.fdopen(handle, "rb") as stream:
            stream.seek(0)
            return stream.read()
