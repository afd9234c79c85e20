/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What is said in the draft "Resumable Uploads for HTTP", of an upload of five bytes. */

#define V8 "Upload-Draft-Interop-Version: 8\r\n"
#define V6 "Upload-Draft-Interop-Version: 6\r\n"
#define SUPPORTED "HTTP/1.1 104 Upload Resumption Supported\r\n"
#define AT(place) "Location: " place "\r\n"
#define END "\r\n"
#define EMPTY "Content-Length: 0\r\n" END
#define STATE(offset, complete)                                                          \
  "HTTP/1.1 204 Fine\r\nUpload-Offset: " offset "\r\nUpload-Complete: ?" complete "\r\n"
#define DONE_8 "HTTP/1.1 201 Made\r\nUpload-Complete: ?1\r\nContent-Length: 4\r\n\r\ndone"
#define DONE_6 "HTTP/1.1 201 Made\r\nUpload-Offset: 5\r\nContent-Length: 4\r\n\r\ndone"
#define PLACED "{'dialect': <'ietf-8'>, 'url': <'%s/place'>, 'confirmed': <uint64 2>}"
#define PLACED_6 "{'dialect': <'ietf-6'>, 'url': <'%s/place'>, 'confirmed': <uint64 2>}"

#define CREATED_8                                                                        \
  "POST /x\nUpload-Draft-Interop-Version: 8\nUpload-Complete: ?1\nUpload-Length: 5\n"    \
  "Content-Length: 5\n!Upload-Offset"
#define CREATED_6                                                                        \
  "POST /x\nUpload-Draft-Interop-Version: 6\nUpload-Complete: ?1\nUpload-Length: 5\n"    \
  "Content-Length: 5\n!Upload-Offset"
#define LOOKED_8                                                                         \
  "HEAD /place\nUpload-Draft-Interop-Version: 8\n!Upload-Offset\n!Upload-Complete\n"     \
  "!Upload-Length\n!Content-"
#define APPENDED_8(offset, length, last)                                                 \
  "PATCH /place\nUpload-Draft-Interop-Version: 8\nUpload-Offset: " offset                \
  "\nContent-Length: " length "\nUpload-Complete: ?" last                                \
  "\nContent-Type: application/partial-upload"
#define LOOKED_6 "HEAD /place\nUpload-Draft-Interop-Version: 6\n!Upload-Offset"
#define APPENDED_6(offset, length, last)                                                 \
  "PATCH /place\nUpload-Draft-Interop-Version: 6\nUpload-Offset: " offset                \
  "\nContent-Length: " length "\nUpload-Complete: ?" last                                \
  "\nContent-Type: application/partial-upload"
#define MADE_8 SUPPORTED V8 AT ("/place") END
#define MADE_6 SUPPORTED V6 AT ("/place") END
#define ONLY_6 "'resumable': <['ietf-6']>"
