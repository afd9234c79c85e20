#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every file has to be like: check-files.py SOURCEROOT (CONTRIBUTING.md)."""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from tap import Tap, list_files

LICENCE = "SPDX-License-Identifier: "
# Files that cannot carry a comment, or are somebody's text.
NO_LICENCE = {"COPYING", ".editorconfig", ".gitignore", ".git-blame-ignore-revs"}
NO_LICENCE_SUFFIXES = {".md", ".po", ".pot", ".json", ".pem", ".db"}
NO_LICENCE_NAMES = {"LINGUAS", "NEWS", "clang-format"}
FUNCTION_MAX = 60
FILE_MAX = 800


def read(root, path):
    try:
        return (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def find_unlicensed(root, files):
    for path in files:
        if path.name in NO_LICENCE | NO_LICENCE_NAMES or path.suffix in NO_LICENCE_SUFFIXES:
            continue
        if path.name.startswith("packages-"):
            continue
        head = "\n".join(read(root, path).splitlines()[:8])
        if LICENCE not in head or "SPDX-FileCopyrightText: " not in head:
            yield f"{path}: no SPDX lines"


def find_untidy(root, files):
    for path in files:
        if path.name == "COPYING":
            continue
        text = read(root, path)
        if "\r" in text:
            yield f"{path}: CR"
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip() and path.suffix != ".md":
                yield f"{path}:{number}: blanks at the end"
            if "\t" in line and path.suffix in (".c", ".h", ".py", ".build", ".xml"):
                yield f"{path}:{number}: tab"


def find_long(root, files):
    """GNU style: a body runs from a brace in column 0 to one in column 0."""
    for path in files:
        if path.suffix not in (".c", ".h", ".py"):
            continue
        lines = read(root, path).splitlines()
        if len(lines) > FILE_MAX:
            yield f"{path}: {len(lines)} lines"
        begin, title, opener = None, "", ""
        for number, line in enumerate(lines, 1):
            if path.suffix == ".py":
                break
            if line == "{":
                begin, opener = number, title
            elif line.startswith("}") and begin:
                # A table is as long as it is.
                if line == "}" and number - begin - 1 > FUNCTION_MAX:
                    yield f"{path}:{begin}: {number - begin - 1} lines: {opener}"
                begin = None
            elif line and not line.startswith((" ", "/", "#")):
                title = line


def find_untranslated(root, files):
    listed = {
        line.strip()
        for line in read(root, "po/POTFILES.in").splitlines()
        if line.strip() and not line.startswith("#")
    }
    marked = re.compile(r'\b(?:_|N_|C_|g_dngettext|g_dgettext|ngettext)\s*\(\s*"')
    for path in files:
        if path.suffix == ".c" and path.parts[0] in ("src", "examples"):
            if marked.search(read(root, path)) and str(path) not in listed:
                yield f"{path} is not in po/POTFILES.in"
    for name in sorted(listed):
        if not (root / name).is_file():
            yield f"po/POTFILES.in lists {name}, which is not there"


def find_unguarded(root, files):
    for path in files:
        if path.suffix == ".h" and "#pragma once\n" not in read(root, path):
            yield f"{path}: no #pragma once"


def run_tool(tap, name, tool, command, files):
    """One check by a program; skipped only where it is not installed."""
    if not shutil.which(tool):
        tap.skip(name, f"{tool} is not installed")
        return
    result = subprocess.run(command + files, capture_output=True, text=True, check=False)
    output = (result.stdout + result.stderr).splitlines()
    # clang-format quotes the source below each place; the place is enough.
    places = [line for line in output if " error: " in line] or output
    tap.check(name, places[:60] or ["failed"] if result.returncode else [])


def is_shell(root, path):
    head = read(root, path)[:64].split("\n", 1)[0]
    return path.suffix == ".sh" or head.startswith("#!") and head.endswith(("bash", "/sh"))


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    files = list_files(root)
    tap = Tap()
    tap.check("SPDX lines", find_unlicensed(root, files))
    tap.check("white space", find_untidy(root, files))
    tap.check("short functions and files", find_long(root, files))
    tap.check("headers are read once", find_unguarded(root, files))
    tap.check("POTFILES.in", find_untranslated(root, files))
    style = f"--style=file:{root}/.ci/clang-format"
    run_tool(
        tap,
        "clang-format",
        "clang-format-14",
        ["clang-format-14", style, "--dry-run", "--Werror"],
        [str(root / p) for p in files if p.suffix in (".c", ".h")],
    )
    scripts = [str(root / p) for p in files if is_shell(root, p)]
    # -x: files that are sourced are looked at where they are sourced, from the root.
    run_tool(
        tap, "shellcheck", "shellcheck", ["shellcheck", "-x", "-P", str(root)], scripts
    )
    xml = [str(root / p) for p in files if p.suffix in (".xml", ".gresource", ".metainfo")]
    run_tool(tap, "well-formed XML", "xmllint", ["xmllint", "--noout", "--nonet"], xml)
    tap.finish()


if __name__ == "__main__":
    main()
