"""Restores: whether what somebody names lifts the opt-outs of a number that hold.

A subscriber's own opt-out (by text, by link, by the provider's word, as a person decided about a
text, or elsewhere, as an imported list says) is lifted by the subscriber's START, by a newer
consent that comes with its evidence, or by an admin who names evidence. What was entered by us may
also be restored as our mistake. What may have changed until a restore is applied is seen to by
``consent/actions.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from smsgate.consent.actions import CONSENT, MISTAKE, is_held
from smsgate.consent.events import ConsentState, Event
from smsgate.consent.renamed_programs import recorded_consent_state
from smsgate.consent.reviews import undecided
from smsgate.consent.rules import REVIEWED
from smsgate.domain.entry_parts import Restore
from smsgate.domain.errors import RestoreRefused
from smsgate.domain.messages import ALL, Entry, inbox_place, numbers_in
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.history import History
from smsgate.store.keys import partition_of
from smsgate.store.store import Store

_PENDING = 500
"""Newest entries of a partition's inbox that are looked through for what is not applied yet."""
_SAID = {
    "text": "by a text",
    "link": "by an opt-out link",
    "provider": "as the provider says",
    "import": "elsewhere, as an imported list says",
}
_WRONG_LIST = " Where the list was the wrong one, undo its import: `smsgate imports list`."


def approve(
    asked: Entry,
    basis: Restore,
    renamed: Mapping[str, str],
    store: Store,
    history: History,
    applier: InboxApplier,
) -> Entry:
    """The entry of a restore with what it lifts, and how far the number's history is known.

    ``renamed`` gives a program's name by its former one. Raises ``RestoreRefused`` where the basis
    does not lift what holds; and, where nobody can say whose opt-out that is, ``StoreUnavailable``,
    ``StoreNotReady``, ``RecordsUnavailable``.
    """
    cursor, story = _history_of(asked.number, store, history, applier)
    holds = in_force(story, asked.program, renamed)
    if refusal := _refusal(asked, basis, holds):
        raise RestoreRefused(refusal)
    # A consent that they withdrew themselves is not given back.
    is_ours = holds.own is None and not holds.waited
    return replace(
        asked,
        restore=replace(
            basis,
            opt_out=next((one.event for one in holds.opt_outs if one.event), ""),
            seen=max(cursor, holds.seen, key=inbox_place),
        ),
        membership_before=holds.before.membership() if is_ours else None,
    )


def _history_of(
    number: str, store: Store, history: History, applier: InboxApplier
) -> tuple[str, list[Event]]:
    """Apply what waits; return how far the partition is applied, and the number's events."""
    partition = partition_of(number)
    waiting = store.inbox_reader.latest(partition, _PENDING)
    if any(number in numbers_in(one.entry) for one in waiting):
        applier.drain(partition)
    # First the cursor: what was applied by then is in the ledger or the records after that.
    cursor = store.inbox_reader.cursors([partition])[partition]
    return cursor, history.of_number(number)


def _refusal(asked: Entry, basis: Restore, holds: OptOutsInForce) -> str:
    """The rule: why a basis does not lift what holds; empty where it does."""
    if holds.locked:
        return f"{asked.number} is locked: unlock it first, and then restore it."
    if basis.basis == MISTAKE:
        return _no_mistake(asked.number, holds)
    if basis.basis == CONSENT and asked.consent is not None and holds.opt_outs:
        newest = max(holds.opt_outs, key=lambda one: one.until_us)
        return _too_old(asked.consent.given_us, newest)
    return ""


def _no_mistake(number: str, holds: OptOutsInForce) -> str:
    if holds.own is None and not holds.waited:
        return ""
    if holds.own is None:
        said = (
            f"a text of {number} that may have been an opt-out waited for a person when we did it"
        )
    elif not holds.own.source:
        said = f"nobody knows any more who opted {number} out, so it counts as the subscriber's own"
    else:
        how = _SAID.get(holds.own.source, f"by a text that {holds.own.actor} decided")
        said = f"{number} opted out itself ({how}, {_moment(holds.own.at_us)})"
    return (
        f"This is no mistake of ours: {said}. What lifts it is a START of theirs, a consent that "
        "they gave after it (basis `consent`, with its words, source and time), or an admin who "
        "names the evidence (basis `evidence`)."
        + (_WRONG_LIST if holds.own is not None and holds.own.source == "import" else "")
    )


def _too_old(given_us: int, opt_out: OptOut) -> str:
    if given_us > opt_out.until_us:
        return ""
    if given_us > opt_out.at_us:
        return (
            f"They opted out at {_moment(opt_out.at_us)}, as far as that is known, and until "
            f"{_moment(opt_out.until_us)} at the latest. Only a consent that they gave after it "
            "lifts it."
        )
    return (
        f"The consent of {_moment(given_us)} is older than the opt-out of "
        f"{_moment(opt_out.at_us)}. Only one that they gave after it lifts it. If they gave it "
        "later on that day, give its time, too."
    )


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


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
    before: ConsentState
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
    consent_state, before, waited = ConsentState(), ConsentState(), False
    found: list[OptOut] = []
    for place, event in enumerate(history):
        after = (
            consent_state
            if event.consent_state is None
            else recorded_consent_state(event.consent_state, renamed)
        )
        more = _opt_outs(event, scope, consent_state, after, renamed)
        if not found and more:
            before, waited = consent_state, _waits(history[:place], scope, renamed)
        found = [*found, *more] if is_held(after, scope) else []
        consent_state = after
    ids = [event.inbox_id for event in history if event.reply is None and event.inbox_id]
    newest = max(ids, key=inbox_place, default="")
    return OptOutsInForce(tuple(found), before, waited, consent_state.locked, newest)


def _opt_outs(
    event: Event, scope: str, before: ConsentState, after: ConsentState, renamed: Mapping[str, str]
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
