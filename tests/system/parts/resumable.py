# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server for the IETF draft "Resumable Uploads for HTTP" that keeps account of every
byte, is strict about what a client must not do, and breaks where it is told to.

Interop version 6 is draft-ietf-httpbis-resumable-upload-05, version 8 is -09 and later."""

import contextlib
import dataclasses
import itertools
import json
import socket
import struct
import threading

from .script import Conversation, Script

PIECE = 16 * 1024
# As much as a client wants to have sent before it draws conclusions.
MEETING = 128 * 1024
PROBLEMS = "https://iana.org/assignments/http-problem-types#"
DRAFT_HEADERS = ("upload-offset", "upload-complete", "upload-length")


@dataclasses.dataclass
class Fault:
    """What is done to one request, once `after` bytes of its body are stored.

    deed: "cut" (the end of the stream), "reset", "stall", "lose" (all is done but the
    answer, which is cut), "behead" (the same, behind its head), or a status that is
    answered.  With is_early nothing is said before, no 104 either; with method only a
    request by that is meant."""

    deed: object
    after: int = 0
    is_early: bool = False
    method: str = None
    headers: tuple = ()


@dataclasses.dataclass
class Upload:
    number: int
    version: int
    request: object  # that created it
    length: int = None
    data: bytearray = dataclasses.field(default_factory=bytearray)
    # [first, end] of what each request stored, and how many bytes it sent in all.
    ranges: list = dataclasses.field(default_factory=list)
    is_complete: bool = False
    is_gone: bool = False
    answer: tuple = None
    owner: object = None  # the request that may append

    @property
    def offset(self):
        return len(self.data)


class Streamed(Conversation):
    """Leaves the body to the handler."""

    def read_request(self):
        request = self.read_head()
        if request:
            request.left = int(next(iter(request.header("content-length")), 0))
        return request

    def read_piece(self, request, most=PIECE):
        piece = self.stream.read1(min(most, request.left))
        request.left -= len(piece)
        return piece

    def drain(self):
        """What is still on its way, so that our words are not lost with the connection."""
        self.sock.settimeout(30)
        with contextlib.suppress(OSError):
            while self.stream.read1(PIECE):
                pass


class Resumable(Script):
    """Takes uploads to /files…, whose places are /uploads/N."""

    conversation = Streamed

    def __init__(self, version=8, **settings):
        super().__init__(**settings)
        self.version = version
        self.says = None  # another version in each 104; "" for none
        self.has_104 = True
        self.limits = {}
        self.mark = None  # bytes between two 104 with an offset
        self.gone_status = 404
        self.keeps_answer = True  # version 8: to be said once more
        self.has_complete = True  # says so in final answers
        self.is_strict = True  # answers 413 to what is too large, else it takes it
        self.final = (201, (), b"stored")
        self.misleads = []  # offsets that are told next instead
        self.faults = []
        self.roll = lambda request: None  # a Fault, where there is none
        self.uploads = []
        self.plain = []  # what was sent whole to what does not speak it
        self.violations = []
        self.received = 0  # bytes of all bodies
        self.turns = itertools.count(1)
        self.on(r"/files.*", self.create)
        self.on(r"/uploads/\d+", self.use)

    def place(self, upload):
        """What Location says of it; for tests to replace."""
        return f"/uploads/{upload.number}"

    def introduce(self, session):
        """An upload with which the session finds out which version is spoken here, should
        it not be the newest; nothing of it is left in the account."""
        if self.version == 8:
            return
        task = session.create_upload(self.url("/files"), bytes(MEETING), start=True)
        task.wait_state("finished")
        with self.lock:
            assert task.error == "" and self.plain.pop() == bytes(MEETING)
            self.requests.clear()
            self.received = 0

    def forget(self):
        """All that was stored; places go on to have numbers of their own."""
        with self.lock:
            for upload in self.uploads:
                upload.data, upload.ranges, upload.is_complete = bytearray(), [], False
            self.plain.clear()

    def expire(self, upload):
        with self.lock:
            upload.is_gone, upload.owner = True, None

    def asked_methods(self):
        with self.lock:
            return [request.method for request in self.requests]

    def assert_once(self, data):
        """All of it came, in one upload, no byte of it stored twice."""
        (upload,) = [upload for upload in self.uploads if upload.ranges or not data]
        assert bytes(upload.data) == data and upload.is_complete
        end = 0
        for first, last in upload.ranges:
            assert first == end, upload.ranges
            end = last
        assert end == len(data) and not self.violations, self.violations

    # Words

    def complain(self, request, words):
        with self.lock:
            self.violations.append(f"{request.method} {request.target}: {words}")

    def draft_version(self, request):
        values = request.header("upload-draft-interop-version")
        return int(values[0]) if len(values) == 1 and values[0].isdigit() else None

    def number(self, request, name):
        values = request.header(name)
        return int(values[0]) if len(values) == 1 and values[0].isdigit() else None

    def limit_headers(self):
        limits = ", ".join(f"{key}={value}" for key, value in self.limits.items())
        return [f"Upload-Limit: {limits}"] if limits else []

    def state_headers(self, upload):
        offset = self.misleads.pop(0) if self.misleads else upload.offset
        lines = [f"Upload-Offset: {offset}",
                 f"Upload-Complete: ?{int(upload.is_complete)}"]
        if upload.length is not None:
            lines.append(f"Upload-Length: {upload.length}")
        return [*lines, *self.limit_headers(), "Cache-Control: no-store"]

    def say_104(self, conversation, *lines):
        version = self.version if self.says is None else self.says
        if version != "":
            lines = (f"Upload-Draft-Interop-Version: {version}", *lines)
        conversation.send("\r\n".join(["HTTP/1.1 104 Upload Resumption Supported", *lines])
                          + "\r\n\r\n")

    def problem(self, conversation, status, kind, *lines, **members):
        body = json.dumps({"type": PROBLEMS + kind, "title": kind, **members})
        conversation.answer(status, body.encode(),
                            ["Content-Type: application/problem+json", *lines])
        return self.leave(conversation)

    def leave(self, conversation):
        """The end of a connection whose question is not read to its end."""
        with contextlib.suppress(OSError):
            conversation.sock.shutdown(socket.SHUT_WR)
        conversation.drain()
        return True

    # Faults

    def pick_fault(self, request):
        with self.lock:
            for fault in self.faults:
                if fault.method in (None, request.method):
                    self.faults.remove(fault)
                    return fault
        return self.roll(request) or None

    def strike(self, conversation, fault, upload):
        if fault.deed == "reset":
            conversation.sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return True
        if fault.deed == "stall":
            conversation.stall()
        elif isinstance(fault.deed, int):
            state = []
            if upload and not upload.is_complete and self.version < 8:
                state = [f"Upload-Offset: {upload.offset}"]
            conversation.answer(fault.deed, b"no", [*fault.headers, *state])
        return self.leave(conversation)

    # The body

    def claim(self, upload, request):
        """Whoever asks last is the one that lives (§ Concurrency)."""
        with self.lock:
            request.turn = next(self.turns)
            upload.owner = request.turn

    def store(self, conversation, request, upload, stop):
        """Up to so many bytes of the body; TRUE when they were."""
        first = upload.offset
        last_mark = first
        span = None
        while upload.offset - first < stop and request.left:
            piece = conversation.read_piece(request, min(PIECE, stop - (upload.offset - first)))
            if not piece:
                break
            with self.lock:
                self.received += len(piece)
                if upload.owner != request.turn:
                    break
                # At once, as a reset ends this anywhere.
                if span is None:
                    span = [upload.offset, upload.offset]
                    upload.ranges.append(span)
                upload.data += piece
                span[1] = upload.offset
            if self.mark and upload.offset - last_mark >= self.mark:
                last_mark = upload.offset
                self.say_104(conversation, f"Upload-Offset: {upload.offset}")
        return upload.owner == request.turn and upload.offset - first == stop

    def take(self, conversation, request, upload, is_last, fault):
        """The body of what creates or appends, and the answer."""
        size = request.left
        is_whole = fault is None or fault.deed in ("lose", "behead")
        stop = size if is_whole else min(fault.after, size)
        most = self.limits.get("max-append-size", size)
        if stop > most and self.is_strict and (upload.version >= 8 or upload.offset):
            self.store(conversation, request, upload, most)
            return self.problem(conversation, 413, "too-large", *self.limit_headers(),
                                "Upload-Complete: ?0")
        if not self.store(conversation, request, upload, stop):
            return True
        if not is_whole:
            return self.strike(conversation, fault, upload)
        with self.lock:
            upload.is_complete = is_last
        if is_last:
            upload.answer = self.final
            if not self.keeps_answer:
                upload.is_gone = self.keeps_answer is None
        if fault and fault.deed == "behead":
            self.say_final(conversation, upload, has_body=False)
        if fault:
            return self.leave(conversation)
        return self.say_final(conversation, upload) if is_last \
            else self.say_appended(conversation, request, upload)

    def say_final(self, conversation, upload, has_body=True):
        status, lines, body = upload.answer
        own = []
        if upload.version < 8:
            own = [f"Upload-Offset: {upload.offset}"]
        elif self.has_complete:
            own = ["Upload-Complete: ?1"]
        conversation.answer(status, body if has_body else b"",
                            [f"Content-Length: {len(body)}", *own, *lines], length=False)

    def say_appended(self, conversation, request, upload):
        place = [f"Location: {self.place(upload)}"] if request is upload.request else []
        # Version 6 wants "?1" here, by what can only be a slip (-05, Upload Append).
        own = [f"Upload-Offset: {upload.offset}"] if upload.version < 8 \
            else ["Upload-Complete: ?0"]
        status = 201 if request is upload.request or upload.version < 8 else 204
        conversation.answer(status, b"", [*place, *own, *self.limit_headers()],
                            length=status != 204)

    # Questions

    def create(self, conversation, request):
        fault = self.pick_fault(request)
        if fault and fault.is_early:
            return self.strike(conversation, fault, None)
        complete = request.header("upload-complete")
        if self.draft_version(request) != self.version and self.says is None or not complete:
            return self.create_plain(conversation, request, fault)
        if complete not in (["?0"], ["?1"]) or request.header("upload-offset"):
            self.complain(request, "is not how an upload is created")
        is_last = complete == ["?1"]
        length = self.number(request, "upload-length")
        if length is None or (is_last and length != request.left):
            self.complain(request, f"Upload-Length is {length}")
        with self.lock:
            upload = Upload(len(self.uploads) + 1, self.version, request, length)
            self.uploads.append(upload)
        self.claim(upload, request)
        if self.has_104:
            self.say_104(conversation, f"Location: {self.place(upload)}", *self.limit_headers())
        if length > self.limits.get("max-size", length):
            return self.problem(conversation, 413, "too-large", *self.limit_headers())
        return self.take(conversation, request, upload, is_last, fault)

    def create_plain(self, conversation, request, fault):
        """As a server that has never heard of all this."""
        data = bytearray()
        stop = request.left if fault is None or fault.deed == "lose" \
            else min(fault.after, request.left)
        while len(data) < stop:
            piece = conversation.read_piece(request, min(PIECE, stop - len(data)))
            if not piece:
                return True
            data += piece
        with self.lock:
            self.received += len(data)
        if fault and fault.deed != "lose":
            return self.strike(conversation, fault, None)
        self.plain.append(bytes(data))
        if fault:
            return self.leave(conversation)
        status, lines, body = self.final
        return conversation.answer(status, body, lines)

    def use(self, conversation, request):
        fault = self.pick_fault(request)
        upload = self.uploads[int(request.target.rsplit("/", 1)[1]) - 1]
        if fault and fault.is_early:
            return self.strike(conversation, fault, upload)
        if self.draft_version(request) != upload.version:
            self.complain(request, "without the version")
        if upload.is_gone:
            conversation.answer(self.gone_status, b"" if request.method == "HEAD" else b"gone")
            return self.leave(conversation)
        self.claim(upload, request)
        deed = {"HEAD": self.tell, "PATCH": self.append, "DELETE": self.cancel}
        return deed[request.method](conversation, request, upload, fault)

    def tell(self, conversation, request, upload, fault):
        if any(request.header(name) for name in DRAFT_HEADERS):
            self.complain(request, "says what it asks")
        if fault:
            return self.strike(conversation, fault, upload)
        conversation.answer(204, b"", self.state_headers(upload), length=False)

    def cancel(self, conversation, request, upload, fault):
        if any(request.header(name) for name in DRAFT_HEADERS):
            self.complain(request, "says what it asks")
        if fault:
            return self.strike(conversation, fault, upload)
        self.expire(upload)
        conversation.answer(204, b"", length=False)

    def append(self, conversation, request, upload, fault):
        offset = self.number(request, "upload-offset")
        complete = request.header("upload-complete")
        if request.header("content-type") != ["application/partial-upload"]:
            self.complain(request, "has another type")
        if complete not in (["?0"], ["?1"]) or offset is None:
            self.complain(request, "does not say where or whether all")
        is_last = complete == ["?1"]
        size = request.left
        if size > self.limits.get("max-append-size", size):
            self.complain(request, f"{size} bytes are too many")
        if not is_last and size < self.limits.get("min-append-size", 1):
            self.complain(request, f"{size} bytes are too few")
        if upload.is_complete:
            return self.append_to_complete(conversation, upload, offset, size, fault)
        if offset != upload.offset:
            state = [f"Upload-Offset: {upload.offset}"]
            if upload.version >= 8:
                state.append("Upload-Complete: ?0")
            return self.problem(conversation, 409, "mismatching-upload-offset", *state,
                                **{"expected-offset": upload.offset, "provided-offset": offset})
        if is_last and upload.length is not None and offset + size != upload.length:
            self.complain(request, "ends at another length")
            return self.problem(conversation, 400, "inconsistent-upload-length")
        return self.take(conversation, request, upload, is_last, fault)

    def append_to_complete(self, conversation, upload, offset, size, fault):
        if upload.version >= 8 and self.keeps_answer and offset == upload.offset and size == 0:
            self.say_final(conversation, upload, has_body=fault is None)
            return self.leave(conversation) if fault else None
        lines = ["Upload-Complete: ?0"] if upload.version >= 8 else []
        return self.problem(conversation, 400, "completed-upload", *lines)
