"""Rebuilding a store from the records: sets, marks, message ids, review holds.

Meanwhile no partition is ready: the gate says ``not_ready``, workers and senders
wait, and the inbox goes on to take what providers post. Holds and the inbox itself are left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from smsgate.consent.events import ConsentState, MembershipKey
from smsgate.domain.errors import StoreNotReady
from smsgate.domain.messages import ALL, Intent
from smsgate.store.connection import (
    Call,
    Client,
    Script,
    as_text,
    json_text,
    pipelined,
    stream_rows,
)
from smsgate.store.inbox import KEEP_MESSAGE_ID_S, opt_in_member, stored_of
from smsgate.store.keys import LAYOUT, PARTITION_KEYS, partition_of
from smsgate.store.numbers import KEEP_MARKS_S, SET_KINDS, set_stem

_AT_ONCE = 2_000
"""Commands in one round trip."""
_STEP = 1_000
"""Numbers, or values, in one call of the script, so that it holds Redis for some 2 ms."""
_READ = 500
"""Sets that are read in one round trip."""
_STATES = {kind: state for state, kind in SET_KINDS.items()}
_SETS = tuple(f"{kind}:" for kind in _STATES)
_KINDS = (*_SETS, "number:")
"""What follows the partition in the names of keys that are made anew."""

_Command: TypeAlias = Sequence[str | int]
_Sets: TypeAlias = dict[str, list[str]]
_Values: TypeAlias = list[str | int]
"""Name, value and seconds of each, in turn."""
_pack = msgspec.msgpack.encode


class StoreRebuild:
    """Rebuilds a store. Every method raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._open = Script(client, "open")
        self._restore = Script(client, "restore")

    def shut(self, name: str) -> None:
        """Take every partition out of use, for the rebuild ``name``."""
        self._write(
            [("HSET", keys.metadata, "ready", 0, "rebuild", name) for keys in PARTITION_KEYS]
        )

    def empty(self) -> None:
        """Delete sets and marks."""
        self._write([("UNLINK", key) for key in self._keys(_KINDS)])

    def members(self) -> Iterator[tuple[int, MembershipKey, set[int]]]:
        """All sets by bucket: partition, which set, and the numbers as integers."""
        names = self._keys(_SETS)
        for at in range(0, len(names), _READ):
            step = names[at : at + _READ]
            with pipelined(self._client) as pipeline:
                for key in step:
                    pipeline.smembers(key)
                found = pipeline.execute()
            for key, numbers in zip(step, found, strict=True):
                partition, _, rest = key.removeprefix("smsgate:{").partition("}:")
                kind, _, rest = rest.partition(":")
                scope = rest.rpartition(":")[0] or ALL  # the bucket is last
                key_of_set = MembershipKey(_STATES[kind], scope)
                yield int(partition), key_of_set, {int(number) for number in numbers}

    def _keys(self, kinds: tuple[str, ...]) -> list[str]:
        """The keys of partitions whose names go on so."""
        found = map(as_text, self._client.scan_iter(match="smsgate:{*}:*", count=1000))
        return [key for key in found if key.partition("}:")[2].startswith(kinds)]

    def load(
        self,
        name: str,
        partition: int,
        consent_states: Iterable[tuple[str, ConsentState]],
        buckets: int,
        now_us: int,
    ) -> None:
        """Put numbers of a partition into their sets, with the marks of the last 48 hours.

        For the rebuild ``name``; raises ``StoreNotReady`` where the partition is not shut for it.
        """
        sets: _Sets = defaultdict(list)
        values: _Values = []
        for number, consent_state in consent_states:
            digits, state = number[1:], consent_state.state
            bucket = int(digits) % buckets
            for one in consent_state.memberships():
                sets[f"{set_stem(one)}{bucket}"].append(digits)
            event_times = [mark.event_time_us for mark in state.marks.values()]
            all_us = [*event_times, *state.asked_us.values(), *state.helped_us]
            left_s = KEEP_MARKS_S - (now_us - max(all_us, default=0)) // 1_000_000
            if left_s > 0:
                values += (f"number:{number}", json_text(state), min(left_s, KEEP_MARKS_S))
        self._put(name, partition, sets, values)

    def remember(
        self, name: str, messages: Iterable[tuple[int, str, str, int]], now_us: int
    ) -> None:
        """Remember messages of the last 48 hours: partition, account, id and receipt (us).

        Raises as ``load``.
        """
        partitions: dict[int, _Values] = defaultdict(list)
        for partition, account, id_, received_us in messages:
            left_s = KEEP_MESSAGE_ID_S - (now_us - received_us) // 1_000_000
            if left_s > 0:
                left_s = min(left_s, KEEP_MESSAGE_ID_S)
                partitions[partition] += (f"seen:{account}:{id_}", "rebuilt", left_s)
        for partition, some in partitions.items():
            self._put(name, partition, {}, some)

    def remember_opt_ins(self, name: str, messages: Iterable[tuple[int, str, str]]) -> None:
        """Remember opt-ins without end: partition, account and message id of each.

        Raises as ``load``.
        """
        partitions: dict[int, list[str]] = defaultdict(list)
        for partition, account, id_ in messages:
            partitions[partition].append(f"{account}:{id_}")
        for partition, ids in partitions.items():
            self._put(name, partition, {"optins": ids}, [])

    def drop_replayed_opt_ins(self, recorded: Iterable[tuple[int, str, str]]) -> None:
        """Take opt-ins out of inboxes whose message ids were not known here when they came again.

        ``recorded``: as ``remember_opt_ins``, of every one; only read where an opt-in waits.
        """
        waiting: dict[tuple[int, str], str] = {}
        for keys in PARTITION_KEYS:
            start = "-"
            while rows := stream_rows(self._client.xrange(keys.inbox, min=start, count=_STEP)):
                start = f"({rows[-1][0]}"
                for one in (stored_of(*row) for row in rows):
                    if one.entry.decision.intent is Intent.OPT_IN and one.entry.message_id:
                        waiting[keys.partition, opt_in_member(one.entry)] = one.id
        if waiting:
            for partition, account, id_ in recorded:
                if (known := waiting.get((partition, f"{account}:{id_}"))) is not None:
                    self._client.xdel(PARTITION_KEYS[partition].inbox, known)

    def hold_for_review(self, waiting: Iterable[tuple[str, str, str]]) -> None:
        """Hold what waits for a person: program, number, and the inbox ids of first and newest."""
        commands: list[_Command] = [
            ("HSETNX", PARTITION_KEYS[partition_of(number)].reviews, f"{program}:{number}", id_)
            for program, number, id_ in waiting
        ]
        self._write(commands)

    def open(self, name: str, store_id: str, buckets: int, kept: Mapping[int, int]) -> bool:
        """Make the store ready, and say how far the records have each partition.

        False where partitions are not those any more that were shut for ``name``: they stay shut.
        """
        calls: list[Call] = [
            (
                [keys.metadata, keys.kept],
                [name, store_id, LAYOUT, buckets, kept.get(keys.partition, 0)],
            )
            for keys in PARTITION_KEYS
        ]
        return all(self._open.many(calls))

    def _put(
        self, name: str, partition: int, sets: Mapping[str, Sequence[str]], values: _Values
    ) -> None:
        """Sets by their names in the partition, and values that expire."""
        if not all(self._restore.many(_calls(name, partition, sets, values))):
            raise StoreNotReady(
                "the store was flushed while it was rebuilt, or another process rebuilds it"
            )

    def _write(self, commands: Sequence[_Command]) -> None:
        """Write in steps, each in one round trip."""
        for at in range(0, len(commands), _AT_ONCE):
            with pipelined(self._client) as pipeline:
                run: Any = pipeline.execute_command  # without types
                for command in commands[at : at + _AT_ONCE]:
                    run(*command)
                pipeline.execute()


def _calls(
    name: str, partition: int, sets: Mapping[str, Sequence[str]], values: _Values
) -> Iterator[Call]:
    """The calls of the script for ``_put``."""
    keys = PARTITION_KEYS[partition]

    def call(some_sets: Sequence[object], some_values: Sequence[object]) -> Call:
        return [keys.metadata], [name, keys.prefix, _pack((some_sets, some_values))]

    some: list[object] = []
    count = 0
    for of_set, members in sets.items():
        for at in range(0, len(members), _STEP):
            part = members[at : at + _STEP]
            some += (of_set, part)
            count += len(part)
            if count >= _STEP:
                yield call(some, ())
                some, count = [], 0
    if some:
        yield call(some, ())
    for at in range(0, len(values), 3 * _STEP):
        yield call((), values[at : at + 3 * _STEP])
