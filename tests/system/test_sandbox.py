# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers in sandboxes: what is not theirs does not exist (laws 8 and 14)."""

import pytest
from parts.client import PATH, PROPERTIES, SESSION, TASK, Failure
from parts.daemon import NAME
from parts.sandboxed import Sandboxed, can_mount

INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
NOT_FOUND = "org.freedesktop.BackgroundTransfer1.Error.NotFound"


@pytest.fixture
def sandbox(bus, top, inbox):
    if not can_mount(inbox):
        pytest.skip("this kernel or container lets us mount nothing")
    callers = []

    def make(app="org.example.Boxed", shared="network"):
        callers.append(Sandboxed(bus, top, app, shared))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


def look(caller, kind, number):
    """All that a caller can learn of an object, its path taken out."""
    path, interface = f"{PATH}/{kind}/{number}", TASK if kind == "task" else SESSION
    member = "Suspend" if kind == "task" else "Flush"
    answers = [
        caller.call(path, interface, member),
        caller.call(path, interface, "NoSuchMethod"),
        caller.call(path, PROPERTIES, "Get", "(ss)", interface, "State"),
        caller.call(path, PROPERTIES, "Get", "(ss)", interface, "NoSuchProperty"),
        caller.call(path, PROPERTIES, "GetAll", "(s)", interface),
        caller.call(path, INTROSPECTABLE, "Introspect"),
        caller.call(path, interface, "CompleteEvents", "(s)", "wrong type"),
    ]
    return [[str(word).replace(path, "PATH") for word in answer] for answer in answers]


def test_what_is_not_ours_does_not_exist(daemon, client, nginx, sandbox):
    session = client.open_session()
    task = session.create(nginx.url("x"))
    stranger = sandbox()
    for kind, thing in (("task", task), ("session", session)):
        number = thing.path.rsplit("/", 1)[1]
        foreign, missing = look(stranger, kind, number), look(stranger, kind, "4711")
        assert foreign == missing
        assert foreign[0][:2] == foreign[2][:2] == foreign[4][:2] == ["error", NOT_FOUND]
    assert task.state == "suspended"


def test_each_sees_its_own(daemon, client, sandbox):
    client.open_session("ours")
    one, two = sandbox("org.example.One"), sandbox("org.example.Two")
    for caller in (one, two):
        answer = caller.call(PATH, NAME, "OpenSession", "(sa{sv})", "theirs", {})
        assert answer[0] == "value", answer
    listed = [caller.call(PATH, NAME, "ListSessions")[1] for caller in (one, two)]
    assert all(text.count("theirs") == 1 and "ours'" not in text.replace("theirs'", "")
               for text in listed)
    assert listed[0] != listed[1]
    assert [row["identifier"] for row in client.list_sessions()] == ["ours"]


def test_host_cannot_reach_into_a_sandbox(daemon, client, sandbox):
    boxed = sandbox()
    answer = boxed.call(PATH, NAME, "OpenSession", "(sa{sv})", "theirs", {})
    path = answer[1].split("'")[1]
    with pytest.raises(Failure) as failure:
        client.session(path).get("State")
    assert failure.value.name == "NotFound"


def test_sandbox_without_network(daemon, sandbox):
    """Law 14: it gets none through us."""
    boxed = sandbox("org.example.Offline", "ipc")
    answer = boxed.call(PATH, NAME, "OpenSession", "(sa{sv})", "x", {})
    assert answer[:2] == ["error", "org.freedesktop.BackgroundTransfer1.Error.NotAllowed"]
