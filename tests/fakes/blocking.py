"""What is awaited, called without: one suite of tests serves a gate and its asynchronous twin."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import Any


class Blocking:
    """An object whose coroutines run to their end in an event loop of a thread."""

    def __init__(self, make) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        try:
            self._inner = self._run(self._made(make))
        except BaseException:
            self._stop()
            raise

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *args, **options: self._run(found(*args, **options))

    def __repr__(self) -> str:
        return repr(self._inner)

    def end(self) -> None:
        self._run(self._inner.aclose())
        self._stop()

    async def _made(self, make) -> Any:
        return make()

    def _run(self, coroutine) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
