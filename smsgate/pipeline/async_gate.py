"""The gate for programs that run in an event loop: the answers and errors of ``Gate``, awaited.

async with AsyncGate.from_url("redis://127.0.0.1:6379/0") as gate:
if await gate.allows("+14155550123", program="alerts"):
...
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from smsgate.domain.errors import StoreUnavailable
from smsgate.pipeline.gate import (
    GateAnswer,
    GateBase,
    GateQuestion,
    is_allowed,
    refuse_text,
    stop_error,
    stopped_sends,
)
from smsgate.store.async_gate_reader import AsyncGateReader
from smsgate.store.metrics import Metrics
from smsgate.store.redis_address import TIMEOUT_S, open_redis

if TYPE_CHECKING:  # as in ``gate``
    from smsgate.domain.opt_out_links import Links


class AsyncGate(GateBase):
    """Answers from the store, with one read of a partition for each number; for one event loop."""

    def __init__(
        self,
        reader: AsyncGateReader,
        links: Links | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(links, metrics)
        self._reader = reader

    @classmethod
    def from_url(
        cls, url: str, timeout: float = TIMEOUT_S, links: Links | None = None
    ) -> AsyncGate:
        """A gate on the store at that Redis URL. ``timeout`` in seconds, for each round trip.

        With ``links`` (``smsgate.links.Links``) it makes opt-out links too.
        """
        # A thread adds up what is counted, so that no answer waits for it.
        metrics = Metrics(open_redis(url, timeout))
        return cls(AsyncGateReader.from_url(url, timeout), links, metrics)

    async def allows(self, number: str, *, program: str) -> bool:
        """As ``Gate.allows``."""
        return is_allowed((await self.check([number], program=program))[0])

    async def check(self, numbers: Sequence[str], *, program: str) -> list[GateAnswer]:
        """As ``Gate.check``."""
        refuse_text(numbers)
        with self._count_failure(numbers):
            question = GateQuestion(numbers, program)
            snapshot = await self._reader.check(question.valid, program)
        return self._answers(numbers, program, question.refused(snapshot))

    async def require(self, numbers: Sequence[str], *, program: str, by: str = "gate") -> None:
        """As ``Gate.require``."""
        answers = await self.check(numbers, program=program)
        stopped = stopped_sends(answers, program, by)
        if not stopped:
            return
        with suppress(StoreUnavailable):  # a count that is lost must not look like an outage
            await self._reader.add_refusals(stopped)
        raise stop_error(answers, program)

    async def link(self, number: str, program: str) -> str:
        """As ``Gate.link``."""
        self._open_links()
        if program not in self._known:
            await self.check([], program=program)
            self._known.add(program)
        return self._link(number, program)

    async def aclose(self) -> None:
        """Close the connections, after adding the last counts."""
        await self._reader.aclose()
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
