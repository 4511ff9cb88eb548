"""A store on the real Redis of the test run, ready as ``smsgate init`` makes it."""

from __future__ import annotations

import pytest

from smsgate.consent import Published
from smsgate.store import Store
from smsgate.store.connection import open_redis


@pytest.fixture
def bare_store(redis_url) -> Store:
    """Without a marker: new, or flushed."""
    return Store(open_redis(redis_url))


@pytest.fixture
def store(bare_store) -> Store:
    bare_store.marker.create(buckets=8)
    bare_store.marker.publish(
        {"alerts": Published(), "service": Published(kind="service", scope="program")}
    )
    return bare_store
