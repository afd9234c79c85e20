# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A caller whose root holds /.flatpak-info, as that of a Flatpak app does.

Run inside such a root as sandboxed.py ADDRESS, it makes the calls it reads from standard
input, a line of JSON each, and answers each with a line of JSON."""

import json
import os
import pathlib
import subprocess
import sys

INFO = """[Application]
name={app}
runtime=runtime/org.example.Platform/x86_64/1

[Context]
shared={shared}
"""

# A root with everything of ours in it and one file more.
ENTER = r"""
set -e
root=$1; shift
mount -t tmpfs tmpfs "$root"
for path in /*; do
  if [ -L "$path" ]; then
    cp -P "$path" "$root$path"
  elif [ -d "$path" ]; then
    mkdir "$root$path"
    mount --rbind "$path" "$root$path"
  fi
done
cp "$INFO" "$root/.flatpak-info"
exec chroot "$root" "$@"
"""


class Sandboxed:
    """The same from outside: call() as of a Client."""

    def __init__(self, bus, top, app, shared="network"):
        root = top / f"root-{app}-{shared or 'none'}"
        root.mkdir()
        info = top / f"{root.name}.info"
        info.write_text(INFO.format(app=app, shared=shared))
        self.process = subprocess.Popen(
            [*namespace(), "bash", "-c", ENTER, "enter", str(root), sys.executable,
             str(pathlib.Path(__file__)), bus.address],
            env=dict(os.environ, INFO=str(info)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "the sandboxed caller died"
        return json.loads(line)

    def call(self, path, interface, member, signature=None, *arguments):
        """["value", text] or ["error", name, message]."""
        words = [path, interface, member, signature, *arguments]
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


def namespace():
    """Ordinary users need a user namespace to mount, in which they stay who they are."""
    if os.geteuid() == 0:
        return ["unshare", "--mount", "--propagation", "private"]
    return ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount",
            "--propagation", "private"]


def can_mount(directory):
    command = [*namespace(), "mount", "-t", "tmpfs", "tmpfs", str(directory)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    import gi

    gi.require_version("Gio", "2.0")
    from gi.repository import Gio, GLib

    flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
             | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
    bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
    print(json.dumps(bus.get_unique_name()), flush=True)
    for line in sys.stdin:
        path, interface, member, signature, *arguments = json.loads(line)
        packed = GLib.Variant(signature, tuple(arguments)) if signature else None
        try:
            reply = bus.call_sync(
                "org.freedesktop.BackgroundTransfer1", path, interface, member, packed, None,
                Gio.DBusCallFlags.NONE, 30000, None)
            answer = ["value", reply.print_(False)]
        except GLib.Error as error:
            name = Gio.DBusError.get_remote_error(error)
            answer = ["error", name, error.message]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
