"""Of a batch, a part that cannot be read costs no other: the request is refused, the rest kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.providers.base import PartUnreadable
from tests.providers.recorded import everything

VECTORS = {str(one): one for one in everything()}
BATCHES = {
    "twilio-events": ("data", "messageSid", "from", "to"),
    "bandwidth-stop": ("message", "id", "from", "owner"),
    "infobip-stop": ("", "messageId", "from", "to"),
    "azure-stop": ("data", "messageId", "from", "to"),
}
"""By webhook where in a part the text stands, and what every text has."""
WRONG = [
    (name, field, value)
    for name, (_, *fields) in BATCHES.items()
    for field in fields
    for value in (None, "", ["x"], {"x": 1})
]
NO_EVENTS = ("null", "1", '"STOP"', "[]", '{"type": 5, "eventType": 5, "messageId": 5}')


def parts_of(name: str) -> list[dict]:
    content = json.loads(VECTORS[name].request.body)
    found = content["results"] if isinstance(content, dict) else content
    return found[3:4] if name == "twilio-events" else found[:1]


def request(name: str, parts: list[str]) -> WebhookRequest:
    listed = f"[{','.join(parts)}]"
    body = f'{{"results": {listed}}}' if name == "infobip-stop" else listed
    return replace(VECTORS[name].request, body=body.encode())


def kept(name: str, parts: list[str]) -> list[str]:
    """The ids of the messages that are stored of a request that is refused."""
    provider = PROVIDERS[VECTORS[name].provider]
    with pytest.raises(PartUnreadable) as refused:
        provider.parse(request(name, parts), VECTORS[name].account)
    assert "STOP" not in str(refused.value)
    return [one.message_id for one in refused.value.others]


def good(name: str, id_: str) -> str:
    place, id_field, *_ = BATCHES[name]
    (part,) = parts_of(name)
    (part[place] if place else part)[id_field] = id_
    return json.dumps(part)


@pytest.mark.parametrize(("name", "field", "value"), WRONG)
def test_a_text_without_id_sender_or_receiver_costs_no_other(name, field, value) -> None:
    place = BATCHES[name][0]
    (wrong,) = parts_of(name)
    (wrong[place] if place else wrong)[field] = value
    parts = [good(name, "first"), json.dumps(wrong), good(name, "last")]
    assert kept(name, parts) == ["first", "last"]


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("wrong", NO_EVENTS)
def test_a_part_of_another_shape_costs_no_other(name, wrong) -> None:
    if name == "bandwidth-stop" and wrong.startswith("{"):
        wrong = '{"type": "message-received", "message": []}'
    assert kept(name, [wrong, good(name, "last")]) == ["last"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("bandwidth-delivered", '{"type": "message-failed", "message": []}'),
        ("twilio-events_of_ours", '{"type": "com.twilio.messaging.message.failed", "data": []}'),
        (
            "azure-delivery_reports",
            '{"eventType": "Microsoft.Communication.SMSDeliveryReportReceived", "data": []}',
        ),
    ],
)
def test_a_report_that_cannot_be_read_is_refused_and_costs_no_other(name, wrong) -> None:
    recorded = VECTORS[name]
    provider = PROVIDERS[recorded.provider]
    body = json.dumps([json.loads(wrong), *json.loads(recorded.request.body)]).encode()
    mixed = replace(recorded.request, body=body)
    expected = provider.reports(recorded.request, recorded.account)
    assert expected
    assert provider.reports(mixed, recorded.account) == expected
    with pytest.raises(Unreadable):
        provider.parse(mixed, recorded.account)


@pytest.mark.parametrize("name", BATCHES)
def test_what_no_batch_can_be_is_refused_before_its_parts_are_read(name) -> None:
    parts = ["1"] * 400_000
    with pytest.raises(Unreadable, match="at most 10000 parts"):
        PROVIDERS[VECTORS[name].provider].parse(request(name, parts), VECTORS[name].account)
