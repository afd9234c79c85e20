# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads as they are, to servers as they are: nginx and Apache with DAV."""

import os

import pytest

from conftest import run_server
from parts.web_servers import Apache

DAV = """
DavLockDB {top}/locks
Alias /dav {top}/files
<Location /dav>
  Dav On
  AuthType Digest
  AuthName "the digest realm"
  AuthDigestProvider file
  AuthUserFile {top}/digests
  Require valid-user
</Location>
"""


def send(session, url, content, **options):
    task = session.create_upload(url, content, resumable="off", start=True, **options)
    task.wait_state("finished")
    assert task.error == "", task.get("Error")
    assert task.get("BytesSent") == task.get("BytesConfirmed") == len(content)
    return task


@pytest.mark.parametrize("size", [0, 1, 5_000_003])
def test_nginx(session, nginx, size):
    content = os.urandom(size)

    task = send(session, nginx.url(f"put/plain-{size}"), content)

    assert (nginx.files / "put" / f"plain-{size}").read_bytes() == content
    assert task.get("Response")["status"] == 201


def test_nginx_by_tls(session, nginx):
    content = os.urandom(5_000_003)

    send(session, f"https://localhost:{nginx.tls}/put/tls", content, ca_certificates=nginx.ca)

    assert (nginx.files / "put" / "tls").read_bytes() == content


def test_what_is_there_is_replaced(session, nginx):
    for content in (b"old", b"the new one"):
        send(session, nginx.url("put/again"), content)
        assert (nginx.files / "put" / "again").read_bytes() == content


def test_path(session, nginx, tmp_path):
    content = os.urandom(100_000)
    source = tmp_path / "source"
    source.write_bytes(content)

    task = session.create_upload(nginx.url("put/path"), body_path=str(source),
                                 resumable="off", start=True)
    task.wait_state("finished")

    assert task.error == "", task.get("Error")
    assert (nginx.files / "put" / "path").read_bytes() == content
    assert source.read_bytes() == content


class Dav(Apache):
    def write_config(self):
        self.settings["extra"] = DAV.format(top=self.top)
        super().write_config()


@pytest.fixture(scope="module")
def running_dav():
    yield from run_server(Dav, modules=("dav", "dav_fs", "dav_lock"))


def test_apache_asks_for_a_password(session, running_dav):
    """The whole body again: the first was for nothing."""
    content = os.urandom(5_000_003)
    space = {"protocol": "http", "host": "localhost", "port": running_dav.plain,
             "is-proxy": False, "realm": "the digest realm", "method": "digest"}
    session.set_credential(space, user="alice", password="wonder")

    send(session, running_dav.url("dav/asked"), content)

    assert (running_dav.files / "asked").read_bytes() == content
    assert [seen.status for seen in running_dav.wait_seen("asked", 2)] == [401, 201]


def test_any_method(session, script):
    """A method is a word that only the server has to know, as it is written."""
    script.on("/.*", lambda talk, request: talk.answer(200))

    for method in ("REPORT", "put", "X-TAKE!"):
        send(session, script.url("/any"), b"here", method=method)
        assert script.requests[-1].method == method and script.requests[-1].body == b"here"


def test_refused(session, running_dav):
    """An answer that is no success is told, with its body."""
    task = session.create_upload(running_dav.url("nobody/takes/it"), b"x" * 5_000_003,
                                 resumable="off", start=True)
    task.wait_state("finished")

    assert task.error.endswith("HttpStatus")
    assert task.get("Error")[1]["status"] == 405
