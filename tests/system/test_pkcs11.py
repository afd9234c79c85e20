# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Client certificates whose key is in a PKCS #11 token, and a server that wants one."""

import pathlib
import shutil
import tempfile

import pytest
from gi.repository import GLib
from parts import token as tokens
from parts.waiting import wait_for


@pytest.fixture(scope="module")
def token(authority):
    if tokens.missing():
        pytest.skip(tokens.missing())
    path = pathlib.Path(tempfile.mkdtemp(prefix="trundle-token-"))
    yield tokens.Token(path, authority, "alice")
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def token_daemon(stopped_daemon, token):
    return stopped_daemon.start(**token.environment)


@pytest.fixture
def asking(token_daemon, client, authority):
    session = client.open_session(ca_certificates=authority.pem)
    session.attach()
    session.wait_did_finish_events()
    return session


def profiles(daemon):
    """Of its workers, by what they were started with."""
    lines = [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in daemon.workers()]
    return sorted(line.split(b"\0")[1].decode() for line in lines)


def pack(**values):
    kinds = {bool: "b", int: "u", str: "s"}
    return {key.replace("_", "-"): GLib.Variant(kinds[type(value)], value)
            for key, value in values.items()}


def give(session, server, **credential):
    space = pack(protocol="https", host="localhost", port=server.client,
                 method="client-certificate")
    session.call("SetCredential", "(a{sv}a{sv})", space, pack(**credential))


def answer(task, challenge, **words):
    task.call("RespondToChallenge", "(ssa{sv})", challenge, "use-credential", pack(**words))


def wait_challenge(session, count=1):
    wait_for(lambda: len(session.client.heard("ChallengeReceived")) >= count,
             lambda: f"challenges; heard {session.client.signals}")
    return session.client.heard("ChallengeReceived")[-1].arguments[2]


def test_given_before(asking, apache, token, token_daemon):
    """It is known that a token is wanted: nobody else tries first."""
    content = apache.add_file("before", 300 * 1000)
    give(asking, apache, pkcs11_uri=token.URI, password=tokens.PIN)
    task = asking.create(apache.url("before", "client"), start=True).wait_state("finished")
    assert task.error == "" and task.read() == content
    assert [one.user for one in apache.wait_seen("before", 1)] == ["alice"]
    assert profiles(token_daemon) == ["local"]


def test_pin_in_the_uri(asking, apache, token):
    content = apache.add_file("uri", 1000)
    give(asking, apache, pkcs11_uri=f"{token.URI};type=cert?pin-value={tokens.PIN}")
    task = asking.create(apache.url("uri", "client"), start=True).wait_state("finished")
    assert task.error == "" and task.read() == content


def test_answered(asking, apache, token, token_daemon):
    """The server asks, the app names a token: the task goes on where that can be used."""
    content = apache.add_file("answered", 1000)
    task = asking.create(apache.url("answered", "client"), start=True)
    details = wait_challenge(asking)
    assert details["space"]["method"] == "client-certificate"
    answer(task, details["challenge"], pkcs11_uri=token.URI, password=tokens.PIN)
    task.wait_state("finished")
    assert task.error == "" and task.read() == content
    assert profiles(token_daemon) == ["", "local"]


@pytest.mark.parametrize("wrong", [
    {},
    {"pkcs11_uri": "pkcs11:token=another;object=alice", "password": tokens.PIN},
    {"pkcs11_uri": f"{tokens.Token.URI}?pin-source=file:/etc/hostname"},
    {"pkcs11_uri": f"{tokens.Token.URI};module-path=/tmp/evil.so", "password": tokens.PIN},
    {"pkcs11_uri": "pkcs11:object=alice", "password": tokens.PIN},
], ids=["no-pin", "token", "pin-source", "module", "any-token"])
def test_wrong(asking, apache, token, wrong):
    """What is wrong is asked about again, once, and a PIN is not tried for it."""
    content = apache.add_file("wrong", 1000)
    task = asking.create(apache.url("wrong", "client"), start=True)
    details = wait_challenge(asking)
    answer(task, details["challenge"], **{"pkcs11_uri": token.URI, **wrong})
    details = wait_challenge(asking, 2)
    assert details["previous-failure-count"] == 1
    answer(task, details["challenge"], pkcs11_uri=token.URI, password=tokens.PIN)
    task.wait_state("finished")
    assert task.error == "" and task.read() == content


def test_wrong_pin(asking, apache, token):
    """It is tried once, and asked about again."""
    apache.add_file("pin", 1000)
    task = asking.create(apache.url("pin", "client"), start=True)
    details = wait_challenge(asking)
    answer(task, details["challenge"], pkcs11_uri=token.URI, password="9999")
    details = wait_challenge(asking, 2)
    assert details["previous-failure-count"] == 1
    assert task.state == "challenged" and task.get("WaitReasons") == ["authentication"]
