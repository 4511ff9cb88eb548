"""How store and records contradict each other, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from smsgate.domain.errors import RecordsDiffer
from smsgate.store.keys import PARTITIONS

Ends: TypeAlias = Mapping[int, tuple[int, int]]
"""By partition, how many events the records have and the store knows of."""


def records_differ(lacking: Ends, fell_back: Ends) -> RecordsDiffer:
    """The error, with a sentence for each cause."""
    said = []
    if lacking:
        seq, kept = map(sum, zip(*lacking.values(), strict=True))
        said.append(
            f"{_partitions(lacking)}: the records end at {seq:,}, and the store was told of "
            f"{kept:,}: this is another database, or an older copy (go on: `smsgate records adopt`)"
        )
    if fell_back:
        seq, kept = map(sum, zip(*fell_back.values(), strict=True))
        said.append(
            f"{_partitions(fell_back)}: the records have {seq:,} events and the store knows of "
            f"{kept:,}: it fell back; run `smsgate rebuild`"
        )
    return RecordsDiffer("; ".join(said))


def _partitions(partitions: Iterable[int]) -> str:
    names = [str(partition) for partition in sorted(partitions)]
    if len(names) == PARTITIONS:
        return f"all {PARTITIONS} partitions"
    return f"partition{'s' if len(names) > 1 else ''} {', '.join(names)}"
