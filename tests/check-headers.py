#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles what must compile, and what must not: check-headers.py SOURCEROOT BUILDROOT.

Each header alone, with the very flags of the files beside it; and <libsoup/soup.h>, which
only the worker is given.
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from tap import Tap, list_files


class Compiler:
    def __init__(self, root, build):
        self.root = root
        self.build = build
        self.commands = {}
        with open(build / "compile_commands.json", encoding="utf-8") as commands:
            for entry in json.load(commands):
                source = pathlib.Path(os.path.normpath(build / entry["file"]))
                if source.suffix == ".c" and root in source.parents:
                    folder = source.parent.relative_to(root)
                    self.commands.setdefault(folder, self.flags_of(entry))

    @staticmethod
    def flags_of(entry):
        """The command without input, output and dependency file."""
        words, flags = shlex.split(entry["command"]), []
        skip = False
        for word in words:
            if skip:
                skip = False
            elif word in ("-o", "-MF", "-MQ", "-c"):
                skip = word != "-c"
            elif word not in (entry["file"], "-MD", "-MMD"):
                flags.append(word)
        return flags

    def compile(self, folder, text):
        """What the compiler says of text as a file of that folder; "" when it is content."""
        flags = self.commands[folder] + ["-fsyntax-only", "-Wno-unused", "-x", "c", "-"]
        result = subprocess.run(
            flags, cwd=self.build, input=text, capture_output=True, text=True, check=False
        )
        return result.stderr or "failed" if result.returncode else ""

    def try_header(self, header):
        folder = header.parent if header.parent in self.commands else header.parents[1]
        if folder not in self.commands:
            return f"{header}: nothing in its folder is compiled"
        # Twice: it must stand alone, and be read once.
        text = f'#include "{self.root / header}"\n' * 2
        problem = self.compile(folder, text)
        return f"{header}: {problem}" if problem else None


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    compiler = Compiler(root, pathlib.Path(sys.argv[2]).resolve())
    tap = Tap()
    headers = [path for path in list_files(root) if path.suffix == ".h"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = list(pool.map(compiler.try_header, headers))
    tap.check(f"{len(headers)} headers compile alone", [p for p in problems if p])
    soup = "#include <libsoup/soup.h>\n"
    for folder in ("common", "cli", "daemon", "daemon/value", "daemon/port", "daemon/core",
                   "daemon/face"):
        folder = pathlib.Path("src", folder)
        said = compiler.compile(folder, soup)
        tap.check(
            f"libsoup does not compile in {folder}",
            [] if "libsoup/soup.h" in said else [said or "it compiles"],
        )
        tap.check(f"but GIO does in {folder}", filter(None, [
            compiler.compile(folder, "#include <gio/gio.h>\n")]))
    tap.check("libsoup compiles in the worker", filter(None, [
        compiler.compile(pathlib.Path("src/worker"), soup)]))
    tap.finish()


if __name__ == "__main__":
    main()
