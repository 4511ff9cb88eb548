"""The ledger: the append-only trail of what happened to each number's consent."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from smsgate.consent import Event
from smsgate.store.connection import Client, translated
from smsgate.store.keys import LANE_KEYS, lane_of

_PAGE = 1000
_decode = msgspec.json.Decoder(Event).decode


class Ledger:
    """Reads the ledgers; they are written by the scripts that make the changes."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def of_number(self, number: str) -> list[Event]:
        """The events of one number, oldest first. Reads the lane's whole ledger."""
        return [event for event in self.of_lane(lane_of(number)) if event.number == number]

    def of_lane(self, lane: int) -> Iterator[Event]:
        """The events of a lane, oldest first, a page at a time."""
        start = "-"
        while True:
            with translated():
                rows = self._client.xrange(LANE_KEYS[lane].ledger, min=start, count=_PAGE)
            for _, fields in rows:
                yield _decode(fields[b"e"])
            if len(rows) < _PAGE:
                return
            start = f"({rows[-1][0].decode()}"
