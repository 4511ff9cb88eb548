"""Access tokens: fetched once, used until they end, and never a reason to text twice or late."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import closing

import pytest

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall, InboundMessage
from smsgate.outbound import Outbound, access_tokens
from smsgate.outbound.access_tokens import AccessTokens
from smsgate.providers import PROVIDERS
from smsgate.providers.calls import token_call
from smsgate.store.keys import partition_of
from tests.fakes.own_services import ready_services
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.values import NUMBER

bandwidth = PROVIDERS["bandwidth"]

SENT = (202, b'{"id": "m-1"}')


def token(text: str, **more: object) -> tuple[int, bytes]:
    return 200, json.dumps({"access_token": text, "token_type": "Bearer", **more}).encode()


@pytest.fixture
def outbound():
    with closing(Outbound()) as made:
        yield made


@pytest.fixture
def made(outbound):
    return AccessTokens(outbound)


def text_of(api: ScriptedApi) -> HttpCall:
    source = token_call(f"{api.url}/token", "client", "secret")
    return HttpCall("POST", f"{api.url}/send", {"X-Other": "1"}, b"{}", token_from=source)


def test_a_call_without_a_token_is_made_as_it_is(made):
    with ScriptedApi({"/send": [SENT]}) as api:
        made.perform(HttpCall("POST", f"{api.url}/send", auth=("u", "p")))
    (call,) = api.calls
    assert call.authorization == "Basic " + base64.b64encode(b"u:p").decode()


def test_a_token_is_asked_for_by_the_client_and_then_used_for_all_calls(made):
    with ScriptedApi({"/token": [token("t-1", expires_in=3600)], "/send": [SENT]}) as api:
        for _ in range(3):
            assert made.perform(text_of(api)).status == 202
    assert api.paths() == ["/token", "/send", "/send", "/send"]
    assert api.calls[0].body == b"grant_type=client_credentials"
    assert api.calls[0].authorization == "Basic " + base64.b64encode(b"client:secret").decode()
    assert {call.authorization for call in api.calls[1:]} == {"Bearer t-1"}


def test_many_calls_at_once_ask_for_one_token(made):
    with ScriptedApi({"/token": [token("t-1")], "/send": [SENT]}, delay_s=0.05) as api:
        threads = [threading.Thread(target=made.perform, args=(text_of(api),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert api.paths().count("/token") == 1
    assert api.paths().count("/send") == 8


@pytest.mark.parametrize(
    ("expires_in", "later_s", "asked"),
    [(3600, 3500, 1), (3600, 3541, 2), ("3600", 3500, 1), (30, 14, 1), (30, 16, 2), (None, 200, 1),
     (None, 400, 2), (0, 1, 2)],
)  # fmt: skip
def test_a_token_is_fetched_again_before_it_ends(made, monkeypatch, expires_in, later_s, asked):
    more = {} if expires_in is None else {"expires_in": expires_in}
    with ScriptedApi({"/token": [token("t", **more)], "/send": [SENT]}) as api:
        made.perform(text_of(api))
        now = access_tokens.time.monotonic() + later_s
        monkeypatch.setattr(access_tokens.time, "monotonic", lambda: now)
        made.perform(text_of(api))
    assert api.paths().count("/token") == asked


def test_after_a_401_there_is_one_more_call_with_another_token(made):
    answers = {"/token": [token("old"), token("new")], "/send": [SENT, (401, b""), SENT]}
    with ScriptedApi(answers) as api:
        made.perform(text_of(api))
        assert made.perform(text_of(api)).status == 202
    sent = [call.authorization for call in api.calls if call.path == "/send"]
    assert sent == ["Bearer old", "Bearer old", "Bearer new"]


def test_a_call_that_stays_unauthorized_is_given_back_as_that(made):
    with ScriptedApi({"/token": [token("t")], "/send": [(401, b"")]}) as api:
        assert made.perform(text_of(api)).status == 401
    assert api.paths().count("/send") == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_client_that_is_refused_a_token_sends_nothing_and_is_unauthorized(made, status):
    with ScriptedApi({"/token": [(status, b'{"error": "invalid_client"}')]}) as api:
        assert made.perform(text_of(api)).status == 401
    assert api.paths() == ["/token"]


@pytest.mark.parametrize(
    "answer", [(500, b""), (429, b""), (200, b"<html>"), (200, b'{"expires_in": 9}')]
)
def test_without_a_token_nothing_left_and_the_next_try_asks_again(made, answer):
    with ScriptedApi({"/token": [answer, token("t")], "/send": [SENT]}) as api:
        with pytest.raises(CallFailed) as raised:
            made.perform(text_of(api))
        assert raised.value.left is False
        assert "secret" not in str(raised.value)
        assert made.perform(text_of(api)).status == 202


def test_a_token_service_that_hangs_is_no_unknown_fate():
    """The text itself surely never left, whatever became of the call for the token."""
    with (
        closing(Outbound(read_s=0.1)) as impatient,
        ScriptedApi({"/token": [token("t")]}, delay_s=30) as api,
        pytest.raises(CallFailed) as raised,
    ):
        AccessTokens(impatient).perform(text_of(api))
    assert raised.value.left is False


def test_a_token_that_took_too_long_is_kept_for_the_next_try(made, monkeypatch):
    monkeypatch.setattr(access_tokens, "PATIENCE_S", 0.0)
    with ScriptedApi({"/token": [token("t")], "/send": [SENT]}) as api:
        with pytest.raises(CallFailed) as raised:
            made.perform(text_of(api))
        assert raised.value.left is False
        assert api.paths() == ["/token"]
        monkeypatch.undo()
        assert made.perform(text_of(api)).status == 202
    assert api.paths() == ["/token", "/send"]


def test_two_clients_of_one_service_have_two_tokens(made):
    with ScriptedApi({"/token": [token("a"), token("b")], "/send": [SENT]}) as api:
        made.perform(text_of(api))
        other = token_call(f"{api.url}/token", "client", "a rotated secret")
        made.perform(HttpCall("POST", f"{api.url}/send", token_from=other))
    assert [c.authorization for c in api.calls if c.path == "/send"] == ["Bearer a", "Bearer b"]


BANDWIDTH = """
[accounts.bandwidth]
provider          = "bandwidth"
account_id        = "99"
application_id    = "93de2206-9669-4e07-948d-329f4b722ee2"
callback_user     = "u"
callback_password = "p"
client_id         = "c"
client_secret     = "s"
api_url           = "%s"

[programs.alerts]
name     = "Acme Alerts"
account  = "bandwidth"
senders  = ["*"]
keywords = ["en"]
"""


@pytest.mark.parametrize(
    ("answers", "outcomes"),
    [
        ({"/api/v1/oauth2/token": [token("t")], "/api/v2/users/99/messages": [SENT]}, ["sent"]),
        ({"/api/v1/oauth2/token": [(401, b"")]}, ["refused"]),
        ({"/api/v1/oauth2/token": [(503, b"")]}, []),  # to be tried again
    ],
    ids=["a token", "a wrong secret", "no answer"],
)
def test_a_confirmation_goes_out_with_a_token(environ, tmp_path, answers, outcomes):
    with ScriptedApi(answers) as api:
        (tmp_path / "config" / "smsgate.toml").write_text(BANDWIDTH % api.url)
        with ready_services(environ) as services:
            account = services.settings.accounts["bandwidth"]
            text = InboundMessage("bandwidth", "m-1", NUMBER, "+14155550999", "STOP")
            services.ingest.receive(
                "bandwidth", bandwidth.inbound(text, account, "https://x.example")
            )
            services.applier.drain(partition_of(NUMBER))
            services.sender.drain(partition_of(NUMBER))
            assert [one.outcome for one in services.history.of_number(NUMBER)][1:] == outcomes
