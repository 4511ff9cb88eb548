"""The texts that the simulator account would have sent; only ``smsgate dev`` has one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.store.redis_types import Client
from smsgate.store.shared_keys import SIMULATOR

_CAP = 1_000


class Simulator:
    """A capped stream of outgoing texts."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, text: Mapping[str, str]) -> str:
        """Keep one outgoing text; gives its id."""
        return str(
            self._client.xadd(SIMULATOR, {"t": msgspec.json.encode(text)}, maxlen=_CAP), "ascii"
        )

    def newest(self) -> str:
        """Id of the newest text; ``0-0`` without texts."""
        rows = self._client.xrevrange(SIMULATOR, count=1)
        return rows[0][0].decode() if rows else "0-0"

    def after(self, id_: str) -> list[dict[str, str]]:
        """The texts that came after that id, oldest first."""
        rows = self._client.xrange(SIMULATOR, min=f"({id_}")
        return [msgspec.json.decode(fields[b"t"], type=dict[str, str]) for _, fields in rows]
