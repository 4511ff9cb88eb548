"""Committing the effects of a batch of inbox entries: all of them, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from smsgate.consent import Event, NumberState, Standing
from smsgate.errors import StoreNotReady
from smsgate.messages import ALL, Forward, Reply
from smsgate.redis_address import Client
from smsgate.store.inbox import WAKE_MS, Batch, hold_field, json_text
from smsgate.store.keys import LANE_KEYS, Keys
from smsgate.store.scripts import Script

KEEP_S = 48 * 3600
"""How long the marks of a number are kept; stamps are compared within that time only."""

_FIXED = 12
"""Keys that every commit names."""
_pack = msgspec.msgpack.encode


@dataclass(frozen=True, slots=True)
class Move:
    """How numbers of a list stood, and stand from now on; nothing else is remembered of them."""

    numbers: Sequence[str]
    before: Standing
    after: Standing


@dataclass(frozen=True, slots=True)
class Effects:
    """What a batch does to its lane."""

    before: Mapping[str, Standing]
    after: Mapping[str, Standing]
    """Numbers whose standing is looked at; equal ones cost nothing."""
    events: Sequence[Event] = ()
    replies: Sequence[tuple[Reply, int]] = ()
    """With the time at which each is due (us, Redis's clock)."""
    decided: Sequence[tuple[str, str]] = ()
    """Fields of review holds that are over, and the inbox id of what ends each: texts that came
    after it wait on."""
    forwards: Sequence[Forward] = ()
    """Messages that go on to the application of their program."""
    moves: Sequence[Move] = ()
    """Numbers of a list with which the same happens."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What the commit said."""

    done: bool
    """False where another worker was faster: read again."""
    wake_outbox: bool = False
    left: int = 0


@dataclass(slots=True)
class _Plan:
    """The parts of the script's arguments, as they grow."""

    names: list[str]
    adds: list[tuple[int, str]] = field(default_factory=list)
    removes: list[tuple[int, str]] = field(default_factory=list)
    states: list[tuple[int, str]] = field(default_factory=list)

    def key(self, name: str) -> int:
        self.names.append(name)
        return len(self.names)


class Commits:
    """Runs the script ``commit``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._commit = Script(client, "commit")

    def commit(self, lane: int, batch: Batch, effects: Effects, buckets: int) -> Committed:
        """Write sets, holds, ledger, outbox and cursor in one script.

        Nothing is written where the cursor has moved since the batch was read. Raises
        ``StoreNotReady`` where the lane has no marker, ``StoreUnavailable``.
        """
        keys = LANE_KEYS[lane]
        plan = _Plan(_fixed(keys))
        _plan_sets(plan, keys, effects, buckets)
        sets = len(plan.names) - _FIXED
        _plan_states(plan, keys, effects)
        states = len(plan.names) - _FIXED - sets
        rest = (
            _holds(batch),
            list(effects.decided),
            _replies(effects),
            _events(effects),
            _forwards(plan, keys, effects),
        )
        packed = _pack((plan.adds, plan.removes, plan.states, *rest))
        cursor = batch.entries[-1].id
        args: list[str | bytes | int] = [batch.cursor, cursor, WAKE_MS, KEEP_S, sets]
        args += [packed, states]
        verdict, wake, left = self._commit(plan.names, args)
        if verdict < 0:
            raise StoreNotReady("the lane has no marker; nothing is applied until it is restored")
        return Committed(done=verdict == 1, wake_outbox=wake == 1, left=left)


def _fixed(keys: Keys) -> list[str]:
    return [
        keys.marker,
        keys.cursor,
        keys.inbox,
        keys.holds,
        keys.reviews,
        keys.ledger,
        keys.outbox,
        keys.replies,
        keys.wake_inbox,
        keys.wake_outbox,
        keys.forwards,
        keys.forwards_since,
    ]


def _plan_sets(plan: _Plan, keys: Keys, effects: Effects, buckets: int) -> None:
    for number, after in effects.after.items():
        before = effects.before[number]
        member = number[1:]
        gained, lost = memberships(after), memberships(before)
        for kind, scope in gained - lost:
            plan.adds.append((plan.key(set_name(keys, kind, scope, number, buckets)), member))
        for kind, scope in lost - gained:
            plan.removes.append((plan.key(set_name(keys, kind, scope, number, buckets)), member))
    for move in effects.moves:
        gained, lost = memberships(move.after), memberships(move.before)
        for names, some in ((gained - lost, plan.adds), (lost - gained, plan.removes)):
            for kind, scope in names:
                stem = set_name(keys, kind, scope, "0", buckets)[:-1]  # the name less its bucket
                for number in move.numbers:
                    some.append((plan.key(f"{stem}{int(number) % buckets}"), number[1:]))


def memberships(standing: Standing) -> set[tuple[str, str]]:
    """The sets in which a number stands: kind and scope of each."""
    found = {("set", program) for program in standing.own}
    found |= {("back", program) for program in standing.back}
    found |= {("consent", program) for program in standing.consents}
    if standing.everywhere:
        found.add(("set", ALL))
    if standing.locked:
        found.add(("lock", ALL))
    return found


def set_name(keys: Keys, kind: str, scope: str, number: str, buckets: int) -> str:
    """The key of the bucket of such a set in which the number is."""
    if kind == "back":
        return keys.back(scope, number, buckets)
    if kind == "consent":
        return keys.consents(scope, number, buckets)
    if kind == "lock":
        return keys.locked(number, buckets)
    return keys.suppressed(scope, number, buckets)


def _plan_states(plan: _Plan, keys: Keys, effects: Effects) -> None:
    for number, after in effects.after.items():
        state: NumberState = after.state
        if state != effects.before[number].state:
            plan.states.append((plan.key(keys.number(number)), json_text(state)))


def _holds(batch: Batch) -> list[tuple[str, str]]:
    newest = {
        hold_field(stored.entry.scope, stored.entry.number): stored.id
        for stored in batch.entries
        if stored.entry.decision.intent.stops
    }
    return list(newest.items())


def _replies(effects: Effects) -> list[tuple[str, str, int]]:
    return [(reply.id, json_text(reply), due_us // 1000) for reply, due_us in effects.replies]


def _forwards(plan: _Plan, keys: Keys, effects: Effects) -> list[tuple[str, str, str, int]]:
    rows = []
    for forward in effects.forwards:
        number, program = forward.entry.number, forward.entry.program
        place = plan.key(keys.forwards_of(program, number))
        plan.key(keys.forwards_due(program))
        rows.append((forward.id, json_text(forward), number, place))
    return rows


def _events(effects: Effects) -> list[str]:
    return [json_text(event) for event in effects.events]
