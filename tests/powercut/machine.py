# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Outside the machine: starts it, cuts its power, decides what its disk has lost.

qemu's blklogwrites notes each write and each flush.  After a cut the disk is what it was
before that life, plus all writes up to the last flush, plus those after it that the dice
let through, sector by sector.  The same notes give further cuts at earlier moments, which
are looked at here without booting (debugfs, sqlite3).  What the app inside says it was
promised counts from the length that the notes had when its line came out."""

import argparse
import contextlib
import datetime
import json
import pathlib
import random
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time

import content

SECTOR = 512
DISK_BYTES = 600 << 20
FLUSH, FUA, DISCARD = 1, 2, 4
PATIENCE_S = 150


class Books:
    """What was promised, as guest.py says it."""

    def __init__(self, lines=()):
        self.created, self.told = {}, {}
        self.completing, self.completed = set(), set()
        for line in lines:
            self.enter(line)

    def enter(self, words):
        match words:
            case ["created", name, path]:
                self.created[name] = path
            case ["told", name, sequence]:
                self.told[name] = int(sequence)
            case ["completing" | "completed" as what, name]:
                getattr(self, what).add(name)


class Machine:
    def __init__(self, options):
        self.options = options
        self.work = pathlib.Path(options.work)
        self.dice = random.Random(options.seed)
        self.disk, self.base = self.work / "disk", self.work / "base"
        self.notes = self.work / "notes"
        (self.work / "job").mkdir()
        self.lines = []  # (life, length of the notes, words)
        self.boots = []
        self.figures = {"cuts": 0, "looked at": 0, "lost writes": 0, "ranges": 0}
        self.passed = self.failed = 0
        self.log = (self.work / "log").open("w")
        if options.log:
            self.log = open(options.log, "w", encoding="utf-8", buffering=1)

    def check(self, good, what, *details):
        if good:
            self.passed += 1
            print(f"PASS {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {what}: {' '.join(map(str, details))[:2000]}", flush=True)

    # Running

    def command(self):
        share = lambda tag, path: ["-virtfs", f"local,path={path},mount_tag={tag},"
                                   "security_model=none,readonly=on,multidevs=remap"]
        return [
            # It is not to outlive us, whatever we die of.
            "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
            "-m", "1024", "-nographic", "-no-reboot", "-nic", "none",
            "-device", "virtio-rng-pci", "-kernel", self.options.kernel,
            "-initrd", self.options.initrd,
            "-blockdev", f"driver=file,node-name=file,filename={self.disk}",
            "-blockdev", f"driver=file,node-name=notes,filename={self.notes}",
            "-blockdev", "driver=blklogwrites,node-name=noted,file=file,log=notes,"
                         f"log-sector-size={SECTOR}",
            "-device", "virtio-blk-pci,drive=noted,write-cache=on",
            *share("root", self.options.root), *share("build", self.options.build),
            *share("top", self.options.top), *share("job", self.work / "job"),
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
        ]

    def live(self, life, is_last):
        """One life, which ends by a cut or, the last, when all is done."""
        books = Books(words for _l, _n, words in self.lines)
        (self.work / "job" / "books.json").write_text(json.dumps({
            "seed": self.options.seed, "life": life, "last": is_last,
            "created": books.created, "told": books.told,
            "completing": sorted(books.completing), "completed": sorted(books.completed)}))
        shutil.copyfile(self.disk, self.base)
        self.notes.unlink(missing_ok=True)
        self.notes.touch()
        qemu = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            return self.listen(qemu, life, is_last)
        finally:
            qemu.kill()
            qemu.wait()

    def listen(self, qemu, life, is_last):
        """Reads the console until it is time to cut; whether the machine did its part."""
        patience = time.monotonic() + PATIENCE_S
        left, cut_at, tail, rest = self.dice.randint(4, 40), None, [], b""
        while time.monotonic() < (cut_at or patience):
            until = min(patience, cut_at or patience) - time.monotonic()
            if not select.select([qemu.stdout], [], [], max(0, until))[0]:
                continue
            data = qemu.stdout.read1(65536)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                text = line.decode(errors="replace").strip()
                tail = [*tail[-15:], text]
                # The firmware's last words have no end of line.
                if "@ " not in text:
                    continue
                words = text.split("@ ", 1)[1].split()
                self.log.write(f"{life} {time.monotonic():.1f} {' '.join(words)}\n")
                self.lines.append((life, self.notes.stat().st_size, words))
                if words[0] == "FAIL":
                    self.check(False, f"life {life}", text)
                elif words[0] == "over":
                    return is_last
                elif words[0] in ("created", "told", "completed", "range"):
                    left -= 1
            if left <= 0 and cut_at is None and not is_last:
                # Somewhere in what follows, not just after a line.
                cut_at = time.monotonic() + self.dice.uniform(0, 4)
        if cut_at is None:
            self.check(False, f"life {life} gets somewhere", " / ".join(tail))
        return cut_at is not None

    # What is left of the disk

    def read_notes(self):
        """(end in the file, sector, flags, data) of each note that is whole."""
        notes, at = self.notes.read_bytes(), SECTOR
        entries = []
        while at + SECTOR <= len(notes):
            sector, count, flags, _ = struct.unpack_from("<4Q", notes, at)
            if count == 0 and flags == 0:
                break
            begin = at + SECTOR
            length = 0 if flags & DISCARD else count * SECTOR
            if begin + length > len(notes):
                break
            entries.append((begin + length, sector, flags, notes[begin:begin + length]))
            at = begin + length
        return entries

    def cut(self, entries, target):
        """Writes to target what a disk may hold that lost its power after the entries."""
        shutil.copyfile(self.base, target)
        flushed = max((n for n, e in enumerate(entries) if e[2] & FLUSH), default=-1)
        with target.open("r+b") as disk:
            for number, (_end, sector, flags, data) in enumerate(entries):
                if number <= flushed or flags & FUA:
                    disk.seek(sector * SECTOR)
                    disk.write(data)
                    continue
                for at in range(0, len(data), SECTOR):
                    if self.dice.random() < 0.5:
                        disk.seek(sector * SECTOR + at)
                        disk.write(data[at:at + SECTOR])
                    else:
                        self.figures["lost writes"] += 1

    def examine(self, image, books, what):
        """Check and read a disk without booting; its journal is replayed in the doing."""
        fsck = subprocess.run(["e2fsck", "-fp", image], capture_output=True, text=True)
        again = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True)
        problems = []
        if fsck.returncode > 1 or again.returncode:
            problems.append(fsck.stdout + again.stdout)
        out = self.work / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for folder in ("state", "inbox"):
            subprocess.run(["debugfs", "-R", f"rdump /{folder} {out}", image],
                           capture_output=True, check=False)
        problems += find_broken_laws(out, books)
        self.figures["looked at"] += 1
        return [f"{what}: {problem}" for problem in problems]

    def look_at_cuts(self, life, entries):
        """At further moments of the life that was just cut, and at the cut itself."""
        problems = []
        earlier = [words for n, _l, words in self.lines if n < life]
        moments = [self.dice.randrange(1, len(entries) + 1)
                   for _ in range(self.options.moments)]
        for count in [*moments, len(entries)]:
            end = entries[count - 1][0]
            mine = [words for n, length, words in self.lines if n == life and length <= end]
            # What was asked for later may have been done already.
            asked = {words[1] for n, _l, words in self.lines
                     if n == life and words[0] == "completing"}
            books = Books([*earlier, *mine] if count < len(entries) else
                          [words for _n, _l, words in self.lines])
            books.completing |= asked
            image = self.work / "moment"
            self.cut(entries[:count], image)
            if count == len(entries):
                shutil.copyfile(image, self.disk)
            problems += self.examine(image, books, f"after {count} of {len(entries)} writes")
        return problems

    def run(self):
        """Fault (power): the power of a machine goes amid downloads, five times; what was
        written and not flushed is lost sector by sector at random; six more moments of
        each life are looked at | Proves: the file system and the database are sound; what
        was promised is there after each boot, and completed is completed; nothing has its
        final name before it is whole and on the disk; of a part no more is believed than
        was synced; in the end each transfer has ended once and is right (laws 1, 4, 5, 6,
        7)"""
        with self.disk.open("wb") as disk:
            disk.truncate(DISK_BYTES)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", self.disk], check=True)
        for life in range(1, self.options.cuts + 1):
            if not self.live(life, False):
                return
            entries = self.read_notes()
            problems = self.look_at_cuts(life, entries)
            self.figures["cuts"] += 1
            self.check(not problems, f"cut {life}: the disk is sound, what was promised is on "
                       f"it, and nothing has its name before it is whole "
                       f"({len(entries)} writes, {self.options.moments + 1} moments)",
                       *problems)
        good = self.live(self.options.cuts + 1, True)
        said = [words for _l, _n, words in self.lines]
        self.boots = [words[1] for words in said if words[0] == "boot"]
        self.figures["ranges"] = sum(words[0] == "range" for words in said)
        broken = [" ".join(words) for words in said if words[0] == "FAIL"]
        self.check(len(set(self.boots)) == self.options.cuts + 1, "each life is a boot",
                   self.boots)
        self.check(good and not broken, "after each cut the service keeps what was promised; "
                   "in the end each transfer has ended once and is right", *broken)


def find_broken_laws(out, books):
    """What a dead state directory and the folder beside it say against the laws."""
    path = out / "state" / "trundle.db"
    if not path.exists():
        if books.created:
            yield "the database is gone"
        return
    with contextlib.closing(sqlite3.connect(path)) as database:
        if (answer := database.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            yield f"database: {answer}"
            return
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'task'").fetchall():
            if books.created:
                yield "the database is empty"
            return
        rows = {row[0]: row[1:] for row in database.execute(
            "SELECT description, id, state, synced, directory, part_name, error_name,"
            " final_path, file_moved FROM task")}
        told = dict(database.execute("SELECT task_id, sequence FROM event WHERE kind = 0"))
    for name in books.created:
        if name not in rows and name not in books.completing | books.completed:
            yield f"promised and lost: {name}"
        if name in rows and name in books.completed:
            yield f"completed and there again: {name}"
    for name, sequence in books.told.items():
        if name in rows and name not in books.completing:
            if told.get(rows[name][0]) != sequence:
                yield f"told and forgotten: {name} {sequence}"
    for name, row in rows.items():
        yield from find_broken_files(out, name, row, name in books.told)
    for path in (out / "inbox").iterdir() if (out / "inbox").exists() else []:
        name = path.name
        if not name.startswith(".trundle"):
            if path.read_bytes() != content.make(name, 0, content.size_of(name)):
                yield f"under its name and not whole: {name}, {path.stat().st_size} bytes"


def find_broken_files(out, name, row, was_told):
    """Law 4: what the row calls synced is on the disk; law 6: what is done is there."""
    number, state, synced, directory, part_name, error, final_path, moved = row
    part = out / "state" / "spool" / str(number)
    if directory:
        part = out / "inbox" / (part_name or b"none").decode()
    if synced and state != 4 and part.exists():
        data = part.read_bytes()[:synced]
        if data != content.make(name, 0, synced):
            yield f"not as far as it is said to be synced: {name} {len(data)} of {synced}"
    if state == 4 and not error and not was_told and not moved:
        final = out / "inbox" / name if final_path else part
        if not final.exists():
            yield f"a success without its file: {name}"
        elif final.read_bytes() != content.make(name, 0, content.size_of(name)):
            yield f"a success with a wrong file: {name}"


def write_results(options, machine, seconds):
    figures = machine.figures
    today = datetime.datetime.now(datetime.timezone.utc).date()
    verdict = "nothing was found" if not machine.failed else f"{machine.failed} checks failed"
    pathlib.Path(options.results).write_text(
        "### The last power cuts\n\n"
        f"{today}, Linux {pathlib.Path(options.kernel).name.removeprefix('vmlinuz-')} on ext4, "
        f"seed {options.seed}: {figures['cuts']} cuts, {figures['looked at']} moments looked "
        f"at, {figures['lost writes']} sectors lost that were written and not flushed, "
        f"{figures['ranges']} transfers gone on with inside the file, {seconds} s: {verdict}.\n")


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "top", "root", "kernel", "initrd", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--moments", type=int, default=6, help="more moments of each life")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--log", help="a file for what the machine says")
    parser.add_argument("--results", help="a file for the figures (docs/reliability.md)")
    options = parser.parse_args()
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"seed {options.seed}", flush=True)
    machine = Machine(options)
    machine.run()
    seconds = round(time.monotonic() - begun)
    print(f"{machine.figures}, {seconds} s")
    if options.results:
        write_results(options, machine, seconds)
    print(f"{machine.passed} passed, {machine.failed} failed")
    sys.exit(1 if machine.failed else 0)


if __name__ == "__main__":
    main()
