# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`trundle answer`, on a terminal and without one, against a service that only asks."""

import signal

import pytest
from gi.repository import GLib

from parts.asking_service import AskingService

NOTHING = []


@pytest.fixture
def service(bus):
    service = AskingService(bus)
    yield service
    service.stop()


def text(value):
    return GLib.Variant("s", value)


# ---- on a terminal

def test_user_and_password_are_asked_for(service, tool):
    with tool.terminal("answer", "7") as terminal:
        terminal.answer("User name: ", "alice\n")
        terminal.wait_text("Password: ")
        assert not terminal.echoes()
        terminal.type("wönder\n")
        assert terminal.wait_end() == 0
        assert terminal.echoes()

    assert service.answers == [
        ("17", "use-credential", {"user": "alice", "password": "wönder".encode()})]
    assert "wönder" not in terminal.text and "secret" not in terminal.text
    assert "Task 7: https://example.org/file?" in terminal.text
    assert ("The server example.org:443 wants a user name and a password for “the realm” "
            "(basic).") in terminal.text


def test_proposed_user_is_the_default(service, tool):
    service.ask(proposed_user=text("bob"), previous_failure_count=GLib.Variant("u", 2))

    with tool.terminal("answer", "7") as terminal:
        terminal.answer("User name [bob]: ", "\n")
        terminal.answer("Password: ", "\n")
        assert terminal.wait_end() == 0

    assert service.answers == [("17", "use-credential", {"user": "bob", "password": b""})]
    assert "2 answers were refused." in terminal.text


def test_only_what_is_missing_is_asked_for(service, tool):
    with tool.terminal("answer", "7", "--user", "carol", "--remember=permanent") as terminal:
        terminal.answer("Password: ", "x\n")
        assert terminal.wait_end() == 0

    assert service.answers[0][2] == {
        "user": "carol", "password": b"x", "persistence": "permanent"}
    assert "User name" not in terminal.text


@pytest.mark.parametrize("keys,status", [("\x03", 130), ("\x04", 1)], ids=["C-c", "C-d"])
def test_who_does_not_answer_leaves_the_terminal_as_it_was(service, tool, keys, status):
    with tool.terminal("answer", "7", "--user", "alice") as terminal:
        terminal.answer("Password: ", keys)
        assert terminal.wait_end() == status
        assert terminal.echoes()

    assert service.answers == NOTHING


def test_a_signal_leaves_the_terminal_as_it_was(service, tool):
    with tool.terminal("answer", "7", "--user", "alice") as terminal:
        terminal.wait_text("Password: ")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait_end() == -signal.SIGTERM
        assert terminal.echoes()

    assert service.answers == NOTHING


def test_without_encryption_only_after_a_word(service, tool):
    service.ask(secure=GLib.Variant("b", False))

    with tool.terminal("answer", "7") as terminal:
        terminal.answer("Send it without encryption? [y/N] ", "\n")
        assert terminal.wait_end() == 1
    assert service.answers == NOTHING

    with tool.terminal("answer", "7", "--user", "alice") as terminal:
        terminal.answer("Send it without encryption? [y/N] ", "y\n")
        terminal.answer("Password: ", "wonder\n")
        assert terminal.wait_end() == 0
    assert service.answers[0][2] == {
        "user": "alice", "password": b"wonder", "allow-insecure-auth": True}


def ask_trust(service, authority, name="stranger", flags=1):
    service.ask(
        {"method": text("server-trust"), "realm": text("")},
        tls_flags=GLib.Variant("u", flags),
        certificates=GLib.Variant("aay", [authority.der(name)]))


@pytest.mark.parametrize("keys,answer", [
    ("y\n", ("use-credential", {"persistence": "none"})),
    ("S\n", ("use-credential", {"persistence": "session"})),
    ("always\n", ("use-credential", {"persistence": "permanent"})),
    ("\n", ("perform-default-handling", {})),
    ("whatever\n", ("perform-default-handling", {})),
], ids=["yes", "session", "always", "enter", "else"])
def test_trust_is_asked_for(service, tool, authority, keys, answer):
    ask_trust(service, authority)

    with tool.terminal("answer", "7") as terminal:
        terminal.answer("[y/s/a/N] ", keys)
        assert terminal.wait_end() == 0

    assert service.answers == [("17", *answer)]


def test_a_certificate_is_shown(service, tool, authority):
    ask_trust(service, authority, flags=1 | 8)

    with tool.terminal("answer", "7") as terminal:
        terminal.answer("[y/s/a/N] ", "n\n")
        terminal.wait_end()

    assert "The certificate of the server example.org:443 is not trusted" in terminal.text
    assert "nobody who is trusted vouches for it" in terminal.text
    assert "it has expired" in terminal.text and "another name" not in terminal.text
    assert "CN=localhost" in terminal.text and "127.0.0.1" in terminal.text
    fingerprint = authority.fingerprint("stranger").upper()
    assert ":".join(fingerprint[i:i + 2] for i in range(0, 64, 2)) in terminal.text


def test_what_is_no_certificate_has_a_fingerprint(service, tool):
    service.ask({"method": text("server-trust")},
                certificates=GLib.Variant("aay", [b"nonsense"]))

    with tool.terminal("answer", "7") as terminal:
        terminal.answer("[y/s/a/N] ", "\n")
        terminal.wait_end()

    assert "SHA-256" in terminal.text and "Subject" not in terminal.text


def test_a_realm_plays_no_tricks(service, tool):
    service.ask({"realm": text("\x1b[2J\x1b]0;evil\x07\u202eabc")})

    with tool.terminal("answer", "7", "--user", "a") as terminal:
        terminal.answer("Password: ", "\n")
        terminal.wait_end()

    assert "\x1b" not in terminal.text and "\u202e" not in terminal.text


def test_a_locked_keyring_is_told_of(service, tool):
    service.reasons = ["keyring-locked"]

    with tool.terminal("answer", "7", "--user", "alice") as terminal:
        terminal.answer("Password: ", "wonder\n")
        assert terminal.wait_end() == 0

    assert "The keyring is locked." in terminal.text
    assert len(service.answers) == 1


def test_a_proxy_is_called_one(service, tool):
    service.ask({"is-proxy": GLib.Variant("b", True), "port": GLib.Variant("u", 3128)})

    with tool.terminal("answer", "7", "--user", "a") as terminal:
        terminal.answer("Password: ", "\n")
        terminal.wait_end()

    assert "The proxy example.org:3128 wants" in terminal.text


# ---- without one

def test_options_say_it_all(service, tool, tmp_path):
    tool.run("answer", "7", "--user", "alice", "--password-file", "-", given="wonder\nmore\n")
    (tmp_path / "password").write_text("with space \r\n")
    tool.run("answer", "7", "-u", "alice", "--password-file", tmp_path / "password",
             "--remember=none", "--allow-insecure-auth")

    assert service.answers == [
        ("17", "use-credential", {"user": "alice", "password": b"wonder"}),
        ("17", "use-credential", {"user": "alice", "password": b"with space ",
                                  "persistence": "none", "allow-insecure-auth": True})]


def test_the_proposed_user_need_not_be_named(service, tool):
    service.ask(proposed_user=text("bob"))

    tool.run("answer", "7", "--password-file", "-", given="x")

    assert service.answers[0][2] == {"user": "bob", "password": b"x"}


@pytest.mark.parametrize("option,disposition", [
    ("--cancel", "cancel"), ("--default", "perform-default-handling"),
    ("--reject", "reject-protection-space")])
def test_dispositions(service, tool, option, disposition):
    tool.run("answer", "7", option)

    assert service.answers == [("17", disposition, {})]


def test_a_token(service, tool):
    service.ask({"method": text("bearer")})

    tool.run("answer", "7", "--token-file", "-", given="abc.def\n")

    assert service.answers == [("17", "use-credential", {"token": b"abc.def"})]


def test_a_certificate_of_ours(service, tool, authority, tmp_path):
    service.ask({"method": text("client-certificate"), "realm": text("")})
    (tmp_path / "alice.pem").write_text(authority.bundle("alice"))
    (tmp_path / "alice.p12").write_bytes(authority.pkcs12("alice", "sesame"))

    tool.run("answer", "7", "--certificate", tmp_path / "alice.pem")
    tool.run("answer", "7", "--certificate", tmp_path / "alice.p12", "--password-file", "-",
             given="sesame")
    tool.run("answer", "7", "--certificate", "pkcs11:token=t;object=o")

    assert [answer for _, _, answer in service.answers] == [
        {"certificate": authority.bundle("alice").encode()},
        {"pkcs12": (tmp_path / "alice.p12").read_bytes(), "password": b"sesame"},
        {"pkcs11-uri": "pkcs11:token=t;object=o"}]


def test_a_certificate_of_the_server(service, tool, authority):
    ask_trust(service, authority)

    tool.run("answer", "7", "--accept-certificate", "--remember", "permanent")

    assert service.answers == [("17", "use-credential", {"persistence": "permanent"})]


def test_without_a_terminal_it_says_what_is_asked(service, tool):
    said = tool.run("answer", "7", status=2)

    assert "there is no terminal" in said and "“the realm” at example.org:443" in said
    assert "there is no terminal" in tool.run("answer", "7", "--user", "alice", status=2)
    assert service.answers == NOTHING


def test_json_shows_what_is_asked(service, tool, authority):
    service.ask(proposed_user=text("bob"))

    (shown,) = tool.json("answer", "7")

    assert shown["task"] == 7 and shown["challenge"] == "17"
    assert shown["space"]["realm"] == "the realm" and shown["proposed-user"] == "bob"
    assert service.answers == NOTHING


@pytest.mark.parametrize("command", ["answer", "get", "credentials"])
def test_no_password_on_the_command_line(service, tool, command):
    said = tool.run(command, "--password=swordfish", "7", status=2)

    assert "swordfish" not in said and "--password-file" in said


def test_another_answer_is_wanted(service, tool, authority, tmp_path):
    (tmp_path / "f").write_text("x")
    said = tool.run("answer", "7", "--token-file", tmp_path / "f", status=2)
    assert "a password for “the realm” at example.org:443" in said
    tool.run("answer", "7", "--accept-certificate", status=2)
    tool.run("answer", "7", "--certificate", tmp_path / "f", status=2)
    ask_trust(service, authority)
    tool.run("answer", "7", "--user", "a", "--password-file", tmp_path / "f", status=2)
    assert service.answers == NOTHING


@pytest.mark.parametrize("words", [
    [], ["7", "8"], ["x"], ["7", "--cancel", "--default"], ["7", "--cancel", "--user", "x"],
    ["7", "--user", "a", "--token-file", "/dev/null"], ["7", "--remember", "ever"],
    ["7", "--user", "a", "--password-file", "/no/such/file"],
], ids=" ".join)
def test_usage(service, tool, words):
    tool.run("answer", *words, status=2)

    assert service.answers == NOTHING


def test_nothing_is_asked(service, tool):
    service.challenge = {}

    assert "nothing is asked" in tool.run("answer", "7", "--cancel", status=1)


def test_a_refusal_is_told(service, tool):
    service.error = ("NotAllowed", "It needs allow-insecure-auth")

    said = tool.run("answer", "7", "--user", "a", "--password-file", "-", given="x", status=1)

    assert "It needs allow-insecure-auth" in said and "GDBus" not in said
