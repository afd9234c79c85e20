# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fresh tokens (RFC 6749 §6): a token server, a server that wants its tokens, the user's
keyring, and nobody who is asked."""

import base64
import json
import threading
import urllib.parse

import pytest
from gi.repository import GLib
from parts.client import Failure
from parts.keyring import SECRETS
from parts.waiting import wait_for


class TokenServer:
    """Gives a new token, and a new refresh token, for the last refresh token it gave."""

    def __init__(self, script):
        self.script = script
        self.lock = threading.Lock()
        self.n = 1
        self.asked = []
        self.is_down = False
        script.on("/token", self.give)
        script.on("/file.*", self.serve)

    def give(self, conversation, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        with self.lock:
            self.asked.append((form, "".join(request.header("authorization"))))
            if self.is_down:
                return conversation.answer(503, b"{}")
            if form["refresh_token"] != f"refresh-{self.n}":
                return conversation.answer(400, b'{"error":"invalid_grant"}')
            self.n += 1
            answer = {"access_token": f"access-{self.n}", "token_type": "Bearer",
                      "expires_in": 3600, "refresh_token": f"refresh-{self.n}"}
        return conversation.answer(200, json.dumps(answer).encode())

    def serve(self, conversation, request):
        with self.lock:
            wanted = f"Bearer access-{self.n}"
        if request.header("authorization") == [wanted]:
            return conversation.answer(200, b"yours")
        return conversation.answer(401, b"whose?", ['WWW-Authenticate: Bearer realm="api"'])

    def grant(self, **more):
        words = {"token-url": self.script.url("/token"), "client-id": "us", "client-secret": "cs",
                 "refresh-token": "refresh-1", "scope": "files", **more}
        return {key: GLib.Variant("s", word) for key, word in words.items()}


@pytest.fixture
def tokens(script):
    return TokenServer(script)


def open_session(client, tokens, **more):
    session = client.open_session(
        allow_insecure_auth=True, oauth2=tokens.grant(**more),
        retry={"base-delay": GLib.Variant("t", 50)})
    session.attach()
    session.wait_did_finish_events()
    return session


def finish(session, script, n=1):
    tasks = [session.create(script.url(f"/file/{i}"), start=True) for i in range(n)]
    for task in tasks:
        task.wait_state("finished")
        assert task.error == "" and task.read() == b"yours"


def wait_until_kept(keyring, word):
    """In place of what was there."""
    wait_for(lambda: [word in text for text in keyring.secrets(SECRETS)] == [True], "it is kept")


def test_life(keyring, daemon, client, script, tokens):
    """One token for many, used until it is refused; what comes in place of the refresh token
    is in the keyring, and there after a kill."""
    keyring.start()
    session = open_session(client, tokens)
    finish(session, script, 5)
    ((form, client_word),) = tokens.asked
    assert form == {"grant_type": "refresh_token", "refresh_token": "refresh-1", "scope": "files"}
    assert client_word == "Basic " + base64.b64encode(b"us:cs").decode()
    questions = len(script.requests)
    finish(session, script)
    assert len(script.requests) == questions + 1

    # Revoked.
    tokens.n = 7
    task = session.create(script.url("/file/revoked"), start=True)
    challenge = session.wait_challenge()
    assert challenge["space"]["method"] == "bearer" and challenge["secure"] is False
    task.respond(challenge, token="access-7")
    assert task.wait_state("finished").error == ""

    tokens.n = 2
    wait_until_kept(keyring, b"refresh-2")
    daemon.restart()
    session.attach()
    finish(session, script)
    assert tokens.asked[-1][0]["refresh_token"] == "refresh-2"
    wait_until_kept(keyring, b"refresh-3")
    # Told again to who attaches again; there was no other.
    assert {told["challenge"] for told in session.challenges()} == {challenge["challenge"]}


def test_token_server_is_down(daemon, client, script, tokens):
    """The task waits as after any failure, and the app is not asked."""
    tokens.is_down = True
    session = open_session(client, tokens)
    task = session.create(script.url("/file"), start=True)
    wait_for(lambda: len(tokens.asked) > 1, "it is tried again")
    tokens.is_down = False
    assert task.wait_state("finished").error == ""
    assert session.challenges() == []


def test_what_is_refused(daemon, client, tokens):
    with pytest.raises(Failure, match=r"^InvalidArgument: .*token-url"):
        client.open_session(oauth2=tokens.grant())
    with pytest.raises(Failure, match=r"^InvalidArgument: .*client-id"):
        client.open_session(oauth2={"token-url": GLib.Variant("s", "https://example.org/")})
