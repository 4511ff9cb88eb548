"""Refused requests: kept masked, explained, and never in the way of the answer."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import quote

import msgspec
import pytest

from smsgate.errors import SignatureExpired, SignatureRefused
from smsgate.gateway.diagnosis import explained
from smsgate.gateway.refusing import PER_SECOND, Refusing
from smsgate.messages import InboundMessage
from smsgate.providers import twilio
from smsgate.settings import Secret
from smsgate.store.quarantine import CAP, Refused
from smsgate.wiring import build_gateway, load_configuration
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
    assert found.cause == "url"
    assert found.finding == (
        f"The signature fits {signed}, but this account's public URL makes it {OURS}."
    )


def test_a_forgery_fits_nothing_of_ours_and_says_so(gateway):
    kept = refused(gateway, posted(gateway, OURS, **{"x-twilio-signature": "AAAA"}))
    assert kept.finding.startswith("It fits no URL and no secret of ours")
    assert kept.cause == ""


def test_a_host_that_is_none_does_not_end_the_quarantine(gateway):
    request = posted(gateway, OURS, "http://[bad/webhooks/twilio", host="[bad")
    assert refused(gateway, request).finding.startswith("It fits no URL and no secret of ours")


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
    assert redis_client.xlen("smsgate:quarantine:twilio") == CAP
    assert 0 < redis_client.ttl("smsgate:quarantine:twilio") <= 86400


def test_what_was_refused_more_than_a_day_ago_is_told_no_more(gateway, redis_client):
    row = {"r": msgspec.json.encode(Refused("No.", "", "POST", ""))}
    now_ms = time.time_ns() // 1_000_000
    for hours in (25, 23):
        redis_client.xadd("smsgate:quarantine:twilio", row, id=f"{now_ms - hours * 3_600_000}-0")
    assert len(gateway.store.quarantine.newest("twilio")) == 1


@pytest.mark.parametrize("name", ["+14155550123", "4155550123", "Stop it", "From-a-secret-12345"])
def test_a_name_that_does_not_look_like_one_is_masked_as_well(gateway, name):
    seen = f"{OURS}?{quote(name)}=1"
    kept = refused(gateway, posted(gateway, OURS, seen, **{name.lower(): "x"}))
    assert kept.url == f"{OURS}?•••=•••"
    assert name.lower() not in str(kept).lower()


def test_no_more_are_looked_into_than_a_few_in_one_second(gateway, monkeypatch):
    taken = []
    monkeypatch.setattr(gateway._refusing, "_later", taken.append)
    monkeypatch.setattr("smsgate.gateway.refusing.time.monotonic", lambda: 7.5)
    for _ in range(5 * PER_SECOND):
        with pytest.raises(SignatureRefused):
            gateway.receive("twilio", posted(gateway, "https://x.example.com/"))
    assert len(taken) == PER_SECOND


def test_a_flood_at_one_account_hides_nothing_of_another(gateway, monkeypatch):
    taken = []
    monkeypatch.setattr(gateway._refusing, "_later", taken.append)
    monkeypatch.setattr("smsgate.gateway.refusing.time.monotonic", lambda: 7.5)
    one = gateway.settings.accounts["twilio"]
    request = posted(gateway, "https://x.example.com/")
    for account in [*[one] * 2 * PER_SECOND, replace(one, name="another")]:
        gateway._refusing.note(account, request, SignatureRefused("No."))
    assert [work.args[0].name for work in taken] == ["twilio"] * PER_SECOND + ["another"]


def test_a_store_that_is_away_does_not_end_the_quarantine(gateway, redis_client):
    redis_client.set("smsgate:quarantine:twilio", "no stream")
    with pytest.raises(SignatureRefused):
        gateway.receive("twilio", posted(gateway, "https://x.example.com/"))
    gateway.close()
    assert isinstance(gateway._refusing, Refusing)


TWO = """
[accounts.twilio]
provider    = "twilio"
account_sid = "%(sid)s"
auth_token  = "newest, older"

[accounts.second]
provider    = "twilio"
account_sid = "AC%(six)s"
auth_token  = "of-the-second"

[accounts.unset]
provider    = "twilio"
account_sid = "${NOWHERE}"
auth_token  = "${NOWHERE}"
"""


@pytest.fixture
def rotating(environ, tmp_path):
    """An account with two secrets, and others beside it."""
    text = TWO % {"sid": environ["TWILIO_ACCOUNT_SID"], "six": "6" * 32}
    (tmp_path / "config" / "smsgate.toml").write_text(text)
    gateway = build_gateway(load_configuration(environ))
    gateway.store.marker.create(buckets=8)
    yield gateway
    gateway.close()


def signed_by(gateway, secret: str, name: str = "twilio", url: str = OURS):
    account = gateway.settings.accounts[name]
    account = replace(account, secrets={"auth_token": (Secret(secret),)})
    message = InboundMessage(name, f"SM-{secret}", NUMBER, "+14155550999", "hello")
    return twilio.inbound(message, account, url)


@pytest.mark.parametrize(
    ("secret", "by"), [("newest", "the newest secret"), ("older", "an older secret")]
)
def test_which_of_several_secrets_fits_is_said(rotating, secret, by):
    request = signed_by(rotating, secret, url="http://sms.example.com/webhooks/twilio")
    found = refused(rotating, replace(request, url=OURS)).finding
    assert found == (
        f"The signature fits http://sms.example.com/webhooks/twilio with {by}, but this account's "
        f"public URL makes it {OURS}."
    )


@pytest.mark.parametrize("url", [OURS, "https://sms.example.com/webhooks/second"])
def test_a_request_for_another_account_of_ours_is_told_apart_from_a_forgery(rotating, url):
    request = signed_by(rotating, "of-the-second", "second", url)
    kept = refused(rotating, replace(request, url=OURS))
    assert kept.cause == "account"
    assert kept.finding.startswith("It fits our account second: ")
    assert "of-the-second" not in kept.finding.removeprefix("It fits our account second")


def test_a_request_that_is_only_late_is_explained_by_the_clock(gateway):
    account = gateway.settings.accounts["twilio"]
    said = explained(posted(gateway, OURS), account, [], SignatureExpired("late"), 0)
    assert said == ("clock", "The signature is right and its time is not: check this host's clock.")


def test_accepted_requests_say_when_the_older_secret_can_go(rotating):
    acceptance = rotating.store.acceptance
    rotating.receive("twilio", signed_by(rotating, "newest"))
    assert wait_until(lambda: acceptance.last("twilio").newest_ms, 5)
    last = acceptance.last("twilio")
    assert (bool(last.older_ms), bool(last.several_since_ms)) == (False, True)

    rotating.receive("twilio", signed_by(rotating, "older"))  # at once, in the same minute
    assert wait_until(lambda: acceptance.last("twilio").older_ms, 5)
    assert acceptance.last("twilio").several_since_ms == last.several_since_ms


def test_with_one_secret_there_is_nothing_to_finish(gateway, redis_client):
    redis_client.hset("smsgate:accepted:twilio", mapping={"older": 1, "several": 1})
    gateway.receive("twilio", posted(gateway, OURS))
    last = gateway.store.acceptance.last
    assert wait_until(lambda: not last("twilio").several_since_ms, 5)
    assert last("twilio").newest_ms > last("twilio").older_ms == 0
    assert 0 < redis_client.ttl("smsgate:accepted:twilio") <= 30 * 86400


def test_an_accepted_request_is_noted_once_a_minute(gateway, monkeypatch):
    noted = []
    monkeypatch.setattr(
        gateway.store.acceptance, "note", lambda account, **which: noted.append((account, which))
    )
    for _ in range(5):
        gateway.receive("twilio", posted(gateway, OURS))
    gateway.close()
    assert noted == [("twilio", {"newest": True, "several": False})]
