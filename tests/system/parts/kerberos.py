# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A realm of our own: a KDC on loopback that knows alice and HTTP/localhost."""

import os
import shutil
import socket
import subprocess

from .nginx import can_connect, free_ports
from .waiting import wait_for

REALM = "TRUNDLE.TEST"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit", "klist")
MODULE = "/usr/lib/apache2/modules/mod_auth_gssapi.so"

CLIENT = """
[libdefaults]
  default_realm = {realm}
  dns_canonicalize_hostname = false
  rdns = false
  dns_lookup_kdc = false
  dns_lookup_realm = false
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  localhost = {realm}
"""
SERVER = """
[kdcdefaults]
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {top}/principals
    key_stash_file = {top}/stash
    acl_file = {top}/acl
    max_life = 1h
  }}
[logging]
  kdc = FILE:{top}/kdc.log
"""

# /krb by ticket only; /digest, of which there is an alias, by ticket or password.
APACHE_TLS = """
  <Location /krb>
    AuthType GSSAPI
    AuthName "the realm"
    GssapiCredStore keytab:{top}/http.keytab
    Require valid-user
  </Location>
  <Location /digest>
    AuthType GSSAPI
    AuthName "the realm"
    GssapiBasicAuth On
    GssapiCredStore keytab:{top}/http.keytab
    Require valid-user
  </Location>
"""


def missing():
    """What is not installed, "" for nothing."""
    programs = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if programs:
        return f"{programs[0]} is not installed"
    return "" if os.path.exists(MODULE) else "mod_auth_gssapi is not installed"


class Realm:
    """Its directory must be open to other users: Apache reads the key of HTTP/localhost."""

    def __init__(self, top):
        self.top = top
        self.process = None
        self.port = None
        self.environment = {
            "KRB5_CONFIG": str(top / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(top / "kdc.conf"),
            # Of servers: what was seen already; nobody else may write where it is.
            "KRB5RCACHENAME": "none:",
        }
        self.write_config(*free_ports(1))
        self.run("kdb5_util", "create", "-r", REALM, "-s", "-P", "master")
        self.admin("addprinc -pw wonder alice")
        self.admin("addprinc -randkey HTTP/localhost")
        self.admin(f"ktadd -k {top}/http.keytab HTTP/localhost")
        # Without -norandkey it would get another password.
        self.admin(f"ktadd -k {top}/alice.keytab -norandkey alice")
        for name in ("http.keytab", "alice.keytab", "krb5.conf"):
            (top / name).chmod(0o644)
        self.start()

    def write_config(self, port):
        self.port = port
        values = {"realm": REALM, "port": port, "top": self.top}
        (self.top / "krb5.conf").write_text(CLIENT.format(**values))
        (self.top / "kdc.conf").write_text(SERVER.format(**values))

    def run(self, *command, stdin="", **environment):
        result = subprocess.run(
            command, input=stdin, text=True, capture_output=True, check=False,
            env=dict(os.environ, PATH=PATH, **self.environment, **environment))
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result.stdout

    def admin(self, query):
        self.run("kadmin.local", "-q", query)

    def start(self):
        # Somebody else may take a port that was free a moment ago.
        for _ in range(5):
            self.process = subprocess.Popen(
                ["krb5kdc", "-n"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=dict(os.environ, PATH=PATH, **self.environment))
            wait_for(lambda: self.process.poll() is not None or can_connect(self.port),
                     "the KDC listens")
            if self.process.poll() is None:
                return
            self.write_config(*free_ports(1))
        raise AssertionError((self.top / "kdc.log").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def kinit(self, cache, password="wonder"):
        self.run("kinit", "alice", stdin=password + "\n", KRB5CCNAME=cache)

    def tickets(self, cache):
        """Names of the services there are tickets for in @cache."""
        lines = self.run("klist", KRB5CCNAME=cache).splitlines()
        return [line.split()[-1] for line in lines if line.endswith(f"@{REALM}")][1:]

    def apache_settings(self):
        return {
            "modules": ["auth_gssapi"],
            "tls_extra": APACHE_TLS.format(top=self.top),
            "environment": self.environment,
        }


class Hole:
    """A configuration whose KDC takes everything and says nothing."""

    def __init__(self, top):
        self.datagrams, self.stream = self.bind_pair()
        self.stream.listen(8)
        self.port = self.stream.getsockname()[1]
        self.config = top / "hole.conf"
        self.config.write_text(CLIENT.format(realm=REALM, port=self.port))

    @staticmethod
    def bind_pair():
        """Of the same port, which somebody may have of the other kind."""
        while True:
            datagrams = socket.socket(type=socket.SOCK_DGRAM)
            stream = socket.socket()
            try:
                datagrams.bind(("127.0.0.1", 0))
                stream.bind(datagrams.getsockname())
                return datagrams, stream
            except OSError:
                datagrams.close()
                stream.close()

    def was_asked(self):
        self.datagrams.setblocking(False)
        try:
            return len(self.datagrams.recv(1)) == 1
        except BlockingIOError:
            return False

    def close(self):
        self.datagrams.close()
        self.stream.close()
