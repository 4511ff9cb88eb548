"""A provider that takes 100 ms to accept a text: ``python -m bench.provider PORT [SECONDS]``."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

ANSWER_S = 0.1
_BODY = b'{"sid": "SM00000000000000000000000000000001", "status": "queued"}'
_ANSWER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


async def serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer_s: float
) -> None:
    """Answer the requests of one connection, each after its time."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            await asyncio.sleep(answer_s)
            writer.write(_ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int, answer_s: float = ANSWER_S) -> None:
    """Serve until killed."""
    server = await asyncio.start_server(partial(serve, answer_s=answer_s), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *map(float, sys.argv[2:])))
