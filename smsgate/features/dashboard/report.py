"""The report of a day: texts, their outcomes, times, and texts to check. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from smsgate.consent.events import Event
from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.domain.messages import REPLY_WINDOW_US, Entry

_UNSUSPICIOUS_RULES = ("nothing_known", "reaction", "quotation", "no_words")
"""Rules of ordinary texts in which no opt-out word was found."""
_MAX_SUSPICIOUS = 20


def day_report(
    events: Iterable[Event],
    waiting_since_us: Sequence[int],
    ordinary: Iterable[Entry],
    refused: dict[str, int],
    now_us: int,
) -> dict[str, Any]:
    """The report of a day.

    Args:
        events: what was recorded of that day.
        waiting_since_us: for each text that waits for a person, since when.
        ordinary: texts without effect, of which those with an opt-out word in them are shown.
        refused: sends that the gate refused, by ``PROGRAM:REASON``.
        now_us: now, on Redis's clock.
    """
    intents, outcomes, replies = Counter[str](), Counter[str](), Counter[str]()
    to_blocked_ms, to_applied_ms, to_confirmed_ms = list[float](), list[float](), list[float]()
    for event in events:
        if event.reply is not None:
            replies[event.outcome] += 1
            if event.outcome == "sent" and event.reply.kind == "opt_out":
                received_us = event.reply.deadline_us - REPLY_WINDOW_US
                to_confirmed_ms.append((event.applied_us - received_us) / 1000)
            continue
        intents[event.kind] += 1
        outcomes[event.outcome] += 1
        entry = event.entry
        if event.received_us and entry is not None and entry.source == "text":
            # A text blocks from its receipt in the inbox on; one from a spool came before that.
            came_us = event.received_us
            if entry.outage_us:
                came_us = min(came_us, event.event_time_us)
            to_applied_ms.append((event.applied_us - came_us) / 1000)
            if entry.decision.intent.stops:
                to_blocked_ms.append((event.received_us - came_us) / 1000)
    ages_us = [now_us - since for since in waiting_since_us]
    suspicious = [one for one in ordinary if one.decision.rule not in _UNSUSPICIOUS_RULES]
    return {
        "messages": dict(sorted(intents.items())),
        "outcomes": dict(sorted(outcomes.items())),
        "opt_outs": sum(intents[kind] for kind in ("opt_out", "opt_out_all")),
        "opt_ins": intents["opt_in"],
        "replies": dict(sorted(replies.items())),
        "receipt_to_blocked_ms": _percentiles(to_blocked_ms),
        "receipt_to_applied_ms": _percentiles(to_applied_ms),
        "receipt_to_confirmation_ms": _percentiles(to_confirmed_ms),
        "reviews": {
            "waiting": len(ages_us),
            "oldest_hours": round(max(ages_us) / 3.6e9, 1) if ages_us else 0,
            "deadline_hours": REVIEW_DEADLINE_US / 3.6e9,
            "past_half": sum(age > REVIEW_DEADLINE_US / 2 for age in ages_us),
            "past_deadline": sum(age > REVIEW_DEADLINE_US for age in ages_us),
        },
        "sends_stopped": dict(sorted(refused.items())),
        "suspicious": [
            {
                "number": one.number,
                "text": one.text,
                "rule": one.decision.rule,
                "keyword": one.decision.keyword,
            }
            for one in suspicious[:_MAX_SUSPICIOUS]
        ],
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    values = sorted(values)
    return {
        "p50": round(values[len(values) // 2], 1),
        "p99": round(values[min(len(values) - 1, int(len(values) * 0.99))], 1),
        "worst": round(values[-1], 1),
    }
