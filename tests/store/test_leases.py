"""Leases: that of another process is neither prolonged nor given up."""

from __future__ import annotations

import pytest

from smsgate.store.processes import Leases

KEY = "smsgate:test:lease"


@pytest.fixture
def leases(store, redis_client):
    return Leases(redis_client)


def test_a_lease_is_held_by_one_process_until_it_ends(leases, redis_client):
    assert leases.hold(KEY, "first", 60_000)
    assert not leases.hold(KEY, "second", 90_000)
    assert leases.hold(KEY, "first", 60_000)
    assert 0 < redis_client.pttl(KEY) <= 60_000

    redis_client.delete(KEY)
    assert leases.hold(KEY, "second", 60_000)
    leases.release(KEY, "first")
    assert not leases.hold(KEY, "first", 60_000)


def test_who_holds_a_lease_keeps_it_and_gives_it_up_although_redis_is_full(leases, redis_client):
    """The clock makes room in it: it must not lose its turn then."""
    assert leases.hold(KEY, "first", 60_000)
    redis_client.config_set("maxmemory", "100kb")
    try:
        assert leases.hold(KEY, "first", 90_000)
        assert redis_client.pttl(KEY) > 60_000
        leases.release(KEY, "first")
    finally:
        redis_client.config_set("maxmemory", "0")
    assert redis_client.get(KEY) is None
