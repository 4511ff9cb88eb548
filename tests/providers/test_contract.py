"""What every provider must do, shown for each with its recorded webhooks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from smsgate.domain.errors import SignatureExpired, SignatureRefused, Unreadable
from smsgate.domain.messages import InboundMessage, Reply
from smsgate.providers import PROVIDERS, usable
from tests.providers.recorded import NOW_US, Recorded, everything
from tests.providers.signers import OTHER_BYTES, SIGNERS
from tests.providers.walking import over

ALL = everything()
READABLE = [recorded for recorded in ALL if not recorded.unreadable]
WITH_BODY = [one for one in ALL if one.request.body and "body" in one.covers]
ONE_OF_EACH = {
    (one.provider, one.signature, str(one.account.options), bool(one.request.body)): one
    for one in ALL
}.values()
"""Of each way to sign one; all that a provider signs in one way is signed alike."""
WITH_URL = [one for one in ALL if "url" in one.covers]
A_MESSAGE = [recorded for recorded in READABLE if recorded.messages]

each_provider = pytest.mark.parametrize("name", sorted(PROVIDERS))


def received(recorded: Recorded, request=None, account=None) -> list[InboundMessage]:
    """Verify and parse, as the gateway does."""
    provider = PROVIDERS[recorded.provider]
    request, account = request or recorded.request, account or recorded.account
    provider.verify(request, account, NOW_US)
    return provider.parse(request, account)


def refused(recorded: Recorded, request=None, account=None) -> bool:
    provider = PROVIDERS[recorded.provider]
    try:
        provider.verify(request or recorded.request, account or recorded.account, NOW_US)
    except SignatureRefused:
        return True
    return False


def outcome_of(recorded: Recorded, request) -> list[InboundMessage] | str:
    try:
        return received(recorded, request)
    except Unreadable as error:
        return str(error)


def with_secrets(recorded: Recorded, *before: str, keep: bool):
    """The account with other secrets, and its own after them or not at all."""
    return replace(
        recorded.account,
        secrets={
            name: (*map(SecretStr, before), *(values if keep else ()))
            for name, values in recorded.account.secrets.items()
        },
    )


# --- genuine ------------------------------------------------------------------------------------


@over(READABLE)
def test_a_recorded_webhook_is_read_as_exactly_what_it_says(recorded):
    assert received(recorded) == list(recorded.messages)


SIGNED = [
    one
    for one in ALL
    if one.provider in SIGNERS
    and one.name not in OTHER_BYTES
    and not one.provenance["signature"].startswith("none")
]


@over(SIGNED)
def test_a_recorded_webhook_is_signed_as_the_vendor_signs(recorded):
    signature = SIGNERS[recorded.provider](recorded)
    assert signature in (recorded.signed, *recorded.signed.split(recorded.separator or None))


@over([one for one in ALL if one.unreadable])
def test_a_genuine_webhook_that_cannot_be_read_is_told_why(recorded):
    with pytest.raises(Unreadable) as raised:
        received(recorded)
    assert str(raised.value).startswith(recorded.unreadable)


@over(A_MESSAGE)
def test_who_answers_a_message_is_known(recorded):
    answered = PROVIDERS[recorded.provider].answered
    assert tuple(answered(message) for message in recorded.messages) == recorded.answered


@over(READABLE)
def test_what_a_webhook_tells_of_texts_of_ours_is_known(recorded):
    reports = PROVIDERS[recorded.provider].reports(recorded.request, recorded.account)
    assert tuple(reports) == recorded.reports


@over(ALL)
def test_the_older_of_two_secrets_is_still_accepted(recorded):
    assert not refused(recorded, account=with_secrets(recorded, "the-new-secret", keep=True))


@over(ALL)
def test_the_account_of_a_recorded_webhook_is_usable(recorded):
    assert usable(recorded.account)


# --- forged -------------------------------------------------------------------------------------


@over([one for one in ONE_OF_EACH if one in WITH_BODY])
def test_a_webhook_with_any_byte_of_its_body_changed_is_refused(recorded):
    body = recorded.request.body
    accepted = [
        position
        for position, byte in enumerate(body)
        if not refused(
            recorded,
            replace(
                recorded.request,
                body=body[:position] + bytes([byte ^ 1]) + body[position + 1 :],
            ),
        )
    ]
    assert accepted == []


@over(
    WITH_BODY,
    {
        "empty": (lambda body: b"",),
        "cut": (lambda body: body[:-1],),
        "one field more": (lambda body: body + b"&Body=Stop+it",),
        "another word": (lambda body: body.replace(b"STOP", b"START", 1) + b"x",),
        "a null byte": (lambda body: body + b"\x00",),
    },
)
def test_a_webhook_with_another_body_is_refused(recorded, change):
    assert refused(recorded, replace(recorded.request, body=change(recorded.request.body)))


@over([one for one in ALL if "meaning" in one.covers])
def test_where_not_every_byte_is_signed_no_change_is_accepted_and_read(recorded):
    body, read = recorded.request.body, outcome_of(recorded, recorded.request)
    for position, byte in enumerate(body):
        other = body[:position] + bytes([byte ^ 1]) + body[position + 1 :]
        request = replace(recorded.request, body=other)
        assert refused(recorded, request) or outcome_of(recorded, request) == read


@over(
    WITH_URL,
    {
        "without TLS": ("https://", "http://"),
        "another host": ("sms.example.com", "sms.example.org"),
        "a capital": ("/webhooks/", "/Webhooks/"),
        "a folder more": ("/webhooks/", "/x/webhooks/"),
        "a stroke more": ("/webhooks/{}", "/webhooks/{}/"),
        "a query": ("/webhooks/{}", "/webhooks/{}?a=1&"),
    },
)
def test_a_webhook_for_another_url_is_refused(recorded, old, new):
    old, new = old.format(recorded.provider), new.format(recorded.provider)
    url = recorded.request.url.replace(old, new, 1)
    assert url != recorded.request.url
    assert refused(recorded, replace(recorded.request, url=url))


@over(ONE_OF_EACH)
def test_a_webhook_with_any_character_of_its_signature_changed_is_refused(recorded):
    given = recorded.signed
    others = [
        given[:position] + ("A" if character not in "Aa" else "B") + given[position + 1 :]
        for position, character in enumerate(given.rstrip("="))
    ]
    assert [one for one in others if not refused(recorded, recorded.with_signature(one))] == []


@over(
    ALL,
    {
        "empty": (lambda signature: "",),
        "cut": (lambda signature: signature[:-1],),
        "short": (lambda signature: signature[:8],),
        "longer": (lambda signature: signature + "=",),
        "blank": (lambda signature: " " + signature,),
        "case": (lambda signature: signature.swapcase(),),
        "two": (lambda signature: f"{signature},{signature}",),
        "no ASCII": (lambda signature: "é" * len(signature),),
        "no text": (lambda signature: "\ud800",),
    },
)
def test_a_webhook_with_a_broken_signature_is_refused(recorded, change):
    broken = change(recorded.signed)
    if recorded.separator and recorded.signed in broken.split(recorded.separator):
        return  # the header may list several, and the right one is among these
    if recorded.ignores_case and recorded.signed.lower() == broken.lower():
        return  # capitals or not, it is the same number
    assert refused(recorded, recorded.with_signature(broken))


@over(ALL)
def test_a_webhook_without_signature_is_refused(recorded):
    assert refused(recorded, recorded.with_signature(None))


@over(ALL)
def test_a_webhook_signed_with_another_secret_is_refused(recorded):
    assert refused(recorded, account=with_secrets(recorded, "another-secret", keep=False))


@over(ALL, {"none": (), "an empty one": ("",)})
def test_without_a_secret_nothing_gets_in_and_the_account_is_not_usable(recorded, *secrets):
    account = with_secrets(recorded, *secrets, keep=False)
    assert refused(recorded, account=account)
    assert not usable(account)


# --- late ----------------------------------------------------------------------------------------


TIMED = [recorded for recorded in ALL if recorded.window_s]


@over(TIMED, {"old": (1,), "from the future": (-1,)})
def test_a_signed_time_may_be_off_by_the_window_and_no_more(recorded, way):
    verify = PROVIDERS[recorded.provider].verify
    window_us = way * (recorded.window_s if way > 0 else recorded.early_s) * 1_000_000
    verify(recorded.request, recorded.account, NOW_US + window_us)
    with pytest.raises(SignatureExpired):
        verify(recorded.request, recorded.account, NOW_US + window_us + way * 1_000_000)


@over(
    [one for one in TIMED if one.time],
    {
        "a second later": (lambda time: str(int(time) + 1),),
        "none": (lambda time: "",),
        "no number": (lambda time: "x",),
    },
)
def test_a_webhook_with_another_time_is_forged_and_not_late(recorded, change):
    headers = recorded.request.headers
    request = replace(
        recorded.request, headers={**headers, recorded.time: change(headers[recorded.time])}
    )
    with pytest.raises(SignatureRefused) as raised:
        PROVIDERS[recorded.provider].verify(request, recorded.account, NOW_US)
    assert not isinstance(raised.value, SignatureExpired)


# --- back ----------------------------------------------------------------------------------------


@over(A_MESSAGE)
def test_a_reply_goes_over_tls_to_the_provider_or_to_the_configured_api(recorded):
    provider, message = PROVIDERS[recorded.provider], recorded.messages[0]
    reply = Reply(
        "1-0", "opt_out", recorded.account.name, message.number, message.sender, "p", "Out é", 0
    )
    local = replace(recorded.account, api_url="http://127.0.0.1:9/sms")
    for account, place in ((recorded.account, "https://"), (local, "http://127.0.0.1:9/sms/")):
        call = provider.reply(reply, account)
        assert call.url.startswith(place)
        assert call.token_from is None or call.token_from.url.startswith(place)


@each_provider
def test_the_acknowledgement_is_a_success(name):
    assert PROVIDERS[name].ack.status in (200, 202, 204)
    assert PROVIDERS[name].ack.headers == {}
