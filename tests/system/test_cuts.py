# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads to real servers, each connection cut where the dice say: before the body, in it,
after it, in the answer.

TRUNDLE_CUTS and TRUNDLE_CUTS_SEED change how many, and give the same choices again."""

import collections
import contextlib
import os
import pathlib
import random
import shutil
import tempfile

import pytest
from parts.client import SOON, Task
from parts.cutter import Cut, Cutter
from parts.resumable import Resumable
from parts.tus import check_stored
from parts.waiting import drain, wait_for
from parts.web_servers import Apache, AuthNginx

KIB = 1024
AT_A_TIME = 16
CUTS = int(os.environ.get("TRUNDLE_CUTS", "200"))
SEED = os.environ.get("TRUNDLE_CUTS_SEED") or str(random.SystemRandom().randrange(10**6))
# Many would make the suite slow under the sanitizers, which are not about this.
if "ASAN_OPTIONS" in os.environ and "TRUNDLE_CUTS" not in os.environ:
    CUTS //= 4
SIZES = [(0, 1, 2), (1, 16 * KIB, 30), (16 * KIB, 200 * KIB, 50), (200 * KIB, 700 * KIB, 18)]
NGINX_DAV = """
    root {top}/files;
    client_max_body_size 0;
    location / {{ dav_methods PUT; }}
"""
APACHE_DAV = """
DavLockDB {path}/locks
<Location />
  Dav On
</Location>
"""


class Dice:
    """Where each connection is cut; the n-th always gets the same."""

    def __init__(self, seed):
        self.seed = seed
        self.is_calm = False

    def plan(self, number):
        # Each, some time: those that are left alone would be the ones that are kept.
        dice = random.Random(f"{self.seed}/{number}")
        if self.is_calm:
            return None
        if dice.random() < 0.25:
            return Cut(dice.randint(1, 400), "down", dice.random() < 0.5)
        # The heads are some hundred bytes.
        after = int(10 ** dice.uniform(2.8, 5.8))
        if dice.random() < 0.25:
            after = dice.randint(1, 600)
        return Cut(after, "up", dice.random() < 0.5)


class Uploads:
    """Made until there were enough cuts; each of them ends once, and well."""

    def __init__(self, daemon, session, cutter, dice, options):
        self.daemon, self.session, self.cutter, self.dice = daemon, session, cutter, dice
        self.options = options
        self.sizes = random.Random(f"{SEED}/sizes")
        self.running, self.done = {}, []

    def fill(self, target):
        while len(self.running) < AT_A_TIME:
            number = len(self.running) + len(self.done)
            low, high, _ = self.sizes.choices(SIZES, [row[2] for row in SIZES])[0]
            content = random.Random(f"{SEED}/{number}").randbytes(
                self.sizes.randrange(low, high))
            url = self.cutter.url(target(number))
            task = self.session.create_upload(url, content, start=True, **self.options)
            self.running[task.path] = number, content

    def harvest(self):
        """Law 7: each once."""
        drain()
        heard, self.session.client.signals = self.session.client.signals, []
        for signal in heard:
            if signal.member == "TaskFinished":
                number, content = self.running.pop(signal.arguments[1])
                task = Task(self.session.client, signal.arguments[1])
                assert task.error == "", f"{number}: {task.get_all()} {self.daemon.tail()}"
                assert task.get("BytesSent") == task.get("BytesExpectedToSend") == len(content)
                self.done.append((number, content))
                self.session.complete(signal.arguments[0])

    def run(self, target, cuts):
        def enough():
            self.harvest()
            self.fill(target)
            return len(self.cutter.cuts) >= cuts

        def over():
            self.harvest()
            return not self.running

        wait_for(enough, lambda: f"{len(self.cutter.cuts)} cuts: {self.daemon.tail()}", 120)
        self.dice.is_calm = True
        wait_for(over, lambda: f"the rest: {self.running.keys()} {self.daemon.tail()}", 60)
        assert self.session.list_tasks() == []
        return sorted(self.done)


@pytest.fixture
def cut_all(daemon, session, capsys):
    """cut_all(port, target, **options): uploads to target(number) at the server of the
    port; number and content of each."""
    with contextlib.ExitStack() as stack:
        def run(port, target, **options):
            dice = Dice(SEED)
            cutter = Cutter(port, dice.plan)
            stack.callback(cutter.stop)
            uploads = Uploads(daemon, session, cutter, dice, dict(options, retry=SOON))
            try:
                return uploads.run(target, CUTS)
            finally:
                kinds = collections.Counter(
                    f"{cut.direction} by {'reset' if cut.is_reset else 'end'}"
                    for cut in cutter.cuts)
                with capsys.disabled():
                    print(f"# cuts: seed {SEED}, {len(uploads.done)} uploads, "
                          f"{cutter.connections} connections, {dict(kinds)}", flush=True)
        yield run


def dav_server(kind, **settings):
    if kind.program() is None:
        pytest.skip(f"{kind.PROGRAM} is not installed")
    path = pathlib.Path(tempfile.mkdtemp(prefix="trundle-dav-"))
    settings = {key: value.replace("{path}", str(path)) if isinstance(value, str) else value
                for key, value in settings.items()}
    server = kind(path, **settings)
    yield server
    server.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def nginx_dav():
    yield from dav_server(AuthNginx, locations=NGINX_DAV)


@pytest.fixture
def apache_dav():
    yield from dav_server(Apache, modules=("dav", "dav_fs"), extra=APACHE_DAV)


@pytest.mark.parametrize("name", ["nginx_dav", "apache_dav"])
def test_plain(request, cut_all, name):
    """Fault (server): each connection of uploads to nginx and Apache (PUT, WebDAV) is
    cut at a random byte of the request or the answer, by an end or a reset, 200 times |
    Proves: each ends once and well, and the server has just the bytes (laws 7, 10, 12)"""
    server = request.getfixturevalue(name)
    done = cut_all(server.plain, lambda number: f"/{number}")
    assert len(done) > AT_A_TIME
    for number, content in done:
        assert (server.files / str(number)).read_bytes() == content, number


@pytest.mark.parametrize("version", [8, 6])
def test_ietf(cut_all, version):
    """Fault (server): the same with a server of the IETF draft, versions 8 and 6, which
    logs what it stores of each request | Proves: besides, it is gone on with where the
    server is: no byte of an upload is stored twice or left out (laws 7, 10, 11, 12)"""
    server = Resumable(version)
    try:
        done = cut_all(server.port, lambda number: f"/files/{number}")
        assert server.violations == []
        check_ietf(server, done)
    finally:
        server.stop()


def check_ietf(server, done):
    complete = collections.Counter(
        bytes(upload.data) for upload in server.uploads if upload.is_complete)
    for number, content in done:
        # One whose place the client was never told may be left over, even whole.
        assert complete[content] >= 1 or content in server.plain, number
    for upload in server.uploads:
        end = 0
        for first, last in upload.ranges:
            assert first == end, upload.ranges
            end = last
        assert end == len(upload.data)
    # Of a few it may be none.
    assert CUTS < 200 or any(len(upload.ranges) > 1 for upload in server.uploads)


def test_tus(cut_all, npm_tus):
    """Fault (server): the same with the tus server of npm | Proves: as with the draft of
    the IETF (laws 7, 10, 11, 12)"""
    done = cut_all(npm_tus.port, lambda number: "/files", resumable="tus")
    whole = collections.Counter()
    resumed = 0
    for upload in npm_tus.uploads():
        stored = npm_tus.stored(upload)
        content = npm_tus.content(upload)
        check_stored(stored, len(content))
        whole[content] += len(content) == npm_tus.facts(upload)["size"]
        resumed += len(stored) > 1
    for number, content in done:
        assert whole[content] >= 1, number
    assert CUTS < 200 or resumed


@pytest.mark.parametrize("after", [1, len("HTTP/1.1 20")])
def test_status_line(session, script, after):
    """Fault (server): the connection ends amid the first line of the answer to an upload |
    Proves: sent again"""
    script.on("/put", lambda conversation, request: conversation.answer(201))
    cutter = Cutter(script.port, lambda number: Cut(after, "down") if number == 0 else None)
    task = session.create_upload(cutter.url("/put"), b"data", start=True, retry=SOON)
    task.wait_state("finished")
    cutter.stop()
    assert (task.error, task.get("Attempts")) == ("", 2)
    assert {request.body for request in script.asked("/put")} == {b"data"}
