# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Law 9 as a whole: secrets by every way in, every way a transfer can go, and then a search
in all that is stored, said, logged or shown."""

import base64
import json
import os
import signal
import subprocess
import types

import pytest
from gi.repository import Gio, GLib
from parts.authority import Authority
from parts.canaries import Canaries, Monitor
from parts.client import PATH, PROPERTIES, Client, Failure, Task
from parts.daemon import NAME
from parts.keyring import CREDENTIAL, SECRETS
from parts.waiting import wait_for

CONTROL = NAME + ".Control"
ONCE = {"max-attempts": GLib.Variant("u", 1)}
LISTED = ["Url", "OriginalRequest", "CurrentRequest", "Response", "Error", "LastTransientError",
          "ErrorBody", "Challenge", "Metrics", "Integrity", "Destination", "WaitReasons"]


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def monitor(bus, top):
    # Not below what is searched.
    path = top.with_name(top.name + ".monitor")
    monitor = Monitor(bus, path)
    yield monitor
    monitor.stop()
    path.unlink()


@pytest.fixture
def talkative(stopped_daemon, keyring, monitor):
    """A daemon that logs all it can, with a keyring."""
    keyring.start()
    return stopped_daemon.start("--idle-ms", "-1", G_MESSAGES_DEBUG="all")


def memory_file(text):
    handle = os.memfd_create("secret")
    os.write(handle, text.encode())
    return handle


def echo(conversation, request):
    """A server that tells whoever asks what it was told: in headers and in the body."""
    said = "\n".join(f"{name}: {value}" for name, value in request.headers)
    headers = [f"X-Echo-{name}: {value}" for name, value in request.headers]
    conversation.answer(500, said.encode(), headers)


def ask_who(conversation, request):
    """Lets nobody in, and repeats what was tried."""
    tried = "".join(request.header("authorization"))
    conversation.answer(401, f"not {tried}".encode(),
                        ['WWW-Authenticate: Basic realm="r"', "WWW-Authenticate: Bearer",
                         f"X-Tried: {tried}"])


class World:
    """A server with all manners, a session with all secrets, and everybody who looks."""

    def __init__(self, bus, script, canaries, key):
        self.script = script
        self.canaries = canaries
        self.client = Client(bus)
        self.observer = Client(bus)
        self.tasks = []
        cookie = canaries.new("set-cookie")
        script.on("/ok", lambda c, r: c.answer(
            200, b"fine", [f"Set-Cookie: id={cookie}; Path=/", f"Set-Cookie: {cookie}"]))
        script.on("/fail", echo)
        script.on("/ask.*", ask_who)
        script.on("/away", lambda c, r: c.redirect(script.url("/fail", "localhost")))
        script.on("/near", lambda c, r: c.redirect(script.url("/fail")))
        script.on("/stall", lambda c, r: c.send(
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx") or c.stall())
        # Asked as a proxy.
        script.on("http://.*", echo)
        self.session = self.client.open_session(
            "canaries", allow_insecure_auth=True, cookie_policy="always", retry=ONCE,
            headers=[("X-Api-Key", canaries.new("session-header"))])
        self.session.attach()
        observed = self.observer.session(self.session.path)
        observed.attach(observe=True)
        self.session.set_credential(
            {"host": "example.org"}, user="u", password=canaries.new("stored-password"),
            persistence="permanent")
        self.session.set_credential(
            {"host": "example.org", "method": "client-certificate"}, certificate=key,
            persistence="session")

    def start(self, target, *, fds=(), session=None, **options):
        session = session or self.session
        url = target if "://" in target else self.script.url(target)
        if not fds:
            task = session.create(url, start=True, **options)
        else:
            packed = {"start": GLib.Variant("b", True), "headers-fd": GLib.Variant("h", 0)}
            path = session.call("CreateDownloadTask", "(sa{sv})", url, packed, handles=fds)
            task = Task(self.client, path)
        self.tasks.append(task)
        return task

    def with_user_info(self, target, name):
        secret = self.canaries.new(name)
        return self.script.url(target).replace("http://", f"http://user:{secret}@")

    def with_header(self, name, header="Authorization"):
        return [(header, f"Bearer {self.canaries.new(name)}")]

    def close(self):
        self.client.close()
        self.observer.close()


@pytest.fixture
def world(bus, script, canaries, talkative, top):
    keys = top.with_name(top.name + ".keys")
    keys.mkdir()
    made = Authority(keys)
    made.self_signed("client")
    key = made.path("client", "key").read_text()
    lines = "".join(key.splitlines()[1:-1])
    canaries.add("client-key", GLib.base64_decode(lines)[36:60])
    canaries.add("client-key-text", lines[48:80].encode())
    world = World(bus, script, canaries, key + made.path("client").read_text())
    yield world
    world.close()
    for path in keys.iterdir():
        path.unlink()
    keys.rmdir()


# ---- what is done

def give_headers(world):
    """Secrets that go with a request, by every way in, to every end."""
    tasks = [
        world.start(target, headers=world.with_header(f"header{target}"))
        for target in ("/ok", "/fail", "/near", "/away")
    ]
    for name in ("Cookie", "X-Auth-Token", "Proxy-Authorization"):
        tasks.append(world.start("/fail", headers=world.with_header(name, name)))
    for target in ("/ok", "/fail", "/near", "/ask/user-info"):
        tasks.append(world.start(world.with_user_info(target, f"user-info{target}")))
    for target in ("/ok", "/fail"):
        secret = world.canaries.new(f"headers-fd{target}")
        handle = memory_file(f"Authorization: Bearer {secret}\n")
        tasks.append(world.start(target, fds=[handle]))
        os.close(handle)
    tasks.append(world.start("/ok"))  # with the cookie
    for task in tasks:
        task.wait_state("finished", "challenged")


def change_headers(world):
    task = world.session.create(world.script.url("/fail"),
                                headers=world.with_header("before-update"))
    new = GLib.Variant("a(ss)", world.with_header("update"))
    task.call("UpdateRequest", "(a{sv})", {"headers": new})
    task.resume()
    world.tasks.append(task.wait_state("finished"))


def go_by_proxy(world):
    secret = world.canaries.new("proxy")
    proxy = world.script.url("/").replace("http://", f"http://user:{secret}@").rstrip("/")
    session = world.client.open_session("proxy", proxy=proxy, allow_insecure_auth=True, retry=ONCE)
    session.attach()
    world.start("http://example.org/x", session=session).wait_state("finished", "challenged")


def answer_challenges(world):
    """A token and a password that are refused and told back, one after the other."""
    task = world.start("/ask/again").wait_state("challenged")
    told = task.get("Challenge")
    with pytest.raises(Failure):
        task.respond(told, user="u", password=world.canaries.new("wrong-answer"))
    task.respond(told, token=world.canaries.new("token"))
    wait_for(lambda: task.get("Challenge").get("previous-failure-count"), "it was refused")
    task.respond(task.get("Challenge"), "reject-protection-space")
    wait_for(lambda: task.get("Challenge").get("space", {}).get("method") == "basic",
             "a password is asked for")
    task.respond(task.get("Challenge"), user="u", password=world.canaries.new("password"),
                 persistence="permanent")
    wait_for(lambda: task.get("Challenge").get("previous-failure-count"), "it was refused")
    task.respond(task.get("Challenge"), "perform-default-handling")
    task.wait_state("finished")


def get_tokens(world):
    """From servers that give one and repeat all they were told, or refuse so."""
    new = world.canaries.new

    def give(conversation, request):
        given = json.dumps({"access_token": token, "refresh_token": after, "scope": said(request)})
        conversation.answer(200, given.encode())

    def refuse(conversation, request):
        told = json.dumps({"error": said(request), "error_description": said(request)})
        conversation.answer(400, told.encode(), [f"X-Told: {request.body.decode()}"])

    def said(request):
        return f"{request.body.decode()} {request.headers}"

    token, after = new("access-token"), new("rotated-token")
    world.script.on("/token/give", give)
    world.script.on("/token/refuse", refuse)
    for way in ("give", "refuse"):
        words = {"token-url": world.script.url(f"/token/{way}"), "client-id": "us",
                 "client-secret": new(f"{way}-client"), "refresh-token": new(f"{way}-refresh")}
        oauth2 = {key: GLib.Variant("s", word) for key, word in words.items()}
        task = world.start(f"/ask/{way}", oauth2=oauth2).wait_state("challenged")
        task.respond(task.get("Challenge"), "perform-default-handling")
        task.wait_state("finished")
    bad = {"token-url": GLib.Variant("s", f"https://u:{new('token-url')}@example.org/"),
           "client-id": GLib.Variant("u", 7)}
    with pytest.raises(Failure):
        world.session.create(world.script.url("/ok"), oauth2=bad)


def send_things(world, source):
    """Secret headers with bodies and forms, to a server that takes them, refuses them and
    repeats it, sends on, and keeps what it got at a place that it tells.  What is in the
    bodies and where the places are is no secret of ours, but nothing for a log either:
    canaries of their own."""
    quiet, url = Canaries(), world.script.url
    place = quiet.new("place")

    def keep(conversation, request):
        conversation.send("HTTP/1.1 104 Upload Resumption Supported\r\n"
                          "Upload-Draft-Interop-Version: 8\r\n"
                          f"Location: /kept/{place}\r\n\r\n")
        return True

    world.script.on("/keep", keep)
    world.script.on("/kept/.*", echo)
    source.write_text(quiet.new("body-path"))
    field = {"name": GLib.Variant("s", "field"), "value": GLib.Variant("s", quiet.new("form"))}
    bodies = [{"body": quiet.new("body").encode()},
              {"body_path": str(source), "snapshot": "none"},
              {"body_bytes": quiet.new("body-bytes").encode()},
              {"parts": [field], "idempotency_key": True}]
    for number, body in enumerate(bodies):
        for target in ("/ok", "/fail", "/near", "/away", "/keep"):
            headers = world.with_header(f"upload{number}{target}")
            task = world.session.create_upload(
                url(target), start=True, headers=headers,
                retry={"max-attempts": GLib.Variant("u", 2), "base-delay": GLib.Variant("t", 20)},
                **body)
            world.tasks.append(task)
    for task in world.tasks[-20:]:
        task.wait_state("finished")
    assert world.script.asked(f"/kept/{place}")
    return quiet


def make_mistakes(world):
    """Secrets in calls that are refused: the error must not repeat them."""
    url, new = world.script.url("/ok"), world.canaries.new
    calls = [
        lambda: world.session.create(f"http://u:{new('bad-host')}@[bad/"),
        lambda: world.session.create(f"ftp://u:{new('bad-scheme')}@example.org/"),
        lambda: world.session.create(url, headers=[("Authorization", new("bad-value") + "\n")]),
        lambda: world.session.create(url, headers=[("Authorization: " + new("bad-name"), "x")]),
        lambda: world.client.open_session("m", proxy=f"gopher://u:{new('bad-proxy')}@h"),
        lambda: world.session.set_credential(
            {"host": "example.org"}, user="u", password=new("bad-persistence"),
            persistence="x"),
        lambda: world.session.set_credential(
            {"host": "example.org", "method": "client-certificate"},
            certificate="-----BEGIN PRIVATE KEY-----\n" + new("bad-key")),
        lambda: world.session.call("SetCredential", "(a{sv}a{sv})", {}, {
            "password": GLib.Variant("as", [new("bad-type")])}),
    ]
    for call in calls:
        with pytest.raises(Failure):
            call()


def read_everything(world):
    """All that any client may ask; the monitor sees the answers."""
    for client in (world.client, world.observer):
        for told in client.list_sessions():
            session = client.session(told["path"])
            session.get_all()
            session.list_tasks(properties=LISTED)
            session.list_events()
            session.list_credentials()
        for task in world.tasks:
            client.call(task.path, PROPERTIES, "GetAll", "(s)", NAME + ".Task")
            client.call(task.path, "org.freedesktop.DBus.Introspectable", "Introspect")
        client.call(PATH, "org.freedesktop.DBus.Introspectable", "Introspect")
        client.call(PATH, CONTROL, "Check", "(b)", False)
        client.call(PATH, CONTROL, "ListHistory", "(a{sv})", {})


def lose_workers(world, daemon):
    """A worker is killed in the middle, and what is in its process is looked at before."""
    task = world.start("/stall", headers=world.with_header("stalled"))
    wait_for(lambda: task.get("BytesReceived"), "it has begun")
    processes = [daemon.process.pid, *daemon.workers()]
    assert len(processes) > 1
    found = [world.canaries.find_in_process(pid) for pid in processes]
    os.kill(daemon.workers()[0], signal.SIGKILL)
    wait_for(lambda: task.state == "finished" or task.get("LastTransientError")[0]
             or task.get("Attempts") > 1, "it was noticed")
    return found


# ---- what is searched

def search_bus(world, monitor):
    """All messages, but for those in which the test itself tells a secret."""
    found = []
    for data, message in monitor.messages():
        is_ours = (message.get_message_type() == Gio.DBusMessageType.METHOD_CALL
                   and message.get_sender() == world.client.name)
        if not is_ours and (names := world.canaries.find(data)):
            found.append((message.get_message_type(), message.get_member(), names))
    return found


def test_nothing_leaks(world, talkative, keyring, top, monitor):
    """Fault (daemon): SIGKILL with every secret in its memory | Proves: none is on the disk,
    on the bus or in a log, before or after (law 9)"""
    daemon = talkative
    give_headers(world)
    change_headers(world)
    go_by_proxy(world)
    answer_challenges(world)
    get_tokens(world)
    quiet = send_things(world, top.with_name(top.name + ".keys") / "source")
    make_mistakes(world)
    read_everything(world)
    assert lose_workers(world, daemon) == [{}, {}]
    # They have been in the keyring, and on their way to it.
    assert keyring.items(SECRETS) and keyring.items(CREDENTIAL)
    daemon.restart("--idle-ms", "-1", G_MESSAGES_DEBUG="all")
    world.session.attach()
    read_everything(world)

    used = {name for request in world.script.requests
            for name in world.canaries.find(repr(request).encode())}
    assert len(used) > 10, used
    assert search_bus(world, monitor) == []
    assert world.canaries.find_in_files(top) == {}
    assert quiet.find(daemon.log.read_bytes()) == []


def test_no_core(daemon):
    """Neither a file nor a program that dumps are piped to."""
    with open(f"/proc/{daemon.process.pid}/limits", encoding="ascii") as limits:
        (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]
    # What is not dumpable is root's, whoever we are.
    assert os.stat(f"/proc/{daemon.process.pid}/environ").st_uid == 0


def test_the_search_finds(bus, top, canaries, monitor, daemon):
    """A search that finds nothing proves something only if it would."""
    plain, encoded, said = (canaries.new(name) for name in ("plain", "encoded", "said"))
    hidden = top / "state" / "deep" / "file"
    hidden.parent.mkdir()
    for before in range(3):
        text = f"{'x' * before}{encoded}:y".encode()
        hidden.write_bytes(b"\0\1" + base64.b64encode(text) + b"\0")
        assert canaries.find_in_files(top) == {"state/deep/file": ["encoded"]}
    hidden.write_bytes(b"\0" + plain.encode() + encoded.encode().hex().encode())
    assert canaries.find_in_files(top) == {"state/deep/file": ["encoded", "plain"]}

    child = subprocess.Popen(["sleep", "60"], env={"SECRET": plain})
    try:
        # Not there yet at the moment in which it becomes another program.
        wait_for(lambda: canaries.find_in_process(child.pid) == {"environ": ["plain"]},
                 "the environment is found")
    finally:
        child.kill()
        child.wait()

    client, other = Client(bus), Client(bus)
    with pytest.raises(Failure):
        other.call(PATH, NAME, "OpenSession", "(sa{sv})", "x",
                   {"headers": GLib.Variant("s", said)})
    world = types.SimpleNamespace(canaries=canaries, client=client)
    (found,) = search_bus(world, monitor)
    assert found[1:] == ("OpenSession", ["said"])
    client.close()
    other.close()
