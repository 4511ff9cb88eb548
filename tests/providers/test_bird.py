"""Bird's two products: calls that can be repeated, and channels that have no number."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpReply, Reply, Verdict
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, everything

bird = PROVIDERS["bird"]
bird_channels = PROVIDERS["bird_channels"]

ALL = {(one.provider, one.name): one for one in everything()}
STOP = ALL["bird", "stop"]
CHANNEL_STOP = ALL["bird_channels", "stop"]
REPLY = Reply("1-0", "opt_out", "bird", "+14155550123", "+14155550100", "p", "Out 🛑", 0)


# --- the API of 2026 ------------------------------------------------------------------------------


def test_a_reply_goes_to_the_region_of_the_key():
    call = bird.reply(REPLY, STOP.account)
    assert call.url == "https://us1.platform.bird.com/v1/sms/messages"
    assert call.headers["Authorization"] == "Bearer bk_us1_x"
    assert json.loads(call.body) == {
        "to": "+14155550123",
        "from": "+14155550100",
        "text": "Out 🛑",
        "category": "transactional",
    }


@pytest.mark.parametrize("change", ["id", "kind", "account", "number"])
def test_each_reply_has_one_key_for_all_its_tries(change):
    def key(reply):
        return bird.reply(reply, STOP.account).headers["Idempotency-Key"]

    values = {name: getattr(REPLY, name) for name in REPLY.__struct_fields__}
    again = Reply(**values | {"tries": 3, "deadline_us": 5})
    other = Reply(**values | {change: "other"})
    assert key(REPLY) == key(again) != key(other)


@pytest.mark.parametrize(
    ("status", "name", "verdict"),
    [
        (202, "", Verdict.SENT),
        (409, "recipient_opted_out", Verdict.OPTED_OUT),
        (422, "recipient_opted_out", Verdict.OPTED_OUT),
        (422, "invalid_destination", Verdict.REFUSED),
        (402, "insufficient_balance", Verdict.REFUSED),
        (401, "", Verdict.REFUSED),
        (409, "idempotency_conflict", Verdict.UNKNOWN),
        (429, "", Verdict.NOT_ACCEPTED),
        (500, "", Verdict.NOT_ACCEPTED),
        (501, "", Verdict.REFUSED),
    ],
)
def test_what_bird_answers_is_understood(status, name, verdict):
    body = {"id": "sms_1"} if status < 300 else {"error": {"code": "E01001", "name": name}}
    outcome = bird.outcome(HttpReply(status, "", json.dumps(body).encode(), {"retry-after": "2"}))
    assert (outcome.verdict, outcome.provider_id) == (verdict, body.get("id", ""))


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "channel"),
    [("", "614208aa-b153-4d5d-9989-2fddfc0ce4c3"), ("c/../x", "c%2F..%2Fx")],
)
def test_a_reply_goes_out_on_the_channel_that_was_texted(service, channel):
    values = {name: getattr(REPLY, name) for name in REPLY.__struct_fields__}
    call = bird_channels.reply(Reply(**values | {"service": service}), CHANNEL_STOP.account)
    workspace = "a1405560-c8d3-4b1a-877d-3f449ad95352"
    assert call.url == (f"https://api.bird.com/workspaces/{workspace}/channels/{channel}/messages")
    assert call.headers["Authorization"] == "AccessKey x"
    contact = {"identifierKey": "phonenumber", "identifierValue": "+14155550123"}
    assert json.loads(call.body) == {
        "receiver": {"contacts": [contact]},
        "body": {"type": "text", "text": {"text": "Out 🛑"}},
    }


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (202, Verdict.SENT),
        (401, Verdict.REFUSED),
        (422, Verdict.REFUSED),
        (429, Verdict.NOT_ACCEPTED),
        (502, Verdict.UNKNOWN),
    ],
)
def test_what_channels_answer_is_understood(status, verdict):
    assert bird_channels.outcome(HttpReply(status, "", b'{"id": "1"}')).verdict is verdict


def test_the_signature_of_messagebirds_older_scheme_is_another_one():
    """The headers have the same names; what is signed differs in its second line."""
    old = ALL["messagebird", "old_signature"]
    secrets = {**CHANNEL_STOP.account.secrets, "signing_key": old.account.secrets["signing_key"]}
    account = replace(CHANNEL_STOP.account, secrets=secrets)
    with pytest.raises(SignatureRefused):
        bird_channels.verify(old.request, account, NOW_US)
