# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real servers and a real proxy that ask who is there: Apache, nginx and Squid, as
packaged, each with a configuration of its own in a directory of its own."""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess

from .authority import openssl
from .nginx import can_connect, free_ports
from .waiting import wait_for

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"

APACHE = """
{user}
ServerName localhost
ServerRoot {top}
PidFile {top}/pid
ErrorLog {top}/error.log
DefaultRuntimeDir {top}
Mutex file:{top}
StartServers 1
ThreadsPerChild 32
ServerLimit 1
MaxRequestWorkers 32
KeepAliveTimeout 5
# Status, user, request, and what it was authorised with.
LogFormat "%>s\\t%u\\t%m\\t%U\\t%{{Authorization}}i" seen
CustomLog {top}/access.log seen
DocumentRoot {top}/files
<Directory {top}/files>
  Require all granted
</Directory>
Alias /basic {top}/files
Alias /digest {top}/files
Alias /impatient {top}/files
Alias /krb {top}/files
<Location /basic>
  AuthType Basic
  AuthName "the basic realm"
  AuthUserFile {top}/passwords
  Require valid-user
</Location>
<Location /digest>
  AuthType Digest
  AuthName "the digest realm"
  AuthDigestProvider file
  AuthUserFile {top}/digests
  Require valid-user
</Location>
# A nonce that is a second old is stale.
<Location /impatient>
  AuthType Digest
  AuthName "the digest realm"
  AuthDigestProvider file
  AuthUserFile {top}/digests
  AuthDigestNonceLifetime 1
  Require valid-user
</Location>
Listen 127.0.0.1:{plain}
{extra}
"""

# SSLVerifyClient of a <Location> would ask after the handshake, which GnuTLS refuses.
APACHE_TLS = """
Listen 127.0.0.1:{tls}
<VirtualHost 127.0.0.1:{tls}>
  SSLEngine on
  SSLCertificateFile {certificates}/server.pem
  SSLCertificateKeyFile {certificates}/server.key
  {tls_extra}
</VirtualHost>
Listen 127.0.0.1:{client}
<VirtualHost 127.0.0.1:{client}>
  SSLEngine on
  SSLCertificateFile {certificates}/server.pem
  SSLCertificateKeyFile {certificates}/server.key
  SSLCACertificateFile {certificates}/ca.pem
  SSLVerifyClient require
  SSLUserName SSL_CLIENT_S_DN_CN
</VirtualHost>
"""
APACHE_MODULES = ("mpm_event alias auth_basic auth_digest authn_core authn_file authz_core "
                  "authz_user dir env setenvif").split()

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {top}/pid;
error_log {top}/error.log warn;
events {{ worker_connections 256; }}
http {{
  log_format seen "$status\\t$remote_user\\t$request_method\\t$uri\\t$http_authorization";
  access_log {top}/access.log seen;
  default_type application/octet-stream;
  client_body_temp_path {top}/body;
  proxy_temp_path {top}/proxy;
  fastcgi_temp_path {top}/fastcgi;
  uwsgi_temp_path {top}/uwsgi;
  scgi_temp_path {top}/scgi;
  server {{
    listen 127.0.0.1:{plain};
    {locations}
  }}
  {tls_servers}
}}
"""
# /basic/REALM/NAME is the file NAME for those who know a password.
NGINX_LOCATIONS = """
    root {top}/files;
    location ~ ^/basic/(?<realm>[a-z]+)/(?<name>.*)$ {{
      auth_basic $realm;
      auth_basic_user_file {top}/passwords;
      alias {top}/files/$name;
    }}
"""
NGINX_TLS = """
  server {{
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {certificates}/server.pem;
    ssl_certificate_key {certificates}/server.key;
    {locations}
  }}
  server {{
    listen 127.0.0.1:{client} ssl;
    ssl_certificate {certificates}/server.pem;
    ssl_certificate_key {certificates}/server.key;
    ssl_client_certificate {certificates}/ca.pem;
    ssl_verify_client on;
    {locations}
  }}
"""

SQUID = """
http_port 127.0.0.1:{plain}
{tls_port}
{scheme}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
cache_mem 8 MB
logformat seen %>Hs\t%un\t%rm\t%ru\t%{{Proxy-Authorization}}>h
access_log stdio:{top}/access.log seen
cache_log {top}/cache.log
cache_store_log none
pid_filename {top}/pid
coredump_dir {top}
visible_hostname localhost
netdb_filename none
shutdown_lifetime 0 seconds
max_filedescriptors 1024
pinger_enable off
# Connections to dead servers are not for tests to wait for.
connect_timeout 5 seconds
"""
SQUID_TLS = """
https_port 127.0.0.1:{tls} tls-cert={certificates}/server.pem tls-key={certificates}/server.key
"""
# It would believe for two hours what its helper said once; with 0 it asks for ever (5.7).
SQUID_BASIC = """
auth_param basic program {helper} {top}/passwords
auth_param basic children 1 startup=1 idle=1
auth_param basic realm the proxy
auth_param basic credentialsttl 1 second
"""
SQUID_DIGEST = """
auth_param digest program {helper} -c {top}/digests
auth_param digest children 1 startup=1 idle=1
auth_param digest realm the digest realm
"""


@dataclasses.dataclass
class Seen:
    """A request, as its server has logged it."""

    status: int
    user: str  # "-" for nobody
    method: str
    target: str
    authorization: str  # "-" for none


class Server:
    """A program with files, passwords and a log.  The directory must not be the test's
    own: as root the program runs as somebody else, who must get in."""

    PROGRAM = ""
    PORTS = ("plain",)

    def __init__(self, top, **settings):
        self.top = top
        self.settings = settings
        self.files = top / "files"
        self.files.mkdir()
        for path in (top, self.files):
            path.chmod(0o777)
        self.passwords = {}
        self.set_password("alice", "wonder")
        self.process = None
        self.start()

    @classmethod
    def program(cls):
        """Where it is, None when it is not installed."""
        return shutil.which(cls.PROGRAM, path=PATH)

    # ---- life

    def start(self):
        # Somebody else may take a port that was free a moment ago.
        for _ in range(5):
            for name, port in zip(self.PORTS, free_ports(len(self.PORTS))):
                setattr(self, name, port)
            self.write_config()
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=(self.top / "stderr").open("a"), cwd="/",
                env=dict(os.environ, **self.settings.get("environment", {})))
            wait_for(lambda: self.process.poll() is not None or can_connect(self.plain),
                     f"{self.PROGRAM} listens")
            if self.process.poll() is None:
                return
        raise AssertionError(self.complaints())

    def complaints(self):
        return "\n".join(path.read_text(errors="replace")
                         for path in (self.top / "stderr", self.top / "error.log",
                                      self.top / "cache.log") if path.exists())

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def ports(self):
        return {name: getattr(self, name) for name in self.PORTS}

    # ---- what it has and knows

    def add_file(self, name, size):
        """A file of random bytes; returns them."""
        content = os.urandom(size)
        (self.files / name).write_bytes(content)
        return content

    def set_password(self, user, password):
        """From the next request on."""
        self.passwords[user] = password
        self.write_passwords()

    def reset(self):
        self.passwords = {}
        self.set_password("alice", "wonder")

    def write_passwords(self):
        lines, digests = [], []
        for user, password in self.passwords.items():
            # What all three of them understand.
            hashed = openssl("passwd", "-apr1", "-stdin", stdin=password.encode()).decode()
            lines.append(f"{user}:{hashed.strip()}\n")
            ha1 = hashlib.md5(f"{user}:the digest realm:{password}".encode()).hexdigest()
            digests.append(f"{user}:the digest realm:{ha1}\n")
        for name, content in (("passwords", lines), ("digests", digests)):
            # Never half of it: whoever reads it just now.
            (self.top / f"{name}.new").write_text("".join(content))
            (self.top / f"{name}.new").replace(self.top / name)

    def url(self, path, port="plain", user_info=""):
        scheme = "http" if port == "plain" else "https"
        return f"{scheme}://{user_info}localhost:{getattr(self, port)}/{path}"

    def seen(self, target=""):
        """Requests for it so far, in order of their ends."""
        log = self.top / "access.log"
        lines = log.read_text().splitlines() if log.exists() else []
        found = []
        for line in lines:
            status, *rest = line.split("\t")
            found.append(Seen(int(status), *rest))
        # Squid also logs who only looked whether it listens, with status 0.
        return [one for one in found if target in one.target and one.status]

    def wait_seen(self, target, count):
        """A server logs a request when it is done with it, which may be after us."""
        wait_for(lambda: len(self.seen(target)) >= count,
                 lambda: f"{count} x {target}: {self.seen()}")
        return self.seen(target)


class Apache(Server):
    """/NAME for everybody, /basic/NAME, /digest/NAME and /impatient/NAME by password.
    With `certificates`, the directory of an Authority that has issued "server", also
    ports `tls` and `client`, where a certificate of that authority is wanted.

    Further settings: `modules` and `extra` for more configuration, `tls_extra` for some
    in the host of port `tls`, `environment`."""

    PROGRAM = "apache2"
    PORTS = ("plain", "tls", "client")
    MODULES = "/usr/lib/apache2/modules"

    def write_config(self):
        values = dict(self.settings, top=self.top, **self.ports())
        extra = self.settings.get("extra", "")
        modules = APACHE_MODULES + list(self.settings.get("modules", ()))
        if "certificates" in self.settings:
            modules.append("ssl")
            values.setdefault("tls_extra", "")
            extra += APACHE_TLS.format(**values)
        loads = [f"LoadModule {name}_module {self.MODULES}/mod_{name}.so\n"
                 for name in modules]
        user = "" if os.geteuid() else "User www-data\nGroup www-data"
        values.update(user=user, extra=extra)
        (self.top / "config").write_text("".join(loads) + APACHE.format(**values))

    def command(self):
        return [self.program(), "-f", str(self.top / "config"), "-DFOREGROUND"]


class AuthNginx(Server):
    """/NAME for everybody, /basic/REALM/NAME by password; `certificates` as of Apache;
    `locations` in place of these."""

    PROGRAM = "nginx"
    PORTS = ("plain", "tls", "client")

    def write_config(self):
        values = dict(self.settings, top=self.top, **self.ports())
        values["locations"] = self.settings.get("locations", NGINX_LOCATIONS).format(**values)
        values["user"] = "" if os.geteuid() else "user www-data;"
        values["tls_servers"] = ""
        if "certificates" in self.settings:
            values["tls_servers"] = NGINX_TLS.format(**values)
        (self.top / "config").write_text(NGINX.format(**values))

    def command(self):
        return [self.program(), "-p", str(self.top), "-c", str(self.top / "config"),
                "-e", str(self.top / "error.log")]


class Squid(Server):
    """A proxy that wants a password, by Basic, or by Digest with `scheme="digest"`.  Of
    another password it hears after a second, by Digest only when it is started again.
    With `certificates`, as of Apache, it is reached by TLS too, at port `tls`."""

    PROGRAM = "squid"
    PORTS = ("plain", "tls")
    HELPERS = "/usr/lib/squid"

    def write_config(self):
        digest = self.settings.get("scheme") == "digest"
        helper = "digest_file_auth" if digest else "basic_ncsa_auth"
        scheme = (SQUID_DIGEST if digest else SQUID_BASIC).format(
            helper=f"{self.HELPERS}/{helper}", top=self.top)
        tls_port = ""
        if "certificates" in self.settings:
            tls_port = SQUID_TLS.format(**self.settings, **self.ports())
        (self.top / "config").write_text(
            SQUID.format(top=self.top, scheme=scheme, tls_port=tls_port, **self.ports()))

    def command(self):
        return [self.program(), "-N", "-n", self.name(), "-f", str(self.top / "config")]

    def name(self):
        """So that two of them do not meet in shared memory."""
        return f"trundle{self.plain}"

    def stop(self):
        # Asked to leave, it takes two seconds for it.
        self.process.kill()
        self.process.wait(10)
        for path in pathlib.Path("/dev/shm").glob(f"{self.name()}-*"):
            path.unlink()

    def proxy(self, user_info="", port="plain"):
        scheme = "http" if port == "plain" else "https"
        return f"{scheme}://{user_info}localhost:{getattr(self, port)}"
