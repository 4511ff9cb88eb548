"""What operators put off: by operator, the texts that they want to see last."""

from __future__ import annotations

from smsgate.store.connection import pipelined
from smsgate.store.redis_types import Client
from smsgate.store.shared_keys import postponed_of

_KEEP_S = 48 * 3600
_MOST = 5_000


class PostponedReviews:
    """Keeps them for two days. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def put_off(self, operator: str, text: str, now_us: int) -> None:
        """Put a text behind all others for this operator."""
        key = postponed_of(operator)
        with pipelined(self._client) as pipeline:
            pipeline.zadd(key, {text: now_us // 1000})
            pipeline.zremrangebyrank(key, 0, -_MOST - 1)
            pipeline.expire(key, _KEEP_S)
            pipeline.execute()

    def of(self, operator: str) -> dict[str, int]:
        """By text when (ms) the operator put it off."""
        rows = self._client.zrange(postponed_of(operator), 0, -1, withscores=True)
        return {text.decode(): int(at) for text, at in rows}
