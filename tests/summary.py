#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what `meson test` ran, by subtest: summary.py BUILDDIR...

Prints `N passed, N failed` (and `, N skipped` when any was) and exits with 1 when something
failed or nothing passed.  Names of what failed go to standard error.  A test that died or
timed out has left no bad subtest behind, so that it is counted from testlog.json as well.
"""

import argparse
import json
import pathlib
import sys
import xml.etree.ElementTree as ET

GOOD = {"OK", "EXPECTEDFAIL", "SKIP"}


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


def count(build):
    logs = pathlib.Path(build) / "meson-logs"
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    failing = set()
    for suite, case, verdict in read_cases(logs / "testlog.junit.xml"):
        totals[verdict] += 1
        if verdict == "failed":
            failing |= {base_name(suite), base_name(case)}
            print(f"FAILED {build}: {base_name(suite)} {case}", file=sys.stderr)
    with open(logs / "testlog.json", encoding="utf-8") as lines:
        for test in map(json.loads, lines):
            name = base_name(test["name"])
            if test["result"] not in GOOD and name not in failing:
                totals["failed"] += 1
                print(f"{test['result']} {build}: {name}", file=sys.stderr)
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
