"""Numbers, and Redis filled with them: what the benchmarks of gate and API ask about."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

import redis

from smsgate.domain.messages import ALL
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.metadata import BUCKETS

_STEP = 5000


def numbers(count: int, seed: int) -> list[str]:
    """Numbers as a list has them: North American, in no order."""
    drawn = random.Random(seed).sample(range(2_000_000_000, 9_999_999_999), count)
    return [f"+1{number}" for number in drawn]


def steps(items: list[str], size: int = _STEP) -> Iterator[list[str]]:
    """The same, some at a time."""
    return (items[at : at + size] for at in range(0, len(items), size))


def fill(client: redis.Redis, suppressed: list[str]) -> float:
    """Put numbers into the set of scope ``all``; gives bytes a number."""
    before = client.info("memory")["used_memory"]
    for step in steps(suppressed, 50 * _STEP):
        members: defaultdict[str, list[str]] = defaultdict(list)
        for number in step:
            keys = PARTITION_KEYS[partition_of(number)]
            members[f"{keys.prefix}set:{ALL}:{int(number) % BUCKETS}"].append(number[1:])
        with client.pipeline(transaction=False) as pipeline:
            for key, some in members.items():
                pipeline.sadd(key, *some)
            pipeline.execute()
    return (client.info("memory")["used_memory"] - before) / len(suppressed)
