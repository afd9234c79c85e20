# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that ask who is there: one question for all, and what becomes of the answers
(T-57 to T-61)."""

import base64
import threading

import pytest
from parts.client import Client, Failure
from parts.daemon import NAME
from parts.script import Script
from parts.waiting import wait_for

APP = "org.example.TestApp"
REALM = 'WWW-Authenticate: Basic realm="wonderland"'
ALICE = {"user": "alice", "password": "wonder"}
MANY = 500


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Guard:
    """Lets in who has the password, which may change."""

    def __init__(self, script, pattern="/secret.*", headers=(REALM,)):
        self.password = "wonder"
        self.headers = headers
        self.lock = threading.Lock()
        self.asked = []
        script.on(pattern, self.answer)

    def answer(self, conversation, request):
        given = "".join(request.header("authorization"))
        with self.lock:
            self.asked.append((request.target, given))
        if given == basic("alice", self.password):
            return conversation.answer(200, b"tea")
        return conversation.answer(401, b"Who are you?", self.headers)


@pytest.fixture
def guard(script):
    return Guard(script)


@pytest.fixture
def lenient(daemon, client):
    """A session whose passwords may go without TLS."""
    session = client.open_session("lenient", allow_insecure_auth=True)
    session.attach()
    session.wait_did_finish_events()
    return session


def ask(session, script, target="/secret", **options):
    return session.create(script.url(target), start=True, **options)


def test_right_password(lenient, script, guard):
    """T-57: asked once, and the next task not at all."""
    task = ask(lenient, script)
    challenge = lenient.wait_challenge()
    assert task.state == "challenged" and task.get("WaitReasons") == ["authentication"]
    assert challenge["space"]["method"] == "basic"
    assert challenge["space"]["realm"] == "wonderland"
    assert challenge["space"]["port"] == script.port
    assert challenge["previous-failure-count"] == 0
    assert challenge["failure-response"]["status"] == 401
    assert challenge["secure"] is False
    assert task.get("Challenge")["challenge"] == challenge["challenge"]

    task.respond(challenge, **ALICE)
    assert task.wait_state("finished").error == "" and task.read() == b"tea"
    assert task.get("Challenge") == {}
    assert ask(lenient, script, "/secret/2").wait_state("finished").error == ""
    assert len(lenient.challenges()) == 1


def test_wrong_twice(lenient, script, guard):
    """T-58."""
    task = ask(lenient, script)
    counts = []
    for n in range(2):
        challenge = lenient.wait_challenge(n + 1)
        counts.append(challenge["previous-failure-count"])
        task.respond(challenge, user="alice", password=f"wrong {n}")
    challenge = lenient.wait_challenge(3)
    task.respond(challenge, **ALICE)
    assert task.wait_state("finished").error == ""
    assert [*counts, challenge["previous-failure-count"]] == [0, 1, 2]
    told = [given for _, given in guard.asked if given]
    assert len(told) == len(set(told)) == 3


def test_nothing_to_answer(lenient, script):
    """T-59: the status is the result."""
    script.on("/odd", lambda c, r: c.answer(401, b"no", ["WWW-Authenticate: Odd x=y"]))
    script.on("/bare", lambda c, r: c.answer(401, b"no"))
    for target in ("/odd", "/bare"):
        task = ask(lenient, script, target).wait_state("finished")
        assert task.error == "HttpStatus" and task.get("Error")[1]["status"] == 401
    assert lenient.challenges() == []


def test_dispositions(lenient, script):
    """T-60."""
    both = ('WWW-Authenticate: Digest realm="d", nonce="n", qop="auth"', REALM)
    guard = Guard(script, "/both.*", both)

    first = ask(lenient, script, "/both/1")
    challenge = lenient.wait_challenge()
    assert challenge["space"]["method"] == "digest"
    first.respond(challenge, "reject-protection-space")
    challenge = lenient.wait_challenge(2)
    assert challenge["space"]["method"] == "basic" and len(guard.asked) == 1
    first.respond(challenge, "perform-default-handling")
    first.wait_state("finished")
    assert first.error == "HttpStatus" and first.get("Response")["status"] == 401
    assert bytes(first.get("ErrorBody")) == b"Who are you?"

    second = ask(lenient, script, "/both/2")
    second.respond(lenient.wait_challenge(3), "cancel")
    assert second.wait_state("finished").error == "AuthenticationCancelled"
    assert len(guard.asked) == 2


def test_app_is_woken(daemon, bus, app, script, guard):
    """T-61: while other tasks of the session go on."""
    script.on("/slow", lambda c, r: c.stall() or c.answer(200, b"late"))
    client = Client(bus)
    session = client.open_session(
        "photos", app_id=APP, launch_without_display=True, allow_insecure_auth=True)
    slow = session.create(script.url("/slow"), start=True)
    task = session.create(script.url("/secret"), start=True)
    client.close()

    app.wait_note("answered")
    assert "challenge" in app.notes("handle-events")[0]["info"]
    assert app.notes("attached")[0]["reason"] == "challenge"
    other = Client(bus)
    assert type(task)(other, task.path).wait_state("finished").error == ""
    assert type(slow)(other, slow.path).state == "running"
    script.gate.set()
    other.close()


def test_killed_while_open(daemon, lenient, client, script, guard):
    """Fault (daemon): kill -9 while a challenge is open | Proves: it is open after the
    restart, told again by Attach, and answered"""
    task = ask(lenient, script)
    lenient.wait_challenge()
    daemon.restart()
    assert task.state == "challenged"
    results = lenient.attach()
    assert results["challenges"] == [task.path] and results["pending"] == 1
    again = lenient.wait_challenge(2)
    assert again["redelivered"] is True
    # Completing the telling is not answering.
    lenient.complete(lenient.events()[-1].arguments[0])
    assert lenient.list_events() == ([], False)
    assert task.get("Challenge")["challenge"] == again["challenge"]
    task.respond(again, **ALICE)
    assert task.wait_state("finished").error == ""
    assert len(guard.asked) <= 3


def test_password_changed(lenient, script, guard):
    """Fault (server): another password between two tasks | Proves: the old one is tried
    once, and the app asked"""
    task = ask(lenient, script)
    task.respond(lenient.wait_challenge(), **ALICE)
    task.wait_state("finished")
    guard.password = "other"
    later = ask(lenient, script, "/secret/later")
    challenge = lenient.wait_challenge(2)
    assert challenge["previous-failure-count"] == 1
    assert challenge["proposed-user"] == "alice" and challenge["has-stored-password"] is True
    later.respond(challenge, user="alice", password="other")
    assert later.wait_state("finished").error == ""
    tried = [given for target, given in guard.asked if target == "/secret/later" and given]
    assert tried.count(basic("alice", "wonder")) == 1


def test_one_challenge_for_all(lenient, script, guard):
    """Fault (server): it asks 500 tasks who is there | Proves: one challenge, one answer,
    two requests a task at most"""
    tasks = lenient.create_many([
        {"url": script.url(f"/secret/{n}"), "start": True} for n in range(MANY)])
    challenge = lenient.wait_challenge()
    wait_for(lambda: len(guard.asked) == MANY, "all have asked", 120)
    wait_for(lambda: len(lenient.list_tasks(state="challenged")) == MANY, "all wait", 120)
    tasks[MANY // 2].respond(challenge, **ALICE)
    finished = lenient.wait_finished(MANY, 120)
    assert {signal.arguments[2]["error"] for signal in finished} == {""}
    assert len(lenient.challenges()) == 1
    assert len(guard.asked) <= 2 * MANY


def test_without_tls(session, script, guard):
    """Nothing goes where everybody can read it, unless somebody says so."""
    task = ask(session, script)
    challenge = session.wait_challenge()
    with pytest.raises(Failure) as failure:
        task.respond(challenge, **ALICE)
    assert failure.value.name == "NotAllowed"
    assert "allow-insecure-auth" in failure.value.message
    assert task.state == "challenged"
    task.respond(challenge, allow_insecure_auth=True, **ALICE)
    assert task.wait_state("finished").error == ""


def test_set_remove_list(lenient, script, guard):
    space = {"protocol": "http", "host": "127.0.0.1", "port": script.port}
    lenient.set_credential(space, **ALICE)
    assert ask(lenient, script).wait_state("finished").error == ""
    listed = lenient.list_credentials()
    assert len(listed) == 1 and listed[0]["user"] == "alice"
    assert listed[0]["has-password"] is True and "wonder" not in str(listed)
    lenient.remove_credential(**space)
    assert lenient.list_credentials() == []


def test_nobody_answers(stopped_daemon, bus, client, script, guard):
    """Fault (time): challenge-timeout ends while nobody is there | Proves: the task ends
    with AuthenticationRequired"""
    stopped_daemon.start()
    session = client.open_session(challenge_timeout=300)
    task = ask(session, script)
    assert task.wait_state("finished").error == "AuthenticationRequired"
    assert task.get("Error")[1]["reason"] == "challenge-timeout"


def test_leaves_while_open(stopped_daemon, bus, client, script, guard):
    """Without a keyring nobody need stay for an answer; a call brings the service back."""
    words = stopped_daemon.command("--idle-ms", "200")
    bus.add_service(NAME, " ".join(words))
    # Without systemd nobody would start it in time for the end of a task.
    session = client.open_session("leave", allow_insecure_auth=True, resource_timeout=0)
    task = ask(session, script)
    task.wait_state("challenged")
    wait_for(lambda: not bus.has_owner(NAME), "it leaves though a challenge is open")
    challenge = task.get("Challenge")
    task.respond(challenge, **ALICE)
    assert task.wait_state("finished").error == ""


def test_keyring_answers(keyring, bus, stopped_daemon, client, script, guard):
    """A credential that a person stores lets the task go on; a locked keyring makes it
    wait, not fail (L-35)."""
    keyring.start()
    stopped_daemon.start()
    session = client.open_session("keyring", allow_insecure_auth=True)
    task = ask(session, script)
    task.wait_state("challenged")
    keyring.add("wonder", app_id=session.get("AppId"), protocol="http", host="127.0.0.1",
                port=str(script.port), user="alice")
    assert task.wait_state("finished").error == ""

    guard.password = "none"
    keyring.lock()
    stopped_daemon.restart()
    later = ask(session, script, "/secret/later")
    later.wait_state("challenged")
    wait_for(lambda: later.get("WaitReasons") == ["keyring-locked"], "it waits for the keyring")
    assert session.list_events()[0][-1][1] == "TaskFinished"
    guard.password = "wonder"
    keyring.unlock()
    assert later.wait_state("finished").error == ""


def test_permanent_answer_is_in_the_keyring(keyring, stopped_daemon, client, script, guard):
    keyring.start()
    stopped_daemon.start()
    session = client.open_session("keyring", allow_insecure_auth=True)
    session.attach()
    task = ask(session, script)
    task.respond(session.wait_challenge(), persistence="permanent", **ALICE)
    assert keyring.secrets("org.freedesktop.BackgroundTransfer1.Credential") == [b"wonder"]
    task.wait_state("finished")
    stopped_daemon.restart()
    other = client.open_session("other", allow_insecure_auth=True)
    assert ask(other, script, "/secret/other").wait_state("finished").error == ""
