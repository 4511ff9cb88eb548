"""A Redis that cannot be reached, by whatever kind of address: our own error, on one short line."""

from __future__ import annotations

import pytest
from redis.exceptions import RedisClusterException, RedisError

from smsgate.domain.errors import QueueUnavailable, StoreUnavailable
from smsgate.domain.messages import Arrival
from smsgate.pipeline.gate import Gate
from smsgate.store.connection import open_redis, translated
from smsgate.store.inbox import JobQueue
from smsgate.store.store import Store
from tests.fakes.cluster import start_nodes, url_of
from tests.fakes.values import NUMBER, entry

AWAY = [
    "redis://127.0.0.1:1/0",
    "unix:///nowhere/redis.sock",
    "redis+cluster://127.0.0.1:1,127.0.0.1:2",
    "redis+sentinel://127.0.0.1:1,127.0.0.1:2/mymaster",
]


@pytest.mark.parametrize("url", AWAY)
def test_it_is_the_store_that_cannot_be_used(url):
    store = Store(open_redis(url, 0.5))
    for ask in (store.health.now_us, store.metadata.store_id, store.heartbeats.running):
        with pytest.raises(StoreUnavailable) as raised:
            ask()
        said = str(raised.value)
        assert said.startswith("the store cannot be used: ")
        assert len(said) < 250, said
        assert "<redis" not in said
        assert "\n" not in said


def test_a_cluster_may_have_one_primary_alone(tmp_path, groups):
    url = url_of(start_nodes(tmp_path, groups, slots=[(0, 16383)]))
    store = Store(open_redis(url, 60))
    store.metadata.create()
    store.inbox.add([Arrival(entry())])
    assert store.health.now_us()
    assert len(open_redis(url, 60).infos("replication")) == 1


@pytest.mark.parametrize("url", AWAY)
def test_the_gate_cannot_tell(url):
    with pytest.raises(StoreUnavailable):
        Gate.from_url(url).check([NUMBER], program="alerts")


def test_a_cluster_that_loses_every_node_later_is_our_error_too():
    with pytest.raises(StoreUnavailable, match="no node"), translated():
        raise RedisClusterException("no node of the cluster answers")


def test_the_queue_says_so_of_itself():
    with pytest.raises(QueueUnavailable, match=r"the queue cannot be used: Error 111 [^<\n]*$"):
        JobQueue("redis://127.0.0.1:1/0", 0.5).ping()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Redis is loading the dataset in memory", "wait: Redis still reads its data from disk"),
        ("this user has no permissions to run 'time'", "let its user run that"),
        ("Authentication required.", "give user and password"),
        ("Timeout reading from socket", "start Redis, or set REDIS_URL"),
    ],
)
def test_the_remedy_is_that_of_the_cause(said, remedy):
    with pytest.raises(StoreUnavailable) as raised, translated():
        raise RedisError(f"Command # 1 (SADD key {NUMBER}) of pipeline caused error: {said}")
    assert raised.value.remedy.startswith(remedy)
    assert NUMBER not in str(raised.value)
