"""Refused requests: kept masked, explained, and never in the way of the answer."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from smsgate.domain.errors import SignatureExpired, SignatureRefused
from smsgate.domain.messages import InboundMessage
from smsgate.pipeline.refused_requests import (
    MAX_PER_ADDRESS,
    MAX_PER_SECOND,
    explain_refusal,
)
from smsgate.providers import PROVIDERS
from smsgate.store.account_requests import CAP, EXPLAINED, RefusedRequest
from tests.fakes.own_services import ready_services
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER

twilio = PROVIDERS["twilio"]

KEY = "smsgate:quarantined:twilio"
OURS = "https://sms.example.com/webhooks/twilio"


def posted(services, url: str, as_seen: str = OURS, **headers: str):
    account = services.settings.accounts["twilio"]
    message = InboundMessage("twilio", "SM1", NUMBER, "+14155550999", "Stop")
    request = twilio.inbound(message, account, url)
    return replace(request, url=as_seen, headers={**request.headers, **headers})


def refused(services, request) -> RefusedRequest:
    with pytest.raises(SignatureRefused):
        services.ingest.receive("twilio", request)
    quarantine = services.store.quarantine
    assert wait_until(lambda: quarantine.newest("twilio"))
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
def test_the_url_that_was_signed_is_found(services, signed, headers):
    found = refused(services, posted(services, signed, **headers))
    assert found.cause == "url"
    assert found.finding == (
        f"The signature fits {signed}, but this account's public URL makes it {OURS}."
    )


def test_a_forgery_fits_nothing_of_ours_and_says_so(services):
    kept = refused(services, posted(services, OURS, **{"x-twilio-signature": "AAAA"}))
    assert kept.finding.startswith("It fits no URL and no secret of ours")
    assert kept.cause == ""


def test_a_host_that_is_none_does_not_end_the_quarantine(services):
    request = posted(services, OURS, "http://[bad/webhooks/twilio", host="[bad")
    assert refused(services, request).finding.startswith("It fits no URL and no secret of ours")


def test_nothing_of_what_it_said_is_kept(services, redis_client):
    seen = f"{OURS}/a-path-secret?From=%2B14155550123&k=v"
    kept = refused(services, posted(services, OURS, seen, **{"x-twilio-signature": "A" * 28}))
    assert kept.url == f"{OURS}/•••?From=•••&k=•••"
    assert kept.signatures == {"x-twilio-signature": 28}
    assert {"From", "Body"} <= set(kept.fields)
    raw = b"".join(b" ".join(pair) for pair in redis_client.hgetall(KEY).items())
    for secret in (b"4155550123", b"Stop", b"a-path-secret", b"AAAA"):
        assert secret not in raw


def kept(services, **fields) -> None:
    services.store.quarantine.add("twilio", RefusedRequest("No.", "", "POST", "", **fields))


def test_requests_that_differ_in_their_bodies_alone_are_one_kind(services, redis_client):
    for size in (7, 8, 9):
        kept(services, body_bytes=size, body_sha256=f"{size}")
    (one,) = services.store.quarantine.newest("twilio")
    assert (one.count, one.body_bytes) == (3, 9)
    assert one.at_ms == pytest.approx(time.time() * 1000, abs=60_000)
    assert 0 < redis_client.ttl(KEY) <= 86400


def test_a_flood_of_many_kinds_pushes_neither_what_is_explained_nor_what_repeats_out(
    services, redis_client
):
    now_ms = int(time.time() * 1000)
    for count in range(30):
        kept(services, cause="url", signatures={"x": count}, at_ms=now_ms)
    for _ in range(3):
        kept(services, fields=("From", "Body"), at_ms=now_ms)
    for count in range(8 * CAP):
        kept(services, headers=(f"x{count}",), at_ms=now_ms + 1 + count)
    found = services.store.quarantine.newest("twilio")
    assert (f"x{8 * CAP - 1}",) in {one.headers for one in found[:10]}
    assert len([one for one in found if one.cause]) == EXPLAINED
    assert [one.count for one in found if one.fields] == [3]
    assert redis_client.hlen(KEY) <= 300
    assert services.store.quarantine.count("twilio", 600) == 33 + 8 * CAP


def test_how_many_came_is_counted_by_minutes_and_for_an_hour(services, redis_client):
    minute = int(time.time()) // 60
    for ago, times in ((0, 1), (8, 20), (12, 300), (70, 4000)):
        redis_client.set(f"{KEY}:{minute - ago}", times)
    assert services.store.quarantine.count("twilio", 600) == 21
    kept(services)
    # It may be another minute by now.
    assert 0 < max(redis_client.ttl(f"{KEY}:{one}") for one in (minute, minute + 1)) <= 3600


def test_what_was_refused_more_than_a_day_ago_is_told_no_more(services):
    now_ms = time.time_ns() // 1_000_000
    for hours in (25, 23):
        kept(services, fields=(str(hours),), at_ms=now_ms - hours * 3_600_000)
    assert [one.fields for one in services.store.quarantine.newest("twilio")] == [("23",)]


@pytest.mark.parametrize("name", ["+14155550123", "4155550123", "Stop it", "From-a-secret-12345"])
def test_a_name_that_does_not_look_like_one_is_masked_as_well(services, name):
    seen = f"{OURS}?{quote(name)}=1"
    kept = refused(services, posted(services, OURS, seen, **{name.lower(): "x"}))
    assert kept.url == f"{OURS}?•••=•••"
    assert name.lower() not in str(kept).lower()


def test_a_flood_at_one_account_hides_nothing_of_another(services, monkeypatch):
    taken = []
    monkeypatch.setattr(services.store.quarantine, "add", lambda name, _: taken.append(name))
    monkeypatch.setattr("smsgate.pipeline.refused_requests.time.monotonic", lambda: 7.5)
    one = services.settings.accounts["twilio"]
    request = posted(services, "https://x.example.com/")
    for account in [*[one] * 2 * MAX_PER_SECOND, replace(one, name="another")]:
        services.refused_requests.note(account, request, SignatureRefused("No."))
    assert taken == ["twilio"] * MAX_PER_SECOND + ["another"]


def test_a_flood_from_one_address_leaves_room_for_others(services, monkeypatch):
    taken = []
    monkeypatch.setattr(services.store.quarantine, "add", lambda name, _: taken.append(name))
    monkeypatch.setattr("smsgate.pipeline.refused_requests.time.monotonic", lambda: 7.5)
    account = services.settings.accounts["twilio"]
    request = posted(services, "https://x.example.com/")
    for address in [*["8.8.4.4"] * 50, "8.8.8.8"]:
        services.refused_requests.note(
            account, replace(request, address=address), SignatureRefused("No.")
        )
    assert len(taken) == MAX_PER_ADDRESS + 1


def test_a_store_that_is_away_does_not_end_the_quarantine(services, redis_client):
    redis_client.set(KEY, "no hash")
    with pytest.raises(SignatureRefused):
        services.ingest.receive("twilio", posted(services, "https://x.example.com/"))


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
    with ready_services(environ) as services:
        yield services


def signed_by(services, secret: str, name: str = "twilio", url: str = OURS):
    account = services.settings.accounts[name]
    account = replace(account, secrets={"auth_token": (SecretStr(secret),)})
    message = InboundMessage(name, f"SM-{secret}", NUMBER, "+14155550999", "hello")
    return twilio.inbound(message, account, url)


@pytest.mark.parametrize("url", [OURS, "https://sms.example.com/webhooks/second"])
def test_a_request_for_another_account_of_ours_is_told_apart_from_a_forgery(rotating, url):
    request = signed_by(rotating, "of-the-second", "second", url)
    kept = refused(rotating, replace(request, url=OURS))
    assert kept.cause == "account"
    assert kept.finding.startswith("It fits our account second: ")
    assert "of-the-second" not in kept.finding.removeprefix("It fits our account second")


def test_a_request_that_is_only_late_is_explained_by_the_clock(services):
    account = services.settings.accounts["twilio"]
    sentence = explain_refusal(posted(services, OURS), account, [], SignatureExpired("late"), 0)
    assert sentence == (
        "clock",
        "The signature is right and its time is not: check this host's clock.",
    )


def test_accepted_requests_say_when_the_older_secret_can_go(rotating):
    acceptance = rotating.store.acceptance
    rotating.ingest.receive("twilio", signed_by(rotating, "newest"))
    assert wait_until(lambda: acceptance.last("twilio").newest_ms)
    last = acceptance.last("twilio")
    assert (bool(last.older_ms), bool(last.several_since_ms)) == (False, True)

    rotating.ingest.receive("twilio", signed_by(rotating, "older"))  # at once, in the same minute
    assert wait_until(lambda: acceptance.last("twilio").older_ms)
    assert acceptance.last("twilio").several_since_ms == last.several_since_ms


def test_with_one_secret_there_is_nothing_to_finish(services, redis_client):
    redis_client.hset("smsgate:accepted:twilio", mapping={"older": 1, "several": 1})
    services.ingest.receive("twilio", posted(services, OURS))
    last = services.store.acceptance.last
    assert wait_until(lambda: not last("twilio").several_since_ms)
    assert last("twilio").newest_ms > last("twilio").older_ms == 0
    assert 0 < redis_client.ttl("smsgate:accepted:twilio") <= 30 * 86400
