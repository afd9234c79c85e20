#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Benchmarks against the goals of docs/performance.md: bench.py [NAME]...

Environment: TRUNDLE_BENCH_DIR, a directory on the disk to measure (default: the temporary
one); TRUNDLE_BENCH_ROUNDS (5); TRUNDLE_BENCH_SCALE (1; 0.01 for a quick look).
"""

import hashlib
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from measure import (
    MIB, ROUNDS, forget_peak, peak_of, print_goal, print_table, ratio, rss_of, run_program,
    scaled, service, take_turns,
)
from parts.client import NAME, PATH, PROPERTIES
from parts.keyring import SECRETS, Keyring
from parts.nginx import Nginx, free_ports
from parts.waiting import wait_for


def make_file(nginx, name, size):
    block = os.urandom(MIB)
    with open(nginx.files / name, "wb") as stream:
        for begin in range(0, size, MIB):
            stream.write(block[: min(MIB, size - begin)])


def bench_big(place, nginx):
    """G1, G2: one big file to disk."""
    size = scaled(1024 * MIB, MIB)
    make_file(nginx, "big", size)
    target = place / "target"
    for goal, title, url, extra, limits in (
        ("G1", "plain", nginx.url("big"), {}, (0.6, 0.8)),
        ("G2", "TLS", f"https://localhost:{nginx.tls}/big", {"ca_certificates": nginx.ca},
         (0.8, None)),
    ):
        with service(place) as trundle:
            session = trundle.client.open_session()
            session.attach()

            def ours():
                target.unlink(missing_ok=True)

                def work():
                    before = len(session.finished())
                    task = session.create(url, place, destination_name="target", start=True,
                                          **extra)
                    session.wait_finished(before + 1, timeout=600)
                    assert task.error == "", task.get("Error")

                cost = trundle.measure(work)
                assert target.stat().st_size == size
                return cost

            def curl():
                target.unlink(missing_ok=True)
                return run_program("curl", "-s", "--http1.1", "--cacert",
                                   str(nginx.top / "ca.pem"), "-o", str(target), url)

            costs = take_turns({"trundle": ours, "curl": curl})
        print_table(f"{size // MIB} MiB, {title}, to disk", costs, ["curl"])
        cpu = ratio(costs["trundle"], costs["curl"], "cpu")
        print_goal(goal, f"{title}: CPU of daemon and worker / curl", cpu, limits[0], "x")
        if limits[1]:
            wall = ratio(costs["trundle"], costs["curl"], "wall")
            print_goal(goal, f"{title}: time / curl", wall, limits[1], "x")
    target.unlink(missing_ok=True)


def bench_upload(place, nginx):
    """G6: one big file to a server."""
    size = scaled(1024 * MIB, MIB)
    make_file(nginx, "big", size)
    source, taken = nginx.files / "big", nginx.files / "put" / "big"
    for title, url, extra, limit in (
        ("plain", nginx.url("put/big"), {}, 1.0),
        ("TLS", f"https://localhost:{nginx.tls}/put/big", {"ca_certificates": nginx.ca}, 1.15),
    ):
        with service(place) as trundle:
            session = trundle.client.open_session()
            session.attach()

            def check(cost):
                assert taken.stat().st_size == size
                taken.unlink()
                return cost

            peaks = []

            def ours():
                def work():
                    before = len(session.finished())
                    # As curl sends it: in one request, of which nobody keeps a part.
                    task = session.create_upload(url, body_path=str(source), snapshot="none",
                                          resumable="off", start=True, **extra)
                    session.wait_finished(before + 1, timeout=600)
                    assert task.error == "", task.get("Error")

                cost = check(trundle.measure(work))
                peaks.append(max(peak_of(pid) for pid in trundle.daemon.workers()))
                return cost

            def curl():
                return check(run_program("curl", "-s", "--http1.1", "--cacert",
                                         str(nginx.top / "ca.pem"), "-T", str(source), url))

            costs = take_turns({"trundle": ours, "curl": curl})
        print_table(f"{size // MIB} MiB, {title}, from disk", costs, ["curl"])
        cpu = ratio(costs["trundle"], costs["curl"], "cpu")
        print_goal("G6", f"{title}: CPU of daemon and worker / curl -T", cpu, limit, "x")
        print_goal("G6", f"{title}: RSS of the worker", max(peaks), 24, "MiB")


def bench_digest(place, nginx):
    """G1 with a digest: what hashing costs beside the plain download."""
    size = scaled(1024 * MIB, MIB)
    make_file(nginx, "big", size)
    target = place / "target"
    digests = {name: hashlib.new(name) for name in ("sha256", "sha512")}
    with open(nginx.files / "big", "rb") as stream:
        while block := stream.read(MIB):
            for digest in digests.values():
                digest.update(block)
    with service(place) as trundle:
        session = trundle.client.open_session()
        session.attach()

        def fetch(**options):
            target.unlink(missing_ok=True)

            def work():
                before = len(session.finished())
                task = session.create(nginx.url("big"), place, destination_name="target",
                                      start=True, **options)
                session.wait_finished(before + 1, timeout=600)
                assert task.error == "", task.get("Error")

            return trundle.measure(work)

        costs = take_turns({
            "plain": fetch,
            **{name: lambda name=name, digest=digest: fetch(
                digests={name: digest.hexdigest()}) for name, digest in digests.items()},
        })
    print_table(f"{size // MIB} MiB, plain, to disk, with a digest", costs, ["plain"])
    more = statistics.median(
        a.cpu - b.cpu for a, b in zip(costs["sha256"], costs["plain"])) * 1024 * MIB / size
    print_goal("G1", "sha256: more CPU for a GiB", more, 0.7, "s")
    wall = ratio(costs["sha256"], costs["plain"], "wall")
    print_goal("G1", "sha256: time / without", wall, 2, "x")
    target.unlink(missing_ok=True)


def bench_stall(place, nginx):
    """G4: memory while the reader stands still and the server does not."""
    make_file(nginx, "big", scaled(1024 * MIB, 64 * MIB))
    make_file(nginx, "warm", MIB)
    with service(place) as trundle:
        session = trundle.client.open_session()
        session.attach()
        session.create(nginx.url("warm"), start=True)
        session.wait_finished(1)
        (worker,) = trundle.daemon.workers()
        idle = rss_of(worker) + rss_of(trundle.daemon.process.pid)
        for pid in trundle.pids():
            forget_peak(pid)
        task = session.create(nginx.slow_url("big", "64000k"), start=True)
        wait_for(lambda: task.get("BytesReceived"), "it moves")
        os.kill(worker, signal.SIGSTOP)
        time.sleep(3)
        os.kill(worker, signal.SIGCONT)
        session.wait_finished(2, timeout=600)
        peak = sum(peak_of(pid) for pid in trundle.pids())
    print_goal("G4", "RSS above idle, worker stopped 3 s", peak - idle, 4, "MiB")


def calm_rss_of(pid):
    """Once it stays: what a call took is given back when the daemon was calm for a second."""
    seen = [rss_of(pid), time.monotonic()]

    def stays():
        now = rss_of(pid)
        if now != seen[0]:
            seen[:] = now, time.monotonic()
        return time.monotonic() - seen[1] > 2

    wait_for(stays, "the daemon is calm")
    return seen[0]


def bench_queue(place, nginx):
    """G9, G10, G15: many tasks at once, one by one, and listed."""
    number = scaled(10000, 100)
    with service(place) as trundle:
        session = trundle.client.open_session()
        session.create_many([{"url": nginx.url("warm")}])
        before = rss_of(trundle.daemon.process.pid)
        rows = [{"url": nginx.url(f"queued/{n}")} for n in range(number)]
        begin = time.monotonic()
        session.create_many(rows)
        batch = number / (time.monotonic() - begin)
        at_once = (rss_of(trundle.daemon.process.pid) - before) * MIB / number
        grown = (calm_rss_of(trundle.daemon.process.pid) - before) * MIB / number
        pages, after, seen = [], 0, 0
        while True:
            begin = time.monotonic()
            page = session.list_tasks(after=after, limit=100)
            pages.append(time.monotonic() - begin)
            if not page:
                break
            seen += len(page)
            after = int(page[-1][0].rsplit("/", 1)[1])
        assert seen == number + 1
        singles = scaled(2000, 50)
        begin = time.monotonic()
        for n in range(singles):
            session.create(nginx.url(f"single/{n}"))
        single = singles / (time.monotonic() - begin)
    print(f"\n{number} queued tasks")
    # The peers' figures are of the reference run: neither can be asked to be durable.
    print_goal("G9", "durable single creations a second", single, 2500, "/s", most=False)
    print_goal("G9", "durable creations a second, in one call", batch, 25000, "/s", most=False)
    print_goal("G10", "memory of the daemon per queued task", grown, 512, "B")
    print(f"     the same before the call's own memory is given back   {at_once:8.0f} B")
    page = statistics.median(pages) * 1000
    print_goal("G15", "a page of 100 of them", page, 5, "ms")


def bench_secrets(place, nginx):
    """G10 with a token that all tasks have: one item of the keyring, and little memory."""
    if not Keyring.is_installed():
        print("\nqueued tasks with a token: gnome-keyring is not installed")
        return
    number = scaled(10000, 100)
    token = [("Authorization", "Bearer " + "x" * 1000)]
    with service(place) as trundle:
        keyring = Keyring(trundle.bus, trundle.top, trundle.daemon.environment).start()
        session = trundle.client.open_session()
        session.create_many([{"url": nginx.url("warm"), "headers": token}])
        before = rss_of(trundle.daemon.process.pid)
        rows = [{"url": nginx.url(f"queued/{n}"), "headers": token} for n in range(number)]
        begin = time.monotonic()
        # GDBus keeps a buffer as large as the largest message there was.
        for first in range(0, number, 500):
            tasks = session.create_many(rows[first:first + 500])
        batch = number / (time.monotonic() - begin)
        grown = (calm_rss_of(trundle.daemon.process.pid) - before) * MIB / number
        assert tasks[-1].get("Durable")
        items = len(keyring.items(SECRETS))
        trundle.daemon.restart()
        again = rss_of(trundle.daemon.process.pid)
        assert tasks[-1].get("Durable")
        keyring.stop()
    print(f"\n{number} queued tasks with one token of 1,000 bytes")
    print(f"     durable creations a second, 500 in a call             {batch:8.0f} /s")
    print_goal("G10", "memory of the daemon per queued task", grown, 512, "B")
    print_goal("G10", "items of the keyring", items, 1, "")
    print(f"     memory of the daemon that was started anew            {again:8.1f} MiB")


def bench_small(place, nginx):
    """G8: a thousand files of a MiB."""
    number = scaled(1000, 10)
    make_file(nginx, "mib", MIB)
    target = place / "many"
    urls = [nginx.url(f"mib?{n}") for n in range(number)]
    config, listing = place / "curl.conf", place / "aria2.list"
    config.write_text("".join(
        f'url = "{url}"\noutput = "{target}/{n}"\n' for n, url in enumerate(urls)))
    listing.write_text("".join(f"{url}\n  out={n}\n" for n, url in enumerate(urls)))

    def anew():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()

    def check(cost):
        assert len(list(target.iterdir())) == number
        return cost

    with service(place) as trundle:
        session = trundle.client.open_session("small", max_connections_per_host=16,
                                              max_concurrent_tasks=16)
        session.attach()
        done = [0]

        def ours():
            anew()

            def work():
                # Handles cannot be many; a path can.
                session.create_many([
                    {"url": url, "destination_path": f"{target}/{n}", "start": True}
                    for n, url in enumerate(urls)
                ])
                done[0] += number
                session.wait_finished(done[0], timeout=600)

            return check(trundle.measure(work))

        def curl():
            anew()
            return check(run_program("curl", "-s", "--parallel", "--parallel-max", "16",
                                     "--config", str(config)))

        def aria2():
            anew()
            return check(run_program("aria2c", "-q", "-j16", "--no-conf", "-x1",
                                     "--file-allocation=none", "-d", str(target), "-i",
                                     str(listing)))

        programs = {"trundle": ours, "curl": curl}
        if shutil.which("aria2c"):
            programs["aria2c"] = aria2
        costs = take_turns(programs)
    print_table(f"{number} x 1 MiB to disk", costs, [n for n in programs if n != "trundle"])
    print_goal("G8", "CPU / curl --parallel", ratio(costs["trundle"], costs["curl"], "cpu"),
               1.1, "x")
    if "aria2c" in costs:
        print_goal("G8", "CPU / aria2c", ratio(costs["trundle"], costs["aria2c"], "cpu"),
                   1.0, "x")
    shutil.rmtree(target, ignore_errors=True)


def first_reply(trundle):
    """Seconds from exec to the first reply."""
    trundle.daemon.process = None
    begin = time.monotonic()
    trundle.daemon.process = trundle.daemon.spawn("--idle-ms", "-1")
    while not trundle.bus.has_owner(NAME):
        pass
    trundle.client.call(PATH, PROPERTIES, "Get", "(ss)", NAME, "Version")
    return time.monotonic() - begin


def aria2_first_reply(port, *options):
    begin = time.monotonic()
    process = subprocess.Popen(
        ["aria2c", "-q", "--no-conf", "--enable-rpc", f"--rpc-listen-port={port}", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/jsonrpc",
        b'{"jsonrpc":"2.0","id":"1","method":"aria2.getVersion"}')
    while True:
        try:
            urllib.request.urlopen(request).read()
            break
        except OSError:
            assert process.poll() is None
    seconds = time.monotonic() - begin
    process.kill()
    process.wait()
    return seconds


def bench_start(place, nginx):
    """G11, G13: memory of an idle daemon, and from exec to the first reply."""
    number = scaled(10000, 100)
    # Connections are made by the kernel and nobody ever answers them.
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    listing = place / "aria2.list"
    listing.write_text("".join(f"{url}{n}\n" for n in range(number)))
    times = {"empty": [], "queued": [], "aria2 empty": [], "aria2 queued": []}
    with service(place) as trundle, service(place) as full:
        idle = rss_of(trundle.daemon.process.pid)
        session = full.client.open_session()
        session.create_many([{"url": f"{url}{n}", "start": True} for n in range(number)])
        for _ in range(ROUNDS + 1):
            for name, one in (("empty", trundle), ("queued", full)):
                one.daemon.kill()
                times[name].append(first_reply(one))
            if shutil.which("aria2c"):
                (port,) = free_ports(1)
                times["aria2 empty"].append(aria2_first_reply(port))
                (port,) = free_ports(1)
                times["aria2 queued"].append(
                    aria2_first_reply(port, "-d", str(place), "-i", str(listing)))
    silent.close()
    middle = {name: statistics.median(t[1:]) * 1000 for name, t in times.items() if t}
    print(f"\nfrom exec to the first reply, ms (n={ROUNDS}): " +
          ", ".join(f"{name} {value:.1f}" for name, value in middle.items()))
    print_goal("G11", "memory of an idle daemon", idle, 12, "MiB")
    print_goal("G13", f"first reply with {number} queued / empty",
               middle["queued"] / middle["empty"], 2, "x")
    if "aria2 empty" in middle:
        print_goal("G13", "first reply, empty / aria2c",
                   middle["empty"] / middle["aria2 empty"], 1.2, "x")
        print_goal("G13", f"first reply with {number} queued / aria2c",
                   middle["queued"] / middle["aria2 queued"], 0.35, "x")


BENCHES = {
    "big": bench_big,
    "digest": bench_digest,
    "upload": bench_upload,
    "stall": bench_stall,
    "queue": bench_queue,
    "secrets": bench_secrets,
    "small": bench_small,
    "start": bench_start,
}


def main():
    names = sys.argv[1:] or list(BENCHES)
    place = pathlib.Path(tempfile.mkdtemp(prefix="trundle-bench-",
                                          dir=os.environ.get("TRUNDLE_BENCH_DIR")))
    nginx = None
    try:
        (place / "nginx").mkdir()
        nginx = Nginx(place / "nginx")
        for name in names:
            BENCHES[name](place, nginx)
    finally:
        if nginx:
            nginx.stop()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
