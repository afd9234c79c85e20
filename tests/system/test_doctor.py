# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""trundle doctor and Control.Check, on a real service with faults planted."""

import fcntl
import sqlite3

from parts.waiting import wait_for


def kinds(findings):
    return [finding["kind"] for finding in findings]


def test_nothing_is_wrong(daemon, tool, session, nginx, inbox):
    nginx.add_file("whole", 100_000)
    task = session.create(nginx.url("whole"), inbox, destination_name="f", start=True)
    session.wait_finished(1)
    assert task.error == ""
    assert tool.json("doctor") == []
    assert "Nothing is wrong" in tool.run("doctor")


def test_orphans_are_found_and_removed(daemon, tool, state, session, script, inbox):
    """Fault (disk): files of ours that belong to nobody | Proves: found, and deleted when
    told to; parts in use, of others, and other names stay (law 6)"""
    script.on("/slow", lambda talk, request: talk.stall())
    session.create(script.url("/slow"), inbox, destination_name="f", start=True)
    wait_for(lambda: script.asked("/slow"), lambda: "a request")
    (state / "spool" / "4711").write_bytes(b"x" * 5000)
    orphan = inbox / ".trundle-1-00112233445566ff.part"
    orphan.write_bytes(b"x" * 10)
    near = inbox / ".trundle-1-00112233445566fX.part"
    near.write_bytes(b"x")
    live = {path.name for path in inbox.glob(".trundle-*.part")} - {orphan.name, near.name}
    assert len(live) == 1

    found = tool.json("doctor", status=1)
    assert kinds(found) == ["stray-file", "stray-part"]
    assert found[0]["size"] == 5000 and not found[0]["mended"]
    assert orphan.exists()
    found = tool.json("doctor", "--mend")
    assert [finding["mended"] for finding in found] == [True, True]
    assert not orphan.exists() and not (state / "spool" / "4711").exists()
    assert near.exists() and all((inbox / name).exists() for name in live)
    assert tool.json("doctor") == []


def test_part_that_was_taken_away(daemon, tool, session, script, inbox):
    """Fault (disk): a part is deleted under its task | Proves: found"""
    def half(talk, request):
        talk.send(b'HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\nETag: "v"\r\n\r\n')
        talk.send(b"x" * 3_000_000)
        talk.stall()

    script.on("/half", half)
    task = session.create(script.url("/half"), inbox, destination_name="f", start=True)
    wait_for(lambda: task.get("BytesReceived") >= 3_000_000, lambda: "bytes")
    task.call("Suspend")
    wait_for(lambda: task.state == "suspended", lambda: task.state)
    for part in inbox.glob(".trundle-*.part"):
        part.unlink()
    assert kinds(tool.json("doctor", status=1)) == ["part-missing"]


def test_damaged_database(daemon, tool, state, session, script, inbox):
    """Fault (store): rows that belong to no session | Proves: found by a check,
    while the service goes on"""
    script.on("/slow", lambda talk, request: talk.stall())
    session.create(script.url("/slow"), inbox, destination_name="f")
    with sqlite3.connect(state / "trundle.db") as database:
        database.execute("INSERT INTO event VALUES (9999, 1, 1, 1, 0, 0, x'')")
    database.close()
    found = tool.json("doctor", status=1)
    assert kinds(found) == ["database"] and "event" in found[0]["message"]
    assert session.create(script.url("/slow"), inbox, destination_name="g").state


def test_worker_is_missing(stopped_daemon, tool):
    stopped_daemon.start("--idle-ms", "-1", "--worker", "/nowhere/trundle-worker")
    found = tool.json("doctor", status=1)
    assert kinds(found) == ["worker-missing"] and found[0]["path"] == "/nowhere/trundle-worker"


def test_no_bus(tool):
    tool.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere"
    assert kinds(tool.json("doctor", status=2)) == ["no-bus", "unreachable"]


def test_no_service(bus, tool):
    assert "not-activatable" in kinds(tool.json("doctor", status=2))
    assert "services" in tool.run("doctor", status=2)


def test_state_that_somebody_holds(bus, tool, top):
    state = top / "home" / ".local" / "state" / "trundle"
    state.mkdir(parents=True)
    with open(state / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "state-locked" in kinds(tool.json("doctor", status=2))
    assert "state-locked" not in kinds(tool.json("doctor", status=2))


def test_state_that_cannot_be_used(bus, tool, top):
    state = top / "home" / ".local" / "state" / "trundle"
    state.parent.mkdir(parents=True)
    # To root every directory is open.
    state.write_text("")
    assert "state-unusable" in kinds(tool.json("doctor", status=2))
