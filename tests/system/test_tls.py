# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whom an app trusts and who it is, over TLS, with a real Apache and a real nginx."""

import pytest
from conftest import run_server
from parts.web_servers import Apache

UNKNOWN_CA = 1


@pytest.fixture(scope="module")
def other_apache(authority):
    """Another server with the same certificates."""
    yield from run_server(Apache, certificates=authority.top)


@pytest.fixture
def opened(daemon, client, authority):
    """Opens sessions that trust the authority."""
    def open_session(identifier="main", **more):
        more.setdefault("ca_certificates", authority.pem)
        session = client.open_session(identifier, **more)
        session.attach()
        return session
    return open_session


def own_certificate(details):
    return bytes(details["certificates"][0])


# ---- who the server is

def test_untrusted_certificate_is_asked_about(session, apache, authority):
    """T-62

    Fault (server): a certificate that nobody vouches for | Proves: the app is told which,
    and decides for its session"""
    content = apache.add_file("asked", 5000)

    task = session.create(apache.url("asked", "tls"), start=True)
    details = session.wait_challenge()

    assert details["space"] == {
        "protocol": "https", "host": "localhost", "port": apache.tls,
        "method": "server-trust", "is-proxy": False}
    assert own_certificate(details) == authority.der("server")
    assert details["tls-flags"] == UNKNOWN_CA
    assert apache.seen("asked") == []

    task.respond(details, persistence="session")
    task.wait_state("finished")
    assert (task.error, task.read()) == ("", content)

    second = session.create(apache.url("asked", "tls"), start=True).wait_state("finished")
    assert second.error == ""
    assert len(session.challenges()) == 1


def test_trust_is_for_one_server_and_one_session(
        session, client, apache, other_apache, opened):
    apache.add_file("bound", 10)
    other_apache.add_file("bound", 10)
    task = session.create(apache.url("bound", "tls"), start=True)
    task.respond(session.wait_challenge(), persistence="session")
    task.wait_state("finished")

    elsewhere = session.create(other_apache.url("bound", "tls"), start=True)
    other = client.open_session("other", challenge_handling="default")
    stranger = other.create(apache.url("bound", "tls"), start=True).wait_state("finished")

    assert session.wait_challenge(2)["space"]["port"] == other_apache.tls
    assert elsewhere.state == "challenged"
    assert stranger.error == "TlsFailed"


def test_trust_for_good_outlives_session_and_daemon(session, daemon, client, apache):
    apache.add_file("kept", 10)
    task = session.create(apache.url("kept", "tls"), start=True)
    task.respond(session.wait_challenge(), persistence="permanent")
    task.wait_state("finished")
    listed = [one for one in session.list_credentials() if one["method"] == "server-trust"]
    assert [(one["host"], one["port"], one["persistence"]) for one in listed] == [
        ("localhost", apache.tls, "permanent")]

    daemon.kill()
    daemon.start()
    other = client.open_session("other", challenge_handling="default")
    again = other.create(apache.url("kept", "tls"), start=True).wait_state("finished")
    assert again.error == ""

    other.remove_credential(
        protocol="https", host="localhost", port=apache.tls, method="server-trust")
    last = other.create(apache.url("kept", "tls"), start=True).wait_state("finished")
    assert last.error == "TlsFailed"


def test_untrusted_certificate_is_refused(session, apache):
    apache.add_file("refused", 10)
    task = session.create(apache.url("refused", "tls"), start=True)

    task.respond(session.wait_challenge(), "perform-default-handling")
    task.wait_state("finished")

    assert task.error == "TlsFailed"
    assert apache.seen("refused") == []


def test_pins(opened, apache, authority):
    """Fault (server): a trusted certificate with another key than is known | Proves: it
    is asked nothing, and nobody is asked"""
    apache.add_file("pinned", 10)
    session = opened()

    for name, error in (("server", ""), ("ca", ""), ("stranger", "TlsFailed")):
        task = session.create(
            apache.url("pinned", "tls"), pins=[authority.pin(name)], start=True)
        assert task.wait_state("finished").error == error, name

    assert session.challenges() == []
    assert len(apache.wait_seen("pinned", 2)) == 2


# ---- who the client is

def test_client_certificate_is_asked_for(opened, apache, authority):
    """Fault (server): wants a certificate of the client | Proves: the app is asked once
    for all its tasks"""
    content = apache.add_file("mine", 5000)
    session = opened()

    tasks = [session.create(apache.url("mine", "client"), start=True) for _ in range(3)]
    details = session.wait_challenge()
    for task in tasks:
        task.wait_state("challenged")

    assert details["space"]["method"] == "client-certificate"
    assert len(details["accepted-issuers"]) == 1
    tasks[0].respond(details, certificate=authority.bundle("alice"))
    for task in tasks:
        task.wait_state("finished")
        assert (task.error, task.read()) == ("", content)
    assert {one.user for one in apache.wait_seen("mine", 3)} == {"alice"}
    assert len(session.challenges()) == 1


def test_refused_certificate_is_asked_for_again(opened, apache, authority):
    """Fault (server): does not accept the certificate | Proves: asked again, and not
    hammered at the server"""
    apache.add_file("again", 10)
    session = opened()
    task = session.create(apache.url("again", "client"), start=True)

    task.respond(session.wait_challenge(), certificate=authority.bundle("stranger"))
    details = session.wait_challenge(2)
    assert details["previous-failure-count"] == 1

    task.respond(details, pkcs12=authority.pkcs12("alice", "wonder"), password="wonder")
    assert task.wait_state("finished").error == ""


def test_wrong_password_of_a_certificate_is_asked_for_again(opened, apache, authority):
    apache.add_file("locked", 10)
    session = opened()
    task = session.create(apache.url("locked", "client"), start=True)
    bundle = authority.pkcs12("alice", "wonder")

    task.respond(session.wait_challenge(), pkcs12=bundle, password="guess")
    details = session.wait_challenge(2)
    assert details["error"] == "ClientCertificateRejected"
    assert details["previous-failure-count"] == 1

    task.respond(details, pkcs12=bundle, password="wonder")
    assert task.wait_state("finished").error == ""


def test_without_a_certificate(opened, apache):
    apache.add_file("none", 10)
    session = opened(challenge_handling="default")

    task = session.create(apache.url("none", "client"), start=True).wait_state("finished")

    assert task.error == "ClientCertificateRequired"


def test_certificate_given_in_advance(opened, apache, auth_nginx, authority):
    """nginx says in HTTP what it misses: that is a status, and nobody is asked."""
    auth_nginx.add_file("given", 10)
    session = opened()
    url = auth_nginx.url("given", "client")

    without = session.create(url, start=True).wait_state("finished")
    assert without.error == "HttpStatus"
    assert without.get("Response")["status"] == 400
    session.set_credential(
        {"protocol": "https", "host": "localhost", "port": auth_nginx.client,
         "method": "client-certificate"},
        certificate=authority.bundle("alice"))

    assert session.create(url, start=True).wait_state("finished").error == ""
    assert session.challenges() == []
