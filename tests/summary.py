#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what `meson test` ran, by subtest: summary.py BUILDDIR...

Prints `N passed, N failed` (and `, N skipped` when any was) and exits with 1 when something
failed or nothing passed.  What failed goes to standard error, with the end of what it said:
of a log whose end alone is kept, that line and the reason are what is left.  A test that
died or timed out has left no bad subtest behind, so that it is counted from testlog.json as
well.
"""

import argparse
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

GOOD = {"OK", "EXPECTEDFAIL", "SKIP"}
# Of what a test said: the first lines that pytest marks as errors, and the last ones.
FIRST, LAST, WIDTH = 4, 14, 300
RESULT = re.compile(r"(not )?ok \d+|\d+\.\.\d+\s*$")


def base_name(name):
    """"spool" of what meson calls "trundle.trundle:unit / spool"."""
    return name.split(" / ", 1)[-1].split(".", 1)[-1]


def read_cases(path):
    """(test, subtest, "passed" | "failed" | "skipped") of a junit file."""
    for suite in ET.parse(path).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                verdict = "failed"
            elif case.find("skipped") is not None:
                verdict = "skipped"
            else:
                verdict = "passed"
            yield suite.get("name", ""), case.get("name", ""), verdict


def said_of(output, case):
    """The lines of TAP below the result of @case ("2 test_no_growth")."""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if re.match(rf"not ok {re.escape(case)}(\s|$)", line):
            rest = lines[number + 1:]
            end = next((n for n, line in enumerate(rest) if RESULT.match(line)), len(rest))
            return rest[:end]
    return lines


def show(lines):
    lines = [line.rstrip() for line in lines if line.strip(" #_")]
    errors = [n for n, line in enumerate(lines[:-LAST]) if re.match(r"# E  ", line)][:FIRST]
    shown = [lines[n] for n in errors]
    if shown and errors[-1] + 1 < len(lines) - LAST:
        shown.append("…")
    for line in shown + lines[-LAST:]:
        print("    " + line.removeprefix("# ")[:WIDTH], file=sys.stderr)


def count(build):
    logs = pathlib.Path(build) / "meson-logs"
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    failing = set()
    tests = [json.loads(line) for line in (logs / "testlog.json").open(encoding="utf-8")]
    outputs = {base_name(test["name"]): test.get("stdout", "") for test in tests}
    for suite, case, verdict in read_cases(logs / "testlog.junit.xml"):
        totals[verdict] += 1
        if verdict == "failed":
            failing |= {base_name(suite), base_name(case)}
            print(f"FAILED {build}: {base_name(suite)} {case}", file=sys.stderr)
            show(said_of(outputs.get(base_name(suite), ""), case))
    for test in tests:
        name = base_name(test["name"])
        if test["result"] not in GOOD and name not in failing:
            totals["failed"] += 1
            print(f"{test['result']} {build}: {name}", file=sys.stderr)
            show((test.get("stdout", "") + test.get("stderr", "")).splitlines())
    return totals


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("builds", nargs="*")
    parser.add_argument("--also-passed", type=int, default=0, help="counted by the caller")
    parser.add_argument("--also-failed", type=int, default=0)
    args = parser.parse_args()
    totals = {"passed": args.also_passed, "failed": args.also_failed, "skipped": 0}
    for build in args.builds:
        try:
            for verdict, number in count(build).items():
                totals[verdict] += number
        except (OSError, ET.ParseError, ValueError) as error:
            totals["failed"] += 1
            print(f"No results of {build}: {error}", file=sys.stderr)
    line = f"{totals['passed']} passed, {totals['failed']} failed"
    if totals["skipped"]:
        line += f", {totals['skipped']} skipped"
    sys.stderr.flush()
    print(line)
    return 0 if totals["passed"] and not totals["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
