# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`trundle put`, as a person or a script uses it."""

import email.parser
import json
import os
import signal
import subprocess
import threading

import pytest

from parts.resumable import Fault, Resumable
from parts.script import Conversation
from parts.tool import TOOL
from parts.waiting import wait_for
from test_tool import complete

SIZE = 200 * 1000


@pytest.fixture
def server(script):
    """Takes everything, and says how long it was."""
    script.on("/no/.*", lambda talk, request: talk.answer(
        403, b"quota exceeded\nmore of it", ["Content-Type: text/plain"]))
    script.on("/page/.*", lambda talk, request: talk.answer(403, b"<html>no</html>"))
    script.on("/empty/.*", lambda talk, request: talk.answer(204, length=False))
    script.on("/.*", lambda talk, request: talk.answer(
        201, f"got {len(request.body)} bytes\n".encode()))
    return script


@pytest.fixture
def file(top):
    path = top / "a file.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def last(server):
    with server.lock:
        return server.requests[-1]


def test_sends_and_leaves(daemon, tool, server, file):
    out = tool.run("put", file, server.url("/there"))

    assert int(out.strip()) > 0
    wait_for(lambda: server.asked("/there"), daemon.tail)
    request = last(server)
    assert request.method == "PUT" and request.body == file.read_bytes()
    assert request.header("Content-Type") == []


def test_waits_and_says_sent(daemon, tool, server, file):
    out = tool.run("put", "--wait", file, server.url("/there"))

    assert "a file.bin: sent, 200.0" in out


def test_json_counts_what_is_sent(daemon, tool, server, file):
    lines = tool.json("put", "-w", file, server.url("/there"))

    assert lines[0]["event"] == "added" and lines[0]["kind"] == "upload"
    end = lines[-1]
    assert end["event"] == "finished" and "error" not in end
    assert end["bytes-sent"] == end["bytes-expected-to-send"] == SIZE
    assert end["bytes-confirmed"] == SIZE


def test_several_under_their_names(daemon, tool, server, file, top):
    other = top / "100%.bin"
    other.write_bytes(b"x")

    tool.run("put", "-w", file, other, server.url("/folder/?token=1"))

    assert server.asked("/folder/a%20file.bin?token=1")[0].body == file.read_bytes()
    assert server.asked("/folder/100%25.bin?token=1")[0].body == b"x"
    tool.run("put", file, other, server.url("/folder"), status=2)
    tool.run("put", file, server.url("/folder/"), "--post", "-w")
    assert last(server).method == "POST" and last(server).target == "/folder/"


def test_answer_is_saved_or_shown(daemon, tool, server, file, inbox):
    tool.run("put", "-w", file, server.url("/there"), "-o", inbox / "answer")
    assert (inbox / "answer").read_text() == f"got {SIZE} bytes\n"
    tool.run("put", file, server.url("/there"), "-o", inbox / "answer", status=1)

    assert tool.run("put", file, server.url("/there"), "-o", "-") == f"got {SIZE} bytes\n"
    assert tool.run("put", file, server.url("/empty/there"), "-o", "-") == ""
    refused = tool.run("put", file, server.url("/no/there"), "-o", "-", status=1)
    assert "quota exceeded" in refused and "more of it" not in refused


def test_refusal_is_told(daemon, tool, server, file):
    said = tool.run("put", "-w", file, server.url("/no/there"), status=1)
    assert "failed" in said and "403" in said and "“quota exceeded”" in said
    said = tool.run("put", "-w", file, server.url("/page/there"), status=1)
    assert "failed" in said and "html" not in said
    tool.run("put", "-w", file, file, server.url("/no/"), status=1)


def test_standard_input(daemon, tool, server, top):
    content = os.urandom(300 * 1000).hex()
    tool.run("put", "-w", "-", server.url("/piped"), given=content)
    assert server.asked("/piped")[0].body == content.encode()

    path = top / "opened"
    path.write_bytes(b"0123456789")
    with path.open("rb") as opened:
        os.lseek(opened.fileno(), 4, os.SEEK_SET)
        process = tool.spawn("put", "-w", "-", server.url("/opened"), stdin=opened)
        wait_for(lambda: process.poll() is not None, daemon.tail)
        process.communicate()
    assert process.returncode == 0 and server.asked("/opened")[0].body == b"456789"
    tool.run("put", "-", server.url("/folder/"), status=2)


def test_what_a_shell_gives(daemon, tool, server):
    """A pipe by the name of a file, as <(…) is."""
    process = subprocess.Popen(
        ["bash", "-c", '"$0" put --wait <(printf %s here) "$1"', TOOL, server.url("/fd")],
        env=tool.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: process.poll() is not None, daemon.tail)
    assert process.returncode == 0, process.communicate()
    process.stdout.close()
    assert server.asked("/fd")[0].body == b"here"


def test_range_and_type(daemon, tool, server, file):
    tool.run("put", "-w", "--range", "100-199", "--content-type", "video/webm",
             "-H", "X-One: a b", "-X", "PATCH", file, server.url("/part"))

    request = last(server)
    assert request.method == "PATCH" and request.body == file.read_bytes()[100:200]
    assert request.header("Content-Type") == ["video/webm"]
    assert request.header("X-One") == ["a b"]
    said = tool.run("put", "--range", f"{SIZE + 1}-", file, server.url("/part"), status=2)
    assert "put: a file.bin: The range ends beyond" in said
    said = tool.run("put", "-X", "GET", file, server.url("/part"), status=2)
    assert "put: method: " in said
    said = tool.run("put", "-X", "GET", file, file, server.url("/part"), status=2)
    assert "put: a file.bin: method: " in said


def fields(request):
    head = f"Content-Type: {request.header('Content-Type')[0]}\r\n\r\n".encode()
    return email.parser.BytesParser().parsebytes(head + request.body).get_payload()


def test_form(daemon, tool, server, file):
    tool.run("put", "-w", "--form", "title=The sea", "--form-string", "who=@alice", "--form",
             f'photo=@"{file}";type=image/jpeg;filename=sea.jpg', "-F", "pipe=@-",
             server.url("/form"), given="from a pipe")

    request = last(server)
    assert request.method == "POST"
    title, who, photo, pipe = fields(request)
    assert title.get_payload() == "The sea" and who.get_payload() == "@alice"
    assert title.get_param("name", header="Content-Disposition") == "title"
    assert photo.get_payload(decode=True) == file.read_bytes()
    assert photo.get_content_type() == "image/jpeg" and photo.get_filename() == "sea.jpg"
    assert pipe.get_payload() == "from a pipe"


def test_keys_and_expectations(daemon, tool, server, file):
    tool.run("put", "-w", "--post", "--idempotency-key", file, server.url("/key"))
    (key,) = last(server).header("Idempotency-Key")
    assert key.startswith('"') and len(key) == 38
    tool.run("put", "-w", "--resumable=off", "--expect-continue", file, server.url("/expect"))
    assert last(server).header("Expect") == ["100-continue"]


@pytest.mark.parametrize("name,problem", [
    ("missing", "No such file"), ("folder", "folder"), ("/dev/null", "neither")])
def test_what_cannot_be_sent(daemon, tool, server, top, name, problem):
    (top / "folder").mkdir()
    said = tool.run("put", top / name, server.url("/x"), status=1)
    assert problem in said and tool.json("list") == []


@pytest.mark.parametrize("arguments", [
    ["put"], ["put", "f"], ["put", "http://h/"], ["put", "f", "ftp://h/"],
    ["put", "--snapshot", "maybe", "f", "http://h/"], ["put", "-F", "x", "http://h/"],
    ["put", "-X", "GET", "/etc/passwd", "http://h/x"], ["put", "--wait", "f", "g", "http://h/x"],
], ids=" ".join)
def test_usage_is_2(daemon, tool, arguments, top):
    (top / "f").write_text("")
    (top / "g").write_text("")
    words = [str(top / word) if word in "fg" else word for word in arguments]
    said = tool.run(*words, status=2)
    assert "--help" in said or "method" in said


def test_changed_meanwhile(daemon, tool, server, file):
    """Fault (app): a file is changed between put and its transfer | Proves: SourceChanged,
    and nothing is sent"""
    process = tool.spawn("put", "-w", "--snapshot=none", "--in", "1s", file, server.url("/late"))
    wait_for(lambda: "queued" in tool.states().values(), daemon.tail)
    file.write_bytes(b"other")
    wait_for(lambda: process.poll() is not None, daemon.tail)
    out, err = process.communicate()

    assert process.returncode == 1 and "handed over" in out + err
    assert server.asked("/late") == []


def test_copied_may_change(daemon, tool, server, file):
    content = file.read_bytes()
    process = tool.spawn("put", "-w", "--snapshot=copy", "--in", "1s", file, server.url("/late"))
    wait_for(lambda: "queued" in tool.states().values(), daemon.tail)
    file.unlink()
    wait_for(lambda: process.poll() is not None, daemon.tail)
    process.communicate()

    assert process.returncode == 0 and server.asked("/late")[0].body == content


@pytest.fixture
def held(monkeypatch, script):
    """A server that reads nothing before it is told to."""
    gate = threading.Event()
    read = Conversation.read_request

    def wait_and_read(self):
        gate.wait(60)
        return read(self)

    monkeypatch.setattr(Conversation, "read_request", wait_and_read)
    script.on("/.*", lambda talk, request: talk.answer(201))
    script.may_read = gate
    yield script
    gate.set()


@pytest.fixture
def large(top):
    """More than fits between us and a server that does not read."""
    path = top / "large.bin"
    path.write_bytes(bytes(40 * 1000 * 1000))
    return path


def half_sent(tool):
    return [task for task in tool.json("list") if 0 < task["bytes-sent"] < 40 * 1000 * 1000]


def test_shown_while_it_runs(daemon, tool, held, large):
    put = tool.spawn("put", "-w", "--json", large, held.url("/large"))
    (task,) = wait_for(lambda: half_sent(tool), daemon.tail)
    number = task["task"]
    progress = json.loads(next(line for line in put.stdout if '"progress"' in line))

    assert task["kind"] == "upload" and task["bytes-expected-to-send"] == 40 * 1000 * 1000
    listed = tool.run("list")
    assert f"{number} ↑ running" in listed and "of 40.0" in listed
    assert held.url("/large") in listed
    shown = tool.run("show", number)
    assert "To be sent" in shown and "upload" in shown
    watch = tool.spawn("watch", "--json", number)
    assert json.loads(watch.stdout.readline())["task"] == number
    held.may_read.set()
    wait_for(lambda: watch.poll() is not None and put.poll() is not None, daemon.tail)
    assert json.loads(watch.communicate()[0].splitlines()[-1])["event"] == "finished"
    put.stdout.close()
    put.stderr.close()
    assert 0 < progress["bytes-sent"] <= progress["bytes-expected-to-send"] == 40 * 1000 * 1000


def test_history_has_what_was_sent(daemon, tool, server, file):
    tool.run("put", "-w", file, server.url("/past"))
    wait_for(lambda: tool.json("history"), daemon.tail)
    (past,) = tool.json("history")
    assert past["kind"] == "upload" and past["sent"] == SIZE
    shown = tool.run("history")
    assert f"{past['number']} ↑ " in shown and "200.0" in shown


def test_interrupt_leaves_the_transfer(daemon, tool, held, large):
    process = tool.spawn("put", "-w", large, held.url("/large"))
    wait_for(lambda: half_sent(tool), daemon.tail)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130 and "in the background" in err
    held.may_read.set()
    wait_for(lambda: held.asked("/large"), daemon.tail)


def test_end_unheard_is_in_the_history(daemon, tool, held, large):
    """Fault (daemon): the daemon dies and the end of an upload is not heard | Proves: the
    tool finds it in the history"""
    process = tool.spawn("put", "-w", large, held.url("/large"))
    wait_for(lambda: half_sent(tool), daemon.tail)
    process.send_signal(signal.SIGSTOP)
    daemon.restart()
    held.may_read.set()
    wait_for(lambda: tool.json("history"), daemon.tail)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0 and "large.bin: sent, 40.0" in out, (out, err)


def test_bars_on_a_terminal(daemon, tool, held, large):
    with tool.terminal("put", "-w", large, held.url("/large")) as terminal:
        terminal.wait_text("[#")
        held.may_read.set()
        assert terminal.wait_end() == 0
        assert "large.bin: sent, 40.0" in terminal.text


@pytest.fixture
def stalling():
    """Says now and then what it has, and reads no more in the middle."""
    server = Resumable(8)
    server.mark = 1000 * 1000
    server.faults.append(Fault("stall", 20 * 1000 * 1000))
    yield server
    server.stop()


def test_what_the_server_has_is_shown(daemon, tool, stalling, large):
    with tool.terminal("put", "-w", large, stalling.url("/files")) as terminal:
        terminal.wait_text("[===")
    (task,) = tool.json("list")
    assert 0 < task["bytes-confirmed"] <= task["bytes-sent"]
    tool.run("cancel", task["task"])


def test_what_the_server_has_is_counted(daemon, tool, stalling, large):
    put = tool.spawn("put", "-w", "--json", large, stalling.url("/files"))
    lines = map(json.loads, put.stdout)
    line = next(line for line in lines if line["bytes-confirmed"] > 0)

    assert line["event"] == "progress" and line["bytes-expected-to-send"] == 40 * 1000 * 1000
    tool.run("cancel", line["task"])
    assert next(line for line in lines if line["event"] == "finished")["error"] == "Cancelled"
    put.wait(30)
    put.stdout.close()
    put.stderr.close()


def test_retries_and_updates_what_waits(daemon, tool, script, file):
    script.on("/busy", lambda talk, request: talk.answer(503, b"", ["Retry-After: 3600"]))
    script.on("/there", lambda talk, request: talk.answer(201))
    number = tool.run("put", file, script.url("/busy")).strip()
    for times in (1, 2):
        wait_for(lambda: len(script.asked("/busy")) == times, daemon.tail)
        wait_for(lambda: tool.states() == {int(number): "queued"}, tool.states)
        if times == 1:
            tool.run("retry", number)
    mirror = ["--digest", "sha256:" + 64 * "0", "--mirror", script.url("/there")]
    assert "mirrors" in tool.run("update", number, *mirror, status=2)
    tool.run("update", number, "--url", script.url("/there"), "--header", "X-Key: new")

    wait_for(lambda: script.asked("/there"), daemon.tail)
    (request,) = script.asked("/there")
    assert request.header("X-Key") == ["new"] and request.body == file.read_bytes()
    assert all(asked.body == request.body for asked in script.asked("/busy"))
    wait_for(lambda: tool.states() == {}, tool.states)
    tool.run("retry", number, status=4)


def test_retries_what_has_failed(daemon, tool, client, script, file):
    """Of a session that keeps what has ended."""
    answers = [403, 201]
    script.on("/moody", lambda talk, request: talk.answer(answers.pop(0)))
    session = client.open_session()
    task = session.create_upload(script.url("/moody"), file.read_bytes(), start=True)
    task.wait_state("finished")
    assert task.error == "HttpStatus"

    tool.run("retry", task.path.rsplit("/", 1)[1])

    wait_for(lambda: task.error == "" and task.state == "finished", daemon.tail)
    first, second = script.asked("/moody")
    assert first.body == second.body == file.read_bytes()
    tool.run("retry", task.path.rsplit("/", 1)[1], status=1)


def test_completion_and_help(tool):
    offered = complete(tool, "put", "--")
    assert all(option in tool.run("put", "--help") for option in offered)
    assert complete(tool, "put", "--snapshot", "c") == ["copy"]
    assert tool.run("help", "put") == tool.run("put", "--help")


def test_cancel_and_go_on(daemon, tool, tus, file, top):
    """By tus, with what was cancelled in its middle."""
    tus.extensions = ("creation", "termination", "expiration")
    tus.cuts = [SIZE // 2]
    tus.instead = lambda method, upload, request: (503,) if method == "HEAD" else None
    number = tool.run("put", "--resumable=tus", "--retries=9", file, tus.url("/files")).strip()
    wait_for(lambda: "HEAD" in tus.methods(), daemon.tail)
    data = top / "half"

    assert tool.run("cancel", f"--resume-data={data}", number) == ""
    tus.instead = lambda method, upload, request: None
    assert "files: sent, " in tool.run("put", "-w", "--resume-data", data, "--resumable=tus")
    upload = tus.only()
    assert bytes(upload.content) == file.read_bytes()
    tool.run("put", "--resume-data", data, file, tus.url("/files"), status=2)
    assert "no resume data" in tool.run("put", "--resume-data", file, status=1)
