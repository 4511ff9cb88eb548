"""The programs that gates know, and moving what stands under a former name of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from redis.typing import EncodableT, FieldT

from smsgate.consent.events import PublishedProgram
from smsgate.store.connection import Call, Client, Script, hash_rows, of_partitions, pipelined
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys

_AT_ONCE = 256
"""Sets of one call, so that none holds Redis for long."""
_BLOCKS = ("set:",)
_STANDS = ("set:", "exceptions:", "consent:")


class StorePrograms:
    """Publishes programs, and moves their suppressions. Raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rename = Script(client, "rename")

    def publish(self, programs: Mapping[str, PublishedProgram]) -> None:
        """Make the programs known to every gate.

        A program that is gone stays known, so that its suppressions go on to hold.
        """
        rows: dict[FieldT, EncodableT] = {
            name: msgspec.json.encode(one) for name, one in programs.items()
        }
        if rows:
            of_partitions(self._client, lambda one, keys: one.hset(keys.programs, mapping=rows))

    def published(self) -> dict[str, PublishedProgram]:
        """The programs that were published."""
        rows = hash_rows(self._client.hgetall(PARTITION_KEYS[0].programs))
        return {name: msgspec.json.decode(row, type=PublishedProgram) for name, row in rows.items()}

    def suppressing(self, programs: Iterable[str], buckets: int) -> list[str]:
        """Those of some programs of which numbers have opted out, in the scope of the program."""
        return [
            name
            for name in programs
            if any(
                self._client.exists(*keys.buckets(f"set:{name}", buckets))
                for keys in PARTITION_KEYS
            )
        ]

    def carry(self, names: Mapping[str, str], buckets: int, known: frozenset[str]) -> int:
        """Move what stands under former names; gives how many sets were moved.

        Args:
            names: by former name the name of the program now.
            buckets: of each set.
            known: programs that gates know by now. To those only opt-outs are moved, which a
                process that still knew the former name may have applied meanwhile; a return or
                a consent that came so late might be older than an opt-out under the name.
        """
        moved = 0
        for former, name in names.items():
            kinds = _BLOCKS if name in known else _STANDS
            for keys in PARTITION_KEYS:
                if self._has_former(keys, former, buckets, kinds):
                    moved += sum(
                        self._rename.many([*_rename_calls(keys, former, name, buckets, kinds)])
                    )
        return moved

    def _has_former(
        self, keys: PartitionKeys, former: str, buckets: int, kinds: tuple[str, ...]
    ) -> bool:
        with pipelined(self._client) as pipeline:
            pipeline.hkeys(keys.reviews)
            for kind in kinds:
                pipeline.exists(*keys.buckets(kind + former, buckets))
            waiting, *found = pipeline.execute()
        return any(found) or any(one.startswith(f"{former}:".encode()) for one in waiting)


def _rename_calls(
    keys: PartitionKeys, former: str, name: str, buckets: int, kinds: tuple[str, ...]
) -> Iterator[Call]:
    for kind in kinds:
        pairs = [
            *zip(
                keys.buckets(kind + former, buckets),
                keys.buckets(kind + name, buckets),
                strict=True,
            )
        ]
        for start in range(0, buckets, _AT_ONCE):
            of_these = [key for pair in pairs[start : start + _AT_ONCE] for key in pair]
            yield [keys.reviews, *of_these], [former, name]
