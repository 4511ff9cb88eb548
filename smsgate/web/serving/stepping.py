"""Doing the steps to many answers in one thread (``gateway/steps.py``).

What wants storing is carried together with whatever else came in the same turn of the loop. That
is waited for as long as the store is quick, since a thread would have to be woken, and wake this
one, for less than a millisecond. From the first trip that was not quick on a thread waits, until
they are quick again. Other steps are always done by threads.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import structlog

from smsgate.errors import StoreUnavailable
from smsgate.gateway.steps import Keep, Step, Steps
from smsgate.messages import Added, HttpReply
from smsgate.store.inbox import stored_or_raise
from smsgate.store.together import Together

QUICK_S = 0.05
_log = structlog.get_logger("smsgate.web")
Later: TypeAlias = Callable[..., None]
"""Has something done in the thread of the loop."""


@dataclass(frozen=True, slots=True)
class Walk:
    """The steps to one answer, and who wants it."""

    steps: Steps[HttpReply | None]
    done: Callable[[HttpReply | None], None]


class Stepping:
    """The walks of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Executor, later: Later) -> None:
        """Do what may wait in ``pool``."""
        self._loop = loop
        self._pool = pool
        self._later = later
        self._keeps: list[tuple[Keep, Walk]] = []
        self._quick = True

    def begin(self, walk: Walk) -> None:
        """Do the first step."""
        self._go_on(walk, partial(next, walk.steps))

    def _go_on(self, walk: Walk, go: Callable[[], Step]) -> None:
        try:
            step = go()
        except StopIteration as end:
            walk.done(end.value)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the process goes on
            _log.error("an answer failed", exc_info=error)
            walk.done(HttpReply(500, "text/plain"))
            return
        if isinstance(step, Keep):
            if not self._keeps:
                self._loop.call_soon(self._carry)
            self._keeps.append((step, walk))
        else:
            self._pool.submit(self._perform, walk, step)

    def _perform(self, walk: Walk, step: Step) -> None:
        """In a thread."""
        try:
            given = step()
        except Exception as error:  # noqa: BLE001 - it is for the steps to say what comes of it
            self._later(self._go_on, walk, partial(walk.steps.throw, error))
        else:
            self._later(self._go_on, walk, partial(walk.steps.send, given))

    def _carry(self) -> None:
        """Have stored what wants storing since the loop last came round."""
        keeps, self._keeps = self._keeps, []
        alike: dict[Together, list[tuple[Keep, Walk]]] = defaultdict(list)
        for keep, walk in keeps:
            alike[keep.together].append((keep, walk))
        for together, some in alike.items():
            arrivals = [arrival for keep, _ in some for arrival in keep.arrivals]
            began = time.monotonic()
            if not self._quick:
                together.later(arrivals, partial(self._later, self._carried, some, began))
                continue
            try:
                added, lanes = together.add_each(arrivals)
            except Exception as error:  # noqa: BLE001 - it is for the steps to say what comes of it
                for _, walk in some:
                    self._go_on(walk, partial(walk.steps.throw, error))
            else:
                self._carried(some, began, added, lanes)

    def _carried(
        self,
        keeps: Sequence[tuple[Keep, Walk]],
        began: float,
        added: Sequence[Added | StoreUnavailable],
        lanes: Sequence[int],
    ) -> None:
        failed = any(isinstance(one, StoreUnavailable) for one in added)
        self._quick = not failed and time.monotonic() - began < QUICK_S
        at = 0
        for keep, walk in keeps:
            own = added[at : at + len(keep.arrivals)]
            at += len(keep.arrivals)
            try:
                given = stored_or_raise(own), lanes
            except StoreUnavailable as error:
                self._go_on(walk, partial(walk.steps.throw, StoreUnavailable(str(error))))
            else:
                self._go_on(walk, partial(walk.steps.send, given))
                lanes = ()
