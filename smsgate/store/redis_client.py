"""Clients of one server and of a cluster whose errors are ours: all raise ``StoreUnavailable``."""

from __future__ import annotations

from typing import Any

import redis
from redis.client import Pipeline

from smsgate.store.redis_errors import unavailable


class Server(redis.Redis):
    """A client of one server, or of the primary behind Sentinels."""

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        """The answer to a command. Raises ``StoreUnavailable``."""
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            raise unavailable(error) from error

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Commands that go together; ``execute`` raises ``StoreUnavailable``."""
        return _ServerPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


class _ServerPipeline(Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        try:
            return super().execute(raise_on_error)
        except redis.RedisError as error:
            raise unavailable(error) from error
