# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Digest: Apache, which knows MD5, and a server of SHA-256 that counts (RFC 7616)."""

import hashlib
import re
import threading

import pytest

ALICE = {"user": "alice", "password": "wonder"}


class Counting:
    """Lets in who computes it by SHA-256, and no nonce with the same count twice."""

    def __init__(self, script):
        self.lock = threading.Lock()
        self.nonce = 0
        self.counts = []
        self.refused = 0
        script.on("/secret.*", self.answer)

    def is_right(self, request, given):
        words = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        h = lambda *parts: hashlib.sha256(":".join(parts).encode()).hexdigest()
        expected = h(h("alice", "counting", "wonder"), words.get("nonce", ""),
                     words.get("nc", ""), words.get("cnonce", ""), "auth",
                     h(request.method, words.get("uri", "")))
        count = (words.get("nonce"), words.get("nc"))
        if words.get("response") != expected or words["uri"] != request.target:
            return False
        if words["nonce"] != f"n{self.nonce}" or count in self.counts:
            return False
        self.counts.append(count)
        return True

    def answer(self, conversation, request):
        with self.lock:
            if self.is_right(request, "".join(request.header("authorization"))):
                return conversation.answer(200, b"tea")
            self.refused += 1
            self.nonce += 1
            return conversation.answer(401, b"Who are you?", [
                'WWW-Authenticate: Basic realm="counting"',
                f'WWW-Authenticate: Digest realm="counting", nonce="n{self.nonce}", '
                'qop="auth, auth-int", algorithm=MD5',
                f'WWW-Authenticate: Digest realm="counting", nonce="n{self.nonce}", '
                'qop="auth, auth-int", algorithm=SHA-256'])


def know(session, server, port, **credential):
    session.set_credential(
        {"protocol": "http", "host": server, "port": port}, **credential)


def get(session, url):
    task = session.create(url, start=True)
    task.wait_state("finished")
    return task


@pytest.fixture
def quiet(daemon, client):
    """A session that nobody is asked for."""
    session = client.open_session("quiet", challenge_handling="default")
    session.attach()
    return session


def test_sha_256(quiet, script):
    """The strongest is taken; the password may be known, for Digest does not show it."""
    counting = Counting(script)
    know(quiet, "127.0.0.1", script.port, **ALICE)
    for target in ("/secret/1", "/secret/2?x=y", "/secret/3"):
        task = get(quiet, script.url(target))
        assert task.error == "" and task.read() == b"tea"
    assert counting.refused == 1
    assert [count for _, count in counting.counts] == ["00000001", "00000002", "00000003"]


def test_server_forgets(quiet, script):
    """A nonce that it does not know any more costs a question, and no answer of anybody's."""
    counting = Counting(script)
    know(quiet, "127.0.0.1", script.port, **ALICE)
    assert get(quiet, script.url("/secret/1")).error == ""
    with counting.lock:
        counting.nonce += 1
    assert get(quiet, script.url("/secret/2")).error == ""
    assert counting.refused == 2


def test_apache(quiet, apache):
    know(quiet, "localhost", apache.plain, **ALICE)
    content = apache.add_file("counted", 5000)
    for _ in range(2):
        task = get(quiet, apache.url("digest/counted"))
        assert task.error == "" and task.read() == content
    seen = apache.wait_seen("/digest/counted", 3)
    assert [one.status for one in seen] == [401, 200, 200]
    assert "wonder" not in str(seen)


def test_apache_wrong_password(quiet, apache):
    know(quiet, "localhost", apache.plain, user="alice", password="x")
    apache.add_file("wrong", 10)
    assert get(quiet, apache.url("digest/wrong")).error.endswith("HttpStatus")
    assert [one.status for one in apache.wait_seen("/digest/wrong", 2)] == [401, 401]


def test_next_nonce(quiet, apache):
    """One that is soon too old comes with its successor (RFC 7616 section 3.5)."""
    know(quiet, "localhost", apache.plain, **ALICE)
    apache.add_file("next", 10)
    for _ in range(3):
        assert get(quiet, apache.url("impatient/next")).error == ""
    seen = apache.wait_seen("/impatient/next", 4)
    said = [re.search('nonce=.{1,2}([^",\\\\]+)', one.authorization) for one in seen[1:]]
    if [one.status for one in seen] == [401, 200, 200, 200]:
        assert len({words[1] for words in said}) == 3
    else:
        # This machine takes longer than a second: the nonce was stale, which is no refusal.
        assert [one.status for one in seen].count(200) == 3
