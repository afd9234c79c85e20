# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Parts that outlive their tasks, and tasks that go on with them (T-44 to T-47)."""

import signal

import pytest
from parts.client import Failure
from parts.daemon import query
from parts.waiting import wait_for

MIB = 1024 * 1024
SIZE = 4 * MIB


def produce(task):
    return bytes(task.call("CancelByProducingResumeData"))


def told(details):
    return bytes(details.get("resume-data", ()))


def resumed_at(session, task):
    return [s.arguments[1:] for s in session.client.heard("ResumedAtOffset")
            if s.arguments[0] == task.path]


def parts_of(state):
    return sorted(path.name for path in (state / "spool").iterdir())


@pytest.fixture
def begun(session, nginx, request):
    """A download of which two fifths are there, and the whole of it."""

    class Begun:
        name = request.node.name.replace("[", "-").replace("]", "")
        content = nginx.add_file(name, SIZE)
        url = nginx.url(name)

        def start(self, *arguments, **options):
            self.task = session.create(
                nginx.slow_url(self.name, MIB), *arguments, start=True, **options)
            wait_for(lambda: self.task.get("BytesReceived") >= SIZE * 2 // 5, "two fifths")
            return self.task

    return Begun()


@pytest.fixture
def broken(script):
    """A server that breaks off in the middle once, then answers as `broken.then` says, and
    serves ranges under /again."""

    class Broken:
        body = bytes(range(256)) * 256
        cut = len(body) // 2
        n_asked = 0

        def headers(self, length):
            return f'Content-Length: {length}\r\nETag: "v1"\r\nAccept-Ranges: bytes\r\n'

        def begin(self, conversation):
            conversation.send("HTTP/1.1 200 OK\r\n" + self.headers(len(self.body)) + "\r\n")
            conversation.send(self.body[:self.cut])

        def once(self, conversation, request):
            self.n_asked += 1
            if self.n_asked > 1:
                return self.then(conversation, request)
            self.begin(conversation)
            return True

        def rest(self, conversation, request):
            (asked,) = request.header("Range")
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            assert request.header("If-Range") == ['"v1"']
            rest = self.body[start:]
            conversation.send(
                "HTTP/1.1 206 Partial Content\r\n" + self.headers(len(rest))
                + f"Content-Range: bytes {start}-{len(self.body) - 1}/{len(self.body)}\r\n\r\n")
            conversation.send(rest)

    server = Broken()
    script.on("/once", server.once)
    script.on("/again", server.rest)
    server.url, server.again = script.url("/once"), script.url("/again")
    return server


def test_goes_on_where_it_was_cancelled(session, begun, state):
    """T-44: the first is cancelled, the second goes on, and there is no third."""
    data = produce(begun.start())
    (end,) = session.wait_finished(1)
    assert end.arguments[2]["error"] == "Cancelled" and told(end.arguments[2]) == data
    assert begun.task.get("Error")[0] == "Cancelled"
    second = session.create(begun.url, resume_data=data, start=True)
    session.wait_finished(2)
    ((offset, expected),) = resumed_at(session, second)
    assert offset >= SIZE * 2 // 5 and expected == SIZE
    assert second.error == "" and second.read() == begun.content
    assert second.get("Attempts") == 1
    with pytest.raises(Failure) as failure:
        session.create(begun.url, resume_data=data)
    assert failure.value.name == "InvalidResumeData"
    assert parts_of(state) == [second.path.rpartition("/")[2]]


def test_address_of_the_first(session, broken):
    """No address means the one there was."""
    broken.then = broken.rest
    task = session.create(broken.url, start=True, retry={})
    wait_for(lambda: task.get("Attempts") == 1 and task.state == "queued", "it was cut")
    second = session.create("", resume_data=produce(task), start=True)
    session.wait_finished(2)
    assert second.error == "" and second.read() == broken.body
    assert second.get("Url") == broken.url
    assert resumed_at(session, second) == [(broken.cut, len(broken.body))]


def test_plain_cancel_leaves_nothing(session, begun, state):
    """T-45."""
    begun.start().cancel()
    (end,) = session.wait_finished(1)
    assert "resume-data" not in end.arguments[2]
    assert "resume-data" not in begun.task.get("Error")[1]
    wait_for(lambda: parts_of(state) == [], "the part is gone")


def test_nothing_to_go_on_with(session, script, state):
    """T-46: neither a tag nor a date; then it is a plain cancellation."""

    def handler(conversation, _request):
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + "x" * 500)
        conversation.stall()

    script.on("/nameless", handler)
    task = session.create(script.url("/nameless"), start=True)
    wait_for(lambda: task.get("BytesReceived") == 500, "half of it")
    assert produce(task) == b""
    (end,) = session.wait_finished(1)
    assert end.arguments[2]["error"] == "Cancelled" and "resume-data" not in end.arguments[2]
    wait_for(lambda: parts_of(state) == [], "the part is gone")


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256))], ids=["none", "x", "bytes"])
def test_nonsense(session, nginx, data):
    """T-47.

    Fault (caller): resume data that is none, cut or changed | Proves:
    InvalidResumeData, and no task"""
    with pytest.raises(Failure) as failure:
        session.create(nginx.url("x"), resume_data=data)
    assert failure.value.name == "InvalidResumeData"
    assert session.list_tasks() == []


def test_every_state(session, nginx, script):
    """Suspended and queued ones have nothing yet; a finished one is BadState."""
    script.on("/busy", lambda conversation, request: conversation.stall())
    suspended = session.create(nginx.url("x"))
    queued = session.create(script.url("/busy"), start=True)
    assert produce(suspended) == b"" and produce(queued) == b""
    session.wait_finished(2)
    for task in (suspended, queued):
        assert task.error == "Cancelled"
        with pytest.raises(Failure) as failure:
            produce(task)
        assert failure.value.name == "BadState"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_outlives_the_daemon(daemon, session, begun, number):
    """Fault (daemon): it is killed, or asked to leave, right after resume data was given
    out | Proves: a new task goes on with it (law 1)"""
    data = produce(begun.start())
    daemon.end(number)
    daemon.start()
    session.attach()
    second = session.create(begun.url, resume_data=data, start=True)
    session.wait_finished(2)
    assert second.error == "" and second.read() == begun.content
    assert [offset for offset, _ in resumed_at(session, second) if offset >= SIZE * 2 // 5]


def test_taken_outlives_kill(daemon, session, begun, state):
    """Fault (daemon): it is killed right after a task was made from resume data | Proves:
    the task has the part, and the data is spent (laws 1, 6)"""
    data = produce(begun.start())
    second = session.create(begun.url, resume_data=data)
    daemon.kill()
    assert query(state, "SELECT count (*) FROM resumable") == [(0,)]
    daemon.start()
    session.attach()
    with pytest.raises(Failure):
        session.create(begun.url, resume_data=data)
    second.resume()
    session.wait_finished(2)
    assert second.error == "" and second.read() == begun.content
    assert [offset for offset, _ in resumed_at(session, second) if offset >= SIZE * 2 // 5]


def test_outlives_session_and_task(daemon, session, begun, state):
    """The app completes its events and ends its session; the data is still good."""
    data = produce(begun.start())
    (end,) = session.wait_finished(1)
    session.complete(end.arguments[0])
    assert session.list_tasks() == [] and len(parts_of(state)) == 1
    session.call("InvalidateAndCancel")
    daemon.restart()
    other = session.client.open_session("other")
    other.attach()
    second = other.create(begun.url, resume_data=data, start=True)
    other.wait_finished(1)
    assert second.error == "" and second.read() == begun.content
    assert resumed_at(other, second)[0][0] >= SIZE * 2 // 5


@pytest.mark.parametrize("folder", ["inbox", "other"])
def test_beside_a_destination(session, begun, inbox, top, folder):
    """The part keeps its place, or gets another one on the same disk."""
    target = top / folder
    target.mkdir(exist_ok=True)
    data = produce(begun.start(inbox, destination_name="file"))
    (end,) = session.wait_finished(1)
    assert [path.suffix for path in inbox.iterdir()] == [".part"]
    second = session.create(begun.url, target, destination_name="file", resume_data=data)
    session.complete(end.arguments[0])
    second.resume()
    session.wait_finished(2)
    assert second.error == "" and (target / "file").read_bytes() == begun.content
    assert resumed_at(session, second)[0][0] >= SIZE * 2 // 5
    assert {path.name for path in [*inbox.iterdir(), *target.iterdir()]} == {"file"}


def test_all_or_none(session, begun):
    """A batch that uses it twice uses it not at all."""
    data = produce(begun.start())
    draft = {"url": begun.url, "resume_data": data}
    with pytest.raises(Failure) as failure:
        session.create_many([draft, draft])
    assert failure.value.name == "InvalidResumeData"
    (second,) = session.create_many([dict(draft, url="", start=True)])
    session.wait_finished(2)
    assert second.error == "" and second.read() == begun.content


def fail_with(session, broken, status):
    """A task that was cut, and then refused."""
    broken.then = lambda conversation, request: conversation.answer(status, b"no")
    task = session.create(broken.url, start=True)
    (end,) = session.wait_finished(1)
    assert end.arguments[2]["error"] == "HttpStatus" and end.arguments[2]["status"] == status
    return task, told(end.arguments[2])


def test_failed_task_is_gone_on_with(session, broken, state):
    """G-26: an address that has expired, and a new one."""
    task, data = fail_with(session, broken, 403)
    assert told(task.get("Error")[1]) == data
    with pytest.raises(Failure) as failure:
        task.read()
    assert failure.value.name == "FileNotFound"
    second = session.create(broken.again, resume_data=data, start=True)
    session.wait_finished(2)
    assert second.error == "" and second.read() == broken.body
    assert resumed_at(session, second) == [(broken.cut, len(broken.body))]


def test_retry_spends_it(session, broken):
    """C-26: the task itself goes on; then nobody else does."""
    task, data = fail_with(session, broken, 403)
    broken.then = broken.rest
    task.call("Retry")
    wait_for(lambda: task.state == "finished" and task.error == "", "it has ended well")
    assert task.read() == broken.body
    assert resumed_at(session, task) == [(broken.cut, len(broken.body))]
    with pytest.raises(Failure) as failure:
        session.create(broken.again, resume_data=data)
    assert failure.value.name == "InvalidResumeData"


def test_retry_after_it_was_spent(session, broken):
    """Another task has the part: the first begins anew, and both are whole.

    Fault (caller): two tasks want the same part | Proves: one has it, the other
    begins anew; both are whole"""
    task, data = fail_with(session, broken, 403)
    second = session.create(broken.again, resume_data=data, start=True)

    def whole(conversation, request):
        assert not request.header("Range")
        conversation.answer(200, broken.body)

    broken.then = whole
    task.call("Retry")
    wait_for(lambda: {task.state, second.state} == {"finished"}, "both have ended")
    assert task.error == second.error == ""
    assert task.read() == second.read() == broken.body


def test_resource_timeout_leaves_it(session, broken):
    """G-26: time was over, the bytes are there."""

    def begin_and_stall(conversation, _request):
        broken.begin(conversation)
        conversation.stall()

    broken.then = begin_and_stall
    broken.n_asked = 1
    task = session.create(broken.url, start=True, resource_timeout=2000)
    (end,) = session.wait_finished(1)
    assert end.arguments[2]["error"] == task.error == "TimedOut"
    second = session.create(broken.again, resume_data=told(end.arguments[2]), start=True)
    session.wait_finished(2)
    assert second.error == "" and second.read() == broken.body
    assert resumed_at(session, second) == [(broken.cut, len(broken.body))]


def test_holds_no_secret(session, script, state, daemon):
    """Law 9: neither the data nor what is stored of it."""

    def handler(conversation, _request):
        conversation.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "v1"\r\n\r\n')
        conversation.send("x" * 500)
        conversation.stall()

    script.on("/secret", handler)
    url = script.url("/secret").replace("//", "//user:hunter2@")
    task = session.create(url, start=True, headers=[("Cookie", "hunter2")])
    wait_for(lambda: task.get("BytesReceived") == 500, "half of it")
    data = produce(task)
    assert data and b"hunter2" not in data and str(state).encode() not in data
    daemon.kill()
    for path in state.rglob("*.db*"):
        assert b"hunter2" not in path.read_bytes()
