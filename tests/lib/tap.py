# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks share: results in TAP, and the list of the project's files."""

import pathlib
import subprocess
import sys


class Tap:
    """Prints one line a check; a check is good when it found no problems."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, problems):
        self.count += 1
        problems = list(problems)
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} {name}")
        for problem in problems:
            for line in str(problem).splitlines():
                print(f"# {line}")

    def skip(self, name, reason):
        self.count += 1
        print(f"ok {self.count} {name} # SKIP {reason}")

    def finish(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def list_files(root):
    """Paths relative to root: what git tracks, or in a tarball everything there is."""
    root = pathlib.Path(root)
    if (root / ".git").exists():
        # Whoever runs the tests need not own the checkout.
        git = ["git", "-c", f"safe.directory={root.resolve()}", "-C", root, "ls-files", "-z"]
        names = subprocess.run(git, check=True, capture_output=True, text=True).stdout
        files = [pathlib.Path(name) for name in names.split("\0") if name]
        return sorted(f for f in files if (root / f).is_file())
    builds = {p.parent for p in root.glob("*/meson-private")}
    return sorted(
        p.relative_to(root)
        for p in root.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts and not builds & set(p.parents)
    )
