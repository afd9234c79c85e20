# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates for tests: an authority, servers, clients, and some with a fault."""

import hashlib
import subprocess

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments, stdin=b""):
    return subprocess.run(
        ["openssl", *map(str, arguments)], input=stdin, check=True, capture_output=True
    ).stdout


class Authority:
    """Files in its directory: NAME.key and NAME.pem, readable by servers of other users."""

    def __init__(self, top, name="ca"):
        self.top = top
        self.name = name
        self.self_signed(name, "CA:TRUE", "-subj", f"/CN={name}")
        self.pem = self.path(name).read_text()

    def path(self, name, kind="pem"):
        return self.top / f"{name}.{kind}"

    def self_signed(self, name, basic="CA:FALSE", *more, days=2):
        openssl("req", "-x509", *KEY, "-days", days, "-keyout", self.path(name, "key"),
                "-out", self.path(name), "-addext", NAMES,
                "-addext", f"basicConstraints=critical,{basic}",
                *(more or ("-subj", f"/CN={name}")))
        self.path(name, "key").chmod(0o644)

    def issue(self, name, subject="localhost", extensions=NAMES, days=2):
        """A certificate of this authority; of negative `days` one that has expired."""
        request, extra = self.path(name, "csr"), self.path(name, "ext")
        extra.write_text(extensions + "\n")
        openssl("req", *KEY, "-subj", f"/CN={subject}",
                "-keyout", self.path(name, "key"), "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.path(self.name),
                "-CAkey", self.path(self.name, "key"), "-CAcreateserial",
                "-days", days, "-extfile", extra, "-out", self.path(name))
        self.path(name, "key").chmod(0o644)

    def bundle(self, name):
        """Certificate and key in one PEM."""
        return self.path(name).read_text() + self.path(name, "key").read_text()

    def pkcs12(self, name, password):
        return openssl("pkcs12", "-export", "-in", self.path(name),
                       "-inkey", self.path(name, "key"), "-passout", f"pass:{password}")

    def der(self, name):
        return openssl("x509", "-in", self.path(name), "-outform", "DER")

    def fingerprint(self, name):
        return hashlib.sha256(self.der(name)).hexdigest()

    def pin(self, name):
        """Of its public key, as the option `pins` wants it (RFC 7469)."""
        key = openssl("x509", "-in", self.path(name), "-noout", "-pubkey")
        key = openssl("pkey", "-pubin", "-outform", "DER", stdin=key)
        return "sha256/" + openssl("base64", "-A",
                                   stdin=hashlib.sha256(key).digest()).decode()
