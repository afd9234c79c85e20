# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A pytest plugin that speaks TAP, one line a test: pytest -p pytest_tap -p no:terminal."""

import re
import sys


class Reporter:
    def __init__(self):
        self.count = 0
        self.stages = []

    def line(self, verdict, name, directive="", comment=""):
        self.count += 1
        print(f"{verdict} {self.count} {name}{directive}")
        for text in comment.splitlines():
            print(f"# {text}")
        sys.stdout.flush()

    def pytest_collectreport(self, report):
        if report.failed:
            self.line("not ok", report.nodeid or "collection", comment=str(report.longrepr))

    def pytest_runtest_logreport(self, report):
        """A test is one line, though its fixtures may fail before or after it."""
        self.stages.append(report)
        if report.when != "teardown":
            return
        stages, self.stages = self.stages, []
        name = re.sub(r"[#\\]", "_", report.nodeid.split("::", 1)[-1])
        bad = [stage for stage in stages if stage.failed]
        skipped = [stage for stage in stages if stage.skipped]
        if bad:
            text = "\n".join(
                [str(stage.longrepr) for stage in bad]
                + [f"--- {title}\n{content}" for title, content in bad[-1].sections]
            )
            self.line("not ok", name, comment=text)
        elif skipped:
            reason = skipped[0].longrepr
            reason = reason[2] if isinstance(reason, tuple) else str(reason)
            self.line("ok", name, f" # SKIP {reason.removeprefix('Skipped: ')}")
        else:
            self.line("ok", name)

    def pytest_sessionfinish(self):
        print(f"1..{self.count}", flush=True)


def pytest_configure(config):
    # Explaining a failed assertion asks for it, and only the terminal's plugin sets it.
    config.option.verbose = getattr(config.option, "verbose", 0)
    config.pluginmanager.register(Reporter(), "tap-reporter")
