# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Coming and going: activation, idle exit, work at a login, proxies of the environment."""

import signal
import subprocess

import pytest
from parts.client import Failure
from parts.daemon import NAME, PROGRAM
from parts.script import Script
from parts.waiting import wait_for


@pytest.fixture
def activatable(bus, stopped_daemon):
    """The bus starts the daemon; it leaves 200 ms after the last thing to do."""
    words = stopped_daemon.command("--idle-ms", "200")
    bus.add_service(NAME, " ".join(words))
    return bus


def has_work(state):
    command = [PROGRAM, "--state-dir", str(state), "--has-work"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_idle_exit_and_activation(activatable, client, nginx, inbox):
    nginx.add_file("idle", 100)
    session = client.open_session("idle", auto_complete=True)
    session.create(nginx.url("idle"), inbox, destination_name="f", start=True)
    wait_for(lambda: not activatable.has_owner(NAME), "it leaves when there is no more to do")
    # A call brings it back.
    assert client.open_session("idle").results["existing"] is True


def test_pending_events_survive_idle_exit(activatable, client, nginx):
    """Fault (daemon): idle exit with an event uncompleted | Proves: it is told to the
    next Attach"""
    nginx.add_file("idle2", 100)
    session = client.open_session("idle2")
    task = session.create(nginx.url("idle2"), start=True)
    wait_for(lambda: not activatable.has_owner(NAME), "nobody is attached: it leaves")
    assert session.attach()["pending"] == 1
    session.wait_did_finish_events()
    assert session.finished()[0].arguments[1] == task.path


def test_stays_for_who_is_attached(activatable, client):
    session = client.open_session("stay")
    session.attach()
    owner = activatable.owner_of(NAME)
    other = client.open_session("other")
    assert other.list_tasks() == []
    session.call("Detach")
    wait_for(lambda: not activatable.has_owner(NAME), "it leaves once nobody is attached")
    client.open_session("stay")
    assert activatable.owner_of(NAME) != owner


def test_no_call_is_lost_while_it_leaves(activatable, client):
    """Called again and again while it comes and goes: each call is answered.

    Fault (daemon): calls while the daemon comes and goes | Proves: each call is
    answered"""
    owners = set()
    for n in range(40):
        client.open_session(f"leaving-{n}")
        owners.add(client.call("/org/freedesktop/BackgroundTransfer1",
                               "org.freedesktop.DBus.Peer", "GetMachineId"))
        if n % 10 == 0:
            wait_for(lambda: not activatable.has_owner(NAME), "it leaves")
    assert len(client.list_sessions()) == 40


def test_queued_task_is_work_for_a_login(daemon, client, state, script):
    assert not has_work(state)
    script.on("/w", lambda c, r: c.stall())
    session = client.open_session()
    session.create(script.url("/w"))
    session.call("Flush")
    assert not has_work(state)
    session.create(script.url("/w"), start=True)
    session.call("Flush")
    assert has_work(state)


def test_sigterm_holds_everything(daemon, session, nginx, inbox):
    """Fault (daemon): SIGTERM amid a download | Proves: the next daemon goes on; the
    file is right"""
    content = nginx.add_file("held", 1000000)
    task = session.create(nginx.slow_url("held", "600k"), inbox, destination_name="f",
                          start=True)
    task.wait_state("running")
    assert daemon.end(signal.SIGTERM) == 0
    assert not (inbox / "f").exists()
    daemon.start()
    session.attach()
    session.wait_finished(1)
    assert (inbox / "f").read_bytes() == content


def test_version(stopped_daemon):
    text = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert "0." in text.stdout or "1." in text.stdout


def test_proxy_of_the_environment(stopped_daemon, client):
    """The worker knows no environment: the daemon resolves, at each hop."""
    proxy = Script()
    try:
        proxy.on(r"http://far\.example/.*", lambda c, r: c.answer(200, b"by proxy"))
        stopped_daemon.start(http_proxy=proxy.url(""), no_proxy="127.0.0.1")
        direct = Script()
        direct.on("/d", lambda c, r: c.redirect("http://far.example/there"))
        session = client.open_session()
        session.attach()
        task = session.create(direct.url("/d"), start=True)
        session.wait_finished(1)
        assert task.error == "" and task.read() == b"by proxy"
        assert proxy.requests[0].target == "http://far.example/there"
        direct.stop()
    finally:
        proxy.stop()


def test_proxy_that_is_not_there(stopped_daemon, client):
    stopped_daemon.start(http_proxy="http://127.0.0.1:9", no_proxy="")
    session = client.open_session()
    session.attach()
    task = session.create("http://far.example/x", start=True, resource_timeout=1500)
    session.wait_finished(1)
    assert task.error in ("CannotConnect", "TimedOut")


def test_unknown_session_option(daemon, client):
    from gi.repository import GLib

    with pytest.raises(Failure) as failure:
        client.call("/org/freedesktop/BackgroundTransfer1", NAME, "OpenSession", "(sa{sv})",
                    "x", {"colour": GLib.Variant("s", "red")})
    assert failure.value.name == "InvalidArgument" and "colour" in failure.value.message
