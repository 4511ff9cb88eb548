"""What the columns of docs/providers/README.md must say of a provider, from code and recordings."""

from __future__ import annotations

from itertools import product

from smsgate.messages import InboundMessage, Intent
from smsgate.providers import PROVIDERS
from smsgate.providers.contract import no_reports
from tests.providers.recorded import everything

HEADINGS = ("time", "batches", "flag", "answers", "reports", "idempotent")
_SENDERS = ("+14155550100", "22395")
_WORDS = ("STOP", "START", "HELP", "YES")


def seen(name: str) -> tuple[str, ...]:
    """One cell for each of ``HEADINGS``."""
    provider = PROVIDERS[name]
    flagged = any("flag" not in one.lacks for one in everything() if one.provider == name)
    return (
        _time(name),
        _yes(provider.BATCHES),
        _yes(flagged),
        "itself" if _answers(name, flagged) else "nobody",
        _yes(provider.reports is not no_reports),
        _yes(provider.IDEMPOTENT),
    )


def _time(name: str) -> str:
    recorded = [one for one in everything() if one.provider == name]
    window_s = max(one.window_s for one in recorded)
    if window_s:
        return f"{window_s} s"
    return "event" if any(m.sent_us for one in recorded for m in one.messages) else "arrival"


def _answers(name: str, flagged: bool) -> bool:
    """Whether it answers any word; with its flag, where its webhooks have one."""
    flags = (None, Intent.OPT_OUT) if flagged else (None,)
    texts = [
        InboundMessage("a", "m", "+14155550123", sender, word, flag=flag)
        for sender, word, flag in product(_SENDERS, _WORDS, flags)
    ]
    return any(PROVIDERS[name].answered(text) == "provider" for text in texts)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
