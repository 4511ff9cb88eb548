"""The quarantine: what is left of the newest refused requests, for explaining them."""

from __future__ import annotations

import time

import msgspec

from smsgate.redis_address import Client
from smsgate.store.connection import translated
from smsgate.store.keys import quarantine_of

CAP = 50
"""Requests that are kept for an account."""
DAY_S = 24 * 3600

_encode = msgspec.json.encode


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """A refused request without what it said: no secret, number or text in clear."""

    problem: str
    """The sentence that it was refused with."""
    finding: str
    """What trying other addresses and accounts showed."""
    method: str
    url: str
    """As we put it together; the secret of the path and the values of the query are masked."""
    headers: tuple[str, ...] = ()
    """Names."""
    signatures: dict[str, int] = {}
    """Length of each header that may be a signature."""
    body_bytes: int = 0
    body_sha256: str = ""
    fields: tuple[str, ...] = ()
    """Names in the form."""
    cause: str = ""
    """What of ours explains it: ``url``, ``account`` or ``clock``; empty where nothing does."""
    at_ms: int = 0
    """When, on Redis's clock; set by reading."""
    v: int = 1


_decode = msgspec.json.Decoder(Refused).decode


class Quarantine:
    """A capped stream for each account, gone a day after its last request."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def add(self, account: str, refused: Refused) -> None:
        """Keep one request. Raises ``StoreUnavailable``."""
        key = quarantine_of(account)
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.xadd(key, {"r": _encode(refused)}, maxlen=CAP, approximate=False)
            pipeline.expire(key, DAY_S)
            pipeline.execute()

    def newest(self, account: str) -> list[Refused]:
        """The refused requests of the last 24 hours, newest first. Raises ``StoreUnavailable``."""
        since_ms = int(time.time() - DAY_S) * 1000
        with translated():
            rows = self._client.xrevrange(quarantine_of(account), min=str(since_ms), count=CAP)
        return [
            msgspec.structs.replace(_decode(fields[b"r"]), at_ms=int(id_.partition(b"-")[0]))
            for id_, fields in rows
        ]
