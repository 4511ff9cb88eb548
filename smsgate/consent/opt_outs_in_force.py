"""Which opt-outs hold for a number in a scope, and whose they are: read from its history. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smsgate.consent.events import Event, Standing
from smsgate.consent.renamed_programs import recorded_standing
from smsgate.consent.restore import is_held
from smsgate.consent.reviews import REVIEWED, undecided
from smsgate.domain.messages import ALL, inbox_place

_OURS = ("operator", "api")
"""Sources that speak for us. Everything else is the subscriber, or nobody knows who: a list mostly
has people who opted out elsewhere."""

_SECOND_US = 1_000_000
_DAY_US = 24 * 3600 * _SECOND_US


@dataclass(frozen=True, slots=True)
class OptOut:
    """An opt-out that holds."""

    event: str
    """Id of its event, or of the first one that shows that it holds."""
    at_us: int
    """When it was said; where that is not known, the first moment at which it is known to hold."""
    until_us: int
    """Until when it may have been said, where its time has whole seconds or, in lists, days only;
    a tie is the opt-out's."""
    source: str
    """``text``, ``link``, ``provider``, ``operator`` …; empty where nobody knows."""
    actor: str
    own: bool
    """Whether it is the subscriber's, or may be."""


@dataclass(frozen=True, slots=True)
class OptOutsInForce:
    """What stands against a number in a scope."""

    opt_outs: tuple[OptOut, ...]
    """Oldest first; empty where it may be texted."""
    before: Standing
    """How the number stood before the first of them."""
    waited: bool
    """Whether a text that might have been an opt-out waited for a person when the first came."""
    locked: bool
    seen: str
    """Inbox id of the newest that is known of the number."""

    @property
    def own(self) -> OptOut | None:
        """The newest of them that is the subscriber's, or may be."""
        return next((one for one in reversed(self.opt_outs) if one.own), None)


def in_force(history: Sequence[Event], scope: str, renamed: Mapping[str, str]) -> OptOutsInForce:
    """What stands against a number, by its events, oldest first.

    ``scope``: ``all`` or a program; ``renamed`` gives a program's name by its former one.
    """
    standing, before, waited = Standing(), Standing(), False
    found: list[OptOut] = []
    for place, event in enumerate(history):
        after = standing if event.standing is None else recorded_standing(event.standing, renamed)
        more = _opt_outs(event, scope, standing, after, renamed)
        if not found and more:
            before, waited = standing, _waits(history[:place], scope, renamed)
        found = [*found, *more] if is_held(after, scope) else []
        standing = after
    return OptOutsInForce(tuple(found), before, waited, standing.locked, _newest(history))


def _opt_outs(
    event: Event, scope: str, before: Standing, after: Standing, renamed: Mapping[str, str]
) -> list[OptOut]:
    """What an event adds to the opt-outs that hold after it."""
    if not is_held(after, scope):
        return []
    entry, concerned = event.entry, renamed.get(event.program, event.program)
    older = event.before == "blocked" and not before.blocked(concerned)
    at_us = event.event_time_us or event.received_us or event.applied_us
    # An older opt-out, whose event retention has removed: nobody knows whose it was, nor since when
    # it held before this event.
    until_us = _until_us(at_us, listed=event.kind == "import")
    unknown = OptOut(event.id, at_us, until_us, "", "", own=True)
    found = [unknown] if older else []
    if entry is not None and entry.decision.intent.stops and event.outcome != "refused":
        if renamed.get(event.scope, event.scope) in (ALL, scope):
            ours = entry.source in _OURS and entry.decision.rule != REVIEWED
            found.append(OptOut(event.id, at_us, until_us, entry.source, entry.actor, own=not ours))
    elif not is_held(before, scope):  # as a rebuild left it, which had lost what came between
        found.append(unknown)
    return found


def _until_us(at_us: int, *, listed: bool) -> int:
    if listed and at_us % _DAY_US == 0:
        return at_us + _DAY_US - 1
    return at_us + _SECOND_US - 1 if at_us % _SECOND_US == 0 else at_us


def _waits(history: Sequence[Event], scope: str, renamed: Mapping[str, str]) -> bool:
    programs = {renamed.get(program, program) for program in undecided(history)}
    return bool(programs) if scope == ALL else scope in programs


def _newest(history: Sequence[Event]) -> str:
    ids = [event.inbox_id for event in history if event.reply is None and event.inbox_id]
    return max(ids, key=inbox_place, default="")
