"""Telnyx: what only it does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import InboundMessage
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, everything

telnyx = PROVIDERS["telnyx"]

STOP = next(one for one in everything() if str(one) == "telnyx-stop")
ACCOUNT = STOP.account
MESSAGE = InboundMessage("telnyx", "m", "+14155550123", "+14155550100", "STOP", sent_us=NOW_US)


@pytest.mark.parametrize(
    ("text", "sender", "who"),
    [
        *[
            (word, "+14155550100", "provider")
            for word in ("stop", "STOPALL", "Stop All", "UNSUBSCRIBE", "cancel", "END", "QUIT")
        ],
        ("START", "22395", "provider"),
        ("unstop", "+14155550100", "provider"),
        (" unstop\n", "+14155550100", ""),
        ("HELP", "+14155550100", ""),
        ("YES", "+14155550100", ""),
        ("REVOKE", "+14155550100", ""),
        ("Stop please", "+14155550100", ""),
        (" unstop\n", "+18445550100", "network"),
        ("QUIT", "+18445550100", "provider"),
    ],
)
def test_telnyx_answers_its_own_words_alone_and_the_network_on_toll_free(text, sender, who):
    assert telnyx.answered(replace(MESSAGE, text=text, sender=sender)) == who


def test_without_a_key_of_our_own_nothing_can_be_tried_out():
    account = replace(ACCOUNT, secrets={**ACCOUNT.secrets, "signing_key": ()})
    with pytest.raises(AccountNotReady):
        telnyx.inbound(MESSAGE, account, "https://sms.example.com/webhooks/telnyx")
