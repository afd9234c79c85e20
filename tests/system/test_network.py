# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network that goes and comes back: between real interfaces, seen by the kernel."""

import time

import pytest
from gi.repository import GLib
from parts.network import Network, is_possible
from parts.script import Script
from parts.waiting import wait_for

pytestmark = pytest.mark.skipif(not is_possible(), reason="this kernel or container lets us make no network")

BODY = bytes(range(256)) * 4096


@pytest.fixture
def network():
    network = Network()
    yield network
    network.remove()


@pytest.fixture
def far(network):
    script = Script(listener=network.listen())
    yield script
    script.stop()


@pytest.fixture
def session(network, stopped_daemon, client):
    stopped_daemon.wrapper = ["ip", "netns", "exec", network.here]
    stopped_daemon.start(GIO_USE_NETWORK_MONITOR="netlink")
    session = client.open_session()
    session.attach()
    session.wait_did_finish_events()
    return session


def has_network(client):
    return client.call(
        "/org/freedesktop/BackgroundTransfer1", "org.freedesktop.DBus.Properties", "Get",
        "(ss)", "org.freedesktop.BackgroundTransfer1", "Conditions")["network"]


def cut(network, client):
    network.down()
    wait_for(lambda: not has_network(client), "the service has noticed")


def test_begins_when_the_network_comes(network, session, client, far):
    """Fault (server): the link is down at Resume | Proves: begins within 2 s of its return

    T-36.
    """
    times = []

    def serve(conversation, _request):
        times.append(time.monotonic())
        conversation.answer(200, BODY)

    far.on("/file", serve)
    cut(network, client)
    task = session.create(far.url("/file", host=network.THERE), start=True)
    wait_for(lambda: task.get("WaitReasons") == ["no-network"], task.get_all)
    network.up()
    up = time.monotonic()
    session.wait_finished(1)
    assert task.error == "" and task.read() == BODY
    assert times[0] - up <= 2


def test_waits_no_longer_than_the_network(network, session, client, far):
    """Fault (server): a link goes down and up amid a long wait | Proves: tried within 2 s

    P-31: not the minutes that are left of a back-off.
    """
    times = []

    def serve(conversation, _request):
        times.append(time.monotonic())
        if len(times) == 1:
            return True
        return conversation.answer(200, BODY)

    far.on("/file", serve)
    task = session.create(
        far.url("/file", host=network.THERE), start=True,
        retry={"base-delay": GLib.Variant("t", 600_000)})
    wait_for(lambda: task.get("WaitReasons") == ["back-off"], task.get_all)
    assert task.get("NextAttemptAt") > (time.time() + 60) * 1e6
    cut(network, client)
    network.up()
    up = time.monotonic()
    session.wait_finished(1)
    assert task.error == "" and times[1] - up <= 2


def test_what_a_server_asked_for_holds(network, session, client, far):
    far.on("/file", lambda conversation, _request: conversation.answer(
        503, b"", ["Retry-After: 600"]))
    task = session.create(far.url("/file", host=network.THERE), start=True)
    wait_for(lambda: task.get("WaitReasons") == ["retry-after"], task.get_all)
    before = task.get("NextAttemptAt")
    cut(network, client)
    network.up()
    wait_for(lambda: has_network(client), "the service has noticed")
    # The same moment of CLOCK_BOOTTIME may be another microsecond on the wall.
    assert abs(task.get("NextAttemptAt") - before) < 1e6
    assert "retry-after" in task.get("WaitReasons")


def test_goes_on_when_the_network_comes(network, session, client, far):
    """Fault (server): the link goes down amid a file | Proves: goes on where it was

    The cable is pulled in the middle: what was received stays, and it goes on.
    """
    requests = []

    def serve(conversation, request):
        requests.append(request)
        start = 0
        for value in request.header("Range"):
            start = int(value.removeprefix("bytes=").rstrip("-"))
        headers = ['ETag: "v1"', "Accept-Ranges: bytes"]
        if start:
            headers.append(f"Content-Range: bytes {start}-{len(BODY) - 1}/{len(BODY)}")
            return conversation.answer(206, BODY[start:], headers)
        conversation.send("\r\n".join(
            ["HTTP/1.1 200 OK", f"Content-Length: {len(BODY)}", *headers, "", ""]))
        conversation.send(BODY[:65536])
        return conversation.stall()

    far.on("/file", serve)
    task = session.create(
        far.url("/file", host=network.THERE), start=True, request_timeout=1000)
    wait_for(lambda: task.get("BytesReceived") == 65536, task.get_all)
    cut(network, client)
    wait_for(lambda: "no-network" in task.get("WaitReasons"), task.get_all)
    network.up()
    session.wait_finished(1)
    assert task.error == "" and task.read() == BODY
    assert requests[1].header("Range") == ["bytes=65536-"]
