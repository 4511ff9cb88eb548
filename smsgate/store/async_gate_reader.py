"""The part of the store that the gate needs, for programs that await Redis."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import cast

from redis.asyncio import RedisCluster
from redis.exceptions import NoScriptError, RedisError

from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.store.connection import WINDOW, ScriptText
from smsgate.store.gate_check import GateCheck, GateSnapshot
from smsgate.store.health import EvictionPolicy
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.metadata import METADATA_FIELDS, bucket_count_of
from smsgate.store.redis_address import open_async_redis
from smsgate.store.redis_errors import translated
from smsgate.store.redis_types import AsyncClient, Command, Result
from smsgate.store.refusals import Refusal, queue_refusals

_AT_ONCE = 24
"""Checks that are under way at the same time. Each may take ``WINDOW`` connections, and redis-py
refuses the hundred and first."""


class AsyncGateReader:
    """Reads what the gate asks, and counts the sends that it stopped; for one event loop."""

    def __init__(self, client: AsyncClient, timeout_s: float) -> None:
        self._client = client
        is_cluster = isinstance(cast("object", client), RedisCluster)
        self._every_primary = {"target_nodes": RedisCluster.PRIMARIES} if is_cluster else {}
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._script = ScriptText("check")
        self._eviction = EvictionPolicy()
        self._buckets = 0

    @classmethod
    def from_url(cls, url: str, timeout_s: float) -> AsyncGateReader:
        """Read the store at that Redis URL; connects on first use."""
        return cls(open_async_redis(url, timeout_s), timeout_s)

    async def check(self, numbers: Sequence[str], program: str) -> GateSnapshot:
        """What keeps a program from numbers (E.164); one round trip for up to 1,000.

        Raises as ``NumberReader.check`` and ``Health.refuse_eviction``.
        """
        async with self._place():
            await self._refuse_eviction()
            check = GateCheck(numbers, program, await self._bucket_count())
            calls = check.calls()
            try:
                while window := [*itertools.islice(calls, WINDOW)]:
                    for result in await self._run([self._script.command(call) for call in window]):
                        check.read(result)
            except StoreNotReady:
                self._buckets = 0  # a rebuild may have changed it
                raise
        return check.snapshot

    async def add_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Keep and count stopped sends in one round trip. Raises ``StoreUnavailable``."""
        async with self._place():
            with translated():
                async with self._client.pipeline(transaction=False) as pipeline:
                    queue_refusals(pipeline, refusals)
                    await pipeline.execute()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Wait for a place among those under way, no longer than for a round trip.

        Raises ``StoreUnavailable``.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._places.acquire()
        except TimeoutError:
            raise StoreUnavailable(
                f"the store cannot be used: {_AT_ONCE} checks of this gate wait for it"
            ) from None
        try:
            yield
        finally:
            self._places.release()

    async def _refuse_eviction(self) -> None:
        if not self._eviction.is_known():
            with translated():
                found = await self._client.info("memory", **self._every_primary)
            by_node = all(isinstance(one, dict) for one in found.values())
            self._eviction.learn(found.values() if by_node else [found])
        self._eviction.refuse()

    async def _bucket_count(self) -> int:
        if not self._buckets:
            with translated():
                fields = await self._client.hmget(PARTITION_KEYS[0].metadata, METADATA_FIELDS)
            self._buckets = bucket_count_of(fields)
        return self._buckets

    async def _run(self, commands: Sequence[Command]) -> list[Result]:
        """Run calls of the script at the same time. Raises ``StoreUnavailable``."""
        with translated():
            results = await self._results(commands)
            if any(isinstance(one, NoScriptError) for one in results):
                await self._client.script_load(self._script.source)
                results = await self._results(commands)
            for one in results:
                if isinstance(one, BaseException):
                    raise one
        return results

    async def _results(self, commands: Iterable[Command]) -> list[Result | RedisError]:
        asked = (self._client.execute_command(*command) for command in commands)
        return await asyncio.gather(*asked, return_exceptions=True)
