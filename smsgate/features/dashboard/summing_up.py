"""A day summed up: what came in, what was done about it, how fast, what needs a person. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from smsgate.consent.events import Event
from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.consent.send_check import WINDOW_US
from smsgate.domain.messages import Entry

_UNREMARKABLE = ("nothing_known", "reaction", "quotation", "no_words")
"""Rules of ordinary texts in which no opt-out word was found."""
_SHOWN = 20


@dataclass(slots=True)
class _Tally:
    intents: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    to_blocked_ms: list[float] = field(default_factory=list)
    to_applied_ms: list[float] = field(default_factory=list)
    to_confirmed_ms: list[float] = field(default_factory=list)

    def add(self, event: Event) -> None:
        if event.reply is not None:
            self.replies[event.outcome] += 1
            if event.outcome == "sent" and event.reply.kind == "opt_out":
                received_us = event.reply.deadline_us - WINDOW_US
                self.to_confirmed_ms.append((event.applied_us - received_us) / 1000)
            return
        self.intents[event.kind] += 1
        self.outcomes[event.outcome] += 1
        if event.received_us and event.entry is not None and event.entry.source == "text":
            arrived_us = _arrived_us(event, event.entry)
            self.to_applied_ms.append((event.applied_us - arrived_us) / 1000)
            if event.entry.decision.intent.stops:
                self.to_blocked_ms.append((event.received_us - arrived_us) / 1000)


def summary(
    events: Iterable[Event],
    waiting_since_us: Sequence[int],
    ordinary: Iterable[Entry],
    refused: dict[str, int],
    now_us: int,
) -> dict[str, Any]:
    """The report of a day.

    Args:
        events: what was recorded of that day.
        waiting_since_us: since when each text waits that a person has not decided yet.
        ordinary: texts without effect, of which those with an opt-out word in them are shown.
        refused: sends that the gate stopped, by ``PROGRAM:REASON``.
        now_us: now, on Redis's clock.
    """
    tally = _Tally()
    for event in events:
        tally.add(event)
    ages_us = sorted(now_us - since for since in waiting_since_us)
    return {
        "messages": dict(sorted(tally.intents.items())),
        "outcomes": dict(sorted(tally.outcomes.items())),
        "opt_outs": sum(tally.intents[kind] for kind in ("opt_out", "opt_out_all")),
        "opt_ins": tally.intents["opt_in"],
        "replies": dict(sorted(tally.replies.items())),
        "receipt_to_blocked_ms": _spread(tally.to_blocked_ms),
        "receipt_to_applied_ms": _spread(tally.to_applied_ms),
        "receipt_to_confirmation_ms": _spread(tally.to_confirmed_ms),
        "reviews": {
            "waiting": len(ages_us),
            "oldest_hours": round(ages_us[-1] / 3.6e9, 1) if ages_us else 0,
            "deadline_hours": REVIEW_DEADLINE_US / 3.6e9,
            "past_half": sum(age > REVIEW_DEADLINE_US / 2 for age in ages_us),
            "past_deadline": sum(age > REVIEW_DEADLINE_US for age in ages_us),
        },
        "sends_stopped": dict(sorted(refused.items())),
        "suspicious": _suspicious(ordinary),
    }


def _arrived_us(event: Event, entry: Entry) -> int:
    """When a text came to our door; its hold blocks from its receipt in the inbox on.

    Both are one, unless it waited in a spool.
    """
    return min(event.received_us, event.event_time_us) if entry.outage_us else event.received_us


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    values.sort()
    return {
        "p50": round(values[len(values) // 2], 1),
        "p99": round(values[min(len(values) - 1, int(len(values) * 0.99))], 1),
        "worst": round(values[-1], 1),
    }


def _suspicious(ordinary: Iterable[Entry]) -> list[dict[str, str]]:
    """Texts that had an opt-out word and were taken for something else, the newest ones."""
    found = [entry for entry in ordinary if entry.decision.rule not in _UNREMARKABLE]
    return [
        {
            "number": entry.number,
            "text": entry.text,
            "rule": entry.decision.rule,
            "keyword": entry.decision.keyword,
        }
        for entry in found[:_SHOWN]
    ]
