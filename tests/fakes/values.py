"""Values for tests, made with what matters to the test and plausible rest."""

from __future__ import annotations

import time

import msgspec

from smsgate.consent.events import DeadLetter
from smsgate.domain.messages import ALL, Decision, Entry, Intent, Reply, StoredEntry
from smsgate.metrics.snapshot import SpoolDepth
from smsgate.store.keys import PartitionKeys

NUMBER = "+14155550123"
OTHER = "+33612345678"


def decision(intent: Intent, **rest) -> Decision:
    return Decision(intent=intent, rule=rest.pop("rule", "keyword"), **rest)


def entry(intent: Intent = Intent.OPT_OUT, number: str = NUMBER, **rest) -> Entry:
    scope = rest.pop("scope", ALL if intent.stops else "")
    return Entry(
        number=number,
        program=rest.pop("program", "alerts"),
        decision=rest.pop("decision", None) or decision(intent),
        scope=scope,
        account=rest.pop("account", "twilio"),
        message_id=rest.pop("message_id", ""),
        sender=rest.pop("sender", "+14155550999"),
        text=rest.pop("text", intent.value),
        **rest,
    )


def stored(intent: Intent, event_time_us: int, id_: str = "", **rest) -> StoredEntry:
    return StoredEntry(
        id=id_ or f"{event_time_us}-0", event_time_us=event_time_us, entry=entry(intent, **rest)
    )


def failed_reply(account: str = "twilio", note: str = "30007", outcome: str = "refused") -> bytes:
    """A reply that was given up, as the store keeps it."""
    reply = Reply("1-1-0", "opt_out", account, NUMBER, "+14155550999", "alerts", "t", 0)
    return msgspec.json.encode(DeadLetter(reply, outcome, note, 1))


def spool_depth(
    host: str, count: int = 0, oldest_s: float = 0.0, problem: str = "", folder: str = ""
) -> SpoolDepth:
    """What a host reports just now."""
    return SpoolDepth(host, count, oldest_s, time.time(), problem, folder)


def set_key(keys: PartitionKeys, kind: str, scope: str, number: str, buckets: int) -> str:
    """The bucket of a set of a number; ``kind``: set, exceptions, consent or lock."""
    stem = kind if kind == "lock" else f"{kind}:{scope}"
    return f"{keys.prefix}{stem}:{int(number) % buckets}"
