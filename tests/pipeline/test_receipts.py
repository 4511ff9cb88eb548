"""What a provider tells of our replies afterwards: written down once, and only of our own."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from urllib.parse import urlencode

import pytest

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.features.numbers.story import NumberStory, StoryReader
from smsgate.providers.calls import FORM
from smsgate.providers.twilio import Twilio
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.twilio_api import Answer
from tests.fakes.values import NUMBER
from tests.pipeline.conftest import PUBLIC_URL, SENDER, SID

PARTITION = partition_of(NUMBER)
OTHER = next(
    number
    for number in map("+1415555{:04d}".format, range(200, 300))
    if partition_of(number) == PARTITION
)
"""Another number of the same partition."""


@pytest.fixture
def told(services):
    """Posts a signed status callback; what the log would say of it."""
    account = services.settings.accounts["twilio"]

    def post(sid: str, status: str = "delivered", code: str = "", number: str = NUMBER) -> str:
        form = {"MessageSid": sid, "SmsStatus": status, "MessageStatus": status, "To": number}
        form |= {"From": SENDER, "AccountSid": SID} | ({"ErrorCode": code} if code else {})
        url, body = f"{PUBLIC_URL}/webhooks/twilio/status", urlencode(form).encode()
        headers = {"content-type": FORM, **Twilio().sign(url, body, account)}
        return services.ingest.receive("twilio", WebhookRequest("POST", url, headers, body)).outcome

    return post


@pytest.fixture
def confirmed(services, signed, api):
    """The provider's id of a confirmation that was sent."""
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    services.sender.drain(PARTITION)
    return api.calls[0].sid


def receipts(services, number: str = NUMBER) -> list[tuple[str, str]]:
    return [(e.outcome, e.note) for e in services.history.of_number(number) if e.kind == "receipt"]


def remembered(redis_client) -> list[bytes]:
    return redis_client.keys(f"{PARTITION_KEYS[PARTITION].prefix}sent:twilio:*")


def story(services) -> NumberStory:
    reader = StoryReader(services.settings, services.store, services.records, services.gate)
    return reader.read(NUMBER)


def test_the_provider_is_asked_to_tell(services, confirmed, api):
    assert api.calls[0].form["StatusCallback"] == f"{PUBLIC_URL}/webhooks/twilio/status"


@pytest.mark.parametrize(
    ("status", "code", "note"),
    [
        ("delivered", "", ""),
        ("undelivered", "30007", "30007"),
        ("failed", "30003", "30003: the handset is off, away or out of service"),
    ],
)
def test_what_became_of_a_confirmation_stands_in_the_story(
    services, confirmed, told, status, code, note
):
    told(confirmed, status, code)
    services.applier.drain(PARTITION)
    assert receipts(services) == [(status, note)]
    event = next(one for one in services.history.of_number(NUMBER) if one.kind == "receipt")
    assert (event.program, event.provider_id) == ("alerts", confirmed)
    assert event.applied_us > 0

    page = story(services)
    (stopped,) = [one for one in page.items if one.event.kind == "opt_out"]
    assert [one.outcome for one in stopped.replies] == ["sent", status]
    assert "receipt" not in [one.event.kind for one in page.items], "it stands beside its reply"


def test_a_receipt_that_comes_twice_has_one_effect(services, confirmed, told, redis_client):
    assert told(confirmed) == "receipt"
    assert told(confirmed) == "nothing"
    assert told(confirmed, "undelivered", "30007") == "nothing", "the first one was final"
    assert receipts(services) == [("delivered", "")]
    assert remembered(redis_client) == []


def test_two_that_come_at_once_have_one_effect(services, confirmed, told):
    threads = [threading.Thread(target=told, args=(confirmed,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receipts(services) == [("delivered", "")]


def test_what_others_send_through_the_account_leaves_nothing(services, told, redis_client):
    before = sorted(redis_client.keys("smsgate:{*}:*"))
    assert told("SM" + "9" * 32) == "nothing"
    assert told("SM" + "9" * 32, "undelivered", "30007") == "nothing"
    assert told("x" * 5_000) == "nothing"
    assert services.history.of_number(NUMBER) == []
    assert sorted(redis_client.keys("smsgate:{*}:*")) == before


def test_a_receipt_about_another_number_is_not_that_reply(services, confirmed, told):
    told(confirmed, number=OTHER)
    assert receipts(services) == receipts(services, OTHER) == []
    told(confirmed)
    assert receipts(services) == [("delivered", "")]


def test_an_unsigned_receipt_is_refused(services, confirmed):
    form = {"MessageSid": confirmed, "MessageStatus": "delivered", "To": NUMBER, "From": SENDER}
    body = urlencode({**form, "AccountSid": SID}).encode()
    url = f"{PUBLIC_URL}/webhooks/twilio/status"
    headers = {"content-type": FORM, "x-twilio-signature": "x"}
    with pytest.raises(SignatureRefused):
        services.ingest.receive("twilio", WebhookRequest("POST", url, headers, body))
    assert receipts(services) == []


def test_a_receipt_may_overtake_the_answer_to_our_call(services, signed, told, api, redis_client):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    answer = threading.Event()
    api.script(Answer(after=answer))
    sending = threading.Thread(target=services.sender.drain, args=(PARTITION,))
    sending.start()
    (call,) = api.wait_for(1)
    told(call.sid)
    told(call.sid)
    (early,) = remembered(redis_client)
    assert redis_client.ttl(early) <= 20
    assert receipts(services) == []
    answer.set()
    sending.join()
    assert receipts(services) == [("delivered", "")]
    assert remembered(redis_client) == []


def test_a_reply_waits_two_days_for_its_receipt(services, confirmed, redis_client):
    (key,) = remembered(redis_client)
    assert 47 * 3600 < redis_client.ttl(key) <= 48 * 3600


def test_a_provider_that_refuses_to_deliver_suppresses_as_before(services, confirmed, told):
    assert told(confirmed, "failed", "21610") == "opt_out"
    services.applier.drain(PARTITION)
    assert [kind for kind, _ in receipts(services)] == ["failed"]
    assert "provider" in [
        one.entry.source for one in services.history.of_number(NUMBER) if one.entry
    ]


def test_receipts_in_a_batch_of_events_count_too(services, confirmed):
    event = {
        "specversion": "1.0",
        "type": "com.twilio.messaging.message.delivered",
        "data": {"messageSid": confirmed, "accountSid": SID, "from": SENDER, "to": NUMBER},
    }
    body = json.dumps([event, event]).encode()
    url = f"{PUBLIC_URL}/webhooks/twilio?bodySHA256={sha256(body).hexdigest()}"
    account = services.settings.accounts["twilio"]
    headers = {"content-type": "application/json", **Twilio().sign(url, b"", account)}
    services.ingest.receive("twilio", WebhookRequest("POST", url, headers, body))
    assert receipts(services) == [("delivered", "")]
