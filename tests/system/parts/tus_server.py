# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tus server for what the real one cannot do: checksums, expiry at will, cuts at a byte,
and answers that are wrong."""

import base64
import contextlib
import dataclasses
import email.utils
import hashlib
import re
import socket
import threading

from .script import Conversation, Script
from .tus import Stored

BLOCK = 64 * 1024
EXTENSIONS = ("creation", "termination", "expiration", "checksum")


class TusConversation(Conversation):
    """Bodies are read as they come."""

    def read_request(self):
        return self.read_head()

    def read_body(self, request, room):
        """In blocks, of no more than ROOM bytes: what follows is not there.  The last is
        short when the client has left."""
        left = int((request.header("content-length") or ["0"])[0])
        while left > 0 and room > 0:
            block = self.stream.read1(min(left, room, BLOCK))
            if not block:
                return
            left -= len(block)
            room -= len(block)
            yield block

    def leave(self):
        """Lets an answer arrive that comes before the end of the body: what is closed with
        bytes unread is reset."""
        self.sock.shutdown(socket.SHUT_WR)
        while self.stream.read1(BLOCK):
            pass


@dataclasses.dataclass
class Upload:
    name: str
    length: int
    metadata: str = ""
    expires: float = 0  # since the epoch; 0 never
    content: bytearray = dataclasses.field(default_factory=bytearray)
    stored: list = dataclasses.field(default_factory=list)
    # Of one PATCH at a time, as servers are that lock.
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)


class TusServer(Script):
    """Uploads are created at /files.  What a test may set:

    `extensions`, `algorithms`, `max_size`, `version`, `location` (a format of the name of
    an upload), `expires_in` (seconds from now), `cuts` (bytes of body after which a PATCH
    is cut off, the first for the next; None for not), `lost` (PATCHes whose answer is not
    given, of those to come), `spoiled` (checksums that are not believed, of those to come)
    and `instead`: a function of (method, upload or None, request) that gives None or what
    to answer in place of what is right, (status, headers)."""

    conversation = TusConversation

    def __init__(self, **settings):
        self.uploads = {}
        self.extensions = EXTENSIONS
        self.algorithms = ("md5", "sha1", "crc32")
        self.max_size = None
        self.version = "1.0.0"
        self.location = "/files/{}"
        self.expires_in = None
        self.cuts = []
        self.lost = 0
        self.spoiled = 0
        self.instead = lambda method, upload, request: None
        super().__init__(**settings)
        self.on("/files", self.handle_creation)
        self.on("/files/[0-9]+", self.handle_upload)

    # ---- what a test may look at

    def only(self):
        """The upload, when there is one."""
        assert len(self.uploads) == 1, self.uploads
        return next(iter(self.uploads.values()))

    def methods(self):
        """Of all requests, in order."""
        with self.lock:
            return [request.method for request in self.requests]

    # ---- answers

    def reply(self, talk, status, *headers):
        talk.answer(status, b"", [f"Tus-Resumable: {self.version}", *headers],
                    length=status != 204)

    def refuse(self, talk, status, *headers):
        """What is to be sent is not read."""
        self.reply(talk, status, "Connection: close", *headers)
        talk.leave()
        return True

    def expiry(self, upload):
        if not upload.expires:
            return []
        return [f"Upload-Expires: {email.utils.formatdate(upload.expires, usegmt=True)}"]

    def answer_otherwise(self, upload, request):
        """By what the test says, or by the version; None for neither."""
        other = self.instead(request.method, upload, request)
        if other:
            return other
        if request.method != "OPTIONS" and request.header("tus-resumable") != [self.version]:
            return 412, f"Tus-Version: {self.version}"
        return None

    def handle_creation(self, talk, request):
        other = self.answer_otherwise(None, request)
        if other:
            return self.refuse(talk, *other)
        if request.method == "OPTIONS":
            return self.tell_abilities(talk)
        if request.method != "POST":
            return self.refuse(talk, 405)
        length = int(request.header("upload-length")[0])
        if self.max_size is not None and length > self.max_size:
            return self.reply(talk, 413)
        upload = self.create(length, ",".join(request.header("upload-metadata")))
        return self.reply(talk, 201, f"Location: {self.location.format(upload.name)}",
                          *self.expiry(upload))

    def create(self, length, metadata=""):
        with self.lock:
            upload = Upload(str(len(self.uploads) + 1), length, metadata)
            if self.expires_in is not None:
                upload.expires = email.utils.localtime().timestamp() + self.expires_in
            self.uploads[upload.name] = upload
        return upload

    def tell_abilities(self, talk):
        headers = [f"Tus-Version: {self.version}"]
        if self.extensions:
            headers.append(f"Tus-Extension: {','.join(self.extensions)}")
        if "checksum" in self.extensions:
            headers.append(f"Tus-Checksum-Algorithm: {','.join(self.algorithms)}")
        if self.max_size is not None:
            headers.append(f"Tus-Max-Size: {self.max_size}")
        return self.reply(talk, 204, *headers)

    def handle_upload(self, talk, request):
        upload = self.uploads.get(re.search("[0-9]+$", request.target)[0])
        other = self.answer_otherwise(upload, request)
        if other:
            return self.refuse(talk, *other)
        if upload is None:
            return self.refuse(talk, 404)
        if request.method == "HEAD":
            with upload.lock:
                return self.reply(talk, 200, f"Upload-Offset: {len(upload.content)}",
                                  f"Upload-Length: {upload.length}", *self.expiry(upload),
                                  "Cache-Control: no-store")
        if request.method == "DELETE":
            self.uploads.pop(upload.name, None)
            return self.reply(talk, 204)
        if request.method != "PATCH":
            return self.refuse(talk, 405)
        with upload.lock:
            return self.append(talk, request, upload)

    def append(self, talk, request, upload):
        first = len(upload.content)
        length = int(request.header("content-length")[0])
        if request.header("content-type") != ["application/offset+octet-stream"]:
            return self.refuse(talk, 415)
        if request.header("upload-offset") != [str(first)]:
            return self.refuse(talk, 409)
        if first + length > upload.length:
            return self.refuse(talk, 413)
        cut = self.cuts.pop(0) if self.cuts else None
        came = bytearray()
        with contextlib.suppress(OSError):
            for block in talk.read_body(request, length if cut is None else cut):
                came += block
                # What has no checksum to wait for is kept.
                if not request.header("upload-checksum"):
                    upload.content += block
        return self.finish(talk, request, upload, Stored(upload.name, first, first + length),
                           bytes(came))

    def finish(self, talk, request, upload, wanted, came):
        is_whole = wanted.first + len(came) == wanted.end
        checksum = request.header("upload-checksum")
        if checksum and is_whole:
            status = self.judge(checksum[0], came)
            if status != 204:
                return self.reply(talk, status)
            upload.content += came
        upload.stored.append(Stored(upload.name, wanted.first, len(upload.content)))
        if not is_whole:
            return True
        if self.lost > 0:
            self.lost -= 1
            return True
        return self.reply(talk, 204, f"Upload-Offset: {len(upload.content)}",
                          *self.expiry(upload))

    def judge(self, checksum, content):
        """What the server thinks of a chunk, as a status."""
        name, _, value = checksum.partition(" ")
        if name not in self.algorithms or name not in hashlib.algorithms_available:
            return 400
        if self.spoiled > 0:
            self.spoiled -= 1
            return 460
        right = base64.b64encode(hashlib.new(name, content).digest()).decode()
        return 204 if value == right else 460
