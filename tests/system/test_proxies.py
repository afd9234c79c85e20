# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A proxy of a session's own: real Squids that want a password, with and without a tunnel."""

import pytest
from conftest import run_server
from parts.client import Failure
from parts.waiting import wait_for
from parts.web_servers import Squid


@pytest.fixture(scope="module", params=["basic", "digest"])
def proxy(request, authority):
    yield from run_server(Squid, scheme=request.param, certificates=authority.top)


@pytest.fixture
def behind(daemon, client, authority):
    """Opens sessions behind a proxy."""
    def open_session(identifier, proxy, challenge_handling="default", **more):
        session = client.open_session(
            identifier, proxy=proxy, ca_certificates=authority.pem,
            challenge_handling=challenge_handling, **more)
        session.attach()
        return session
    return open_session


def get(session, url):
    task = session.create(url, start=True)
    task.wait_state("finished")
    return task


def refused(proxy):
    """How often.  A tunnel is logged when it is closed, which may be in a later test."""
    return [one.status for one in proxy.seen()].count(407)


def wait_refused(proxy, count):
    wait_for(lambda: refused(proxy) >= count, lambda: f"{count}: {proxy.seen()}")
    assert refused(proxy) == count


def test_password_in_its_address(behind, proxy, apache):
    """Told to the proxy, when it asks, and shown to nobody."""
    before = refused(proxy)
    session = behind("main", proxy.proxy("alice:wonder@"))
    plain, secure = apache.add_file("plain", 1000), apache.add_file("secure", 2000)

    task = get(session, apache.url("plain"))
    assert task.error == "" and task.read() == plain
    # The second, and a tunnel, need not be refused first.
    task = get(session, apache.url("plain"))
    assert task.error == "" and task.read() == plain
    task = get(session, apache.url("secure", "tls"))
    assert task.error == "" and task.read() == secure
    seen = proxy.wait_seen("/plain", 3)
    assert [(one.status, one.user) for one in seen[-2:]] == [(200, "alice")] * 2
    wait_refused(proxy, before + 1)

    shown = str(session.get("Configuration"))
    assert f"localhost:{proxy.plain}" in shown and "wonder" not in shown


def test_wrong_password(behind, proxy, apache):
    """Is not repeated, and a tunnel that stands is not for who does not know it."""
    apache.add_file("file", 1000)
    assert get(behind("right", proxy.proxy("alice:wonder@")),
               apache.url("file", "tls")).error == ""
    for path, port in (("file", "tls"), ("file", "plain")):
        before = refused(proxy)
        wrong = behind(f"wrong-{port}", proxy.proxy("alice:x@"))
        assert get(wrong, apache.url(path, port)).error.endswith("AuthenticationRequired")
        wait_refused(proxy, before + 2)
        none = behind(f"none-{port}", proxy.proxy())
        assert get(none, apache.url(path, port)).error.endswith("AuthenticationRequired")
        wait_refused(proxy, before + 3)


@pytest.mark.parametrize("port", ["plain", "tls"])
def test_asked_for_a_password(behind, proxy, apache, port):
    """T-63: the challenge is the proxy's, and its answer is for it alone."""
    session = behind(f"asked-{port}", proxy.proxy(), challenge_handling="ask",
                     allow_insecure_auth=True)
    content = apache.add_file("asked", 1000)
    task = session.create(apache.url("asked", port), start=True)
    challenge = session.wait_challenge()
    space = challenge["space"]
    assert space["is-proxy"] and space["protocol"] == space["proxy-type"] == "http"
    assert (space["host"], space["port"]) == ("localhost", proxy.plain)
    assert challenge["previous-failure-count"] == 0

    task.respond(challenge, user="alice", password="x")
    challenge = session.wait_challenge(2)
    assert challenge["previous-failure-count"] == 1
    task.respond(challenge, user="alice", password="wonder")
    task.wait_state("finished")
    assert task.error == "" and task.read() == content
    # Nor is the next asked.
    assert get(session, apache.url("asked", port)).error == ""
    assert len(session.challenges()) == 2
    assert all(one.authorization == "-" for one in apache.seen("asked"))


def test_exclusions(behind, squid, apache):
    before = len(squid.seen())
    content = apache.add_file("excluded", 1000)
    session = behind("main", squid.proxy(), proxy_exclusions=["localhost"])
    task = get(session, apache.url("excluded"))
    assert task.error == "" and task.read() == content
    assert len(squid.seen()) == before


def test_reached_by_tls(behind, proxy, apache):
    """It leads tunnels, to servers without TLS as well."""
    session = behind("main", proxy.proxy("alice:wonder@", "tls"))
    for name, port in (("plain", "plain"), ("secure", "tls")):
        content = apache.add_file(name, 3000)
        task = get(session, apache.url(name, port))
        assert task.error == "" and task.read() == content
    before = refused(proxy)
    wrong = behind("wrong", proxy.proxy("alice:x@", "tls"))
    assert get(wrong, apache.url("secure", "tls")).error.endswith("AuthenticationRequired")
    wait_refused(proxy, before + 2)


def test_none(behind, apache, client):
    content = apache.add_file("direct", 1000)
    task = get(behind("main", "none"), apache.url("direct"))
    assert task.error == "" and task.read() == content
    with pytest.raises(Failure) as failure:
        behind("other", "ftp://localhost:1")
    assert failure.value.name == "InvalidArgument" and "proxy" in failure.value.message


def test_wrong_password_is_asked_about(behind, proxy, apache):
    """An answer takes the place of what its address says."""
    session = behind("main", proxy.proxy("alice:x@"), challenge_handling="ask",
                     allow_insecure_auth=True)
    content = apache.add_file("better", 1000)
    task = session.create(apache.url("better", "tls"), start=True)
    challenge = session.wait_challenge()
    task.respond(challenge, user="alice", password="wonder")
    task.wait_state("finished")
    assert task.error == "" and task.read() == content
    assert len(session.challenges()) == 1
