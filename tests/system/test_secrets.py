# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets by reference in the user's real keyring: law 9, and that nothing is lost."""

import pytest
from parts import keyring as ours
from parts.client import pack
from parts.waiting import wait_for

TOKEN = "Bearer canary-3b1d"
HEADERS = [("Authorization", TOKEN)]


@pytest.fixture
def guarded(script):
    """An address that must be asked with the token; the first answer never ends."""
    script.stalls = True

    def answer(talk, request):
        if request.header("Authorization") != [TOKEN]:
            talk.answer(403, b"who are you")
        elif script.stalls:
            talk.stall()
        else:
            talk.answer(200, b"welcome")

    script.on("/guarded", answer)
    return script


def running(*tasks):
    wait_for(lambda: all(task.state == "running" for task in tasks), "they run")


def test_goes_on_after_a_kill(keyring, daemon, session, guarded, state):
    """One item for many tasks; kill -9; they go on with the token; nothing is left."""
    keyring.start()
    tasks = [session.create(guarded.url("/guarded"), start=True, headers=HEADERS)
             for _ in range(3)]
    assert all(task.get("Durable") for task in tasks)
    assert len(keyring.items(ours.SECRETS)) == 1
    running(*tasks)
    guarded.stalls = False
    daemon.restart()
    session.client.signals.clear()
    session.attach()
    finished = session.wait_finished(3)
    assert [task.error for task in tasks] == ["", "", ""]
    assert all(task.read() == b"welcome" for task in tasks)
    for path in state.glob("**/*"):
        assert not path.is_file() or b"canary" not in path.read_bytes(), path
    session.complete(max(signal.arguments[0] for signal in finished))
    wait_for(lambda: not keyring.paths(ours.SECRETS), "the item is gone")


def test_waits_for_a_locked_keyring(keyring, daemon, session, guarded):
    """Locked at the restart: it waits and says so, and goes on when the user unlocks it,
    without a word from anybody."""
    keyring.start()
    task = session.create(guarded.url("/guarded"), start=True, headers=HEADERS)
    plain = session.create(guarded.url("/guarded"), headers=[("X-Plain", "p")])
    running(task)
    guarded.stalls = False
    daemon.kill()
    keyring.lock()
    daemon.start()
    wait_for(lambda: task.get("WaitReasons") == ["keyring-locked"], "it waits for the keyring")
    assert task.state == "queued" and task.get("Durable") is True
    # Who needs none does not wait.
    plain.resume()
    plain.wait_state("finished")
    keyring.unlock()
    task.wait_state("finished")
    assert task.error == "" and task.read() == b"welcome"


def test_deleted_by_the_user(keyring, daemon, session, guarded):
    keyring.start()
    task = session.create(guarded.url("/guarded"), headers=HEADERS)
    daemon.kill()
    keyring.remove(ours.SECRETS)
    daemon.start()
    task.resume()
    task.wait_state("finished")
    name, details = task.get("Error")
    assert name == "AuthenticationRequired"
    assert "keyring" in details["message"]


def test_safe_once_unlocked(keyring, daemon, session, guarded):
    """Given while it is locked they are in memory, and an unlock makes all safe."""
    keyring.start()
    keyring.lock()
    task = session.create(guarded.url("/guarded"), start=True, headers=HEADERS)
    session.call("Configure", "(a{sv})", pack({"headers": [("Cookie", "canary-c")]}))
    assert task.get("Durable") is False
    keyring.unlock()
    wait_for(lambda: task.get("Durable"), "it is kept")
    assert len(keyring.items(ours.SECRETS)) == 2
    running(task)
    guarded.stalls = False
    daemon.restart()
    task.wait_state("finished")
    assert task.error == ""


def test_without_a_keyring(daemon, session, guarded):
    task = session.create(guarded.url("/guarded"), headers=HEADERS)
    assert task.get("Durable") is False
    daemon.restart()
    task.resume()
    task.wait_state("finished")
    assert task.get("Error")[0] == "AuthenticationRequired"


def test_sweeps_what_was_left(keyring, daemon, session, guarded, state):
    """Killed between the commit and the keyring: the next one looks, once."""
    keyring.start()
    session.create(guarded.url("/guarded"), headers=HEADERS)
    (item,) = keyring.items(ours.SECRETS)
    keyring.add("@a{sv} {}", schema=ours.SECRETS, id="stray", state=item["state"])
    keyring.add("@a{sv} {}", schema=ours.SECRETS, id="stray", state="another")
    daemon.restart()
    wait_for(lambda: len(keyring.paths(ours.SECRETS)) == 2, "the stray item is gone")
    assert {entry["id"] for entry in keyring.items(ours.SECRETS)} == {item["id"], "stray"}
    assert (state / "kept-secrets").exists()
