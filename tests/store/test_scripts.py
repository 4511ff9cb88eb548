"""Running our scripts: what Redis forgot, refuses or does not confirm."""

from __future__ import annotations

from collections import Counter

import pytest
from redis.cluster import RedisCluster

from smsgate.domain.errors import StoreUnavailable
from smsgate.store.connection import Call, Client, Cluster, Script, open_redis
from smsgate.store.keys import PARTITION_KEYS
from tests.fakes.processes import wait_until


def leases(count: int) -> list[Call]:
    """Calls that take a lease in each of some partitions."""
    return [([keys.inbox], ["me", 1000]) for keys in PARTITION_KEYS[:count]]


@pytest.fixture
def script(redis_client) -> Script:
    return Script(redis_client, "hold_lease")


@pytest.mark.parametrize("count", [1, 3])
def test_a_script_that_redis_forgot_is_loaded_and_run(script, redis_client, count):
    script.many(leases(count))
    redis_client.script_flush()
    assert script.many(leases(count)) == [1] * count


@pytest.mark.parametrize("count", [1, 3])
def test_the_error_of_a_call_is_raised_and_the_others_run(script, redis_client, count):
    redis_client.hset(PARTITION_KEYS[0].inbox, "not", "a lease")
    with pytest.raises(StoreUnavailable, match="wrong kind"):
        script.many(leases(count))
    assert redis_client.exists(*(keys[0] for keys, _ in leases(count))) == count


def test_a_connection_that_redis_closed_is_replaced(redis_url, redis_client, one_server):
    script = Script(open_redis(redis_url), "hold_lease")
    script.many(leases(2))
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert script.many(leases(2)) == [1, 1]


@pytest.mark.parametrize("count", [1, 3])
def test_a_redis_that_may_not_be_written_is_asked_anew_for_its_address(
    redis_url, redis_client, one_server, count
):
    client = open_redis(redis_url)
    script, its_connection = Script(client, "hold_lease"), str(client.client_id())
    script.many(leases(count))
    redis_client.replicaof("127.0.0.1", 1)
    try:
        with pytest.raises(StoreUnavailable, match="Redis refuses writes"):
            script.many(leases(count))
    finally:
        redis_client.replicaof("NO", "ONE")
    assert wait_until(
        lambda: its_connection not in [one["id"] for one in redis_client.client_list()]
    )


def test_the_server_that_was_written_is_asked_for_its_replicas(script, redis_client):
    """No other one can say whether a replica has what was written."""
    for call in leases(8):
        before = waits(redis_client)
        with pytest.raises(StoreUnavailable, match="no replica has what was written"):
            script.many([call], replica_ms=1)
        asked = waits(redis_client) - before
        assert asked == {server_of(redis_client, call[0][0]): 1}


def waits(client: Client) -> Counter[str]:
    """How often each server was asked for its replicas."""
    if not isinstance(client, Cluster):
        infos = {"": client.info("commandstats")}
    else:
        infos = client.info("commandstats", target_nodes=RedisCluster.PRIMARIES)
    return Counter(
        {name: one.get("cmdstat_wait", {"calls": 0})["calls"] for name, one in infos.items()}
    )


def server_of(client: Client, key: str) -> str:
    return client.connected.get_node_from_key(key).name if isinstance(client, Cluster) else ""


def test_a_call_is_one_command_at_whatever_server_has_its_key(redis_client):
    script = Script(redis_client, "check")
    keys = PARTITION_KEYS[3]
    call = [keys.metadata, keys.programs, keys.holds, keys.reviews], [keys.prefix, "alerts"]
    script(*call)
    (server,) = redis_client.by_server([call[0][0]])
    server.config_resetstat()
    script(*call)
    stats = server.info("commandstats")
    assert stats["cmdstat_evalsha_ro"]["calls"] == 1
    assert not [name for name in stats if name.startswith("cmdstat_command")]
