"""A gate for programs that run in an event loop: each call blocks a thread of the gate's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from smsgate.domain.errors import SmsGateError

THREADS = 8
"""Calls that are under way at the same time."""
AnswerT = TypeVar("AnswerT")
T = TypeVar("T")


class BlockingGate(Protocol[AnswerT]):
    """``Gate`` or ``SmsGate``."""

    def allows(self, number: str, *, program: str) -> bool:
        """Whether the program may text the number."""

    def check(self, numbers: Sequence[str], *, program: str) -> list[AnswerT]:
        """What the gate says of each number."""

    def require(self, numbers: Sequence[str], *, program: str, by: str = ...) -> None:
        """Raise where the program may not text one of them."""


class ThreadedGate(Generic[AnswerT]):
    """Gives the answers and raises the errors of a gate; any tasks of one event loop share it."""

    _busy_error: ClassVar[type[SmsGateError]]

    def __init__(
        self, gate: BlockingGate[AnswerT], close: Callable[[], None], timeout_s: float
    ) -> None:
        """``close``: the gate's connections. ``timeout_s``: to wait for a thread, at most."""
        self._gate = gate
        self._close = close
        self._timeout_s = timeout_s
        # Not those of asyncio.to_thread: a store that hangs must not hold up the rest of a program.
        self._threads = ThreadPoolExecutor(THREADS, "smsgate-gate")
        self._free = asyncio.Semaphore(THREADS)

    async def allows(self, number: str, *, program: str) -> bool:
        """As the blocking gate's ``allows``."""
        return await self._call(lambda: self._gate.allows(number, program=program))

    async def check(self, numbers: Sequence[str], *, program: str) -> list[AnswerT]:
        """As the blocking gate's ``check``."""
        return await self._call(lambda: self._gate.check(numbers, program=program))

    async def require(self, numbers: Sequence[str], *, program: str, by: str = "") -> None:
        """As the blocking gate's ``require``."""
        by_whom = {"by": by} if by else {}
        await self._call(lambda: self._gate.require(numbers, program=program, **by_whom))

    async def aclose(self) -> None:
        """Close the connections, after adding the last counts."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._close)
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _call(self, call: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy_error(
                f"{THREADS} checks of this gate wait for an answer; text nobody"
            ) from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._free.release()
