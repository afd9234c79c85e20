# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Negotiate: a real KDC, Apache with mod_auth_gssapi, and the user's ticket."""

import pathlib
import shutil
import tempfile

import pytest
from conftest import run_server
from gi.repository import GLib
from parts import kerberos
from parts.client import Failure
from parts.waiting import wait_for
from parts.web_servers import Apache

# Where a password will do, too.
EITHER = "digest"


@pytest.fixture(scope="module")
def realm():
    if kerberos.missing():
        pytest.skip(kerberos.missing())
    path = pathlib.Path(tempfile.mkdtemp(prefix="trundle-realm-"))
    path.chmod(0o755)
    realm = kerberos.Realm(path)
    yield realm
    realm.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def server(authority, realm):
    yield from run_server(Apache, certificates=authority.top, **realm.apache_settings())


@pytest.fixture
def cache(top):
    """Where the user's tickets are; none yet."""
    return f"FILE:{top}/tickets"


@pytest.fixture
def kerberos_daemon(stopped_daemon, realm, cache):
    return stopped_daemon.start(
        KRB5_CONFIG=realm.environment["KRB5_CONFIG"], KRB5CCNAME=cache)


@pytest.fixture
def trusting(kerberos_daemon, client, authority):
    """A session that shows localhost the user's ticket."""
    session = client.open_session(
        negotiate_hosts=["localhost"], ca_certificates=authority.pem,
        challenge_handling="default")
    session.attach()
    session.wait_did_finish_events()
    return session


def users(server, path):
    """Who asked for it, as the server knows him; "-" for nobody."""
    return [one.user for one in server.seen(path)]


def profiles(daemon):
    """Of its workers, by what they were started with."""
    lines = [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in daemon.workers()]
    return sorted(line.split(b"\0")[1].decode() for line in lines)


@pytest.mark.parametrize("kind", ["FILE", "DIR", "KEYRING"])
def test_ticket(kerberos_daemon, client, authority, realm, server, top, kind):
    """Once a worker without tickets heard that one is wanted, one with them asks."""
    if kind == "DIR":
        (top / "caches").mkdir(mode=0o700)
    place = {"FILE": f"{top}/tickets", "DIR": f"{top}/caches", "KEYRING": f"user:{top.name}"}
    kerberos_daemon.restart(KRB5_CONFIG=realm.environment["KRB5_CONFIG"],
                            KRB5CCNAME=f"{kind}:{place[kind]}")
    try:
        realm.kinit(f"{kind}:{place[kind]}")
    except AssertionError as error:
        pytest.skip(f"No tickets in a {kind} here: {error}")
    session = client.open_session(
        negotiate_hosts=["localhost"], ca_certificates=authority.pem)
    session.attach()
    content = server.add_file(f"ticket-{kind}", 300 * 1000)

    task = session.create(server.url(f"krb/ticket-{kind}", "tls"), start=True)
    task.wait_state("finished")
    assert task.error == "" and task.read() == content
    server.wait_seen(f"ticket-{kind}", 3)
    assert users(server, f"ticket-{kind}") == ["-", "-", f"alice@{kerberos.REALM}"]
    assert profiles(kerberos_daemon) == ["", "local"]
    # Nothing is written to where the tickets are.
    assert realm.tickets(f"{kind}:{place[kind]}") == [f"krbtgt/{kerberos.REALM}@{kerberos.REALM}"]
    assert not session.client.heard("ChallengeReceived")

    # The next begins where the first ended.
    task = session.create(server.url(f"krb/ticket-{kind}", "tls"), start=True)
    task.wait_state("finished")
    server.wait_seen(f"ticket-{kind}", 5)
    assert users(server, f"ticket-{kind}")[3:] == ["-", f"alice@{kerberos.REALM}"]
    assert task.get("Attempts") == 1


def test_keytab_of_the_user(stopped_daemon, client, authority, realm, server, cache):
    """Tickets that are got by a keytab: into memory, not into the cache."""
    daemon = stopped_daemon.start(
        KRB5_CONFIG=realm.environment["KRB5_CONFIG"], KRB5CCNAME=cache,
        KRB5_CLIENT_KTNAME=f"{realm.top}/alice.keytab")
    session = client.open_session(
        negotiate_hosts=["localhost"], ca_certificates=authority.pem)
    content = server.add_file("keytab", 1000)
    task = session.create(server.url("krb/keytab", "tls"), start=True)
    task.wait_state("finished")
    assert task.error == "" and task.read() == content
    assert not pathlib.Path(cache.removeprefix("FILE:")).exists()
    assert profiles(daemon) == ["", "local"]


def test_post_is_asked_again(trusting, realm, server, cache):
    """Law 12: a 401 says that nothing was done."""
    realm.kinit(cache)
    server.add_file("post", 1000)
    task = trusting.create(
        server.url("krb/post", "tls"), start=True, method="POST", accept_status=["2xx", "405"])
    task.wait_state("finished")
    assert task.error == ""
    assert users(server, "post")[-1] == f"alice@{kerberos.REALM}"


def test_host_not_listed(kerberos_daemon, client, authority, realm, server, cache):
    """It gets no ticket, and no worker that could give it one ever runs."""
    realm.kinit(cache)
    server.add_file("stranger", 1000)
    session = client.open_session(
        negotiate_hosts=["localhost.example", ".local"], ca_certificates=authority.pem,
        challenge_handling="default")
    task = session.create(server.url(f"{EITHER}/stranger", "tls"), start=True)
    task.wait_state("finished")
    assert task.error == "HttpStatus"
    server.wait_seen("stranger", 1)
    assert users(server, "stranger") == ["-"]
    assert profiles(kerberos_daemon) == [""]


def test_no_ticket(trusting, server, kerberos_daemon):
    """What the server said is the end of it, for who does not want to be asked."""
    server.add_file("none", 1000)
    task = trusting.create(server.url("krb/none", "tls"), start=True)
    task.wait_state("finished")
    assert task.error == "HttpStatus"
    server.wait_seen("none", 2)
    assert users(server, "none") == ["-", "-"]
    assert profiles(kerberos_daemon) == ["", "local"]


def test_not_without_tls(kerberos_daemon, client, realm, script, cache):
    """A ticket shown to whoever listens is his (RFC 4559 §6)."""
    realm.kinit(cache)
    script.on("/plain", lambda conversation, _request: conversation.answer(
        401, headers=["WWW-Authenticate: Negotiate"]))
    session = client.open_session(
        negotiate_hosts=["127.0.0.1", "localhost"], challenge_handling="default")
    task = session.create(script.url("/plain"), start=True).wait_state("finished")
    assert task.error == "HttpStatus"
    assert [one.header("Authorization") for one in script.asked("/plain")] == [[]]
    assert profiles(kerberos_daemon) == [""]


@pytest.mark.parametrize("proof", ["", " ", " bm90aGluZw=="], ids=["no", "empty", "false"])
def test_proof_of_the_server(kerberos_daemon, client, realm, script, cache, proof):
    """None is fine, as over TLS there is another; one that is none is not."""
    realm.kinit(cache)

    def handler(conversation, request):
        if not request.header("Authorization"):
            conversation.answer(401, headers=["WWW-Authenticate: Negotiate"])
        else:
            field = [f"WWW-Authenticate: Negotiate{proof}"] if proof else []
            conversation.answer(200, b"hello", headers=field)

    script.on("/proof", handler)
    session = client.open_session(
        negotiate_hosts=["localhost"], allow_insecure_auth=True, retry={})
    url = script.url("/proof").replace("127.0.0.1", "localhost")
    task = session.create(url, start=True)
    wait_for(lambda: task.state == "finished" or task.get("LastTransientError")[0]
             == "ProtocolError", task.get_all)
    if proof.strip():
        assert task.get("LastTransientError")[0] == "ProtocolError"
    else:
        assert task.error == "" and task.read() == b"hello"


def test_deaf_kdc(stopped_daemon, client, authority, realm, server, cache, top):
    """A KDC that does not answer takes the time a connection may take, and it is tried
    again later."""
    realm.kinit(cache)
    hole = kerberos.Hole(top)
    stopped_daemon.start(KRB5_CONFIG=str(hole.config), KRB5CCNAME=cache)
    session = client.open_session(
        negotiate_hosts=["localhost"], ca_certificates=authority.pem, connect_timeout=1000)
    server.add_file("deaf", 1000)
    task = session.create(server.url("krb/deaf", "tls"), start=True)
    wait_for(lambda: task.get("LastTransientError")[0] == "TimedOut", task.get_all)
    assert hole.was_asked()
    # Though the library is still waiting, the task is free.
    task.cancel()
    assert task.state == "finished"
    hole.close()


def pack(**values):
    kinds = {bool: "b", int: "u", str: "s"}
    return {key: GLib.Variant(kinds[type(value)], value) for key, value in values.items()}


@pytest.fixture
def asking(kerberos_daemon, client, authority):
    """A session that shows localhost the user's ticket, or asks."""
    session = client.open_session(
        negotiate_hosts=["localhost"], ca_certificates=authority.pem)
    session.attach()
    session.wait_did_finish_events()
    return session


def wait_challenge(session, count=1):
    wait_for(lambda: len(session.client.heard("ChallengeReceived")) >= count,
             lambda: f"challenges; heard {session.client.signals}")
    return session.client.heard("ChallengeReceived")[-1].arguments[2]


def test_ticket_that_comes_later(asking, realm, server, cache):
    """Only a ticket would do: the app is told, and says when there is one."""
    content = server.add_file("later", 1000)
    task = asking.create(server.url("krb/later", "tls"), start=True)
    details = wait_challenge(asking)
    assert details["space"]["method"] == "negotiate"
    assert task.state == "challenged" and task.get("WaitReasons") == ["authentication"]

    # Without one it is asked again, not for ever.
    task.call("RespondToChallenge", "(ssa{sv})", details["challenge"], "use-credential", {})
    details = wait_challenge(asking, 2)
    assert details["previous-failure-count"] == 1

    realm.kinit(cache)
    task.call("RespondToChallenge", "(ssa{sv})", details["challenge"], "use-credential", {})
    task.wait_state("finished")
    assert task.error == "" and task.read() == content
    assert users(server, "later")[-1] == f"alice@{kerberos.REALM}"


def test_no_password_for_a_ticket(asking, server):
    server.add_file("password", 1000)
    task = asking.create(server.url("krb/password", "tls"), start=True)
    details = wait_challenge(asking)
    with pytest.raises(Failure) as failure:
        task.call("RespondToChallenge", "(ssa{sv})", details["challenge"], "use-credential",
                  pack(user="alice", password="wonder"))
    assert failure.value.name == "InvalidArgument"


def test_other_offers_come_next(asking, server):
    """Without a ticket a password is asked for, if that will do."""
    content = server.add_file("other", 1000)
    task = asking.create(server.url(f"{EITHER}/other", "tls"), start=True)
    details = wait_challenge(asking)
    assert details["space"]["method"] == "basic"
    task.call("RespondToChallenge", "(ssa{sv})", details["challenge"], "use-credential",
              pack(user="alice", password="wonder"))
    task.wait_state("finished")
    assert task.error == "" and task.read() == content


def test_password_that_is_known(asking, server):
    """Without a ticket: nobody is asked."""
    content = server.add_file("known", 1000)
    asking.call("SetCredential", "(a{sv}a{sv})",
                pack(protocol="https", host="localhost", port=server.tls),
                pack(user="alice", password="wonder"))
    task = asking.create(server.url(f"{EITHER}/known", "tls"), start=True).wait_state("finished")
    assert task.error == "" and task.read() == content
    assert not asking.client.heard("ChallengeReceived")


def test_stranger_is_asked_for_a_password(kerberos_daemon, client, authority, realm, server,
                                          cache):
    """A server that is not listed: its offer of Negotiate is none."""
    realm.kinit(cache)
    content = server.add_file("asked", 1000)
    session = client.open_session(ca_certificates=authority.pem)
    session.attach()
    task = session.create(server.url(f"{EITHER}/asked", "tls"), start=True)
    details = wait_challenge(session)
    assert details["space"]["method"] == "basic"
    task.call("RespondToChallenge", "(ssa{sv})", details["challenge"], "use-credential",
              pack(user="alice", password="wonder"))
    task.wait_state("finished")
    assert task.error == "" and task.read() == content
    assert profiles(kerberos_daemon) == [""]
