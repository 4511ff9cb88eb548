"""The Redis user that ``docs/senders.md`` describes: the gate works by it, and nothing else."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.cluster import RedisCluster

from smsgate import AsyncGate, Gate
from smsgate.consent.events import ConsentState
from smsgate.domain.errors import QueueUnavailable, StoreUnavailable, Suppressed, UnknownProgram
from smsgate.domain.messages import Arrival, Intent
from smsgate.store.connection import open_redis
from smsgate.store.inbox import APPLY, JobQueue
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.numbers import Effects
from smsgate.store.store import Store
from tests.fakes.blocking import Blocking
from tests.fakes.values import NUMBER, entry, set_key

PAGE = Path(__file__).parents[2] / "docs" / "senders.md"
CLUSTER = ("+cluster|slots", "+command")
OTHER = "+14155550199"
KEYS = PARTITION_KEYS[partition_of(NUMBER)]


def documented() -> list[str]:
    """The rules of the page's ``ACL SETUSER``."""
    command = re.search(
        r"redis-cli (ACL SETUSER smsgate-gate .*?[^\\])\n", PAGE.read_text(), re.DOTALL
    )
    assert command
    return shlex.split(command[1].replace("\\\n", " "))


def test_the_page_names_what_a_cluster_wants_besides():
    assert all(rule in PAGE.read_text() for rule in CLUSTER)


@pytest.fixture
def user_url(redis_client, redis_url):
    """Where the store is, as a program that only asks the gate is told."""
    rules, nodes = documented(), {}
    if "+cluster" in redis_url:
        rules, nodes = [*rules, *CLUSTER], {"target_nodes": RedisCluster.ALL_NODES}
    redis_client.execute_command(*rules, **nodes)
    parts = urlsplit(redis_url)
    place = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"smsgate-gate:PASSWORD@{place}").geturl()
    redis_client.execute_command("ACL DELUSER", "smsgate-gate", **nodes)


@pytest.fixture(params=["gate", "async gate"])
def gate(request, user_url, store):
    if request.param == "gate":
        yield Gate.from_url(user_url)
        return
    gate = Blocking(lambda: AsyncGate.from_url(user_url))
    yield gate
    gate.end()


def opt_out(store, number):
    store.inbox.add([Arrival(entry(number=number))])
    partition = partition_of(number)
    effects = Effects(
        before={number: ConsentState()}, after={number: ConsentState(everywhere=True)}
    )
    assert store.commits.commit(partition, store.inbox.read(partition, 100), effects, 8).done


def test_the_gate_works(gate, store):
    opt_out(store, NUMBER)
    store.inbox.add([Arrival(entry(number=OTHER))])
    numbers = [NUMBER, OTHER, "+14155550111"]

    found = gate.check(numbers, program="alerts")
    assert [one.reason for one in found] == ["opted_out_all", "hold", ""]
    assert gate.allows("+14155550111", program="alerts")
    with pytest.raises(UnknownProgram):
        gate.allows(NUMBER, program="nobody")


def test_many_numbers_reviews_and_consents_are_looked_at(gate, store):
    store.inbox.add([Arrival(entry(Intent.REVIEW))])
    numbers = [f"+1212555{place:04}" for place in range(5000)]

    found = gate.check([*numbers, NUMBER], program="alerts")
    assert [one.reason for one in found if not one.allowed] == ["review"]


def test_what_is_stopped_is_stopped_and_nothing_is_counted(gate, store):
    opt_out(store, NUMBER)
    with pytest.raises(Suppressed):
        gate.require([NUMBER], program="alerts", by="newsletter")
    assert gate.allows(OTHER, program="alerts")

    assert store.refusals.newest() == []
    assert store.refusals.counts(1) == []
    with pytest.raises(StoreUnavailable, match=r"(?i)permission"):
        getattr(gate, "_gate", gate)._metrics.flush()
    assert store.metrics.sums() == {}


FORBIDDEN = [
    ("SREM", set_key(KEYS, "set", "all", NUMBER, 8), NUMBER[1:]),
    ("SADD", set_key(KEYS, "exceptions", "alerts", NUMBER, 8), NUMBER[1:]),
    ("SADD", set_key(KEYS, "consent", "alerts", NUMBER, 8), NUMBER[1:]),
    ("HDEL", KEYS.holds, f"all:{NUMBER}"),
    ("HSET", KEYS.programs, "alerts", "{}"),
    ("HSET", KEYS.metadata, "ready", "1"),
    ("HINCRBY", KEYS.holds, f"all:{NUMBER}", 1),
    ("XADD", KEYS.inbox, "*", "e", "forged"),
    ("XADD", KEYS.ledger, "*", "e", "forged"),
    ("EXPIRE", set_key(KEYS, "set", "all", NUMBER, 8), 1),
    ("DEL", KEYS.metadata),
    ("HINCRBY", "smsgate:metrics", "gate", 1),
    ("HINCRBY", f"smsgate:refused:{NUMBER}", "1:opted_out:alerts", -1),
    ("EXPIRE", "smsgate:refused:2026-11-24", 0),
    ("XADD", "smsgate:refusals", "MAXLEN", "0", "*", "r", "{}"),
    ("SET", "smsgate:applied", "{}"),
    ("RPUSH", "rq:queue:inbox", "job"),
    ("HSET", "rq:job:job", "data", "x"),
    ("XRANGE", KEYS.inbox, "-", "+"),
    ("XRANGE", KEYS.ledger, "-", "+"),
    ("HGETALL", KEYS.replies),
    ("HGET", KEYS.replies, "reply"),
    ("HGETALL", KEYS.holds),
    ("XRANGE", "smsgate:refusals", "-", "+"),
    ("GET", "smsgate:applied"),
    ("EVAL", "return redis.call('SREM', KEYS[1], ARGV[1])", 1, KEYS.holds, "x"),
    ("EVAL_RO", "return 1", 0),
    ("FUNCTION", "LIST"),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("FLUSHALL",),
    ("CONFIG", "GET", "requirepass"),
    ("ACL", "LIST"),
    ("CLIENT", "LIST"),
    ("MONITOR",),
    ("SHUTDOWN",),
]


@pytest.mark.usefixtures("one_server", "store")
def test_everything_else_is_refused(user_url):
    taken = []
    with redis.Redis.from_url(user_url) as client:
        for command in FORBIDDEN:
            with contextlib.suppress(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
                taken.append(command)
    assert taken == []


@pytest.mark.usefixtures("one_server", "store")
def test_a_script_that_was_loaded_cannot_write(user_url):
    with redis.Redis.from_url(user_url) as client:
        sha = client.script_load("return redis.call('SREM', KEYS[1], ARGV[1])")
        key = set_key(KEYS, "set", "all", NUMBER, 8)
        for command in ("EVALSHA", "EVALSHA_RO"):
            with pytest.raises(redis.ResponseError):
                client.execute_command(command, sha, 1, key, NUMBER[1:])


@pytest.mark.usefixtures("store")
def test_nothing_is_put_into_the_inbox(user_url):
    other = Store(open_redis(user_url))
    with pytest.raises(StoreUnavailable, match=r"(?i)permission"):
        other.inbox.add([Arrival(entry())])


@pytest.mark.usefixtures("one_server", "store")
def test_nothing_is_enqueued(user_url, redis_client):
    with pytest.raises(QueueUnavailable, match=r"(?i)permission"):
        JobQueue(user_url, 2.0).enqueue(APPLY, 1)
    assert not redis_client.exists("rq:queue:inbox")
