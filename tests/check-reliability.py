#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/reliability.md lists what the tests break: check-reliability.py SOURCEROOT [--write].

A test is listed when the docstring at its head, or the comment above it, has a paragraph

    Fault (KIND): what is done to us | Proves: what holds all the same

in one of the kinds below.  It is named after the next definition in the file: a function
of C, Python or shell.  The check fails while the page is not what the sources say; --write
writes it."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from tap import Tap, list_files

PAGE = "docs/reliability.md"
RESULTS = "tests/powercut/results.md"
BEGIN = "<!-- From here on written by tests/check-reliability.py --write -->\n"
END = "<!-- Until here -->\n"
KINDS = {
    "power": "The power goes, the machine stops",
    "daemon": "The daemon dies, or is refused a call",
    "worker": "The worker dies, hangs or misbehaves",
    "disk": "Disks and files",
    "store": "The database",
    "server": "Servers and networks",
    "app": "Apps",
    "time": "Clocks and waiting",
    "caller": "Callers",
}
MARK = re.compile(r"Fault \((?P<kind>\w+)\):\s+(?P<fault>.+?)\s+\|\s+Proves:\s+(?P<proves>.+)")
# What stands before the words in a docstring, in a comment of C, in one of shell.
LEADER = re.compile(r'^\s*(?:"""|/\*|\*(?!/)|#)?\s*')
CLOSER = re.compile(r'"""|\*/')
DEFINITIONS = {
    ".py": re.compile(r"^\s*def (?:test_)?(\w+)"),
    ".c": re.compile(r"^(?:test_)?(\w+) \("),
    "": re.compile(r"^(?:check_)?(\w+) \(\)"),
}


def read_paragraph(lines, first):
    """The marker's text on one line, without the leaders of a comment."""
    words = []
    for line in lines[first:]:
        text = LEADER.sub("", line)
        words.append(CLOSER.split(text)[0])
        if CLOSER.search(text) or not text:
            break
    return " ".join(" ".join(words).split())


def find_name(path, lines, first):
    """In Python the docstring stands below its definition, else above."""
    definition = DEFINITIONS[path.suffix]
    where = reversed(lines[:first]) if path.suffix == ".py" else lines[first:]
    for line in where:
        if found := definition.match(line):
            return found[1]
    return "?"


def title_of(path):
    suite = path.parts[1]
    if len(path.parts) == 3 and path.suffix:
        return f"{suite} `{re.sub('^test[-_]', '', path.stem)}`"
    return suite


def collect(root, files):
    """(kind, fault, proves, test) of each marker, and what is wrong with others."""
    rows, problems = [], []
    for path in files:
        if path.parts[0] != "tests" or path.name == "check-reliability.py":
            continue
        if path.suffix not in DEFINITIONS:
            continue
        lines = (root / path).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if "Fault (" not in line:
                continue
            found = MARK.fullmatch(read_paragraph(lines, number))
            if not found or found["kind"] not in KINDS:
                problems.append(f"{path}:{number + 1}: no fault of the form that is read")
                continue
            name = find_name(path, lines, number)
            rows.append((found["kind"], found["fault"], found["proves"].rstrip("."),
                         f"{title_of(path)}: {name}"))
    return rows, problems


def escape(text):
    return text.replace("|", r"\|")


def compose(root, rows):
    parts = [BEGIN]
    for kind, title in KINDS.items():
        mine = [row for row in rows if row[0] == kind]
        if not mine:
            continue
        parts.append(f"\n### {title}\n\n| fault injected | what is proved | test |\n"
                     "| --- | --- | --- |\n")
        parts += [f"| {escape(fault)} | {escape(proves)} | {test} |\n"
                  for _kind, fault, proves, test in mine]
    if (root / RESULTS).exists():
        parts.append("\n" + (root / RESULTS).read_text(encoding="utf-8"))
    return "".join(parts) + "\n" + END


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    rows, problems = collect(root, list_files(root))
    page = (root / PAGE).read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    wanted = head + compose(root, rows) + tail
    if "--write" in sys.argv[2:]:
        (root / PAGE).write_text(wanted, encoding="utf-8")
        page = wanted
    tap = Tap()
    tap.check("faults are marked in a form that is read", problems)
    tap.check("there are faults", [] if rows else ["none was found"])
    stale = [] if page == wanted else [f"{PAGE}: run tests/check-reliability.py . --write"]
    tap.check("docs/reliability.md is up to date", stale)
    tap.finish()


if __name__ == "__main__":
    main()
