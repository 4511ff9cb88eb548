"""46elks: whatever we answer is texted, so nothing is; sending."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from smsgate.domain.messages import HttpReply, Reply, Verdict
from smsgate.providers import PROVIDERS
from tests.providers.recorded import account_of

elks = PROVIDERS["elks"]

ACCOUNT = account_of("e", "elks", {"username": "u"}, {"secret": ["s"], "password": ["p1", "p2"]})
REPLY = Reply("1-0", "opt_out", "e", "+46706861004", "+46706860000", "alerts", "Hej då 🛑", 0)


def test_a_reply_leaves_from_the_number_that_was_texted():
    call = elks.reply(REPLY, ACCOUNT)
    assert (call.method, call.url) == ("POST", "https://api.46elks.com/a1/sms")
    assert call.auth == ("u", "p1")
    assert parse_qs(call.body.decode()) == {
        "from": ["+46706860000"],
        "to": ["+46706861004"],
        "message": ["Hej då 🛑"],
    }


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, Verdict.SENT), (400, Verdict.REFUSED), (401, Verdict.REFUSED), (403, Verdict.REFUSED),
     (429, Verdict.NOT_ACCEPTED), (500, Verdict.UNKNOWN)],
)  # fmt: skip
def test_a_response_is_understood_by_its_status(status, verdict):
    outcome = elks.outcome(HttpReply(status, "", b'{"id": "s1", "to": "+46706861004"}'))
    assert outcome.verdict is verdict
    assert outcome.provider_id == ("s1" if verdict is Verdict.SENT else "")
    assert "706861004" not in outcome.note
