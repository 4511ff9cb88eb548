"""Refused requests: kept masked, explained, and never in the way of the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.errors import SignatureRefused
from smsgate.gateway.refusing import PER_SECOND, Refusing
from smsgate.messages import InboundMessage
from smsgate.providers import twilio
from smsgate.store.quarantine import CAP, Refused
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER

OURS = "https://sms.example.com/webhooks/twilio"


def posted(gateway, url: str, as_seen: str = OURS, **headers: str):
    account = gateway.settings.accounts["twilio"]
    message = InboundMessage("twilio", "SM1", NUMBER, "+14155550999", "Stop")
    request = twilio.inbound(message, account, url)
    return replace(request, url=as_seen, headers={**request.headers, **headers})


def refused(gateway, request) -> Refused:
    with pytest.raises(SignatureRefused):
        gateway.receive("twilio", request)
    quarantine = gateway.store.quarantine
    assert wait_until(lambda: quarantine.newest("twilio"), 5)
    return quarantine.newest("twilio")[0]


@pytest.mark.parametrize(
    ("signed", "headers"),
    [
        ("http://sms.example.com/webhooks/twilio", {}),
        ("https://sms.example.com/webhooks/twilio/", {}),
        ("https://other.example.org/webhooks/twilio", {"host": "other.example.org"}),
        ("https://edge.example.org/webhooks/twilio", {"x-forwarded-host": "edge.example.org"}),
    ],
)
def test_the_url_that_was_signed_is_found(gateway, signed, headers):
    found = refused(gateway, posted(gateway, signed, **headers))
    assert found.finding == (
        f"The signature fits {signed}, but this account's public URL makes it {OURS}."
    )


def test_a_forgery_fits_nothing_and_says_so(gateway):
    request = posted(gateway, OURS, **{"x-twilio-signature": "AAAA"})
    assert refused(gateway, request).finding.startswith("It fits no URL that was tried")


def test_a_host_that_is_none_does_not_end_the_quarantine(gateway):
    request = posted(gateway, OURS, "http://[bad/webhooks/twilio", host="[bad")
    assert refused(gateway, request).finding.startswith("It fits no URL that was tried")


def test_nothing_of_what_it_said_is_kept(gateway, redis_client):
    seen = f"{OURS}/a-path-secret?From=%2B14155550123&k=v"
    kept = refused(gateway, posted(gateway, OURS, seen, **{"x-twilio-signature": "A" * 28}))
    assert kept.url == f"{OURS}/•••?From=•••&k=•••"
    assert kept.signatures == {"x-twilio-signature": 28}
    assert {"From", "Body"} <= set(kept.fields)
    (raw,) = [fields[b"r"] for _, fields in redis_client.xrange("smsgate:quarantine:twilio")]
    for secret in (b"4155550123", b"Stop", b"a-path-secret", b"AAAA"):
        assert secret not in raw


def test_a_flood_is_looked_into_a_few_times_a_second(gateway):
    for _ in range(60):
        with pytest.raises(SignatureRefused):
            gateway.receive("twilio", posted(gateway, "https://x.example.com/"))
    gateway.close()
    assert 1 <= len(gateway.store.quarantine.newest("twilio")) <= 3 * PER_SECOND


def test_only_the_newest_are_kept_and_for_a_day(gateway, redis_client):
    for count in range(CAP + 5):
        gateway.store.quarantine.add("twilio", Refused(str(count), "", "POST", ""))
    assert len(gateway.store.quarantine.newest("twilio")) == CAP
    assert gateway.store.quarantine.newest("twilio")[0].problem == str(CAP + 4)
    assert 0 < redis_client.ttl("smsgate:quarantine:twilio") <= 86400


def test_a_store_that_is_away_does_not_end_the_quarantine(gateway, redis_client):
    redis_client.set("smsgate:quarantine:twilio", "no stream")
    with pytest.raises(SignatureRefused):
        gateway.receive("twilio", posted(gateway, "https://x.example.com/"))
    gateway.close()
    assert isinstance(gateway._refusing, Refusing)
