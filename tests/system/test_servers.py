# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers and proxies that ask who is there, from the first 401 to the file: by the app, by
`trundle answer`, and by what `trundle get` was told before."""

import pytest

from parts.client import Failure
from parts.keyring import CREDENTIAL
from parts.waiting import wait_for

WONDER = {"user": "alice", "password": "wonder"}


@pytest.fixture
def session(daemon, client, authority):
    """A session that trusts the tests' authority, with an attached consumer."""
    session = client.open_session(ca_certificates=authority.pem)
    session.attach()
    session.wait_did_finish_events()
    return session


def end_well(task, content):
    task.wait_state("finished")
    assert task.error == "", task.get("Error")
    assert task.read() == content


# ---- the app answers

def test_basic_is_asked_for_once(session, auth_nginx):
    content = auth_nginx.add_file("basic-once", 100000)
    url = auth_nginx.url("basic/cellar/basic-once", "tls")
    task = session.create(url, start=True)
    told = session.wait_challenge()
    assert told["space"] == {
        "protocol": "https", "host": "localhost", "port": auth_nginx.tls,
        "is-proxy": False, "realm": "cellar", "method": "basic"}
    assert told["secure"] and told["previous-failure-count"] == 0
    assert told["proposed-user"] == "" and told["tasks"] == [task.path]
    assert told["failure-response"]["status"] == 401
    assert task.state == "challenged" and task.get("WaitReasons") == ["authentication"]
    assert task.get("BytesExpectedToReceive") == -1

    task.respond(told, **WONDER)

    end_well(task, content)
    end_well(session.create(url, start=True), content)
    assert len(session.challenges()) == 1
    assert [seen.status for seen in auth_nginx.wait_seen("basic-once", 3)][:2] == [401, 200]


def test_digest_needs_no_tls(session, apache):
    content = apache.add_file("digest", 100000)
    task = session.create(apache.url("digest/digest"), start=True)
    told = session.wait_challenge()
    assert told["space"]["method"] == "digest" and told["secure"]
    assert told["space"]["realm"] == "the digest realm"

    task.respond(told, **WONDER)

    end_well(task, content)
    authorized = [seen.authorization for seen in apache.seen("digest/digest")]
    assert any(one.startswith("Digest username") for one in authorized)
    assert not any("Basic" in one or "wonder" in one for one in authorized)


def test_wrong_twice(session, apache):
    """T-58"""
    content = apache.add_file("twice", 1000)
    task = session.create(apache.url("digest/twice"), start=True)
    for failures, password in enumerate(["no", "nor this", "wonder"]):
        told = session.wait_challenge(failures + 1)
        assert told["previous-failure-count"] == failures
        assert told["proposed-user"] == ("alice" if failures else "")
        task.respond(told, user="alice", password=password)

    end_well(task, content)
    assert len(session.challenges()) == 3


def test_another_password_is_asked_for_once(session, apache):
    """The password is changed on the server between two tasks."""
    content = apache.add_file("changed", 1000)
    first = session.create(apache.url("basic/changed", "tls"), start=True)
    first.respond(session.wait_challenge(), **WONDER)
    end_well(first, content)

    apache.set_password("alice", "new")
    before = len(apache.seen("basic/changed"))
    tasks = [session.create(apache.url("basic/changed", "tls"), start=True)
             for _ in range(5)]
    told = session.wait_challenge(2)
    assert told["previous-failure-count"] == 1 and told["proposed-user"] == "alice"
    for task in tasks:
        task.wait_state("challenged")
    tasks[3].respond(told, user="alice", password="new")

    for task in tasks:
        end_well(task, content)
    assert len(session.challenges()) == 2
    # Each was refused once or twice, and none tried on.
    refused = [seen for seen in apache.seen("basic/changed")[before:] if seen.status == 401]
    assert len(refused) <= 10


def test_cleartext_needs_a_word(session, apache):
    content = apache.add_file("clear", 1000)
    task = session.create(apache.url("basic/clear"), start=True)
    told = session.wait_challenge()
    assert not told["secure"]

    with pytest.raises(Failure) as refused:
        task.respond(told, **WONDER)
    assert refused.value.name == "NotAllowed"
    assert "allow-insecure-auth" in refused.value.message
    assert not any("Basic" in seen.authorization for seen in apache.seen("basic/clear"))
    task.respond(told, allow_insecure_auth=True, **WONDER)

    end_well(task, content)


def test_a_word_is_for_one_answer_alone(session, auth_nginx):
    """Not for what an address brings along later."""
    content = auth_nginx.add_file("alone", 1000)
    task = session.create(auth_nginx.url("basic/cellar/alone"), start=True)
    task.respond(session.wait_challenge(), allow_insecure_auth=True, **WONDER)
    end_well(task, content)

    session.create(auth_nginx.url("basic/attic/alone", user_info="alice:other@"), start=True)

    session.wait_challenge(2)
    assert [seen.authorization for seen in auth_nginx.wait_seen("attic/alone", 1)] == ["-"]


def test_many_wait_for_one_answer(session, apache):
    content = apache.add_file("many", 1000)
    tasks = [session.create(apache.url("digest/many"), start=True) for _ in range(20)]
    told = session.wait_challenge()
    for task in tasks:
        task.wait_state("challenged")

    tasks[-1].respond(told, **WONDER)

    for task in tasks:
        end_well(task, content)
    assert len(session.challenges()) == 1


def test_a_question_outlives_the_daemon(session, daemon, client, apache, authority):
    """Fault (daemon): SIGKILL while a challenge is open | Proves: it is told again, and the
    answer counts"""
    content = apache.add_file("outlives", 1000)
    task = session.create(apache.url("digest/outlives"), start=True)
    session.wait_challenge()

    daemon.restart()
    session.attach()
    told = session.wait_challenge(2)
    assert told["redelivered"] and task.state == "challenged"
    task.respond(task.get("Challenge"), **WONDER)

    end_well(task, content)


def test_no_answer_is_the_refusal(session, apache):
    apache.add_file("refused", 1000)
    task = session.create(apache.url("digest/refused"), start=True)

    task.respond(session.wait_challenge(), "perform-default-handling")

    task.wait_state("finished")
    assert task.error == "HttpStatus" and task.get("Response")["status"] == 401


def test_given_up(session, apache):
    task = session.create(apache.url("digest/given-up"), start=True)

    task.respond(session.wait_challenge(), "cancel")

    assert task.wait_state("finished").error == "AuthenticationCancelled"


# ---- proxies (T-63)

@pytest.fixture
def proxied(daemon, client, authority, squid):
    session = client.open_session(
        "proxied", ca_certificates=authority.pem, proxy=squid.proxy())
    session.attach()
    session.wait_did_finish_events()
    return session


@pytest.mark.parametrize("port", ["plain", "tls"])
def test_a_proxy_asks(proxied, apache, squid, port):
    """Of an http address in its place, of an https one at CONNECT."""
    content = apache.add_file(f"proxied-{port}", 100000)
    task = proxied.create(apache.url(f"proxied-{port}", port), start=True)
    told = proxied.wait_challenge()
    assert told["space"]["is-proxy"] and told["space"]["port"] == squid.plain
    assert told["space"]["realm"] == "the proxy" and not told["secure"]
    assert told["failure-response"]["status"] == 407

    task.respond(told, allow_insecure_auth=True, **WONDER)

    end_well(task, content)
    # A tunnel is logged when it is closed.
    if port == "plain":
        assert squid.wait_seen("proxied", 2)[-1].user == "alice"
    # What is for the proxy is not for the server.
    assert {seen.authorization for seen in apache.seen(f"proxied-{port}")} == {"-"}


def test_a_proxy_refuses_and_then_the_server_asks(proxied, apache, squid):
    content = apache.add_file("both", 1000)
    squid.set_password("alice", "builder")
    task = proxied.create(
        apache.url("basic/both", "tls"), start=True, allow_insecure_auth=True)
    task.respond(proxied.wait_challenge(), **WONDER)
    told = proxied.wait_challenge(2)
    assert told["space"]["is-proxy"] and told["previous-failure-count"] == 1
    task.respond(told, user="alice", password="builder")

    told = proxied.wait_challenge(3)
    assert not told["space"]["is-proxy"] and told["previous-failure-count"] == 0
    task.respond(told, **WONDER)

    end_well(task, content)
    assert len(proxied.challenges()) == 3


# ---- the tool

def test_get_asks_on_the_terminal(daemon, tool, apache, inbox):
    content = apache.add_file("asked", 100000)

    with tool.terminal("get", "-w", apache.url("digest/asked"), "-o", inbox / "f") as terminal:
        terminal.answer("User name: ", "alice\n")
        terminal.answer("Password: ", "wrong\n")
        terminal.wait_text("1 answer was refused.")
        terminal.wait_text("User name [alice]: ")
        terminal.type("\n")
        terminal.wait_text("Password: ", 2)
        terminal.type("wonder\n")
        assert terminal.wait_end() == 0

    assert "f: done" in terminal.text and "wonder" not in terminal.text
    assert (inbox / "f").read_bytes() == content


def test_get_in_a_pipe_says_how_to_answer(daemon, tool, apache, inbox):
    content = apache.add_file("piped", 1000)
    with tool.spawn("get", "-w", apache.url("digest/piped"), "-o", inbox / "f") as process:
        wait_for(lambda: "challenged" in tool.states().values(), daemon.tail)
        (number,) = tool.states()
        assert ("needs an answer: a password for “the digest realm” at "
                f"localhost:{apache.plain}") in tool.run("list")
        assert "a password for “the digest realm”" in tool.run("show", number)

        tool.run("answer", number, "--user", "alice", "--password-file", "-", given="wonder")

        out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "f: done" in out
    assert f"see “trundle answer {number}”" in err
    assert (inbox / "f").read_bytes() == content


def test_a_question_answered_elsewhere_is_taken_back(daemon, tool, apache, inbox):
    apache.add_file("elsewhere", 1000)
    with tool.terminal("get", "-w", apache.url("digest/elsewhere"), "-o", inbox / "f") as terminal:
        terminal.answer("User name: ", "somebody\n")
        terminal.wait_text("Password: ")
        assert not terminal.echoes()
        (number,) = tool.states()

        tool.run("answer", number, "--user", "alice", "--password-file", "-", given="wonder")

        assert terminal.wait_end() == 0
        assert terminal.echoes()
    assert "f: done" in terminal.text


def test_a_stranger_is_trusted_by_the_tool(daemon, tool, nginx, inbox):
    content = nginx.add_file("stranger", 1000)
    url = f"https://localhost:{nginx.selfsigned}/stranger"

    with tool.terminal("get", "-w", url, "-o", inbox / "f") as terminal:
        terminal.answer("[y/s/a/N] ", "s\n")
        assert terminal.wait_end() == 0
    tool.run("get", "-w", url, "-o", inbox / "again")

    assert "nobody who is trusted vouches for it" in terminal.text
    assert (inbox / "f").read_bytes() == (inbox / "again").read_bytes() == content


def test_credentials(daemon, tool, apache, inbox):
    content = apache.add_file("known", 1000)
    place = f"http://localhost:{apache.plain}"
    tool.run("credentials", "add", place, "--user", "alice", "--password-file", "-",
             given="wonder")
    (shown,) = tool.json("credentials")
    assert shown["user"] == "alice" and shown["host"] == "localhost"
    assert shown["session"] == "trundle" and "password" not in shown
    listed = tool.run("credentials", "list")
    assert place in listed and "alice" in listed and "wonder" not in listed

    tool.run("get", "-w", apache.url("digest/known"), "-o", inbox / "f")
    assert (inbox / "f").read_bytes() == content

    tool.run("credentials", "remove", "http://localhost:1", status=4)
    tool.run("credentials", "remove", place)
    assert tool.json("credentials") == []


def test_get_with_a_user(daemon, tool, apache, inbox):
    content = apache.add_file("user", 1000)

    tool.run("get", "-w", "-u", "alice", "--password-file", "-", apache.url("digest/user"),
             "-o", inbox / "f", given="wonder\n")
    tool.run("get", "-w", "-u", "alice", "--password-file", "-", "--allow-insecure-auth",
             apache.url("basic/user"), "-o", inbox / "g", given="wonder\n")

    assert (inbox / "f").read_bytes() == (inbox / "g").read_bytes() == content
    assert tool.json("credentials") == []


def test_get_with_headers_from_a_file(daemon, tool, apache, inbox, tmp_path):
    content = apache.add_file("headers", 1000)
    (tmp_path / "headers").write_text("Authorization: Basic YWxpY2U6d29uZGVy\r\n\r\n")

    tool.run("get", "-w", "--header-file", tmp_path / "headers", apache.url("basic/headers"),
             "-o", inbox / "f")

    assert (inbox / "f").read_bytes() == content


def test_get_with_a_certificate(daemon, tool, apache, authority, inbox, tmp_path):
    content = apache.add_file("ours", 1000)
    (tmp_path / "alice.pem").write_text(authority.bundle("alice"))
    url = apache.url("ours", "client")
    (tmp_path / "fingerprint").write_text(authority.fingerprint("server"))

    with tool.terminal("get", "-w", "--client-certificate", tmp_path / "alice.pem", url,
                       "-o", inbox / "f") as terminal:
        # Our authority is nobody's here.
        terminal.answer("[y/s/a/N] ", "y\n")
        assert terminal.wait_end() == 0

    assert (inbox / "f").read_bytes() == content
    assert apache.wait_seen("ours", 1)[-1].user == "alice"


def test_get_by_a_proxy(daemon, tool, apache, squid, inbox):
    content = apache.add_file("by-proxy", 1000)
    proxy = squid.proxy("alice:wonder@")

    tool.run("get", "-w", "--proxy", proxy, "--allow-insecure-auth", apache.url("by-proxy"),
             "-o", inbox / "f")

    assert (inbox / "f").read_bytes() == content
    assert squid.wait_seen("by-proxy", 1)[-1].user == "alice"
    assert "wonder" not in tool.run("list", "--json") + tool.run("credentials", "--json")


# ---- with a keyring

def test_what_is_kept_for_good(keyring, stopped_daemon, tool, apache, inbox):
    """Kept by one answer it serves all sessions, also of the next daemon, until it is
    removed."""
    keyring.start()
    daemon = stopped_daemon.start()
    content = apache.add_file("for-good", 1000)
    number = tool.run("get", apache.url("digest/for-good"), "-o", inbox / "f").strip()
    wait_for(lambda: "challenged" in tool.states().values(), daemon.tail)
    tool.run("answer", number, "-u", "alice", "--password-file", "-", "--remember=permanent",
             given="wonder")
    wait_for((inbox / "f").exists, daemon.tail)

    daemon.restart()
    tool.run("get", "-w", "--session", "another", apache.url("digest/for-good"),
             "-o", inbox / "g")

    assert (inbox / "g").read_bytes() == content
    (listed,) = tool.json("credentials")
    assert listed["persistence"] == "permanent" and listed["realm"] == "the digest realm"
    assert "for good" in tool.run("credentials")
    tool.run("credentials", "remove", f"http://localhost:{apache.plain}")
    assert tool.json("credentials") == [] and keyring.secrets(CREDENTIAL) == []


def test_a_locked_keyring_need_not_be_waited_for(keyring, stopped_daemon, tool, apache, inbox):
    keyring.start()
    tool_adds = ("credentials", "add", f"http://localhost:{apache.plain}", "-u", "alice",
                 "--password-file", "-", "--remember=permanent")
    daemon = stopped_daemon.start()
    tool.run(*tool_adds, given="wonder")
    daemon.kill()
    keyring.lock()
    daemon.start()
    content = apache.add_file("locked", 1000)

    number = tool.run("get", apache.url("digest/locked"), "-o", inbox / "f").strip()
    wait_for(lambda: tool.json("show", number)[0]["wait-reasons"] == ["keyring-locked"],
             daemon.tail)
    assert "the keyring is locked" in tool.run("show", number)
    with tool.terminal("answer", number) as terminal:
        terminal.wait_text("The keyring is locked.")
        terminal.answer("User name", "alice\n")
        terminal.answer("Password: ", "wonder\n")
        assert terminal.wait_end() == 0

    wait_for((inbox / "f").exists, daemon.tail)
    assert (inbox / "f").read_bytes() == content
