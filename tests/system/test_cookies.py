# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cookies: kept for a session when it wants them, and nowhere else (T-16, T-24)."""

import signal

import gi
import pytest

gi.require_version("GLib", "2.0")

from gi.repository import GLib
from parts.client import Failure
from parts.keyring import SECRETS
from parts.waiting import wait_for

CANARY = "canary-5d1e"


def serve(script):
    """Each /set/… answers with a cookie; the rest remembers what it was asked with."""
    script.on("/set/(.*)", lambda c, r: c.answer(
        200, b"ok", [f"Set-Cookie: {r.target.split('/')[2]}={CANARY}; Path=/"]))
    script.on("/unset", lambda c, r: c.answer(
        200, b"ok", ["Set-Cookie: sid=; Path=/; Max-Age=0"]))
    script.on("/secure", lambda c, r: c.answer(
        200, b"ok", [f"Set-Cookie: safe={CANARY}; Path=/; Secure"]))
    script.on("/redirect", lambda c, r: c.redirect(
        "/get", headers=[f"Set-Cookie: way={CANARY}; Path=/"]))
    script.on("/get", lambda c, r: c.answer(200, b"ok"))


def fetch(session, url, **options):
    task = session.create(url, start=True, **options)
    task.wait_state("finished")
    assert task.error == ""
    return task


def sent(script, session, host="127.0.0.1", **options):
    """The cookies that the next request has."""
    before = len(script.asked("/get"))
    fetch(session, script.url("/get", host), **options)
    request = script.asked("/get")[before]
    return request.header("cookie")


def names(session, url=""):
    return sorted(cookie["name"] for cookie in session.call("GetCookies", "(s)", url))


def set_cookies(session, *cookies):
    types = {"expires": "x", "secure": "b", "http-only": "b", "value-fd": "h"}
    session.call("SetCookies", "(aa{sv})", [
        {key: GLib.Variant(types.get(key, "s"), value) for key, value in cookie.items()}
        for cookie in cookies])


def test_set_in_one_task_and_sent_by_the_next(daemon, client, script):
    """T-24."""
    serve(script)
    session = client.open_session("jar", cookie_policy="always")
    other = client.open_session("other", cookie_policy="always")
    never = client.open_session("never", cookie_policy="never")
    task = fetch(session, script.url("/set/sid"))
    assert sent(script, session) == [f"sid={CANARY}"]
    assert sent(script, session, set_cookies=False) == []
    assert sent(script, session, headers=[("Cookie", "sid=mine; a=b")]) == ["sid=mine; a=b"]
    assert sent(script, session, host="localhost") == []
    assert sent(script, other) == []
    assert names(session) == ["sid"] and names(other) == []

    fetch(never, script.url("/set/sid"))
    assert sent(script, never) == [] and names(never) == []
    fetch(session, script.url("/set/unwanted"), set_cookies=False)
    assert names(session) == ["sid"]

    # What is told of an answer has its name, and nothing has its value.
    headers = dict(task.get("Response")["headers"])
    assert headers["Set-Cookie"] == "sid=…"
    fetch(session, script.url("/unset"))
    assert sent(script, session) == [] and names(session) == []


def test_redirects(daemon, client, script):
    """T-16, without a jar and with one."""
    serve(script)
    plain = client.open_session("plain")
    jar = client.open_session("jar", cookie_policy="always")
    fetch(plain, script.url("/redirect"))
    assert script.asked("/get")[-1].header("cookie") == [f"way={CANARY}"]
    assert sent(script, plain) == []
    fetch(jar, script.url("/redirect"))
    assert sent(script, jar) == [f"way={CANARY}"]
    fetch(plain, script.url("/redirect"), set_cookies=False)
    assert script.asked("/get")[-1].header("cookie") == []


def test_policy_and_rules(daemon, client, script):
    serve(script)
    script.on("/to-localhost", lambda c, r: c.redirect(script.url("/set/far", "localhost")))
    session = client.open_session("jar", cookie_policy="no-third-party")
    fetch(session, script.url("/secure"))
    fetch(session, script.url("/to-localhost"))
    assert names(session) == []
    fetch(session, script.url("/set/far", "localhost"))
    assert sent(script, session, host="localhost") == [f"far={CANARY}"]
    session.call("Configure", "(a{sv})", {"cookie-policy": GLib.Variant("s", "never")})
    assert sent(script, session, host="localhost") == []


def test_verbs(daemon, client, script):
    serve(script)
    session = client.open_session("jar", cookie_policy="always")
    later = 4102444800 * 1000000
    set_cookies(session,
                {"name": "a", "value": CANARY, "url": script.url("/x/y"), "path": "/"},
                {"name": "b", "value": CANARY, "url": script.url("/deep/y"), "expires": later},
                {"name": "c", "value": CANARY, "domain": "example.org", "secure": True},
                {"name": "d", "value": CANARY, "url": script.url("/"), "expires": 1})
    assert sent(script, session) == [f"a={CANARY}"]
    assert names(session) == ["a", "b", "c"]
    assert names(session, script.url("/deep/z")) == ["a", "b"]
    assert names(session, "https://www.example.org/") == ["c"]
    assert names(session, "http://www.example.org/") == []
    shown = {c["name"]: c for c in session.call("GetCookies", "(s)", "")}
    assert shown["b"] == {"name": "b", "domain": "127.0.0.1", "path": "/deep",
                          "expires": later, "secure": False, "http-only": False,
                          "same-site": "lax"}
    assert shown["c"]["domain"] == ".example.org"
    assert CANARY not in repr(shown)

    session.call("ClearCookies")
    assert names(session) == [] and sent(script, session) == []


def test_reset(daemon, client, script):
    """B-20: cookies, credentials and connections of this session, and of no other."""
    serve(script)
    connections = []

    def note(conversation, _request):
        connections.append(id(conversation))
        conversation.answer(200, b"ok")

    script.on("/connection", note)
    session = client.open_session("jar", cookie_policy="always")
    other = client.open_session("other", cookie_policy="always")
    space = {"host": GLib.Variant("s", "example.org")}
    for one in (session, other):
        fetch(one, script.url("/set/sid"))
        one.call("SetCredential", "(a{sv}a{sv})", space,
                 {"user": GLib.Variant("s", "u"), "password": GLib.Variant("s", CANARY)})
    fetch(session, script.url("/connection"))
    fetch(other, script.url("/connection"))
    assert len(set(connections)) == 1

    session.call("Reset")
    assert names(session) == [] and session.call("ListCredentials") == []
    assert names(other) == ["sid"] and len(other.call("ListCredentials")) == 1
    fetch(session, script.url("/connection"))
    fetch(other, script.url("/connection"))
    assert connections[2] != connections[0] and connections[3] == connections[0]
    assert sent(script, session) == []


@pytest.mark.parametrize("cookie", [
    {},
    {"name": "a"},
    {"name": "a", "value": "1"},
    {"name": "a", "value": "1", "url": "http://a/", "domain": "a.b"},
    {"name": "a", "value": "1", "domain": "localhost"},
    {"name": "a", "value": "1\r\nX: y", "url": "http://a/"},
    {"name": "a;b", "value": "1", "url": "http://a/"},
    {"name": "a", "value": "x" * 4096, "url": "http://a/"},
    {"name": "a", "value": "1", "url": "http://a/", "path": "x"},
    {"name": "a", "value": "1", "url": "http://a/", "same-site": "no"},
    {"name": "a", "value": "1", "url": "http://a/", "color": "red"},
])
def test_no_cookies(daemon, client, cookie):
    session = client.open_session("jar", cookie_policy="always")
    with pytest.raises(Failure) as failure:
        set_cookies(session, {"name": "good", "value": "1", "url": "http://a/"}, cookie)
    assert failure.value.name == "InvalidArgument"
    assert names(session) == []


def test_strangers_have_no_jar(daemon, client, bus):
    session = client.open_session("jar", cookie_policy="always")
    for member, arguments in (("GetCookies", ("(s)", "")), ("ClearCookies", ())):
        with pytest.raises(Failure) as failure:
            client.call(session.path + "9", session.INTERFACE, member, *arguments)
        assert failure.value.name == "NotFound"


def test_kept_in_the_keyring(stopped_daemon, bus, client, script, state, keyring):
    """Killed with the service, they are read again; they are nowhere else on the disk."""
    serve(script)
    keyring.start()
    daemon = stopped_daemon.start()
    session = client.open_session("jar", cookie_policy="always")
    fetch(session, script.url("/set/sid"))
    set_cookies(session, {"name": "mine", "value": CANARY, "url": script.url("/"), "path": "/"})
    daemon.kill()
    daemon.start()
    session = client.open_session("jar")
    assert names(session) == ["mine", "sid"]
    assert sent(script, session) == [f"sid={CANARY}; mine={CANARY}"]

    session.call("ClearCookies")
    daemon.kill()
    daemon.start()
    session = client.open_session("jar")
    assert names(session) == [] and sent(script, session) == []
    for path in state.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def test_kept_when_the_service_leaves(stopped_daemon, client, script, keyring):
    """At once, not only after the while that is waited for more."""
    serve(script)
    keyring.start()
    daemon = stopped_daemon.start()
    session = client.open_session("jar", cookie_policy="always")
    fetch(session, script.url("/set/sid"))
    assert daemon.end(signal.SIGTERM) == 0
    assert [item["session"] for item in keyring.items(SECRETS)] == [session.path.split("/")[-1]]
    daemon.start()
    assert names(client.open_session("jar")) == ["sid"]
    client.open_session("jar").call("InvalidateAndCancel")
    wait_for(lambda: keyring.items(SECRETS) == [], "they go with the session")


def test_in_memory_without_a_keyring(daemon, client, script, state):
    serve(script)
    session = client.open_session("jar", cookie_policy="always")
    fetch(session, script.url("/set/sid"))
    assert sent(script, session) == [f"sid={CANARY}"]
    daemon.kill()
    daemon.start()
    session = client.open_session("jar")
    assert sent(script, session) == []


def test_locked_keyring_is_waited_for(stopped_daemon, client, script, keyring):
    serve(script)
    keyring.start()
    daemon = stopped_daemon.start()
    session = client.open_session("jar", cookie_policy="always")
    set_cookies(session, {"name": "mine", "value": CANARY, "url": script.url("/"), "path": "/"})
    daemon.kill()
    keyring.lock()
    daemon.start()
    session = client.open_session("jar")
    task = session.create(script.url("/get"), start=True)
    wait_for(lambda: task.get("WaitReasons") == ["keyring-locked"], "it waits, and says so")
    assert script.asked("/get") == []
    keyring.unlock()
    task.wait_state("finished")
    assert script.asked("/get")[0].header("cookie") == [f"mine={CANARY}"]
