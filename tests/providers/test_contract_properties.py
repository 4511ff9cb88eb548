"""What every provider must do whatever comes: properties over generated requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from smsgate.domain.errors import SignatureRefused, WebhookError
from smsgate.domain.messages import HttpReply, InboundMessage, Intent, Verdict, WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, Recorded, everything

ALL = everything()
SIMULABLE = [one for one in ALL if one.simulable and not one.unreadable]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
numbers = st.from_regex(r"\+(1[2-9][0-9]{9}|447[0-9]{9}|49151[0-9]{8})", fullmatch=True)
garbage = st.one_of(st.text(max_size=80), st.from_regex(r"[A-Za-z]+=[^ ]*(;|,).*", fullmatch=True))
ANY_ID = r"[A-Za-z0-9]{1,34}"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
IDS = {"twilio": r"(SM|MM)[0-9a-f]{32}", "signalwire": UUID, "plivo": UUID}
"""The form of ids, where the provider's is looked at."""
forms = st.lists(
    st.sampled_from(
        [b"MessageSid", b"From", b"To", b"Body", b"=", b"&", b"%", b"%E9", b"\xff", b"+", b"x"]
    )
).map(b"".join)


def headers(recorded: Recorded) -> st.SearchStrategy[dict[str, str]]:
    names = st.sampled_from([*recorded.request.headers, "x-other"])
    values = st.one_of(garbage, st.sampled_from(["", *recorded.request.headers.values()]))
    return st.dictionaries(names, values)


@given(data=st.data(), recorded=st.sampled_from(ALL))
def test_garbage_is_refused_as_a_webhook_and_breaks_nothing(data, recorded):
    request = WebhookRequest(
        method=data.draw(st.sampled_from(["GET", "POST", "OPTIONS", "PUT"])),
        url=data.draw(st.one_of(garbage, st.just(recorded.request.url))),
        headers=data.draw(headers(recorded)),
        body=data.draw(st.one_of(st.binary(max_size=200), forms)),
    )
    for problem in problems(PROVIDERS[recorded.provider], request, recorded.account):
        assert problem.endswith(".")


def problems(provider, request, account) -> list[str]:
    """What verify and parse, each on its own, have against a request."""
    found = []
    for step in (
        lambda: provider.verify(request, account, NOW_US),
        lambda: provider.parse(request, account),
    ):
        try:
            step()
        except WebhookError as error:
            found.append(str(error))
    return found


@st.composite
def messages(draw, recorded: Recorded) -> InboundMessage:
    """A text to us, as far as this provider's webhooks can say what it is."""
    channel = draw(st.sampled_from(recorded.channels))
    media = draw(st.lists(st.just("https://api.example.com/m/1"), min_size=channel == "mms"))
    bare = {"service": "", "flag": None, "media": ()}
    message = InboundMessage(
        account=recorded.account.name,
        message_id=draw(st.from_regex(IDS.get(recorded.provider, ANY_ID), fullmatch=True)),
        number=draw(numbers),
        sender=draw(numbers),
        text=draw(texts),
        channel=channel,
        service=draw(st.sampled_from(["", "MG0123"])),
        flag=draw(st.sampled_from([None, Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP])),
        media=() if channel == "sms" else tuple(media),
        sent_us=NOW_US if recorded.stamped else None,
    )
    return replace(message, **{name: bare[name] for name in recorded.lacks}, **recorded.always)


@given(data=st.data(), recorded=st.sampled_from(SIMULABLE))
def test_what_a_provider_would_send_is_accepted_and_read_back_unchanged(data, recorded):
    provider = PROVIDERS[recorded.provider]
    message = data.draw(messages(recorded))
    request = provider.inbound(message, recorded.account, "https://sms.example.com/webhooks/x")
    provider.verify(request, recorded.account, NOW_US)
    assert provider.parse(request, recorded.account) == [message]
    secrets = {name: (SecretStr("another"),) for name in recorded.account.secrets}
    with pytest.raises(SignatureRefused):
        provider.verify(request, replace(recorded.account, secrets=secrets), NOW_US)


@given(
    text=st.one_of(texts, st.sampled_from(["STOP", "stop ", "START", "HELP", "Unstop"])),
    sender=st.one_of(numbers, st.sampled_from(["+18885550100", "22395", ""])),
    flag=st.sampled_from([None, *Intent]),
    name=st.sampled_from(sorted(PROVIDERS)),
)
def test_who_answers_is_always_one_of_three(text, sender, flag, name):
    message = InboundMessage("a", "m", "+14155550123", sender, text, flag=flag)
    assert PROVIDERS[name].answered(message) in ("provider", "network", "")


@given(
    status=st.integers(100, 599),
    body=st.one_of(st.binary(), st.just(b"[" * 100_000), st.just(b'{"code": 1e999, "sid": 1}')),
    headers=st.dictionaries(st.sampled_from(["retry-after", "x"]), st.text()),
    name=st.sampled_from(sorted(PROVIDERS)),
)
@settings(deadline=None)
def test_any_response_to_a_reply_has_an_outcome(status, body, headers, name):
    outcome = PROVIDERS[name].outcome(HttpReply(status, "", body, headers))
    assert (outcome.verdict is Verdict.SENT) == (200 <= status < 300)
    if status >= 500 and (name, status) != ("bird", 501):  # Bird has no such call
        again = {Verdict.NOT_ACCEPTED} if PROVIDERS[name].idempotent else set()
        assert outcome.verdict in {Verdict.UNKNOWN} | again
    assert outcome.retry_after_s is None or 0 <= outcome.retry_after_s < 1e6
