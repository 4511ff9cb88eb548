"""Outgoing calls over real sockets: what is returned, what fails, and whether it had left."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound
from tests.fakes.twilio_api import Answer, Drop, Hang, TwilioApi

SID = "AC" + "0" * 32
TOKEN = "a-token-for-tests"


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi({SID: TOKEN}) as fake:
        yield fake


@pytest.fixture
def outbound() -> Iterator[Outbound]:
    with closing(Outbound()) as made:
        yield made


@pytest.fixture
def impatient() -> Iterator[Outbound]:
    with closing(Outbound(read_s=0.3)) as made:
        yield made


def sending(api: TwilioApi, **changes: object) -> HttpCall:
    settings = {
        "method": "POST",
        "url": f"{api.url}/2010-04-01/Accounts/{SID}/Messages.json",
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "body": b"To=%2B14155550123&From=%2B18885550100&Body=You+are+out.",
        "auth": (SID, TOKEN),
    }
    return HttpCall(**(settings | changes))


def test_a_call_arrives_as_it_was_described(api, outbound):
    response = outbound.perform(sending(api))
    (call,) = api.calls
    assert call.method == "POST"
    assert call.path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert call.form == {"To": "+14155550123", "From": "+18885550100", "Body": "You are out."}
    basic = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    assert call.headers["authorization"] == f"Basic {basic}"
    assert call.headers["user-agent"] == "smsgate"
    assert response.status == 201
    assert response.content_type == "application/json"
    assert call.sid.encode() in response.body


@pytest.mark.parametrize("status", [200, 301, 400, 401, 404, 429, 500, 503])
def test_any_status_is_returned_and_never_tried_again(api, outbound, status):
    api.script(Answer(status, 20001, body=b"{}", retry_after="7"))
    response = outbound.perform(sending(api))
    assert (response.status, response.headers["retry-after"]) == (status, "7")
    assert len(api.calls) == 1


def test_a_connection_is_used_again(api, outbound):
    """Handshakes cost more than the texts."""
    for _ in range(5):
        outbound.perform(sending(api))
    assert len(api.calls) == 5
    assert api.connections == 1


def test_a_connection_that_the_other_side_closed_meanwhile_is_not_used_again(outbound):
    with TwilioApi({SID: TOKEN}) as first:
        outbound.perform(sending(first))
    with TwilioApi({SID: TOKEN}, port=first.port) as second:
        assert outbound.perform(sending(second)).status == 201


def test_a_server_that_reads_and_never_answers_may_have_acted(api, impatient):
    api.script(Hang())
    with pytest.raises(CallFailed, match="did not answer in time") as failed:
        impatient.perform(sending(api))
    assert failed.value.left is True
    assert len(api.wait_for(1)) == 1


def test_a_server_that_hangs_up_after_reading_may_have_acted(api, outbound):
    api.script(Drop())
    with pytest.raises(CallFailed, match="broke before an answer came") as failed:
        outbound.perform(sending(api))
    assert failed.value.left is True
    assert len(api.calls) == 1


def test_nothing_leaves_for_a_port_where_nobody_listens_or_a_host_that_does_not_exist(outbound):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", "http://smsgate.invalid/"):
        with pytest.raises(CallFailed, match="No connection to ") as failed:
            outbound.perform(HttpCall("POST", url))
        assert failed.value.left is False


def test_nothing_leaves_while_a_connection_is_not_accepted():
    """A listener with a full queue of its own lets no further connection come about."""
    with closing(socket.socket()) as listener, closing(Outbound(connect_s=0.2)) as outbound:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        with pytest.raises(CallFailed) as failed:
            outbound.perform(HttpCall("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        for one in waiting:
            one.close()
    assert failed.value.left is False


@pytest.mark.parametrize(
    "url", ["", "no url", "ftp://127.0.0.1/", "http://", "http://[::1/", "http://127.0.0.1:x/"]
)
def test_a_call_that_cannot_be_made_has_not_left(outbound, url):
    with pytest.raises(CallFailed) as failed:
        outbound.perform(HttpCall("POST", url))
    assert failed.value.left is False


def test_credentials_that_cannot_be_sent_have_not_left(api, outbound):
    with pytest.raises(CallFailed) as failed:
        outbound.perform(sending(api, headers={"X-Token": "two\nlines"}))
    assert failed.value.left is False
    assert api.calls == []


def test_a_failure_names_the_place_and_no_secret(outbound):
    url = "http://user:secret-1@127.0.0.1:9/send?password=secret-2"
    with pytest.raises(CallFailed) as failed:
        outbound.perform(HttpCall("GET", url, auth=("me", "secret-3")))
    assert "127.0.0.1:9" in str(failed.value)
    assert "secret" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_credentials_of_the_machine_are_not_used(api, outbound, tmp_path, monkeypatch):
    """Requests would take them from .netrc where a call has none."""
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login {SID} password {TOKEN}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert outbound.perform(sending(api, auth=None)).status == 401
    assert "authorization" not in api.calls[0].headers


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_a_proxy_of_the_machine_is_not_asked_for_loopback(api, outbound, monkeypatch, name):
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)

    assert outbound.perform(sending(api)).status == 201
