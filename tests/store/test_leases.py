"""Leases: that of another process is neither prolonged nor given up, whenever it was taken."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from redis.connection import AbstractConnection

from smsgate.store.leases import Leases

KEY = "smsgate:test:lease"


@pytest.fixture
def leases(store, redis_client):
    found = Leases(redis_client)
    found.release(KEY, "nobody")  # from here on Redis knows the scripts
    assert found.hold(KEY, "nobody", 1000)
    found.release(KEY, "nobody")
    return found


@pytest.fixture
def taken_meanwhile(redis_client, monkeypatch):
    """Within it, the lease ends before the second command, and ``second`` takes it."""
    send = AbstractConnection.send_packed_command

    @contextmanager
    def interrupted():
        sent = []

        def interrupting(connection, *args, **options):
            sent.append(connection)
            if len(sent) == 2:
                redis_client.set(KEY, "second", px=500)
            return send(connection, *args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(AbstractConnection, "send_packed_command", interrupting)
            yield sent

    return interrupted


def test_a_lease_is_held_by_one_process_until_it_ends(leases, redis_client):
    assert leases.hold(KEY, "first", 60_000)
    assert not leases.hold(KEY, "second", 90_000)
    assert leases.hold(KEY, "first", 60_000)
    assert 0 < redis_client.pttl(KEY) <= 60_000

    redis_client.delete(KEY)
    assert leases.hold(KEY, "second", 500)
    assert not leases.hold(KEY, "first", 60_000)


def test_a_lease_that_another_took_meanwhile_is_not_prolonged(
    leases, redis_client, taken_meanwhile
):
    leases.hold(KEY, "first", 60_000)
    with taken_meanwhile():
        held = leases.hold(KEY, "first", 60_000)

    assert redis_client.get(KEY) == (b"first" if held else b"second")
    assert held or redis_client.pttl(KEY) <= 500


def test_a_lease_that_another_took_meanwhile_is_not_given_up(leases, redis_client, taken_meanwhile):
    leases.hold(KEY, "first", 60_000)
    with taken_meanwhile() as sent:
        leases.release(KEY, "first")

    assert redis_client.get(KEY) == (b"second" if len(sent) > 1 else None)


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
