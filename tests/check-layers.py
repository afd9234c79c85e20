#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may include whom: check-layers.py SOURCEROOT (docs/architecture.md, Storeys)."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from tap import Tap, list_files

STOREYS = {"common": 0, "value": 1, "port": 2, "core": 3, "face": 4, "service": 5}
# Programs beside the daemon, and what of ours each may use besides its own folder.
PROGRAMS = {"worker": {"common"}, "client": {"common"}, "cli": {"client", "common"}}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def room_of(path):
    """The folder that decides what a file may include: "core", "worker", …"""
    parts = pathlib.PurePath(path).parts
    if parts[0] != "src" or len(parts) < 3:
        return None
    if parts[1] == "daemon":
        return parts[2] if len(parts) > 3 else "service"
    return parts[1]


def resolve(path, name, tree):
    """The file of ours that #include "name" in path means; None for a generated one."""
    for folder in (pathlib.PurePath(path).parent, "src/daemon", "src"):
        candidate = str(pathlib.PurePath(folder) / name)
        if candidate in tree:
            return candidate
    return None


def may_include(room, other):
    if room in STOREYS:
        return other in STOREYS and STOREYS[other] <= STOREYS[room]
    return other == room or other in PROGRAMS[room]


def find_climbs(tree):
    for path, text in tree.items():
        for mark, name in INCLUDE.findall(COMMENT.sub("", text)):
            target = resolve(path, name, tree) if mark == '"' else None
            if target and not may_include(room_of(path), room_of(target)):
                yield f"{path} includes {target}"


def may_use_systemd(path):
    return room_of(path) in ("port", "service")


FOREIGN = [
    ("libsoup", lambda p: room_of(p) == "worker"),
    ("sqlite3.h", re.compile(r"src/daemon/port/(?:db|store)(?:-[a-z]+)?\.[ch]").fullmatch),
    ("libsecret", re.compile(r"src/daemon/port/(?:keyring-session|vault-file)\.c").fullmatch),
    ("systemd", may_use_systemd),
    ("gssapi", lambda p: room_of(p) == "worker"),
    ("krb5.h", lambda p: room_of(p) == "worker"),
    ("seccomp.h", lambda p: room_of(p) == "worker"),
    ("gnutls", lambda p: room_of(p) == "worker"),
    ("linux/landlock.h", lambda p: room_of(p) == "worker"),
]


def find_foreign(tree):
    for path, text in tree.items():
        for mark, name in INCLUDE.findall(COMMENT.sub("", text)):
            for library, is_allowed in FOREIGN:
                hit = name == library or name.startswith(library + "/")
                if mark == "<" and hit and not is_allowed(path):
                    yield f"{path} includes <{name}>"


def find_symbols(tree):
    for path, text in tree.items():
        code = COMMENT.sub("", text)
        if room_of(path) in ("core", "value"):
            for word in sorted(set(re.findall(r"\b(?:g_dbus_|GDBus|G_DBUS_)\w*", code))):
                yield f"{path} uses {word}"
        if room_of(path) != "worker":
            for word in sorted(set(re.findall(r"\b(?:Soup[A-Z]|soup_|SOUP_)\w*", code))):
                yield f"{path} uses {word}"
        if room_of(path) != "port":
            for word in sorted(set(re.findall(r"\bsqlite3_?\w*", code))):
                yield f"{path} uses {word}"


def find_cycles(tree):
    edges = {
        path: {resolve(path, n, tree) for m, n in INCLUDE.findall(text) if m == '"'} - {None}
        for path, text in tree.items()
    }
    done, trail = set(), []

    def visit(path):
        if path in trail:
            yield " -> ".join(trail[trail.index(path):] + [path])
        elif path not in done:
            trail.append(path)
            for target in sorted(edges[path]):
                yield from visit(target)
            trail.pop()
            done.add(path)

    for path in sorted(tree):
        yield from visit(path)


RULES = {
    "includes run downward": find_climbs,
    "libraries stay in their rooms": find_foreign,
    "no word of another storey": find_symbols,
    "no include runs in a circle": find_cycles,
}

# Each rule has to find the fault that is planted for it, and no other does.
PLANTED = {
    "includes run downward": {
        "src/daemon/port/a.c": '#include "core/b.h"\n',
        "src/daemon/core/b.h": "",
    },
    "libraries stay in their rooms": {
        "src/daemon/core/a.c": "#include <libsoup/soup.h>\n",
    },
    "no word of another storey": {
        "src/daemon/core/a.c": "/* GDBus is fine here. */\nGDBusConnection *bus;\n",
    },
    "no include runs in a circle": {
        "src/daemon/core/a.h": '#include "core/b.h"\n',
        "src/daemon/core/b.h": '#include "core/a.h"\n',
    },
}
PLANTED_PROGRAM = {
    "src/worker/a.c": '#include "core/b.h"\n',
    "src/daemon/core/b.h": "",
}


def main():
    root = pathlib.Path(sys.argv[1])
    tree = {
        str(path): (root / path).read_text(encoding="utf-8")
        for path in list_files(root)
        if path.suffix in (".c", ".h") and room_of(path)
    }
    tap = Tap()
    for name, rule in RULES.items():
        found = {other for other, r in RULES.items() if list(r(PLANTED[name]))}
        tap.check(f"a planted fault is found: {name}", found ^ {name})
    tap.check("the worker may not use core", [] if list(find_climbs(PLANTED_PROGRAM)) else [1])
    tap.check("there are sources", [] if len(tree) > 20 else [f"only {len(tree)} files"])
    for name, rule in RULES.items():
        tap.check(name, rule(tree))
    tap.finish()


if __name__ == "__main__":
    main()
