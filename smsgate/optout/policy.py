"""What follows from a message: what it means for its program, and what it does to its number.

Two pure steps with the inbox between them. ``decide`` looks at the message alone and runs before
it is acknowledged; ``settle`` looks at what the store knows of the number and runs in a worker.

Order (47 CFR 64.1200(a)(10) asks for effect, not for a sequence; the sequence is ours): a message
is stale for a program if a newer one has already settled that program. Newer is what has the
later stamp, where both came through one account within 48 hours, else what came into the inbox
later. On equal stamps the opt-out wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from smsgate.consent import Mark, NumberState, Published, Standing
from smsgate.messages import ALL, Decision, InboundMessage, Intent, Stored, ms_of
from smsgate.optout.classifier import Classifier
from smsgate.settings import Program

COMPARABLE_US = 48 * 3600 * 1_000_000
"""Stamps further apart than this are not compared."""
HELP_WINDOW_US = 3600 * 1_000_000
HELP_LIMIT = 3
"""Answers to HELP per number and hour, so that two robots cannot keep each other busy."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What an entry did to its number."""

    standing: Standing
    outcome: str
    """``applied``, ``repeat``, ``stale`` or ``recorded``."""
    reply: str = ""
    """Kind of the reply that is due, or nothing."""
    note: str = ""
    """Why no reply is due."""
    closes_review: bool = False


def decide(message: InboundMessage, classifier: Classifier) -> Decision:
    """What a message asks for.

    A provider's STOP flag is an opt-out whatever the text says, its START flag an opt-in: the
    provider has already acted on it. Everything else is for the classifier.
    """
    decision = classifier.classify(message.text, message.number)
    if message.flag is None or _agrees(decision.intent, message.flag):
        return decision
    return Decision(
        intent=message.flag,
        rule="provider_flag",
        language=decision.language,
        version=classifier.version,
        note=f"the provider of account {message.account} took the text for {message.flag}",
    )


def scope_of(decision: Decision, program: Program) -> str:
    """Where an opt-out holds: ``all`` or the program's name; empty for what is no opt-out."""
    if not decision.intent.stops:
        return ""
    if decision.intent is Intent.OPT_OUT_ALL or decision.scope == ALL:
        return ALL
    if decision.scope == "program" or program.scope == "program":
        return program.name
    return ALL


def settle(
    stored: Stored, standing: Standing, published: Mapping[str, Published], now_us: int
) -> Settled:
    """What an entry of the inbox does to a number that stands so. Times in us, Redis's clock."""
    entry = stored.entry
    if not entry.program:
        return Settled(standing, "recorded", note="no program has this sender")
    if not entry.phone:
        return Settled(standing, "recorded", note="what texted us is no phone number")
    if entry.decision.intent.stops:
        return _opt_out(stored, standing, published)
    if entry.decision.intent is Intent.OPT_IN:
        return _opt_in(stored, standing)
    if entry.decision.intent is Intent.HELP:
        return _help(standing, now_us)
    # A person decided that a text which waited asked for nothing.
    decided = entry.source == "operator" and entry.decision.intent is Intent.NONE
    return Settled(standing, "recorded", closes_review=decided)


def _agrees(intent: Intent, flag: Intent) -> bool:
    return intent is flag or (intent.stops and flag.stops)


def _opt_out(stored: Stored, standing: Standing, published: Mapping[str, Published]) -> Settled:
    entry = stored.entry
    scope, program = entry.scope, entry.program
    if _ahead_us(stored, standing.state.marks.get(ALL)) >= 0:
        return _after_all(standing, program)
    newer = {name for name in _opted_in(standing) if _overtaken(stored, standing, name)}
    if scope != ALL and scope in newer:
        return Settled(standing, "stale", note="an opt-in that is newer was applied before")
    moved = _everywhere(standing, newer) if scope == ALL else _only(standing, scope)
    known = {*published, program, *standing.own, *standing.back}
    changed = any(moved.blocked(name) and not standing.blocked(name) for name in known)
    moved = _marked(stored, moved, scope, changed=changed)
    if program in newer:
        return Settled(moved, "stale", note="an opt-in that is newer was applied before")
    if not changed:
        return Settled(moved, "repeat", note="already opted out", closes_review=True)
    return Settled(moved, "applied", "opt_out", closes_review=True)


def _after_all(standing: Standing, program: str) -> Settled:
    """An opt-out that is no newer than a known one of scope ``all`` adds nothing to it."""
    if standing.blocked(program):
        return Settled(standing, "repeat", note="already opted out", closes_review=True)
    return Settled(standing, "stale", note="an opt-in that is newer was applied before")


def _opt_in(stored: Stored, standing: Standing) -> Settled:
    program = stored.entry.program
    if any(_overtaken(stored, standing, scope) for scope in (program, ALL)):
        return Settled(standing, "stale", note="an opt-out that is newer was applied before")
    if stored.entry.decision.condition:
        return Settled(standing, "recorded", note="no question of ours was open")
    changed = standing.blocked(program)
    moved = _marked(stored, _lifted(standing, program), program, changed=changed)
    if not changed:
        return Settled(moved, "repeat", note="was not opted out")
    return Settled(moved, "applied", "opt_in")


def _help(standing: Standing, now_us: int) -> Settled:
    recent = tuple(at for at in standing.state.helped_us if at > now_us - HELP_WINDOW_US)
    if len(recent) >= HELP_LIMIT:
        return Settled(standing, "recorded", note=f"HELP was answered {HELP_LIMIT} times this hour")
    state = msgspec.structs.replace(standing.state, helped_us=(*recent, now_us))
    return Settled(msgspec.structs.replace(standing, state=state), "recorded", "help")


def _opted_in(standing: Standing) -> list[str]:
    return [scope for scope, mark in standing.state.marks.items() if not mark.stops]


def _overtaken(stored: Stored, standing: Standing, scope: str) -> bool:
    """Whether the scope's newest mark is of the other kind and newer than the message."""
    mark = standing.state.marks.get(scope)
    if mark is None or mark.stops == stored.entry.decision.intent.stops:
        return False
    if mark.stops and _since_outage(stored, mark):
        return True
    ahead_us = _ahead_us(stored, mark)
    return ahead_us >= 0 if mark.stops else ahead_us > 0


def _since_outage(stored: Stored, mark: Mark) -> bool:
    """Whether the mark was stored since the outage began that kept the message in a spool.

    The spool's stamps are its host's, and an opt-in must not win by a clock that is ahead. Both
    having come from spools, their stamps decide as usual.
    """
    outage_us = stored.entry.outage_us
    return bool(outage_us) and not mark.spooled and ms_of(mark.id) * 1000 >= outage_us


def _ahead_us(stored: Stored, mark: Mark | None) -> int:
    """How much newer the mark is than the message; negative where it is older.

    Where stamps are not compared the message is the newer one, as it came into the inbox later.
    """
    if mark is None or mark.account != stored.entry.account:
        return -1
    ahead_us = mark.stamp_us - stored.stamp_us
    return ahead_us if abs(ahead_us) <= COMPARABLE_US else -1


def _everywhere(standing: Standing, newer: set[str]) -> Standing:
    """The number joins ``all``; only programs with a newer opt-in keep or get an exception."""
    return msgspec.structs.replace(standing, everywhere=True, back=frozenset(newer))


def _only(standing: Standing, program: str) -> Standing:
    return msgspec.structs.replace(
        standing, own=standing.own | {program}, back=standing.back - {program}
    )


def _lifted(standing: Standing, program: str) -> Standing:
    """START lifts the program texted only; a restore by hand may lift ``all``."""
    if program == ALL:
        return msgspec.structs.replace(standing, everywhere=False, back=frozenset())
    back = standing.back | {program} if standing.everywhere else standing.back
    return msgspec.structs.replace(standing, own=standing.own - {program}, back=back)


def _marked(stored: Stored, standing: Standing, scope: str, *, changed: bool) -> Standing:
    """Remember the message as the newest of its scope, unless a newer one of its kind is known."""
    entry, known = stored.entry, standing.state.marks.get(scope)
    stops = entry.decision.intent.stops
    same_kind = known is not None and known.stops == stops
    stamp, since, change = stored.stamp_us, stored.stamp_us, stored.id
    if known is not None and same_kind:
        if known.account == entry.account:
            stamp = max(stamp, known.stamp_us)
        if not changed:
            since, change = known.since_us, known.changed
    mark = Mark(
        stops=stops,
        stamp_us=stamp,
        account=entry.account,
        id=stored.id,
        since_us=since,
        changed=change,
        spooled=bool(entry.outage_us),
        why=_why(entry.decision, entry.source),
    )
    state: NumberState = standing.state
    marks = {**state.marks, scope: mark}
    return msgspec.structs.replace(standing, state=msgspec.structs.replace(state, marks=marks))


def _why(decision: Decision, source: str) -> str:
    if source != "text":
        return source
    return f"{decision.rule} {decision.keyword}".strip()
