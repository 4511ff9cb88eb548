"""A real Redis that answers reads and refuses writes, for each of the causes that there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import redis

from tests.fakes.processes import wait_until


@contextmanager
def too_few_replicas(client: redis.Redis) -> Iterator[None]:
    """``min-replicas-to-write`` is not met."""
    client.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        client.config_set("min-replicas-to-write", 0)


@contextmanager
def memory_full(client: redis.Redis) -> Iterator[None]:
    """``maxmemory`` is reached under ``noeviction``."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


@contextmanager
def disk_full(client: redis.Redis) -> Iterator[None]:
    """What Redis has to save does not get to its disk: a folder is where its file should be."""
    in_the_way = Path(os.fsdecode(client.config_get("dir")["dir"])) / "dump.rdb"
    in_the_way.unlink(missing_ok=True)
    in_the_way.mkdir()
    client.config_set("save", "3600 1")
    try:
        assert _saved(client) == "err"
        yield
    finally:
        in_the_way.rmdir()
        assert _saved(client) == "ok"
        client.config_set("save", "")
        in_the_way.unlink()


def _saved(client: redis.Redis) -> str:
    """Let Redis save; gives what came of it."""
    client.bgsave()
    assert wait_until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
    return client.info("persistence")["rdb_last_bgsave_status"]


Cause = Callable[[redis.Redis], AbstractContextManager[None]]
CAUSES: Mapping[str, Cause] = {
    "NOREPLICAS": too_few_replicas,
    "OOM": memory_full,
    "MISCONF": disk_full,
}
"""By the code with which Redis refuses."""
