"""What somebody should be told: conditions, each with its remedy. Pure.

``docs/alerts.yml`` has the same conditions as rules for Prometheus; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.metrics.heartbeats import KINDS, ProcessSnapshot
from smsgate.metrics.sights import Obstacle, Sights
from smsgate.pipeline.archive import MANY, MEMORY
from smsgate.pipeline.spool import waiting
from smsgate.pipeline.undelivered_forwards import GIVEN_UP_US

REVIEW_DEADLINE_S = REVIEW_DEADLINE_US / 1_000_000
INBOX_S = 30.0
"""Fifteen rounds of the clock: whatever was lost was asked for again."""
OUTBOX_S = 60.0
"""A fifth of what a confirmation has."""
FORWARD_S = 600.0
"""What is tried again after seconds is not told; an application that is down is."""
HOLD_S = 60.0
LAG_S = 60.0
"""The records are a second behind in normal running."""
FEW = 0.5
"""Share of a bound from which on it is told, while there is time."""
MEMORY_FEW = 0.6
REFUSED = "SmsgateStoreRefusesWrites"
BURST = 20
"""Refused requests in ten minutes. Any public address gets some; this is a wrong secret or a
forger at work."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is not as it should be."""

    name: str
    """As the rule in ``docs/alerts.yml`` is called."""
    subject: str
    fault: bool
    """Whether something fails now; else it is a warning."""
    said: str
    mend: str
    """The command or setting that mends it."""


def conditions(seen: Sights, *, here: str = "") -> list[Condition]:
    """Everything that is not as it should be. The spool of the host ``here`` is left out."""
    return [
        *_store(seen),
        *_people(seen),
        *_spools(seen, here),
        *_accounts(seen),
    ]


def _store(seen: Sights) -> Iterator[Condition]:
    """Whether the store takes writes; where it does not, all that waits, waits for that."""
    if seen.writes is not None:
        said = f"{seen.writes.said}: opt-outs wait on disks, and the gate says that it cannot tell"
        yield Condition(REFUSED, "store", True, said, seen.writes.mend)
        return
    if seen.lost is not None:
        yield _lost(seen, seen.lost)
        yield from _stopped(seen)
        return
    if seen.gate is not None and not {"web", "clock"} <= {*seen.stopped}:
        said = f"the gate cannot tell, nobody may be texted: {seen.gate.said}"
        yield Condition("SmsgateGateShut", "gate", True, said, seen.gate.mend)
    yield from (*_processes(seen), *_waits(seen), *_forwards(seen), *_records(seen))


def _lost(seen: Sights, lost: Obstacle) -> Condition:
    """While the store is rebuilt nothing can be applied or sent, which is told by this alone."""
    said, mend = lost.said, lost.mend
    if seen.rebuild is not None:
        begin = "rebuilding the store"
        if seen.rebuild.why:
            begin = f"store lost, rebuilding ({seen.rebuild.why})"
        said, mend = f"{begin}: {seen.rebuild.text()} so far", "wait until it is done"
    said = f"{said}; nobody may be texted until it is ready"
    return Condition("SmsgateStoreLost", "store", True, said, mend)


def weak(seen: Sights) -> list[Condition]:
    """What of Redis's settings could lose acknowledged writes."""
    return [
        Condition("SmsgateWeakDurability", "durability", False, said, DURABLE)
        for said in seen.weaknesses
    ]


DURABLE = "`appendonly yes`, `appendfsync always`, `maxmemory-policy noeviction` in redis.conf"


def _processes(seen: Sights) -> Iterator[Condition]:
    yield from _stopped(seen)
    if seen.processes is not None and not seen.waits.clock and "clock" not in seen.stopped:
        said = f"the clock ({seen.processes.where('clock')}) runs and does not do its rounds"
        mend = "its log says what hinders it; restart `python -m workers clock`"
        yield Condition("SmsgateClockAway", "clock", True, said, mend)


def _stopped(seen: Sights) -> Iterator[Condition]:
    if seen.processes is None:
        return
    stopped = seen.stopped
    if len(stopped) == len(KINDS):
        said = "no process of smsgate is at work: nothing is received, applied or sent"
        mend = "start `smsgate dev`, or `python -m workers web`, `worker`, `sender` and `clock`"
        yield Condition("SmsgateAway", "processes", True, said, mend)
        return
    for kind in stopped:
        said = f"no {kind} is at work{_last_seen(seen.processes, kind)}: {_WITHOUT[kind]}"
        yield Condition(_AWAY[kind], kind, True, said, f"start `python -m workers {kind}`")


_AWAY = {
    "web": "SmsgateAway",
    "worker": "SmsgateWorkerAway",
    "sender": "SmsgateSenderAway",
    "clock": "SmsgateClockAway",
}
_WITHOUT = {
    "web": "providers get no answer to their webhooks, and nobody may ask the API",
    "worker": "opt-outs block, but are not applied or confirmed",
    "sender": "confirmations wait, and after five minutes they are not sent any more",
    "clock": "events do not reach the records, and lost jobs stay lost",
}
"""What it means that no process of a kind is at work."""


def _last_seen(processes: ProcessSnapshot, kind: str) -> str:
    last = processes.last_seen.get(kind)
    return f" (the last one ran on {last.host} {_span(last.ago_s)} ago)" if last else ""


def _waits(seen: Sights) -> Iterator[Condition]:
    """What waits for too long. Where no process is there to do it, that is told instead."""
    waits, stopped = seen.waits, seen.stopped
    late = waits.inbox.oldest_s > INBOX_S
    if late and "worker" not in stopped:
        said = f"{waits.inbox.count:,} entries wait, the oldest {_span(waits.inbox.oldest_s)}"
        mend = "start another `python -m workers worker`; its log says what hinders it"
        yield Condition("SmsgateInboxStuck", "inbox", True, said, mend)
    if waits.holds.oldest_s > HOLD_S and not late and "worker" not in stopped:
        said = f"an opt-out was accepted {_span(waits.holds.oldest_s)} ago and is not applied"
        mend = "`smsgate history NUMBER` and the worker's log say why; it blocks meanwhile"
        yield Condition("SmsgateHoldStuck", "holds", True, said, mend)
    if waits.outbox.oldest_s > OUTBOX_S and "sender" not in stopped:
        said = f"{waits.outbox.count:,} replies wait, due since {_span(waits.outbox.oldest_s)}"
        mend = "start another `python -m workers sender`; after 5 min they are not sent"
        yield Condition("SmsgateOutboxStuck", "outbox", True, said, mend)


def _people(seen: Sights) -> Iterator[Condition]:
    reviews, dead = seen.waits.reviews, seen.waits.dead
    if reviews.oldest_s > REVIEW_DEADLINE_S / 2:
        said = (
            f"{reviews.count:,} texts wait for a person, the oldest {_span(reviews.oldest_s)} "
            f"of {_span(REVIEW_DEADLINE_S)}"
        )
        mend = "`smsgate review list`, then `smsgate review decide`"
        over = reviews.oldest_s > REVIEW_DEADLINE_S
        yield Condition("SmsgateReviewsOld", "reviews", over, said, mend)
    if dead:
        said = f"{dead:,} were given up and wait for a person"
        mend = "`smsgate replies list --dead`, then `smsgate replies retry` or `dismiss`"
        yield Condition("SmsgateDeadLetters", "replies", False, said, mend)


def _forwards(seen: Sights) -> Iterator[Condition]:
    waits, dead = seen.waits.forwards, seen.waits.forwards_dead
    if waits.oldest_s > FORWARD_S and "sender" not in seen.stopped:
        said = (
            f"{waits.count:,} messages await a program's application, the oldest "
            f"{_span(waits.oldest_s)} of {_span(GIVEN_UP_US / 1_000_000)}"
        )
        mend = "`smsgate forward list` says what it answers"
        yield Condition("SmsgateForwardsStuck", "forwards", True, said, mend)
    if dead:
        said = f"{dead:,} messages were not taken by their application and wait for a person"
        mend = "`smsgate forward list --dead`, then `smsgate forward retry` or `dismiss`"
        yield Condition("SmsgateForwardsDead", "forwards", False, said, mend)


def _records(seen: Sights) -> Iterator[Condition]:
    if seen.ledger.oldest_s > LAG_S and "clock" not in seen.stopped:
        said = f"{_span(seen.ledger.oldest_s)} behind: a Redis that is lost now loses that much"
        mend = "`smsgate records status` says what hinders"
        yield Condition("SmsgateRecordsLag", "records lag", True, said, mend)
    if seen.ledger.count >= MANY * FEW or seen.memory >= MEMORY_FEW:
        full = seen.ledger.count >= MANY or seen.memory >= MEMORY
        said = f"{seen.ledger.count:,} events of {MANY:,}; {seen.memory:.0%} of Redis's maxmemory"
        mend = "bring the records' database back, or raise `maxmemory`"
        yield Condition("SmsgateLedgerFull", "ledger", full, said, mend)


def _spools(seen: Sights, here: str) -> Iterator[Condition]:
    for one in seen.spools:
        if one.problem:
            said = f"host {one.host}: {one.problem}"
            mend = "do that on that host; until then a STOP is lost while Redis is away"
            yield Condition("SmsgateSpoolUnusable", "spool", True, said, mend)
        elif one.count and one.host != here:
            said = f"{waiting(one.count)} on host {one.host}, the oldest {_span(one.oldest_s)}"
            mend = (
                "let that host's `web` reach Redis: it hands them over by itself; keep its data "
                "directory"
            )
            yield Condition("SmsgateSpool", "spool", True, said, mend)


def _accounts(seen: Sights) -> Iterator[Condition]:
    for one in seen.accounts:
        quiet_s = seen.now_s - one.accepted_s
        if one.silent_after_s and quiet_s > one.silent_after_s:
            for_ = _span(quiet_s) if one.accepted_s else "30 d"
            said = f"no request was accepted for {for_}"
            mend = f"`smsgate doctor {one.name}`; is the webhook still set at the provider?"
            yield Condition("SmsgateAccountSilent", f"account {one.name}", True, said, mend)
        if one.refused >= BURST:
            said = f"{one.refused} requests or more were refused in the last 10 min"
            mend = f"`smsgate doctor {one.name}` says why: our secret, a forger, a missing text"
            yield Condition("SmsgateRefusedBurst", f"account {one.name}", False, said, mend)


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
