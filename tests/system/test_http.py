# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the service makes of servers' answers."""

import os
import socket
import threading
import time

import pytest
from parts.client import Client, Failure
from parts.daemon import WORKER
from parts.script import Script
from parts.waiting import wait_for

MIB = 1024 * 1024
ANSWER_FIRST = os.environ["TRUNDLE_TEST_ANSWER_FIRST"]


@pytest.fixture
def fetch(session):
    """Fetches a URL to the end; the task."""

    def run(url, **options):
        task = session.create(url, start=True, **options)
        return task.wait_state("finished")

    return run


def echo(conversation, request):
    """Answers with what was asked, so that the file tells."""
    lines = [f"{request.method} {request.target}"]
    lines += [f"{key}: {value}" for key, value in request.headers]
    conversation.answer(200, "\n".join(lines).encode())


def test_known_length(fetch, session, nginx):
    content = nginx.add_file("known", MIB)
    task = fetch(nginx.slow_url("known", 2 * MIB))
    assert task.error == ""
    assert task.read() == content
    assert task.get("BytesReceived") == task.get("BytesExpectedToReceive") == MIB
    response = task.get("Response")
    assert response["status"] == 200 and response["content-length"] == MIB
    told = [
        row[1]
        for signal in session.client.heard("Progress", path=session.path)
        for row in signal.arguments[0]
        if row[0] == task.path
    ]
    assert told == sorted(told)


def test_live_progress_comes_before_the_end(session, nginx):
    nginx.add_file("live", 2 * MIB)
    task = session.create(nginx.slow_url("live", MIB), start=True)
    session.wait_finished(1)
    rows = [r for s in session.client.heard("Progress") for r in s.arguments[0]]
    assert rows and {row[0] for row in rows} == {task.path}
    assert {row[3] for row in rows} <= {-1, 2 * MIB}


def test_chunked(fetch, script):
    def handler(conversation, _request):
        conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in ("Hello ", "World!"):
            conversation.send(f"{len(piece):x}\r\n{piece}\r\n")
        conversation.send("0\r\n\r\n")

    script.on("/c", handler)
    task = fetch(script.url("/c"))
    assert task.read() == b"Hello World!"
    assert task.get("Response")["content-length"] == -1
    assert task.get("Integrity")


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    ],
    ids=["length", "chunked"],
)
def test_short_body_is_tried_again(fetch, script, answer):
    """Law 10: what ends too soon is no success, and is worth another attempt.

    Fault (server): a body shorter than was declared, of each framing | Proves:
    no success; another attempt (law 10)"""

    def handler(conversation, _request):
        if len(script.asked("/short")) > 1:
            return conversation.answer(200, b"whole")
        conversation.send(answer)
        return True

    script.on("/short", handler)
    task = fetch(script.url("/short"))
    assert task.error == "" and task.read() == b"whole"
    assert task.get("Attempts") == 2
    assert task.get("LastTransientError")[0] == "ConnectionLost"


@pytest.mark.parametrize("allowed", [False, True])
def test_body_without_frame(fetch, script, allowed):
    """Law 10: nothing proves where it ends, so only who says so gets it.

    Fault (server): a body that nothing frames | Proves: refused, unless the app
    allowed it (law 10)"""

    def handler(conversation, _request):
        conversation.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody")
        return True

    script.on("/unframed", handler)
    task = fetch(script.url("/unframed"), allow_unframed=allowed)
    if allowed:
        assert task.error == "" and task.read() == b"body"
    else:
        assert task.error != ""


def test_refused_status(fetch, script):
    script.on("/gone", lambda c, r: c.answer(404, b'{"no":1}', ["Content-Type: text/json"]))
    task = fetch(script.url("/gone"))
    name, details = task.get("Error")
    assert name == "HttpStatus" and details["status"] == 404
    assert bytes(task.get("ErrorBody")) == b'{"no":1}'
    with pytest.raises(Failure, match="FileNotFound: .*The task has no file"):
        task.call("OpenFile")


def test_accepted_status(fetch, script):
    script.on("/gone", lambda c, r: c.answer(404, b"page"))
    for words in (["*"], ["4xx"], ["2xx", "404"]):
        task = fetch(script.url("/gone"), accept_status=words)
        assert task.error == ""
        assert task.get("Response")["status"] == 404
        assert task.read() == b"page"


def test_odd_status(fetch, script):
    script.on("/odd", lambda c, r: c.answer(999, b"odd"))
    assert fetch(script.url("/odd")).get("Error")[1]["status"] == 999
    task = fetch(script.url("/odd"), accept_status=["*"])
    assert task.get("Response")["status"] == 999 and task.read() == b"odd"


def test_head(fetch, script):
    script.on("/h", lambda c, r: c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"))
    task = fetch(script.url("/h"), method="HEAD")
    assert task.error == ""
    assert task.get("BytesReceived") == 0 and task.read() == b""
    assert script.requests[0].method == "HEAD"


@pytest.mark.parametrize("status", [300, 304])
def test_location_that_is_not_followed(fetch, script, status):
    script.on("/p", lambda c, r: c.send(
        f"HTTP/1.1 {status} X\r\nLocation: /target\r\nContent-Length: 0\r\n\r\n"))
    task = fetch(script.url("/p"), accept_status=["*"])
    assert task.error == "" and task.get("Response")["status"] == status
    assert not script.asked("/target")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_method_after_redirect(fetch, session, script, status, method):
    script.on("/from", lambda c, r: c.redirect("/to", status))
    script.on("/to", lambda c, r: c.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    task = fetch(script.url("/from"), method=method)
    assert task.error == ""
    (request,) = script.asked("/to")
    changed = status == 303 and method != "HEAD" or status < 303 and method == "POST"
    assert request.method == ("GET" if changed else method)
    assert task.get("OriginalRequest")["url"] == script.url("/from")
    assert task.get("CurrentRequest")["url"] == script.url("/to")
    redirects = session.client.heard("TaskRedirected", path=session.path)
    assert [s.arguments[0] for s in redirects] == [task.path]


@pytest.mark.parametrize(
    "location, target",
    [
        ("/abs?x=1", "/abs?x=1"),
        ("name", "/a/name"),
        ("../up", "/up"),
        ("?q=%3F%20b", "/a/from?q=%3F%20b"),
        ("//127.0.0.1:{port}/other", "/other"),
        ("http://127.0.0.1:{port}/whole#part", "/whole"),
    ],
)
def test_relative_location(fetch, script, location, target):
    script.on("/a/from", lambda c, r: c.redirect(location.format(port=script.port)))
    script.on(r"/.*", echo)
    task = fetch(script.url("/a/from"))
    assert task.error == ""
    assert task.read().decode().startswith(f"GET {target}\n")


def test_redirect_to_default_port(fetch, script):
    """Nobody answers there, but the address is a good one."""
    script.on("/from", lambda c, r: c.redirect("http://127.0.0.1:80/"))
    task = fetch(script.url("/from"), redirects="none", accept_status=["*"])
    assert task.get("Response")["status"] == 302


@pytest.mark.parametrize("count, name", [(20, ""), (21, "TooManyRedirects")])
def test_redirect_chain(fetch, script, count, name):
    def handler(conversation, request):
        left = int(request.target.rsplit("/", 1)[1])
        if left:
            return conversation.redirect(f"/chain/{left - 1}")
        return conversation.answer(200, b"there")

    script.on(r"/chain/\d+", handler)
    task = fetch(script.url(f"/chain/{count}"))
    assert task.error == name
    if name:
        assert task.get("Error")[1]["url"] == script.url("/chain/0")


def test_max_redirects(fetch, script):
    script.on("/a", lambda c, r: c.redirect("/b"))
    script.on("/b", echo)
    assert fetch(script.url("/a"), max_redirects=0).error == "TooManyRedirects"
    assert fetch(script.url("/a"), max_redirects=1).error == ""


def test_secrets_stay_with_their_origin(fetch, script):
    """T-17; and what was dropped does not come back on the way home."""
    other = Script()
    try:
        script.on("/from", lambda c, r: c.redirect(other.url("/via")))
        other.on("/via", lambda c, r: c.redirect(script.url("/to")))
        script.on("/to", echo)
        secret = ("Authorization", "Bearer canary")
        task = fetch(script.url("/from"), headers=[secret, ("X-Plain", "1")])
        assert task.error == ""
        assert script.asked("/from")[0].header("authorization") == ["Bearer canary"]
        for request in other.asked("/via") + script.asked("/to"):
            assert not request.header("authorization")
            assert request.header("x-plain") == ["1"]
    finally:
        other.stop()


def test_redirect_from_tls_to_plain(fetch, nginx, script):
    secure = Script((nginx.top / "good.pem", nginx.top / "good.key"))
    try:
        secure.on("/down", lambda c, r: c.redirect(script.url("/plain")))
        script.on("/plain", echo)
        url = secure.url("/down", "localhost")
        task = fetch(url, ca_certificates=nginx.ca)
        assert task.error == "InsecureTransport" and not script.asked("/plain")
        task = fetch(url, ca_certificates=nginx.ca, allow_insecure_redirect=True)
        assert task.error == "" and script.asked("/plain")
    finally:
        secure.stop()


@pytest.mark.parametrize(
    "url, name",
    [
        ("foobar://x/y", "UnsupportedScheme"),
        ("file:///etc/passwd", "UnsupportedScheme"),
        ("http://localhost:999999/", "InvalidUrl"),
        ("", "InvalidUrl"),
        ("http://", "InvalidUrl"),
        ("no scheme", "InvalidUrl"),
    ],
)
def test_address_that_is_none(session, url, name):
    with pytest.raises(Failure) as failure:
        session.create(url)
    assert failure.value.name == name
    assert session.list_tasks() == []


def test_headers_of_session_and_task(daemon, client, script):
    script.on("/e", echo)
    session = client.open_session("h", headers=[("X-One", "session"), ("X-Two", "session")])
    task = session.create(script.url("/e"), headers=[("x-ONE", "task")], start=True)
    task.wait_state("finished")
    (request,) = script.asked("/e")
    assert request.header("x-one") == ["task"]
    assert request.header("x-two") == ["session"]


def test_identity_is_asked_for(fetch, script):
    """Law 4: the file is what was on the wire."""
    script.on("/e", echo)
    fetch(script.url("/e"))
    assert script.asked("/e")[0].header("accept-encoding") in (["identity"], [])


def test_encoded_answer_is_stored_as_it_came(fetch, script):
    """Fault (server): an encoded answer though identity was asked for | Proves:
    stored as it came, said in Response (law 4)"""
    import gzip

    packed = gzip.compress(b"Hello World!")
    script.on("/z", lambda c, r: c.answer(200, packed, ["Content-Encoding: gzip"]))
    task = fetch(script.url("/z"))
    assert task.read() == packed
    assert task.get("Response")["content-encoding"] == "gzip"


def test_tls(fetch, nginx):
    content = nginx.add_file("tls", 100000)
    url = f"https://localhost:{nginx.tls}/tls"
    task = fetch(url, ca_certificates=nginx.ca)
    assert task.error == "" and task.read() == content
    # Without our own authority nobody vouches for it.
    assert fetch(url, challenge_handling="default").error == "TlsFailed"


def test_self_signed(fetch, nginx):
    url = f"https://localhost:{nginx.selfsigned}/tls"
    assert fetch(url, challenge_handling="default").error == "TlsFailed"
    task = fetch(url, challenge_handling="default", ca_certificates=nginx.ca)
    assert task.error == "TlsFailed"


def test_stall_is_tried_again(fetch, script):
    """Fault (server): a server that falls silent | Proves: another attempt after
    request-timeout"""
    def handler(conversation, _request):
        if len(script.asked("/stall")) == 1:
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            conversation.stall()
            return True
        return conversation.answer(200, b"abcdefghi")

    script.on("/stall", handler)
    task = fetch(script.url("/stall"), request_timeout=1000)
    assert task.error == "" and task.read() == b"abcdefghi"
    assert task.get("LastTransientError")[0] == "TimedOut"


def test_silence_is_tried_again(fetch, script):
    """T-32: the third attempt is answered at once.

    Fault (server): says nothing at all, twice | Proves: another attempt after
    request-timeout each time; the app hears of no error"""
    def handler(conversation, _request):
        if len(script.asked("/silent")) < 3:
            conversation.stall()
            return True
        return conversation.answer(200, b"at last")

    script.on("/silent", handler)
    task = fetch(script.url("/silent"), request_timeout=1000)
    assert task.error == "" and task.read() == b"at last"
    assert task.get("Attempts") == 3


@pytest.mark.parametrize("limit", ["connect_timeout", "first_byte_timeout"])
def test_limits(fetch, script, limit):
    """H13: each ends an attempt by itself.

    Fault (server): accepts and says nothing, before the handshake or after the question |
    Proves: another attempt after connect-timeout or first-byte-timeout"""
    script.on("/mute", lambda c, r: c.stall())
    url = script.url("/mute")
    with socket.create_server(("127.0.0.1", 0)) as mute:  # nobody takes what knocks there
        if limit == "connect_timeout":
            url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        task = fetch(url, resource_timeout=2500, request_timeout=60000, **{limit: 300})
    assert task.error == "TimedOut"
    assert task.get("LastTransientError")[0] == "TimedOut"
    assert task.get("Attempts") >= 2


def test_resource_timeout(session, script):
    """T-33: once, and in time.

    Fault (time): a server that never serves | Proves: the task ends with TimedOut
    after resource-timeout"""
    script.on("/never", lambda c, r: c.stall())
    session.attach()
    begin = time.monotonic()
    task = session.create(script.url("/never"), start=True, resource_timeout=1500)
    session.wait_finished(1)
    assert 1.4 < time.monotonic() - begin < 10
    assert task.error == "TimedOut" and task.get("Attempts") == 1
    session.wait_did_finish_events()
    assert len(session.finished()) == 1


def test_endless_body_can_be_cancelled(session, script):
    """Fault (server): a body without end | Proves: Cancel ends it and the worker
    lives on"""
    def handler(conversation, _request):
        conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not script.gate.is_set():
            conversation.send("1000\r\n" + "x" * 0x1000 + "\r\n")
        return True

    script.on("/endless", handler)
    task = session.create(script.url("/endless"), start=True).wait_state("running")
    session.client.heard("Progress")
    task.cancel()
    session.wait_finished(1)
    assert task.error == "Cancelled"


def test_somebody_listens_later(session):
    """T-35.

    Fault (server): a refused connection, and somebody who listens a while later | Proves:
    tried again, and done"""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    session.attach()
    task = session.create(f"http://127.0.0.1:{port}/late", start=True)
    wait_for(lambda: task.get("LastTransientError")[0] == "CannotConnect", "it is refused")
    assert task.state == "queued" and "back-off" in task.get("WaitReasons")
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(30)
        sock, _ = listener.accept()
        with sock:
            sock.recv(65536)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
            session.wait_finished(1)
    assert task.error == "" and task.read() == b"late"


MOMENTS = ["fetch-start", "domain-lookup-start", "domain-lookup-end", "connect-start",
           "connect-end", "request-start", "request-end", "response-start", "response-end"]


def test_metrics(fetch, script):
    """T-89: one redirect makes two transactions, and what happened is in order."""
    script.on("/old", lambda conversation, _request: conversation.redirect("/new"))
    script.on("/new", lambda conversation, _request: conversation.answer(200, b"x" * 1000))
    task = fetch(script.url("/old"))
    metrics = task.get("Metrics")
    first, second = metrics["transactions"]
    created, finished = metrics["interval"]
    assert metrics["redirects"] == 1 and metrics["attempts"] == 1
    assert metrics["bytes-fetched"] == 1000 and metrics["bytes-fetched-again"] == 0
    assert [first["url"], second["url"]] == [script.url("/old"), script.url("/new")]
    assert [first["status"], second["status"]] == [302, 200]
    assert (first["reused-connection"], second["reused-connection"]) == (False, True)
    assert second["response-body-bytes"] == 1000 and second["protocol"] == "http/1.1"
    for transaction in first, second:
        moments = [transaction[name] for name in MOMENTS if transaction[name]]
        assert moments == sorted(moments)
        assert created <= moments[0] and moments[-1] <= finished
    assert all(first[name] for name in MOMENTS)
    assert second["connect-start"] == 0


def test_metrics_of_attempts(daemon, session, script):
    """F-17, and that they are stored."""
    def handler(conversation, _request):
        if len(script.asked("/twice")) == 1:
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            return True
        return conversation.answer(200, b"abcdefghi")

    script.on("/twice", handler)
    session.attach()
    task = session.create(script.url("/twice"), start=True)
    session.wait_finished(1)
    metrics = task.get("Metrics")
    assert [one["attempt"] for one in metrics["transactions"]] == [1, 2]
    assert metrics["attempts"] == 2
    assert metrics["bytes-fetched"] == 12 and metrics["bytes-fetched-again"] == 3
    assert metrics["waited"]["back-off"] >= 700000
    assert metrics["queued"] >= metrics["waited"]["back-off"]
    daemon.restart()
    assert task.get("Metrics") == metrics


def test_nobody_listens(fetch, script):
    """A refused connection is tried again until the resource's time is over.

    Fault (server): a refused connection | Proves: tried again until resource-timeout
    is over"""
    script.stop()
    task = fetch(script.url("/x"), resource_timeout=2500)
    assert task.error in ("TimedOut", "CannotConnect")
    assert task.get("LastTransientError")[0] == "CannotConnect"
    assert task.get("Attempts") >= 2


@pytest.fixture
def last_to_hear(stopped_daemon, top):
    """A daemon whose worker comes last on a busy machine, each time it asks for /at-once."""
    worker = top / "busy-worker"
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    worker.write_text(f"#!/bin/sh\nexec env LD_PRELOAD={ANSWER_FIRST} ASAN_OPTIONS={asan} "
                      f"{WORKER}\n")
    worker.chmod(0o755)
    return stopped_daemon.start("--idle-ms", "-1", "--worker", str(worker))


def test_hung_up_while_another_connection_stands(bus, last_to_hear, script):
    """Fault (server): closes a kept connection as it is used again, and answers on another
    one, all before the worker looks | Proves: asked again in the same attempt, and no
    worker dies (libsoup 3.2.3 would)"""
    both = threading.Barrier(2)
    script.on("/together/.", lambda c, r: both.wait(60) + 1 and c.answer(200, b"x"))
    script.on("/at-once",
              lambda c, r: len(script.asked("/at-once")) == 1 or c.answer(200, b"yes"))
    client = Client(bus)
    session = client.open_session("s")
    session.attach()
    tasks = [session.create(script.url(f"/together/{n}"), start=True) for n in range(2)]
    assert [task.wait_state("finished").error for task in tasks] == ["", ""]
    workers = last_to_hear.workers()
    task = session.create(script.url("/at-once"), start=True).wait_state("finished")
    assert (task.error, task.read(), task.get("Attempts")) == ("", b"yes", 1)
    # The answer that comes into nothing comes later.
    assert session.create(script.url("/at-once"), start=True).wait_state("finished").error == ""
    assert last_to_hear.workers() == workers
    client.close()
