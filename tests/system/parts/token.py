# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PKCS #11 token in software, with a key and a certificate in it."""

import os
import pathlib
import shutil
import subprocess

PIN = "4321"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")


def missing():
    """What is not installed, "" for nothing."""
    for name in ("softhsm2-util", "p11tool"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    registered = pathlib.Path("/usr/share/p11-kit/modules/softhsm2.module")
    return "" if registered.exists() else "SoftHSM is not known to p11-kit"


class Token:
    """Named "trundle", in its directory."""

    URI = "pkcs11:token=trundle;object=alice"

    def __init__(self, top, authority, name):
        """With the key and certificate @name of @authority."""
        self.top = top
        (top / "tokens").mkdir()
        self.config = top / "softhsm2.conf"
        self.config.write_text(f"directories.tokendir = {top}/tokens\n"
                               "objectstore.backend = file\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(self.config)}
        self.run("softhsm2-util", "--init-token", "--free", "--label", "trundle",
                 "--pin", PIN, "--so-pin", "8765")
        for what, kind in (("--mark-private --load-privkey", "key"),
                           ("--no-mark-private --load-certificate", "pem")):
            self.run("p11tool", "--login", "--write", *what.split(), authority.path(name, kind),
                     "--label", "alice", "--id", "01", "pkcs11:token=trundle",
                     GNUTLS_PIN=PIN)

    def run(self, *command, **environment):
        result = subprocess.run(
            [str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
            capture_output=True, check=False,
            env=dict(os.environ, **self.environment, **environment))
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
