# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures: each test has a bus, a state directory and a daemon of its own."""

import json
import os
import pathlib
import shutil
import sys
import tempfile

import gi
import pytest

gi.require_version("Gio", "2.0")

from parts.authority import Authority
from parts.breaker import Breaker
from parts.bus import Bus
from parts.client import Client
from parts.daemon import WORKER, Daemon
from parts.keyring import Keyring
from parts.matrix import Kind
from parts.nginx import Nginx
from parts.script import Script
from parts.tool import Tool
from parts.tus import NpmTus
from parts.tus_server import TusServer
from parts.waiting import wait_for
from parts.web_servers import Apache, AuthNginx, Squid

APP = "org.example.TestApp"


@pytest.fixture
def top():
    """A directory with a short name: a socket's path has 108 bytes at most."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="trundle-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def environment(top):
    """The little that programs get from us; none of the user's."""
    runtime = top / "runtime"
    runtime.mkdir(mode=0o700)
    (top / "home").mkdir()
    kept = ("PATH", "LC_ALL", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
            "GIO_USE_VFS", "GSETTINGS_BACKEND", "MALLOC_CHECK_", "MALLOC_PERTURB_")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(top / "home"),
        "XDG_RUNTIME_DIR": str(runtime),
        # No system bus: what the network or the battery says is not for these tests.
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={top}/no-such-bus",
        "GIO_USE_NETWORK_MONITOR": "base",
    }


@pytest.fixture
def bus(top, environment):
    bus = Bus(top, environment)
    yield bus
    bus.stop()


@pytest.fixture
def keyring(bus, top, environment):
    """The user's keyring, for the test to start; nobody may be asked for its password."""
    if not Keyring.is_installed():
        pytest.skip("gnome-keyring is not installed")
    keyring = Keyring(bus, top, environment)
    yield keyring
    keyring.stop()


@pytest.fixture
def state(top):
    return top / "state"


@pytest.fixture
def stopped_daemon(bus, state, environment):
    """A daemon that the test starts."""
    daemon = Daemon(bus, state, environment)
    yield daemon
    daemon.stop()


@pytest.fixture
def daemon(stopped_daemon):
    return stopped_daemon.start()


@pytest.fixture
def client(bus):
    client = Client(bus)
    yield client
    client.close()


@pytest.fixture
def session(daemon, client):
    """A session with an attached consumer."""
    session = client.open_session()
    session.attach()
    session.wait_did_finish_events()
    return session


@pytest.fixture
def tool(bus, environment):
    return Tool(bus, environment)


@pytest.fixture
def inbox(top):
    """Where files are to appear."""
    path = top / "inbox"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def nginx():
    path = pathlib.Path(tempfile.mkdtemp(prefix="trundle-nginx-"))
    nginx = Nginx(path)
    yield nginx
    nginx.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def authority():
    """Has issued "server" and "alice"; "stranger" vouches for itself."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="trundle-ca-"))
    path.chmod(0o755)
    authority = Authority(path)
    authority.issue("server")
    authority.issue("alice", "alice")
    authority.self_signed("stranger", "CA:FALSE", "-subj", "/CN=localhost")
    yield authority
    shutil.rmtree(path, ignore_errors=True)


def run_server(kind, **settings):
    """For a fixture to yield from."""
    if kind.program() is None:
        pytest.skip(f"{kind.PROGRAM} is not installed")
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"trundle-{kind.PROGRAM}-"))
    server = kind(path, **settings)
    yield server
    server.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def running_apache(authority):
    yield from run_server(Apache, certificates=authority.top)


@pytest.fixture
def apache(running_apache):
    """It knows alice, whose password is "wonder"."""
    running_apache.reset()
    return running_apache


@pytest.fixture(scope="session")
def running_auth_nginx(authority):
    yield from run_server(AuthNginx, certificates=authority.top)


@pytest.fixture
def auth_nginx(running_auth_nginx):
    """It knows alice, whose password is "wonder"."""
    running_auth_nginx.reset()
    return running_auth_nginx


@pytest.fixture
def squid():
    """A proxy that knows alice, whose password is "wonder"."""
    yield from run_server(Squid)


@pytest.fixture
def script():
    script = Script()
    yield script
    script.stop()


@pytest.fixture
def tus():
    """A tus server of ours."""
    tus = TusServer()
    yield tus
    tus.stop()


@pytest.fixture
def npm_tus():
    """The real one."""
    if NpmTus.why_not():
        pytest.skip(NpmTus.why_not())
    path = pathlib.Path(tempfile.mkdtemp(prefix="trundle-tus-"))
    server = NpmTus(path)
    yield server
    server.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def breaker(stopped_daemon, top):
    """To break the daemon, or a worker, at a step towards the disk."""
    breaker = Breaker(top, WORKER)
    yield breaker
    breaker.disarm()
    if stopped_daemon.process and stopped_daemon.process.poll() is not None:
        stopped_daemon.process = None


@pytest.fixture
def kind(request, nginx, inbox):
    """What a download of a matrix is; by a parameter of the test."""
    content = nginx.add_file("matrix", 300 * 1000)
    return Kind(request.param, nginx.url("matrix"), content, inbox)


class StubApp:
    """The activatable app, from outside."""

    def __init__(self, bus, top):
        self.log = top / "app.log"
        self.behaviour = top / "app.behaviour"
        self.behave("normal")
        program = pathlib.Path(__file__).parent / "parts" / "app.py"
        bus.add_service(APP, f"{sys.executable} {program} {APP} {self.log} {self.behaviour}")

    def behave(self, words):
        self.behaviour.write_text(words)

    def notes(self, *kinds):
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        notes = [json.loads(line) for line in lines]
        return [note for note in notes if not kinds or note["what"] in kinds]

    def wait_note(self, kind, count=1, timeout=30):
        wait_for(
            lambda: len(self.notes(kind)) >= count,
            lambda: f"{count} x {kind}; the app noted {self.notes()}",
            timeout,
        )
        return self.notes(kind)


@pytest.fixture
def app(bus, top):
    return StubApp(bus, top)
