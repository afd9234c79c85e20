# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real nginx: plain and TLS, as fast as it can or as slow as the address says."""

import os
import shutil
import socket
import subprocess

from .waiting import wait_for

CONFIG = """
{user}
daemon off;
worker_processes 1;
pid {top}/pid;
error_log {top}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log {top}/access.log;
  default_type application/octet-stream;
  types {{ text/plain txt; application/json json; }}
  client_body_temp_path {top}/body;
  proxy_temp_path {top}/proxy;
  fastcgi_temp_path {top}/fastcgi;
  uwsgi_temp_path {top}/uwsgi;
  scgi_temp_path {top}/scgi;
  sendfile on;
  keepalive_requests 100000;
  root {top}/files;
  server {{
    listen 127.0.0.1:{plain};
    # /rate/BYTES/NAME is the file NAME at so many bytes a second.
    location ~ ^/rate/(?<rate>[0-9k]+)/(?<name>.*)$ {{
      rewrite ^ /$name break;
      limit_rate $rate;
    }}
    # Takes files below /put, as large as they are.
    location /put/ {{
      dav_methods PUT DELETE;
      create_full_put_path on;
      client_max_body_size 0;
    }}
  }}
  server {{
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {top}/good.pem;
    ssl_certificate_key {top}/good.key;
    # Takes files below /put, as large as they are.
    location /put/ {{
      dav_methods PUT DELETE;
      create_full_put_path on;
      client_max_body_size 0;
    }}
  }}
  server {{
    listen 127.0.0.1:{selfsigned} ssl;
    ssl_certificate {top}/self.pem;
    ssl_certificate_key {top}/self.key;
  }}
}}
"""


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def can_connect(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    def __init__(self, top):
        self.top = top
        self.files = top / "files"
        self.files.mkdir()
        self.make_certificates()
        self.process = None
        # Somebody else may take a port that was free a moment ago.
        for _ in range(5):
            if self.try_start():
                return
        raise AssertionError((top / "error.log").read_text())

    def make_certificates(self):
        top, key = str(self.top), ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        for name in ("ca", "self"):
            extra = ["-addext", names] if name == "self" else []
            openssl("req", "-x509", *key, "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", f"{top}/{name}.key", "-out", f"{top}/{name}.pem", *extra)
        openssl("req", *key, "-nodes", "-subj", "/CN=localhost",
                "-keyout", f"{top}/good.key", "-out", f"{top}/good.csr")
        (self.top / "ext").write_text(names + "\n")
        openssl("x509", "-req", "-in", f"{top}/good.csr", "-CA", f"{top}/ca.pem",
                "-CAkey", f"{top}/ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", f"{top}/ext", "-out", f"{top}/good.pem")
        self.ca = (self.top / "ca.pem").read_text()

    def try_start(self):
        self.plain, self.tls, self.selfsigned = free_ports(3)
        config = self.top / "nginx.conf"
        config.write_text(CONFIG.format(
            top=self.top, plain=self.plain, tls=self.tls, selfsigned=self.selfsigned,
            user="" if os.geteuid() else "user root;"))
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.process = subprocess.Popen(
            [program, "-p", str(self.top), "-c", str(config), "-e", f"{self.top}/error.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.process.poll() is not None or can_connect(self.plain),
                 "nginx listens")
        return self.process.poll() is None

    def add_file(self, name, size):
        """A file of random bytes; returns them."""
        content = os.urandom(size)
        (self.files / name).write_bytes(content)
        return content

    def url(self, name):
        return f"http://127.0.0.1:{self.plain}/{name}"

    def slow_url(self, name, rate):
        return f"http://127.0.0.1:{self.plain}/rate/{rate}/{name}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
