"""A TCP proxy in front of Redis that can break off in the middle of a reply."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import Self

CHUNK = 64 * 1024


class RedisProxy:
    """A context manager. ``target`` gives the port of Redis for each new connection."""

    def __init__(self, target: Callable[[], int], rng: random.Random) -> None:
        self.port = 0
        self.cuts = 0
        self._target = target
        self._rng = rng
        self._cut_until = 0.0
        self._share = 0.0
        self._only = b""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def cut(self, seconds: float, share: float, only: bytes = b"") -> None:
        """For so long, cut a share of the connections when the reply to a request comes back.

        ``only``: what the request must contain.
        """
        self._share = share
        self._only = only
        self._cut_until = time.monotonic() + seconds

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=256)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # either side may go away at any moment
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target())
        asked = bytearray()
        try:
            pumps = [
                asyncio.ensure_future(self._requests(reader, far_writer, asked)),
                asyncio.ensure_future(self._replies(far_reader, writer, asked)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            far_writer.close()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytearray
    ) -> None:
        while data := await reader.read(CHUNK):
            asked[:] = data
            writer.write(data)
            await writer.drain()

    async def _replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytearray
    ) -> None:
        while data := await reader.read(CHUNK):
            if self._cuts(asked):
                self.cuts += 1
                writer.write(data[: self._rng.randrange(len(data))])
                return
            writer.write(data)
            await writer.drain()

    def _cuts(self, asked: bytearray) -> bool:
        cutting = time.monotonic() < self._cut_until and self._only in asked
        return cutting and self._rng.random() < self._share
