"""Moving what stands under a program's former name to its name now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from smsgate.store.connection import Call, Script
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys
from smsgate.store.redis_types import Client

_AT_ONCE = 256
"""Sets of one call, so that none holds Redis for long."""
_BLOCKS = ("set:",)
_STANDS = ("set:", "back:", "consent:")


class ProgramRenames:
    """Moves suppressions. Raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rename = Script(client, "rename")

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
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hkeys(keys.reviews)
            for kind in kinds:
                pipeline.exists(*_program_sets(keys, kind, former, buckets))
            waiting, *found = pipeline.execute()
        return any(found) or any(one.startswith(f"{former}:".encode()) for one in waiting)


def _rename_calls(
    keys: PartitionKeys, former: str, name: str, buckets: int, kinds: tuple[str, ...]
) -> Iterator[Call]:
    for kind in kinds:
        pairs = [
            *zip(
                _program_sets(keys, kind, former, buckets),
                _program_sets(keys, kind, name, buckets),
                strict=True,
            )
        ]
        for start in range(0, buckets, _AT_ONCE):
            of_these = [key for pair in pairs[start : start + _AT_ONCE] for key in pair]
            yield [keys.reviews, *of_these], [former, name]


def _program_sets(keys: PartitionKeys, kind: str, name: str, buckets: int) -> list[str]:
    return [f"{keys.prefix}{kind}{name}:{bucket}" for bucket in range(buckets)]
