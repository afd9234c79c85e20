# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who hears and sees what: laws 8 and 9."""

import re
import subprocess

import pytest
from parts.client import PATH, PROPERTIES, Client, Failure
from parts.waiting import drain, wait_for

CANARY = "canary-7c2f"


def test_nothing_is_broadcast(daemon, bus, top, nginx, inbox):
    """Law 8, from both sides: a listener hears nothing, a monitor sees no broadcast."""
    log = top / "monitor.log"
    monitor = subprocess.Popen(
        ["dbus-monitor", "--address", bus.address], stdout=log.open("w"),
        stderr=subprocess.STDOUT)
    stranger, client = Client(bus), Client(bus)
    try:
        wait_for(lambda: log.stat().st_size, "the monitor watches")
        stranger.connection.signal_subscribe(
            "org.freedesktop.BackgroundTransfer1", None, None, None, None, 0, lambda *_: None)
        content = nginx.add_file("private", 100000)
        session = client.open_session("private")
        session.attach()
        task = session.create(nginx.url("private"), inbox, destination_name="f", start=True)
        session.wait_finished(1)
        session.complete(1)
        assert (inbox / "f").read_bytes() == content
        drain()
        assert stranger.signals == []
        name = bus.owner_of("org.freedesktop.BackgroundTransfer1")
        signals = re.compile(rf"^signal .*sender={re.escape(name)} -> destination=(\S+)", re.M)
        wait_for(lambda: signals.findall(log.read_text()), "the monitor has seen signals")
        assert set(signals.findall(log.read_text())) == {client.name}
        assert task.path in log.read_text()
    finally:
        monitor.terminate()
        monitor.wait()
        stranger.close()
        client.close()


def everything_readable(client, session, tasks):
    text = repr(client.list_sessions()) + repr(session.get_all())
    text += repr(session.list_tasks(properties=["Url", "OriginalRequest", "CurrentRequest",
                                                "Error", "LastTransientError", "Response"]))
    return text + "".join(repr(task.get_all()) for task in tasks)


@pytest.mark.parametrize("end", ["finished", "failed", "waiting"])
def test_secrets_stay_in_memory(daemon, client, state, script, end):
    """Law 9: in no row, no log, no property, no message."""
    script.on("/finished", lambda c, r: c.answer(200, b"ok"))
    script.on("/failed", lambda c, r: c.answer(404, b"no"))
    # Ends too soon, so that it is tried again.
    script.on("/waiting", lambda c, r: c.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
              or True)
    session = client.open_session("secret")
    session.attach()
    url = script.url("/" + end)
    tasks = [
        session.create(url, headers=[("Authorization", f"Bearer {CANARY}"),
                                     ("Cookie", f"id={CANARY}")], start=True),
        session.create(url.replace("http://", f"http://user:{CANARY}@"), start=True,
                       allow_insecure_auth=True),
    ]
    if end == "waiting":
        wait_for(lambda: all(t.get("LastTransientError")[0] for t in tasks), "a first try")
    else:
        session.wait_finished(2)
    asked = [request.header("authorization") for request in script.asked("/" + end)]
    assert [f"Bearer {CANARY}"] in asked
    assert any(value and value[0].startswith("Basic ") for value in asked)
    assert not any(task.get("Durable") for task in tasks)
    session.call("Flush")
    assert CANARY not in everything_readable(client, session, tasks)
    assert CANARY not in repr(client.signals)
    assert CANARY not in daemon.text()
    for path in state.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_without_secrets_it_is_durable(session, nginx):
    assert session.create(nginx.url("x")).get("Durable") is True


def test_session_secrets_stay_in_memory(daemon, client, state, script):
    script.on("/s", lambda c, r: c.answer(200, b"ok"))
    session = client.open_session("secret", headers=[("Authorization", CANARY)])
    session.attach()
    task = session.create(script.url("/s"), start=True)
    session.wait_finished(1)
    assert task.error == ""
    assert script.asked("/s")[0].header("authorization") == [CANARY]
    assert CANARY not in everything_readable(client, session, [task])
    session.call("Flush")
    for path in state.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_secrets_that_are_lost(daemon, client, script):
    """Rather no answer than a request without its secret.

    Fault (daemon): SIGKILL of a daemon that holds the only copy of a secret | Proves:
    AuthenticationRequired, and no request without the secret (law 9)"""
    script.on("/s", lambda c, r: c.answer(200, b"ok"))
    session = client.open_session("lost")
    task = session.create(script.url("/s"), headers=[("Authorization", CANARY)])
    daemon.restart()
    session.attach()
    task.resume()
    session.wait_finished(1)
    assert task.error == "AuthenticationRequired" and not script.requests


def test_state_is_ours_alone(daemon, session, state):
    assert state.stat().st_mode & 0o077 == 0


def test_what_is_not_there(daemon, client):
    """By method, property and introspection alike."""
    for path in (f"{PATH}/task/999", f"{PATH}/session/999", f"{PATH}/task/x"):
        kind = "Task" if "task" in path else "Session"
        interface = f"org.freedesktop.BackgroundTransfer1.{kind}"
        for call in (
            lambda p=path, i=interface: client.call(p, PROPERTIES, "GetAll", "(s)", i),
            lambda p=path, i=interface: client.call(p, PROPERTIES, "Get", "(ss)", i, "State"),
        ):
            with pytest.raises(Failure) as failure:
                call()
            assert failure.value.name == "NotFound"


def test_worker_has_nothing(daemon, session, nginx):
    """It is confined before it reads its first byte: no environment, few handles."""
    nginx.add_file("confined", 1000000)
    task = session.create(nginx.slow_url("confined", "300k"), start=True)
    wait_for(lambda: task.get("BytesReceived"), "it works")
    (worker,) = daemon.workers()
    with open(f"/proc/{worker}/status", encoding="ascii") as lines:
        status = dict(line.split(":", 1) for line in lines)
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    with open(f"/proc/{worker}/environ", "rb") as environ:
        assert environ.read().strip(b"\0") == b""
