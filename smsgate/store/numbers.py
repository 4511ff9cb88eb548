"""How numbers stand: read for a reply about to leave and for workers, and changed in one commit.

The script ``states`` tells everything about numbers of a partition and several programs; ``check``
answers the gate (see ``gate_check``). All numbers of one call of a script are read at
one moment: a number that moves from hold to set would otherwise be seen in neither. Everything
raises ``StoreNotReady`` where a partition has no metadata or is being rebuilt, and
``StoreUnavailable``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import msgspec

from smsgate.consent.events import (
    CONSENT,
    EXCEPTION,
    LOCKED,
    OPTED_OUT,
    ConsentState,
    Event,
    Forward,
    MembershipKey,
    NumberState,
    PublishedProgram,
)
from smsgate.domain.errors import StoreNotReady, UnknownProgram
from smsgate.domain.messages import Batch, Reply
from smsgate.store.connection import Call, Client, Script, json_text
from smsgate.store.keys import LAYOUT, NOTIFY_MS, PARTITION_KEYS, hold_field, partition_of

STATES_CHUNK = 2000
"""Questions in one call of ``states`` (a set of a number each), for it to take a millisecond."""

KEEP_MARKS_S = 48 * 3600
"""How long the marks of a number are kept; event times are compared within that time only."""

SET_KINDS = {OPTED_OUT: "set", LOCKED: "lock", CONSENT: "consent", EXCEPTION: "exceptions"}
"""What the names of keys call the states of a membership."""

_Groups: TypeAlias = list[tuple[str, list[int | str]]]
_pack = msgspec.msgpack.encode
_IN = ord("1")
_NO_STATE = NumberState()
_state = msgspec.json.Decoder(NumberState).decode
_published = msgspec.json.Decoder(PublishedProgram).decode
_METADATA = ("ready", "layout", "buckets")
"""Of the store metadata: what ``bucket_count_of`` reads."""


def bucket_count_of(fields: Sequence[bytes | None]) -> int:
    """Into how many buckets a partition's sets are split, from ``_METADATA``.

    Raises ``StoreNotReady`` where the partition cannot be trusted.
    """
    ready, layout, count = fields
    if ready != b"1" or layout is None or count is None:
        raise StoreNotReady(
            "the store has no metadata: it is new, was flushed, or is being rebuilt; "
            "`smsgate init` makes a new store ready, a flushed one must be restored first"
        )
    if int(layout) != LAYOUT:
        raise StoreNotReady(f"the store has layout {int(layout)}, this smsgate needs {LAYOUT}")
    return int(count)


def published_of(raw: bytes, name: str) -> PublishedProgram:
    """A program as it was published. Raises ``UnknownProgram`` where it was not."""
    if not raw:
        raise UnknownProgram(f"no program is called {name!r}")
    return _published(raw)


@dataclass(frozen=True, slots=True)
class SendSnapshot:
    """A number as it is just before a reply leaves."""

    consent_state: ConsentState
    is_held: bool
    """Whether an accepted opt-out of the program or of all is not applied yet."""


@dataclass(slots=True)
class ConsentStates:
    """How numbers of a partition stand. Nearly all stand as others do, so they come in groups."""

    now_us: int = 0
    """On Redis's clock."""
    alike: list[tuple[ConsentState, list[str]]] = field(default_factory=list)
    """Numbers that stand alike, of which the partition remembers nothing more."""
    remembered: dict[str, ConsentState] = field(default_factory=dict)
    """The others."""

    def by_number(self) -> dict[str, ConsentState]:
        """By number; those that stand alike share theirs."""
        found = dict(self.remembered)
        for consent_state, some in self.alike:
            found.update(dict.fromkeys(some, consent_state))
        return found


class NumberReader:
    """Reads sets, holds, review holds and remembered states."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._states = Script(client, "states")
        self._buckets = 0

    def before_send(self, number: str, program: str) -> SendSnapshot:
        """How a number stands with a program, and whether an opt-out of it is held.

        Raises ``UnknownProgram`` where the program is not published.
        """
        ((_, raw),) = self._read({partition_of(number): [number]}, [program], program)
        published_of(raw[4], program)
        bits = raw[2][0]
        state = _state(raw[3][1]) if raw[3] else _NO_STATE
        return SendSnapshot(_consent_state(bits, [program], state), _IN in bits[-2:])

    def consent_states(
        self, partition: int, numbers: Sequence[str], programs: Sequence[str]
    ) -> ConsentStates:
        """How different numbers (E.164) of one partition stand with some programs.

        What changes between two calls of the script moves the partition's cursor.
        """
        return self._consent_states({partition: numbers}, programs)

    def consent_states_of(
        self, numbers: Iterable[str], programs: Sequence[str]
    ) -> dict[str, ConsentState]:
        """How numbers of any partition stand."""
        groups: dict[int, list[str]] = defaultdict(list)
        for number in dict.fromkeys(numbers):
            groups[partition_of(number)].append(number)
        return self._consent_states(groups, programs).by_number()

    def _consent_states(
        self, groups: Mapping[int, Sequence[str]], programs: Sequence[str]
    ) -> ConsentStates:
        found = ConsentStates()
        alike: dict[bytes, list[str]] = defaultdict(list)
        for some, raw in self._read(groups, programs):
            found.now_us = int(raw[1])
            known = dict(zip(raw[3][::2], raw[3][1::2], strict=True))
            for place, (number, bits) in enumerate(zip(some, raw[2], strict=True)):
                if place in known:
                    found.remembered[number] = _consent_state(bits, programs, _state(known[place]))
                else:
                    alike[bits].append(number)
        found.alike = [(_consent_state(bits, programs), some) for bits, some in alike.items()]
        return found

    def bucket_count(self) -> int:
        """Into how many buckets a partition's sets are split."""
        if not self._buckets:
            fields = self._client.hmget(PARTITION_KEYS[0].metadata, *_METADATA)
            self._buckets = bucket_count_of(cast("list[bytes | None]", fields))
        return self._buckets

    def refuse_buckets(self, fields: Sequence[bytes | None], buckets: int) -> None:
        """Raise ``StoreNotReady`` where a partition is not split as the caller assumed.

        Then the bucket count is asked for again: a rebuild may change it.
        """
        try:
            if bucket_count_of(fields) != buckets:
                raise StoreNotReady("the store was rebuilt with another bucket count; ask again")
        except StoreNotReady:
            self._buckets = 0
            raise

    def _read(
        self, groups: Mapping[int, Sequence[str]], programs: Sequence[str], program: str = ""
    ) -> Iterator[tuple[Sequence[str], Any]]:
        """Run ``states`` for numbers by partition; gives chunks of them and their answers."""
        buckets = self.bucket_count()
        sets = ["set:all:", "lock:"]
        for one in programs:
            sets += (f"set:{one}:", f"exceptions:{one}:", f"consent:{one}:")
        size = max(1, STATES_CHUNK // len(sets))
        chunks = [
            (PARTITION_KEYS[partition], numbers[at : at + size])
            for partition, numbers in groups.items()
            for at in range(0, len(numbers), size)
        ]

        def calls() -> Iterator[Call]:
            for keys, some in chunks:
                members = (number[1:] for number in some)
                yield (
                    [keys.metadata, keys.programs, keys.holds],
                    [keys.prefix, buckets, program, len(sets), *sets, *members],
                )

        for (_, some), raw in zip(chunks, self._states.many(calls()), strict=True):
            self.refuse_buckets(raw[0], buckets)
            yield some, raw


def _consent_state(
    bits: bytes, programs: Sequence[str], state: NumberState = _NO_STATE
) -> ConsentState:
    """``bits`` has a digit for each set that ``_read`` asks about, in that order."""
    members = [bit == _IN for bit in bits]
    return ConsentState(
        everywhere=members[0],
        opted_out=frozenset(name for at, name in enumerate(programs) if members[2 + 3 * at]),
        exceptions=frozenset(name for at, name in enumerate(programs) if members[3 + 3 * at]),
        locked=members[1],
        consents=frozenset(name for at, name in enumerate(programs) if members[4 + 3 * at]),
        state=state,
    )


@dataclass(frozen=True, slots=True)
class Move:
    """Numbers of a list with their consent states before and after; nothing else is stored."""

    numbers: Sequence[str]
    before: ConsentState
    after: ConsentState


@dataclass(frozen=True, slots=True)
class Effects:
    """What a batch does to its partition."""

    before: dict[str, ConsentState]
    after: dict[str, ConsentState]
    """Consent states that are compared; equal ones cost nothing."""
    events: list[Event] = field(default_factory=list)
    replies: list[tuple[Reply, int]] = field(default_factory=list)
    """With the time at which each is due (us, Redis's clock)."""
    decided: list[tuple[str, str]] = field(default_factory=list)
    """Fields of review holds that are over, and the inbox id of what ends each: texts that came
    after it wait on."""
    forwards: dict[str, Forward] = field(default_factory=dict)
    """By the id of their event, texts that go on to the application of their program."""
    moves: list[Move] = field(default_factory=list)
    """Numbers of a list with which the same happens."""


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The outcome of a commit."""

    done: bool
    """False where another worker was faster: read again."""
    notify_outbox: bool = False


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
        states = [
            (number, json_text(after.state))
            for number, after in effects.after.items()
            if after.state != effects.before[number].state
        ]
        # Of an entry of the ledger: the event, and the text that is to be forwarded with it.
        events = [
            ["e", json_text(one), *(("f", json_text(forward)) if forward else ())]
            for one in effects.events
            for forward in [effects.forwards.get(one.id)]
        ]
        packed = _pack(
            (
                *_sets(effects, buckets),
                states,
                _columns(_holds(batch)),
                _columns(effects.decided),
                [(reply.id, json_text(reply), due_us // 1000) for reply, due_us in effects.replies],
                events,
            )
        )
        cursor = batch.entries[-1].id
        of_list = int(any(stored.entry.action == "import" for stored in batch.entries))
        names = [
            *(keys.metadata, keys.cursor, keys.inbox, keys.holds, keys.reviews, keys.ledger),
            *(keys.outbox, keys.replies, keys.notify_inbox, keys.notify_outbox),
            keys.lists,
        ]
        verdict, notify, _ = self._commit(
            names,
            [batch.cursor, cursor, NOTIFY_MS, KEEP_MARKS_S, keys.prefix, packed, of_list],
        )
        if verdict < 0:
            raise StoreNotReady(
                "the partition has no metadata; nothing is applied until it is restored"
            )
        return CommitResult(done=verdict == 1, notify_outbox=notify == 1)


def _sets(effects: Effects, buckets: int) -> tuple[_Groups, _Groups]:
    """What joins sets and what leaves them: by kind of set, each member behind its bucket."""
    joins: dict[str, list[int | str]] = defaultdict(list)
    leaves: dict[str, list[int | str]] = defaultdict(list)
    moves: list[tuple[Sequence[str], ConsentState, ConsentState]] = [
        ((number,), effects.before[number], after) for number, after in effects.after.items()
    ]
    moves += [(move.numbers, move.before, move.after) for move in effects.moves]
    for numbers, before, after in moves:
        was, is_ = before.memberships(), after.memberships()
        for places, groups in ((is_ - was, joins), (was - is_, leaves)):
            for key in places:
                group = groups[set_stem(key)]
                for number in numbers:
                    group += (int(number) % buckets, number[1:])
    return list(joins.items()), list(leaves.items())


def set_stem(key: MembershipKey) -> str:
    """Name of such a set between the partition's prefix and the bucket."""
    return "lock:" if key.state == LOCKED else f"{SET_KINDS[key.state]}:{key.scope}:"


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
