"""Leases: that of another process is neither prolonged nor given up."""

from __future__ import annotations

import pytest

from smsgate.store.shared_values import Lease

KEY = "smsgate:test"


@pytest.fixture
def lease(redis_client):
    return Lease(redis_client, "test", 60_000)


def test_a_lease_is_held_by_one_process_until_it_ends(lease, redis_client):
    assert lease.hold("first")
    assert not lease.hold("second")
    assert lease.hold("first")
    assert 0 < redis_client.pttl(KEY) <= 60_000
    assert lease.hold("second", "another account")

    redis_client.delete(KEY)
    assert lease.hold("second")
    lease.release("first")
    assert not lease.hold("first")


def test_a_turn_is_taken_once(lease):
    assert [lease.take(), lease.take()] == [True, False]


def test_who_holds_a_lease_keeps_it_and_gives_it_up_although_redis_is_full(lease, redis_client):
    """The clock makes room in it: it must not lose its turn then."""
    assert lease.hold("first")
    redis_client.pexpire(KEY, 30_000)
    redis_client.config_set("maxmemory", "100kb")
    try:
        assert lease.hold("first")
        assert redis_client.pttl(KEY) > 30_000
        lease.release("first")
    finally:
        redis_client.config_set("maxmemory", "0")
    assert redis_client.get(KEY) is None
