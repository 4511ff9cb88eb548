"""Redis's errors as ours, each with what mends it."""

from __future__ import annotations

import re

from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisClusterException, RedisError

from smsgate.domain.errors import StoreUnavailable

_CODE = re.compile(r"\b(?:OOM|NOREPLICAS|MISCONF|READONLY)\b")


def unavailable(error: RedisError | RedisClusterException) -> StoreUnavailable:
    """Redis's error as ours, with what mends it; where Redis refuses writes, with the reason."""
    for code, why, remedy in _WRITES_REFUSED:
        if code in _code(error):
            return StoreUnavailable(f"{REFUSES_WRITES}: {why}", remedy)
    said = f"the store cannot be used: {problem_of(error)}"
    for signs, remedy in _REMEDIES:
        if any(sign in said.lower() for sign in signs):
            return StoreUnavailable(said, remedy)
    return StoreUnavailable(said)


def refused_writes(error: RedisError) -> str:
    """A sentence that Redis refuses writes, and why; empty for any other error."""
    said = str(unavailable(error))
    return said if said.startswith(REFUSES_WRITES) else ""


REFUSES_WRITES = "Redis refuses writes"
"""How the error for that begins."""
_WRITES_REFUSED = (
    (
        "OOM",
        "its memory is full (`maxmemory` is reached, and nothing may be evicted)",
        "raise `maxmemory` in redis.conf; with a full ledger: bring the records' database back",
    ),
    (
        "NOREPLICAS",
        "fewer replicas follow it than `min-replicas-to-write` asks for",
        "bring the replicas back; INFO replication at Redis says which follow",
    ),
    (
        "MISCONF",
        "it cannot write to its disk",
        "free space on the disk of Redis; its log says what fails",
    ),
    (
        "READONLY",
        "it is a replica",
        "set REDIS_URL to the primary, or to the Sentinels that know it",
    ),
)
"""Code of Redis's error, what it means, what mends it."""
_REMEDIES = (
    (
        ("authentication", "username-password", "invalid password"),
        "give user and password in REDIS_URL: `redis://USER:PASSWORD@host`",
    ),
    (("no permissions",), "let its user run that: `ACL SETUSER` at Redis"),
    (("loading",), "wait: Redis still reads its data from disk"),
)
"""Words of an error in lower case, and what mends it."""


def _code(error: Exception) -> str:
    """The code of an error; redis-py takes it off where it knows it, and hides it in pipelines."""
    if isinstance(error, OutOfMemoryError):
        return "OOM"
    if isinstance(error, ReadOnlyError):
        return "READONLY"
    return " ".join(_CODE.findall(str(error)))


_MAX_PROBLEM = 200
"""Characters of what redis-py says of an error."""


def problem_of(error: Exception) -> str:
    """What is wrong, on one short line. redis-py writes whole clients into some of its errors."""
    said = str(error).partition("<redis.")[0].strip(" :\n") or type(error).__name__
    return said.splitlines()[0][:_MAX_PROBLEM]
