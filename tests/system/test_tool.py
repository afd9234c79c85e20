# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tool `trundle`, as a person or a script uses it."""

import base64
import fcntl
import gzip
import hashlib
import os
import pathlib
import pty
import signal
import struct
import subprocess
import termios

import pytest

from parts.tool import TOOL
from parts.waiting import wait_for

RATE = "500k"


def test_get_leaves_and_the_file_comes(daemon, tool, nginx, inbox):
    nginx.add_file("plain.bin", 100000)

    out = tool.run("get", nginx.url("plain.bin"), "-d", inbox)

    assert int(out.strip()) > 0
    wait_for((inbox / "plain.bin").exists, daemon.tail)
    assert (inbox / "plain.bin").stat().st_size == 100000


def test_get_waits_and_says_done(daemon, tool, nginx, inbox):
    nginx.add_file("waited.bin", 100000)

    out = tool.run("get", "--wait", nginx.url("waited.bin"), "-o", inbox / "named")

    assert "named: done" in out
    assert (inbox / "named").stat().st_size == 100000


def test_get_waits_for_several_in_json(daemon, tool, nginx, inbox):
    names = [f"several-{i}.bin" for i in range(5)]
    for name in names:
        nginx.add_file(name, 5000)

    lines = tool.json("get", "--wait", "-d", inbox, *map(nginx.url, names))

    finished = [line for line in lines if line["event"] == "finished"]
    assert sorted(line["destination"] for line in finished) == [str(inbox / n) for n in names]
    assert all(line["bytes-received"] == 5000 and "error" not in line for line in finished)


def test_get_failure_is_1_and_some_failures_5(daemon, tool, nginx, inbox):
    nginx.add_file("good.bin", 10)

    out = tool.run("get", "-w", "-d", inbox, nginx.url("missing"), status=1)
    assert "failed" in out and "GDBus" not in out
    tool.run("get", "-w", "-d", inbox, nginx.url("good.bin"), nginx.url("no"), status=5)


@pytest.mark.parametrize("words,named", [
    (["get", "no-url"], "no-url"), (["get", "http://user:pass@"], "\u2026"),
    (["get", "http://a/a", "--digest", "SHA256:" + 64 * "0"], "SHA256"),
    (["get", "http://a/a", "--digest", "sha256:12"], "64 hexadecimal digits"),
], ids=str)
def test_what_is_wrong_is_named(daemon, tool, words, named):
    said = tool.run(*words, status=2)

    assert named in said and "pass" not in said


def test_show_goes_on_with_the_others(daemon, tool, nginx, inbox):
    nginx.add_file("one", 1000000)
    number = tool.run("get", nginx.slow_url("one", "10k"), "-d", inbox).strip()

    shown = tool.run("show", "99999", number, status=5)

    assert "99999: There is no such object" in shown and nginx.slow_url("one", "10k") in shown


def test_get_quiet_says_only_what_fails(daemon, tool, nginx, inbox):
    nginx.add_file("quiet.bin", 10)

    assert tool.run("get", "-q", "-w", "-d", inbox, nginx.url("quiet.bin")) == ""
    assert "failed" in tool.run("get", "-q", "-w", "-d", inbox, nginx.url("no"), status=1)


def test_get_begins_later(daemon, tool, nginx, inbox):
    nginx.add_file("later", 1000)
    task = tool.run("get", "--in", "1h", "-o", inbox / "f", nginx.url("later")).split()[0]
    shown = tool.json("show", task)[0]
    assert shown["state"] == "queued" and shown["wait-reasons"] == ["earliest-begin"]
    for words in (["--at", "soon"], ["--in", "30"], ["--at", "2001-01-01"],
                  ["--at", "22:00", "--in", "1h"]):
        tool.run("get", *words, "-o", inbox / "f", nginx.url("later"), status=2)
    tool.run("get", "--in", "1s", "--wait", "-o", inbox / "f", nginx.url("later"))
    assert (inbox / "f").stat().st_size == 1000


def test_get_sends_headers(daemon, tool, script, inbox):
    script.on("/h", lambda talk, request: talk.answer(200, request.header("X-One")[0].encode()))

    tool.run("get", "-w", "--header", "X-One: a b", script.url("/h"), "-o", inbox / "h")

    assert (inbox / "h").read_text() == "a b"


def test_get_proves(daemon, tool, script, inbox):
    digest = hashlib.sha256(b"abc").hexdigest()
    script.on("/p", lambda talk, _request: talk.answer(200, b"abc"))
    tool.run("get", "-w", "--digest", f"sha256:{digest}", "--max-size", "3", script.url("/p"),
             "-o", inbox / "p")
    assert (inbox / "p").read_bytes() == b"abc"


def test_show_says_what_was_proved(session, tool, script):
    md5 = hashlib.md5(gzip.compress(b"abc", mtime=0)).digest()
    digest = hashlib.sha256(b"abc").hexdigest()
    script.on("/z", lambda talk, _request: talk.answer(
        200, gzip.compress(b"abc", mtime=0),
        ["Content-Encoding: gzip", f"Repr-Digest: md5=:{base64.b64encode(md5).decode()}:"]))
    session.create(script.url("/z"), start=True, decode=True, digests={"sha256": digest})
    task = session.wait_finished(1)[0].arguments[1].rsplit("/")[-1]
    assert (f"content-length, sha256:{digest} (as it must be), md5:{md5.hex()} (as the server "
            "says, weak, before decoding), decoded\n") in tool.run("show", task)


def test_get_refuses_another(daemon, tool, script, inbox):
    script.on("/p", lambda talk, _request: talk.answer(200, b"abd"))
    url, output = script.url("/p"), inbox / "p"
    digest = hashlib.sha256(b"abc").hexdigest()
    out = tool.run("get", "-w", "--digest", f"sha256:{digest}", url, "-o", output, status=1)
    assert "digest" in out
    tool.run("get", "-w", "--max-size", "2", url, "-o", output, status=1)
    assert not output.exists()


def test_get_decodes(daemon, tool, script, inbox):
    script.on("/z", lambda talk, _request: talk.answer(
        200, gzip.compress(b"Hello World!"), ["Content-Encoding: gzip"]))
    tool.run("get", "-w", "--decode", "--max-size=1k", script.url("/z"), "-o", inbox / "z")
    assert (inbox / "z").read_bytes() == b"Hello World!"


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["get"], ["get", "ftp://x/y"], ["get", "no-url"],
    ["get", "--no-such-option"], ["get", "http://h/a", "-o", "x", "-d", "."],
    ["get", "http://h/a", "http://h/b", "-o", "x"], ["get", "http://h/a", "http://g/a"],
    ["get", "http://h/a", "--priority", "2"], ["get", "http://h/a", "--header", "nonsense"],
    ["get", "http://h/a", "--digest", "sha256:12"], ["get", "http://h/a", "--digest", "md5"],
    ["get", "http://h/a", "--digest", "crc32:12345678"],
    ["get", "http://h/a", "http://h/b", "--digest", "md5:" + 32 * "0"],
    ["get", "http://h/a", "--digest", "md5:" + 32 * "0", "--digest", "md5:" + 32 * "1"],
    ["get", "http://h/a", "--max-size", "x"], ["get", "http://h/a", "--max-size", "M"],
    ["get", "http://h/a", "--max-size", "9999999999G"], ["get", "http://h/a", "--max-size=-1"],
    ["get", "http://h/a", "--if-exists", "maybe"], ["cancel"], ["cancel", "x"],
    ["cancel", "--all", "1"],
    ["cancel", "--resume-data", "x", "1", "2"], ["suspend", "--resume-data", "x", "1"],
    ["get", "--resume-data", "x", "http://h/a", "http://h/b"], ["get", "--resume-data", "x"],
    ["get", "--range", "2-1", "http://a/a"], ["get", "--range=-5", "http://a/a"],
    ["get", "--retries=-1", "http://a/a"], ["get", "--priority=-1", "http://a/a"],
    ["get", "--priority=nan", "http://a/a"], ["get", "--digest", "", "http://a/a"],
    ["get", "--digest", "sha256:" + 64 * "0", "--mirror", "ftp://b/a", "http://a/a"],
    ["get", "--digest", "sha256:" + 64 * "0", "--mirror", "http://b:c@d/", "http://a/a"],
    ["update", "1", "--mirror", "nonsense"], ["history", "--limit", "0"],
    ["list", "--state", "odd"], ["show"], ["show", "0"], ["show", "1", "x"],
], ids=" ".join)
def test_usage_is_2(daemon, tool, arguments):
    assert "--help" in tool.run(*arguments, status=2)


@pytest.mark.parametrize("command", [
    "get", "list", "show", "watch", "suspend", "resume", "cancel", "doctor"])
def test_each_command_has_help(tool, command):
    assert f"trundle {command}" in tool.run(command, "--help")
    assert tool.run("help", command) == tool.run(command, "--help")


def test_version_and_overview(tool):
    assert tool.run("--version").startswith("trundle ")
    assert "suspend" in tool.run("help")


def test_user_names_and_passwords_are_not_shown(daemon, tool, script, inbox):
    script.on("/s", lambda talk, request: talk.stall())
    url = script.url("/s").replace("http://", "http://me:secret@")

    number = tool.run("get", url, "-o", inbox / "s").strip()

    assert "secret" not in tool.run("list") + tool.run("list", "--json")
    assert "secret" not in tool.run("show", number) + tool.run("show", number, "--json")
    tool.run("cancel", number)


def test_no_service_is_3(bus, tool):
    assert "cannot be reached" in tool.run("list", status=3)


def test_no_bus_is_3(bus, tool):
    tool.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere"
    tool.run("list", status=3)


def test_cancel_and_go_on(daemon, tool, nginx, inbox, top):
    content = nginx.add_file("kept.bin", 3000000)
    url = nginx.slow_url("kept.bin", RATE)
    number = tool.run("get", url, "-o", inbox / "kept").strip()
    data = top / "kept.data"
    wait_for(lambda: tool.json("show", number)[0]["bytes-received"] > 500000, "some of it")

    assert tool.run("cancel", "--resume-data", data, number) == ""
    assert data.stat().st_mode & 0o777 == 0o600 and data.stat().st_size > 100
    assert not (inbox / "kept").exists() and len(list(inbox.iterdir())) == 1
    tool.run("get", "--resume-data", data, "-d", inbox, status=2)
    tool.run("get", "-w", "--resume-data", data, nginx.url("kept.bin"), "-o", inbox / "kept")
    assert (inbox / "kept").read_bytes() == content
    assert [path.name for path in inbox.iterdir()] == ["kept"]
    out = tool.run("get", "--resume-data", data, "-o", inbox / "again", status=1)
    assert "used before" in out and "GDBus" not in out


def test_cancel_with_nothing_to_go_on_with(daemon, tool, nginx, script, inbox, top):
    script.on("/n", lambda talk, request: talk.stall())
    number = tool.run("get", script.url("/n"), "-o", inbox / "n").strip()
    data = top / "nothing.data"

    tool.run("cancel", "--resume-data", top / "no-such" / "file", number, status=1)
    assert tool.states()[int(number)] != "finished"
    data.write_bytes(b"precious")
    tool.run("cancel", "--resume-data", data, number, status=1)
    assert data.read_bytes() == b"precious"
    assert tool.states()[int(number)] != "finished"
    data.unlink()
    assert "nothing" in tool.run("cancel", "--resume-data", data, number, status=1)
    assert not data.exists() and tool.states().get(int(number), "finished") == "finished"


@pytest.mark.parametrize("command", ["show", "cancel", "suspend", "resume", "watch"])
def test_no_such_task_is_4(daemon, tool, command):
    assert "GDBus" not in tool.run(command, "12345", status=4)


def test_existing_file_is_refused_before(daemon, tool, nginx, inbox):
    (inbox / "there").write_text("old")

    out = tool.run("get", nginx.url("x"), "-o", inbox / "there", status=1)

    assert "exists" in out
    assert tool.json("list") == []


def test_suspend_resume_cancel(daemon, tool, nginx, inbox):
    nginx.add_file("slow.bin", 3000000)
    number = int(tool.run("get", nginx.slow_url("slow.bin", RATE), "-o", inbox / "slow"))

    tool.run("suspend", number)
    assert tool.states()[number] == "suspended"
    tool.run("resume", "--all")
    assert tool.states()[number] in ("queued", "running")
    tool.run("cancel", number)
    assert tool.states().get(number, "finished") == "finished"
    assert not (inbox / "slow").exists()


def test_show_and_list_agree(daemon, tool, nginx, inbox):
    nginx.add_file("shown.bin", 3000000)
    url = nginx.slow_url("shown.bin", RATE)
    number = int(tool.run("get", url, "-o", inbox / "shown", "--description", 'a "b"\n'))

    (listed,) = tool.json("list", "--session", "trundle")
    (shown,) = tool.json("show", number)
    assert listed["url"] == shown["url"] == url
    assert listed["description"] == shown["description"] == 'a "b"\n'
    assert str(inbox / "shown") in tool.run("show", number)
    assert tool.json("list", "--session", "other") == []
    tool.run("cancel", "--all")


def test_a_range(daemon, tool, nginx, inbox):
    content = nginx.add_file("whole.bin", 3000)
    tool.run("get", "-q", "-w", nginx.url("whole.bin"), "-o", inbox / "middle", "--range", "100-199")
    tool.run("get", "-q", "-w", nginx.url("whole.bin"), "-o", inbox / "end", "--range", "2900-")
    assert (inbox / "middle").read_bytes() == content[100:200]
    assert (inbox / "end").read_bytes() == content[2900:]


def test_metrics_are_shown(daemon, tool, script, inbox):
    def cut(conversation, _request):
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + "x" * 3000)
        return True

    script.on("/measured", cut)
    url = script.url("/measured")
    number = tool.run("get", url, "-o", inbox / "measured").strip()
    wait_for(lambda: "transactions" in tool.json("show", number)[0]["metrics"], daemon.tail)
    assert f"Attempt 1: GET 200 {url}, 3.0" in tool.run("show", number, "--metrics")
    assert "Attempt 1:" not in tool.run("show", number)
    (shown,) = tool.json("show", number)
    assert shown["metrics"]["transactions"][0]["url"] == url
    assert shown["metrics"]["bytes-fetched"] >= 3000
    tool.run("cancel", number)


def test_interrupt_leaves_the_transfer(daemon, tool, nginx, inbox):
    nginx.add_file("long.bin", 2000000)
    process = tool.spawn(
        "get", "-w", nginx.slow_url("long.bin", RATE), "-o", inbox / "long")
    wait_for(lambda: "running" in tool.states().values(), daemon.tail)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "in the background" in err
    wait_for((inbox / "long").exists, daemon.tail)


def test_restart_is_survived(daemon, tool, nginx, inbox):
    """Fault (daemon): SIGKILL while `trundle get` waits | Proves: the tool goes on
    waiting and hears the end"""
    nginx.add_file("restart.bin", 2000000)
    process = tool.spawn(
        "get", "-w", nginx.slow_url("restart.bin", RATE), "-o", inbox / "restart")
    wait_for(lambda: "running" in tool.states().values(), daemon.tail)

    daemon.restart()
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, (out, err)
    assert (inbox / "restart").stat().st_size == 2000000


def test_end_unheard_is_told_by_the_file(daemon, tool, nginx, inbox):
    """Fault (daemon): the daemon dies and the end is not heard | Proves: the tool
    tells by the file"""
    nginx.add_file("unheard.bin", 1500000)
    process = tool.spawn(
        "get", "-w", nginx.slow_url("unheard.bin", RATE), "-o", inbox / "unheard")
    wait_for(lambda: "running" in tool.states().values(), daemon.tail)

    process.send_signal(signal.SIGSTOP)
    daemon.restart()
    wait_for(lambda: (inbox / "unheard").exists() and not tool.states(), daemon.tail)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, (out, err)
    assert "not known" in out and "the file is there" in out


def test_watch_sees_what_others_began(daemon, tool, nginx, inbox):
    nginx.add_file("watched.bin", 1000000)
    url = nginx.slow_url("watched.bin", RATE)
    number = int(tool.run("get", url, "-o", inbox / "watched"))

    lines = tool.json("watch", number)

    assert lines[-1]["event"] == "finished" and lines[-1]["task"] == number
    assert any(line["event"] == "progress" for line in lines)


def test_bars_on_a_terminal(daemon, tool, nginx, inbox):
    nginx.add_file("bar.bin", 2000000)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 80, 0, 0))
    process = tool.spawn(
        "get", "-w", nginx.slow_url("bar.bin", RATE), "-o", inbox / "bar", stdout=slave)
    os.close(slave)

    shown = b""
    try:
        while chunk := os.read(master, 65536):
            shown += chunk
    except OSError:
        # EIO: the other side is closed.
        pass
    os.close(master)

    assert process.wait(30) == 0
    process.stderr.close()
    assert b"\x1b[1A" in shown and b"#" in shown and b"/s" in shown
    assert "bar: done" in shown.decode().rsplit("\x1b[J", 1)[-1]


def complete(tool, *words):
    """What bash offers for the last of the words."""
    program = pathlib.Path(__file__).parents[2] / "data" / "completions" / "trundle"
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trundle; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{os.path.dirname(TOOL)}:{tool.environment['PATH']}"
    return subprocess.run(
        ["bash", "--norc", "-c", script, "bash", program, "trundle", *words],
        env=dict(tool.environment, PATH=path), capture_output=True, text=True, check=True,
    ).stdout.split()


def test_completion(daemon, tool, script, inbox):
    script.on("/c", lambda talk, request: talk.stall())
    number = tool.run("get", script.url("/c"), "-o", inbox / "c").strip()

    assert complete(tool, "re") == ["resume", "retry"]
    assert complete(tool, "get", "--if-exists", "re") == ["replace", "rename"]
    assert complete(tool, "get", "--if-exists", "=", "f") == ["fail"]
    assert number in complete(tool, "cancel", "")
    assert number not in complete(tool, "resume", "")
    tool.run("cancel", number)
    offered = complete(tool, "get", "--")
    assert all(option in tool.run("get", "--help") for option in offered)


def test_tries_as_often_as_told(tool, daemon, script, inbox):
    """Nothing is tried again with --retries=0, and a status as often as all else."""
    script.on("/broken", lambda conversation, _request: conversation.answer(500))
    target = script.url("/broken")
    tool.run("get", "--wait", "--retries=0", "-d", inbox, target, status=1)
    assert len(script.asked("/broken")) == 1
    tool.run("get", "--wait", "--retries=1", "-d", inbox, target, status=1)
    assert len(script.asked("/broken")) == 3
    tool.run("get", "--retries=-2", "-d", inbox, target, status=2)


def test_asks_a_mirror(tool, daemon, script, inbox):
    body = b"the very file"
    script.on("/gone", lambda conversation, _request: conversation.answer(404))
    script.on("/file", lambda conversation, _request: conversation.answer(200, body))
    digest = "--digest=sha256:" + hashlib.sha256(body).hexdigest()
    mirror = "--mirror=" + script.url("/file")
    tool.run("get", "--wait", "-d", inbox, digest, mirror, script.url("/gone"))
    assert (inbox / "gone").read_bytes() == body
    tool.run("get", "-d", inbox, mirror, script.url("/gone"), status=2)
    tool.run("get", "-d", inbox, "--digest=sha256:00", script.url("/gone"), status=2)


def test_retries_and_updates_what_waits(tool, daemon, script, inbox):
    script.on("/busy", lambda conversation, _request: conversation.answer(
        503, b"", ["Retry-After: 3600"]))
    script.on("/file", lambda conversation, _request: conversation.answer(200, b"x"))
    number = tool.run("get", "-o", inbox / "f", script.url("/busy")).strip()
    wait_for(lambda: len(script.asked("/busy")) == 1, "it is asked")
    wait_for(lambda: tool.states() == {int(number): "queued"}, tool.states)
    tool.run("retry", number)
    wait_for(lambda: len(script.asked("/busy")) == 2, "it is asked again")
    wait_for(lambda: tool.states() == {int(number): "queued"}, tool.states)
    tool.run("update", number, "--url", script.url("/file"), "--header", "X-Key: new")
    wait_for((inbox / "f").exists, "the other address has it")
    assert script.asked("/file")[0].header("X-Key") == ["new"]
    wait_for(lambda: tool.states() == {}, tool.states)
    tool.run("retry", number, status=4)
    tool.run("update", number, status=2)
    tool.run("update", number, "--url", "nonsense", status=2)


def finish(client, nginx, name, **options):
    """A task that has ended and is gone."""
    session = client.open_session(name, **options)
    task = session.create(nginx.url("past") + "?token=secret", start=True)
    task.wait_state("finished")
    session.complete(1)
    return int(task.path.rsplit("/", 1)[1])


def test_history(daemon, client, tool, nginx):
    nginx.add_file("past", 1000)
    assert tool.json("history") == []
    first = finish(client, nginx, "one", app_id="org.example.One")
    last = finish(client, nginx, "two", app_id="org.example.Two")

    rows = tool.json("history")
    assert [row["number"] for row in rows] == [last, first]
    assert rows[1]["result"] == "succeeded" and rows[1]["received"] == 1000
    assert rows[1]["session"] == "one" and rows[1]["app-id"] == "org.example.One"
    assert rows[0]["url"].endswith("/past?\u2026")
    shown = tool.run("history", "--limit", "1")
    assert len(shown.splitlines()) == 2 and str(last) in shown and "secret" not in shown
    assert [row["number"] for row in tool.json("history", "--app", "org.example.One")] \
        == [first]

    hosts = finish(client, nginx, "three")
    assert [row["number"] for row in tool.json("history", "--app", "host")] == [hosts]
    tool.run("history", "--clear", "--app", "host")

    # It outlives the daemon, and is gone when told to go.
    daemon.restart()
    assert len(tool.json("history")) == 2
    tool.run("history", "--clear", "--app", "org.example.Two")
    assert [row["number"] for row in tool.json("history")] == [first]
    tool.run("history", "--clear")
    assert tool.json("history") == []
    assert tool.run("history") == ""
    tool.run("history", "--clear", "--limit", "1", status=2)
