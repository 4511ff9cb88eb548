"""The generic door: what only it does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.domain.errors import AccountNotReady, SignatureRefused
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.providers.standard_webhooks import sign
from tests.providers.recorded import NOW_US, everything

standard_webhooks = PROVIDERS["standard_webhooks"]

RECORDED = {one.name: one for one in everything() if one.provider == "standard_webhooks"}
V1, V1A = RECORDED["stop"], RECORDED["stop_v1a"]
MESSAGE = InboundMessage("s", "m", "+14155550123", "+14155550100", "STOP", sent_us=NOW_US)


def refused(request, account) -> bool:
    try:
        standard_webhooks.verify(request, account, NOW_US)
    except SignatureRefused:
        return True
    return False


def test_neither_scheme_lets_in_what_the_other_signed():
    assert refused(V1.request, V1A.account)
    assert refused(V1A.request, V1.account)
    secrets = {**V1.account.secrets, **V1A.account.secrets}
    both, both_v1a = (replace(one.account, secrets=secrets) for one in (V1, V1A))
    assert refused(V1A.request, both)
    assert not refused(V1.request, both)
    assert refused(V1.request, both_v1a)
    assert not refused(V1A.request, both_v1a)


@pytest.mark.parametrize("recorded", [V1, V1A], ids=["v1", "v1a"])
def test_the_right_signature_may_stand_among_others(recorded):
    listed = f"v2,abc v1,eA== v1a,eA== {recorded.signed} v1,"
    assert not refused(recorded.with_signature(listed), recorded.account)
    assert refused(recorded.with_signature("v2,abc v1,eA== v1a,eA=="), recorded.account)


@pytest.mark.parametrize("recorded", [V1, V1A], ids=["v1", "v1a"])
@pytest.mark.parametrize("id_", ["", "evt-2"])
def test_the_id_is_signed(recorded, id_):
    headers = {**recorded.request.headers, "webhook-id": id_}
    assert refused(replace(recorded.request, headers=headers), recorded.account)


@pytest.mark.parametrize("recorded", [V1, V1A], ids=["v1", "v1a"])
def test_a_request_without_id_is_refused_even_if_it_is_signed(recorded):
    headers = sign("", NOW_US // 1_000_000, b"{}", recorded.account)
    assert refused(WebhookRequest("POST", "", headers, b"{}"), recorded.account)
    headers = sign("x", NOW_US // 1_000_000, b"{}", recorded.account)
    assert not refused(WebhookRequest("POST", "", headers, b"{}"), recorded.account)


def test_the_two_families_of_names_are_not_mixed():
    headers = dict(V1.request.headers)
    headers["svix-id"] = headers.pop("webhook-id")
    assert refused(replace(V1.request, headers=headers), V1.account)


def test_without_the_private_key_v1a_cannot_be_tried_out():
    account = replace(V1A.account, secrets={**V1A.account.secrets, "signing_key": ()})
    with pytest.raises(AccountNotReady):
        standard_webhooks.inbound(MESSAGE, account, "https://sms.example.com/webhooks/s")
