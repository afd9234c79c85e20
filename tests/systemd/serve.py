#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server inside the container: serve PORT.

Any path is a file of 100,000 bytes; below /slow/ it takes five seconds.  Ranges are
answered, so that an interrupted transfer can go on.
"""

import http.server
import sys
import time

BODY = bytes(range(250)) * 400


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        """Sends the body, or the rest of it."""
        first = 0
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes=") and wanted.endswith("-"):
            first = int(wanted[6:-1])
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(BODY) - 1}/{len(BODY)}")
        self.send_header("Content-Length", str(len(BODY) - first))
        self.send_header("ETag", '"one"')
        self.end_headers()
        for at in range(first, len(BODY), 5000):
            self.wfile.write(BODY[at : at + 5000])
            if self.path.startswith("/slow/"):
                time.sleep(0.25)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.serve_forever()
