# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measuring processes: CPU time, time, memory; by rounds in turn, the first left out."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import gi

gi.require_version("Gio", "2.0")

from parts.bus import Bus
from parts.client import Client
from parts.daemon import Daemon

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024


@dataclasses.dataclass
class Cost:
    cpu: float
    wall: float
    rss: float = 0.0  # peak, MiB; 0 where it is not known


def scaled(number, least=1):
    return max(least, int(number * float(os.environ.get("TRUNDLE_BENCH_SCALE", "1"))))


ROUNDS = int(os.environ.get("TRUNDLE_BENCH_ROUNDS", "5"))


def cpu_of(pid, children=False):
    """Seconds of user and system time; with what reaped children used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    last = 15 if children else 13
    return sum(int(field) for field in fields[11:last]) / TICKS


def rss_of(pid):
    """MiB resident now."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MIB


def peak_of(pid):
    """MiB resident at most since forget_peak()."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def run_program(*command):
    """Cost of a program from start to end."""
    begin = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0, f"{command[0]} ended with {status}"
    wall = time.monotonic() - begin
    # Not ru_maxrss: it begins with what we had when we forked.
    return Cost(usage.ru_utime + usage.ru_stime, wall)


class Service:
    """A daemon of our own, and what it and its workers cost."""

    def __init__(self, directory):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=directory))
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.top),
                       "XDG_RUNTIME_DIR": str(self.top), "GIO_USE_NETWORK_MONITOR": "base"}
        self.bus = Bus(self.top, environment)
        self.state = self.top / "state"
        self.daemon = Daemon(self.bus, self.state, environment)
        # As it runs for users: no debug output, no aborts.
        self.daemon.environment.pop("G_MESSAGES_DEBUG")
        self.daemon.environment.pop("G_DEBUG")
        self.daemon.start()
        self.client = Client(self.bus)

    def cpu(self):
        # A worker that left is in its parent's account.
        own = cpu_of(self.daemon.process.pid, children=True)
        return own + sum(cpu_of(pid) for pid in self.daemon.workers())

    def pids(self):
        return [self.daemon.process.pid, *self.daemon.workers()]

    def measure(self, work):
        """Cost of work() to daemon and workers together."""
        for pid in self.pids():
            forget_peak(pid)
        cpu, begin = self.cpu(), time.monotonic()
        work()
        wall = time.monotonic() - begin
        return Cost(self.cpu() - cpu, wall, sum(peak_of(pid) for pid in self.pids()))

    def close(self):
        self.client.close()
        self.daemon.stop()
        self.bus.stop()
        shutil.rmtree(self.top, ignore_errors=True)


@contextlib.contextmanager
def service(directory):
    running = Service(directory)
    try:
        yield running
    finally:
        running.close()


def take_turns(programs):
    """{name: [Cost]} of running each in turn; who begins changes with the round."""
    costs = {name: [] for name in programs}
    names = list(programs)
    for number in range(ROUNDS + 1):
        for name in names[number % len(names):] + names[: number % len(names)]:
            cost = programs[name]()
            if number:
                costs[name].append(cost)
    return costs


def ratio(ours, theirs, field):
    """Median of the rounds' ratios."""
    pairs = zip(ours, theirs)
    return statistics.median(
        getattr(a, field) / max(getattr(b, field), 1e-3) for a, b in pairs
    )


def print_table(title, costs, peers):
    print(f"\n{title} (n={ROUNDS})")
    head = "".join(f"{'CPU/' + peer:>14}{'wall/' + peer:>14}" for peer in peers)
    print(f"{'':<18}{'CPU s':>9}{'wall s':>9}{'RSS MiB':>9}{head}")
    for name, rounds in costs.items():
        middle = [
            statistics.median(getattr(cost, field) for cost in rounds)
            for field in ("cpu", "wall", "rss")
        ]
        rss = f"{middle[2]:.1f}" if middle[2] else "-"
        line = f"{name:<18}{middle[0]:>9.3f}{middle[1]:>9.3f}{rss:>9}"
        for peer in peers:
            for field in ("cpu", "wall"):
                line += f"{ratio(rounds, costs[peer], field):>14.2f}"
        print(line)
    sys.stdout.flush()


def print_goal(goal, text, value, limit, unit="", most=True):
    """One line: what was to be reached, and what was."""
    good = value <= limit if most else value >= limit
    sign = "<=" if most else ">="
    verdict = "reached" if good else "MISSED"
    print(f"{goal:<5}{text:<52}{value:>10.2f} {unit:<6}{sign} {limit:<8g}{verdict}", flush=True)
