# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads that are gone on with: by the next daemon, by another task, by the same one
later; and those that are given up (B-12, C-31 to C-33, T-81, T-85)."""

import threading

import pytest
from gi.repository import GLib
from parts.client import SOON, Failure
from parts.daemon import query
from parts.resumable import Fault, Resumable
from parts.tus_server import TusServer
from parts.waiting import wait_for

SIZE = 2 * 1024 * 1024
CUT = 512 * 1024
DATA = bytes(range(256)) * (SIZE // 256)
# However often a place is refused.
PATIENT = {**SOON, "max-status-attempts": GLib.Variant("u", 0)}


class Ietf:
    """A server of the draft, in the words of these tests."""

    option = "ietf"

    def __init__(self, version):
        self.server = Resumable(version)
        self.version = version
        self.url = self.server.url("/files")

    def teach(self, session):
        """The newest version is offered to whom nobody knows; who is silent of something
        large is asked in the next one."""
        if self.version == 8:
            return
        task = session.create_upload(self.url, body=DATA, start=True, resumable="ietf")
        task.wait_state("finished")
        assert task.error == ""

    def stall(self):
        """The next request is not read to its end."""
        self.server.faults = [Fault("stall", CUT)]

    def cut(self):
        """The next request, and whoever asks for its place is refused."""
        self.server.faults = [Fault("cut", CUT)]
        self.refuse(503)

    def refuse(self, status):
        self.server.roll = lambda request: (
            Fault(status, is_early=True) if request.method == "HEAD" else None)

    def heal(self):
        self.server.roll = lambda request: None

    def was_refused(self):
        return "HEAD" in self.server.asked_methods()

    def count(self):
        """Bytes that are there."""
        return self.server.uploads[0].offset if self.server.uploads else 0

    def lose(self):
        self.server.expire(self.server.uploads[0])

    def assert_whole(self):
        self.server.assert_once(DATA)

    def was_deleted(self):
        return "DELETE" in self.server.asked_methods() and self.server.uploads[0].is_gone

    def stop(self):
        self.server.stop()


class Tus:
    """The same of tus."""

    option = "tus"

    def __init__(self, _version):
        self.server = TusServer()
        # What has a checksum is kept only whole.
        self.server.extensions = ("creation", "termination", "expiration")
        self.url = self.server.url("/files")
        self.resumed = threading.Event()
        self.stalls = False
        self.status = None
        self.server.instead = self.answer

    def answer(self, method, upload, request):
        if method == "PATCH" and self.stalls:
            self.stalls = False
            self.server.cuts = [CUT]
            self.resumed.wait(30)
        return (self.status,) if method == "HEAD" and self.status else None

    def teach(self, _session):
        pass

    def stall(self):
        self.stalls = True

    def cut(self):
        self.server.cuts = [CUT]
        self.refuse(503)

    def refuse(self, status):
        self.status = status

    def heal(self):
        self.refuse(None)

    def was_refused(self):
        return "HEAD" in self.server.methods()

    def count(self):
        uploads = list(self.server.uploads.values())
        return len(uploads[0].content) if uploads else 0

    def lose(self):
        self.server.uploads.clear()

    def assert_whole(self):
        upload = self.server.only()
        assert bytes(upload.content) == DATA
        end = 0
        for stored in upload.stored:
            assert stored.first == end, upload.stored
            end = stored.end
        assert end == SIZE

    def was_deleted(self):
        return "DELETE" in self.server.methods() and not self.server.uploads

    def stop(self):
        self.resumed.set()
        self.server.stop()


@pytest.fixture(params=["ietf-8", "ietf-6", "tus"])
def place(request):
    kind, _, version = request.param.partition("-")
    server = {"ietf": Ietf, "tus": Tus}[kind](int(version or 0))
    yield server
    server.stop()


def begin(session, place, **options):
    return session.create_upload(place.url, body=DATA, start=True,
                                 resumable=place.option, retry=PATIENT, **options)


def begin_and_cut(session, place, **options):
    """An upload of which the server keeps a quarter, and which does not go on before the
    server is healed."""
    place.teach(session)
    place.cut()
    task = begin(session, place, **options)
    wait_for(lambda: place.count() >= CUT and place.was_refused(), "it was cut")
    return task


def test_next_daemon_goes_on(session, daemon, client, state, place):
    """Fault (daemon): SIGKILL of the daemon while an upload is under way | Proves: the next
    one goes on where the server is, and not a byte is stored twice"""
    place.teach(session)
    place.stall()
    task = begin(session, place)
    wait_for(lambda: query(state, "SELECT 1 FROM task WHERE upload IS NOT NULL"),
             "the place is stored")
    wait_for(lambda: task.get("BytesSent") > 0, "it is under way")
    if isinstance(place, Ietf):
        wait_for(lambda: place.count() == CUT, "a quarter is there")
    daemon.kill()
    if isinstance(place, Tus):
        place.resumed.set()
    daemon.start()
    client.open_session().attach()
    task.wait_state("finished")
    assert task.error == ""
    place.assert_whole()


def test_connection_breaks(session, place):
    """T-81."""
    task = begin_and_cut(session, place)
    place.heal()
    task.wait_state("finished")
    assert task.error == "" and task.get("BytesConfirmed") == SIZE
    assert task.get("BytesSent") == SIZE
    place.assert_whole()


def test_cancel_deletes(session, place):
    task = begin_and_cut(session, place)
    task.cancel()
    wait_for(place.was_deleted, "the server was told")


def test_data_for_another_task(session, place):
    task = begin_and_cut(session, place)
    data = bytes(task.call("CancelByProducingResumeData"))
    assert data
    place.heal()
    heir = session.create_upload("", resume_data=data, start=True)
    heir.wait_state("finished")
    assert heir.error == "" and heir.get("Url") == place.url
    place.assert_whole()
    assert not place.was_deleted()
    with pytest.raises(Failure) as failure:
        session.create_upload("", resume_data=data)
    assert failure.value.name == "InvalidResumeData"


def test_data_of_a_failure(session, place):
    """C-32: it is told with the error, and Retry goes on as well."""
    task = begin_and_cut(session, place)
    place.refuse(400)
    task.wait_state("finished")
    assert task.error == "HttpStatus"
    assert bytes(task.get("Error")[1]["resume-data"])
    place.heal()
    task.call("Retry")
    task.wait_state("finished")
    assert task.error == ""
    place.assert_whole()


def test_place_is_lost(session, place):
    """T-85: what was there is gone, and everything is sent once more."""
    task = begin_and_cut(session, place, method="PUT")
    place.lose()
    place.heal()
    task.wait_state("finished")
    assert task.error == ""
    assert task.get("BytesConfirmed") == SIZE


def test_plain_server_has_no_data(session, script):
    """C-31."""
    stalled = threading.Event()

    def stall(conversation, _request):
        stalled.set()
        conversation.stall()

    script.on("/plain", stall)
    task = session.create_upload(script.url("/plain"), body=b"hello", start=True)
    wait_for(stalled.is_set, "it is there")
    assert bytes(task.call("CancelByProducingResumeData")) == b""
    assert task.error == "Cancelled"
