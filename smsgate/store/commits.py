"""Committing the effects of a batch of inbox entries: all of them, once."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from smsgate.consent.events import ConsentState, Event
from smsgate.domain.errors import StoreNotReady
from smsgate.domain.forwards import Forward
from smsgate.domain.messages import ALL, Batch, Reply
from smsgate.store.connection import Script, json_text
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS, PartitionKeys, hold_field
from smsgate.store.redis_types import Client

KEEP_MARKS_S = 48 * 3600
"""How long the marks of a number are kept; event times are compared within that time only."""

_Groups: TypeAlias = list[tuple[str, list[int | str]]]
_pack = msgspec.msgpack.encode


@dataclass(frozen=True, slots=True)
class Move:
    """Numbers of a list with their consent states before and after; nothing else is stored."""

    numbers: Sequence[str]
    before: ConsentState
    after: ConsentState


@dataclass(frozen=True, slots=True)
class Effects:
    """What a batch does to its partition."""

    before: Mapping[str, ConsentState]
    after: Mapping[str, ConsentState]
    """Consent states that are compared; equal ones cost nothing."""
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
class CommitResult:
    """The outcome of a commit."""

    done: bool
    """False where another worker was faster: read again."""
    notify_outbox: bool = False
    left: int = 0


class Commits:
    """Runs the script ``commit``."""

    def __init__(self, client: Client) -> None:
        self._commit = Script(client, "commit")

    def commit(self, partition: int, batch: Batch, effects: Effects, buckets: int) -> CommitResult:
        """Write sets, holds, ledger, outbox and cursor in one script.

        Nothing is written where the cursor has moved since the batch was read. Raises
        ``StoreNotReady`` where the partition has no metadata, ``StoreUnavailable``.
        """
        keys = PARTITION_KEYS[partition]
        packed = _pack(
            (
                *_sets(effects, buckets),
                _states(effects),
                _columns(_holds(batch)),
                _columns(effects.decided),
                [(reply.id, json_text(reply), due_us // 1000) for reply, due_us in effects.replies],
                [json_text(event) for event in effects.events],
                [
                    (one.id, json_text(one), one.entry.number, one.entry.program)
                    for one in effects.forwards
                ],
            )
        )
        cursor = batch.entries[-1].id
        of_list = int(any(stored.entry.numbers for stored in batch.entries))
        verdict, notify, left = self._commit(
            _fixed(keys),
            [batch.cursor, cursor, NOTIFY_MS, KEEP_MARKS_S, keys.prefix, packed, of_list],
        )
        if verdict < 0:
            raise StoreNotReady(
                "the partition has no metadata; nothing is applied until it is restored"
            )
        return CommitResult(done=verdict == 1, notify_outbox=notify == 1, left=left)


def _fixed(keys: PartitionKeys) -> list[str]:
    return [
        keys.metadata,
        keys.cursor,
        keys.inbox,
        keys.holds,
        keys.reviews,
        keys.ledger,
        keys.outbox,
        keys.replies,
        keys.notify_inbox,
        keys.notify_outbox,
        keys.forwards,
        keys.forwards_since,
        keys.lists,
    ]


def _sets(effects: Effects, buckets: int) -> tuple[_Groups, _Groups]:
    """What joins sets and what leaves them: by kind of set, each member behind its bucket."""
    joins: dict[str, list[int | str]] = defaultdict(list)
    leaves: dict[str, list[int | str]] = defaultdict(list)
    moves: list[tuple[Sequence[str], ConsentState, ConsentState]] = [
        ((number,), effects.before[number], after) for number, after in effects.after.items()
    ]
    moves += [(move.numbers, move.before, move.after) for move in effects.moves]
    for numbers, before, after in moves:
        was, is_ = memberships(before), memberships(after)
        for places, groups in ((is_ - was, joins), (was - is_, leaves)):
            for kind, scope in places:
                group = groups[set_stem(kind, scope)]
                for number in numbers:
                    group += (int(number) % buckets, number[1:])
    return list(joins.items()), list(leaves.items())


def memberships(consent_state: ConsentState) -> frozenset[tuple[str, str]]:
    """The sets that contain a number: kind and scope of each."""
    return _memberships(
        consent_state.everywhere,
        consent_state.locked,
        consent_state.opted_out,
        consent_state.exceptions,
        consent_state.consents,
    )


@functools.lru_cache(4096)
def _memberships(
    everywhere: bool,
    locked: bool,
    opted_out: frozenset[str],
    exceptions: frozenset[str],
    consents: frozenset[str],
) -> frozenset[tuple[str, str]]:
    """Cached, since most numbers share their consent state with many others."""
    found = {("set", program) for program in opted_out}
    found |= {("exceptions", program) for program in exceptions}
    found |= {("consent", program) for program in consents}
    if everywhere:
        found.add(("set", ALL))
    if locked:
        found.add(("lock", ALL))
    return frozenset(found)


def set_stem(kind: str, scope: str) -> str:
    """Name of such a set between the partition's prefix and the bucket."""
    return "lock:" if kind == "lock" else f"{kind}:{scope}:"


def _states(effects: Effects) -> list[tuple[str, str]]:
    return [
        (number, json_text(after.state))
        for number, after in effects.after.items()
        if after.state != effects.before[number].state
    ]


def _columns(rows: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Lists for the script, which asks for all fields of a hash at once."""
    return [field for field, _ in rows], [id_ for _, id_ in rows]


def _holds(batch: Batch) -> list[tuple[str, str]]:
    newest = {
        hold_field(stored.entry.scope, stored.entry.number): stored.id
        for stored in batch.entries
        if stored.entry.decision.intent.stops
    }
    return list(newest.items())
