"""Everything that a Redis holds, to see that nothing was written."""

from __future__ import annotations

import redis


def contents(client: redis.Redis) -> dict[bytes, bytes]:
    return {key: client.dump(key) for key in client.scan_iter()}
