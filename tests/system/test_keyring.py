# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The vault at gnome-keyring: open, locked, away, and never with a prompt (law 9)."""

import os
import subprocess
import threading

import pytest
from parts import keyring as ours
from parts.waiting import wait_for

PROBE = os.environ["TRUNDLE_TEST_VAULT_PROBE"]


class Probe:
    """The vault in a process of its own."""

    def __init__(self, bus, environment):
        self.process = subprocess.Popen(
            [PROBE], env=dict(environment, DBUS_SESSION_BUS_ADDRESS=bus.address,
                              G_DEBUG="fatal-criticals"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = []
        self.changes = 0
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line == "changed\n":
                self.changes += 1
            else:
                self.lines.append(line.strip())

    def ask(self, line):
        """The answer: state, what happened, and the items found."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        wait_for(lambda: self.lines, f"the answer to {line}")
        return self.lines.pop(0)

    def wait_changed(self, count=1):
        wait_for(lambda: self.changes >= count, "a change")

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.reader.join()


@pytest.fixture
def probe(bus, environment):
    probe = Probe(bus, environment)
    yield probe
    probe.stop()


def test_open(keyring, probe):
    keyring.start()
    assert probe.ask("store one host=a user=u session=s") == "open stored"
    assert probe.ask("store two host=a user=u") == "open stored"
    assert probe.ask("store three host=a user=u") == "open stored"
    assert set(probe.ask("find host=a").split()) == {"open", "found", "one:3", "three:2"}
    assert sorted(keyring.secrets(ours.CREDENTIAL)) == [b"one", b"three"]
    assert probe.ask("remove host=a session=s") == "open removed"
    assert probe.ask("find host=a") == "open found three:2"
    assert probe.changes == 0


def test_locked(keyring, probe):
    keyring.start()
    assert probe.ask("store one host=a") == "open stored"
    keyring.lock()
    assert probe.ask("find host=a") == "locked found ?:1"
    assert probe.ask("store two host=b") == "locked failed"
    assert probe.ask("remove host=a") == "locked failed"
    keyring.unlock()
    probe.wait_changed()
    assert probe.ask("find host=a") == "open found one:1"


def test_never_unlocked(keyring, probe):
    """As after a login without its password: only hashes of attributes are known."""
    keyring.start()
    keyring.add("secret", app_id="x", host="a")
    keyring.add("other", schema=ours.SECRETS, session="a")
    keyring.kill()
    keyring.start(unlocked=False)
    assert probe.ask("find host=a") == "locked found ?:1"
    assert probe.ask("find host=a app-id=x") == "locked found ?:2"
    assert probe.ask("find session=a") == "locked found"
    assert probe.ask("remove host=a") == "locked failed"
    keyring.unlock()
    probe.wait_changed()
    assert probe.ask("find host=a") == "open found secret:2"


def test_absent_and_coming(keyring, probe):
    assert probe.ask("find host=a") == "absent found"
    assert probe.ask("store one host=a") == "absent failed"
    keyring.start()
    probe.wait_changed()
    assert probe.ask("store one host=a") == "open stored"


def test_killed(keyring, probe):
    """A keyring that crashed is absent; another is asked anew, with a key of its own."""
    keyring.start()
    assert probe.ask("store one host=a") == "open stored"
    keyring.kill()
    assert probe.ask("find host=a") == "absent found"
    keyring.start()
    probe.wait_changed()
    assert probe.ask("find host=a") == "open found one:1"


def test_somebody_stores_one(keyring, probe):
    keyring.start()
    assert probe.ask("find host=a") == "open found"
    keyring.add("new", host="a")
    probe.wait_changed()
    assert probe.ask("find host=a") == "open found new:1"


def test_the_prompter_would_notice(keyring):
    """That nobody is asked is proven only if asking is seen."""
    keyring.start()
    keyring.lock()
    _, prompt = keyring.call(ours.PATH, ours.SERVICE, "Unlock", "(ao)", [keyring.default()])
    keyring.call(prompt, "org.freedesktop.Secret.Prompt", "Prompt", "(s)", "")
    wait_for(lambda: keyring.prompter.asked, "the prompter is asked")
    keyring.prompter.asked.clear()
