"""Exchanges on a connection: what breaks them, and that answers never get mixed up."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import redis

from smsgate.store.connection import exchange
from smsgate.store.redis_address import open_redis


@pytest.fixture
def pool(redis_url, one_server):
    client = open_redis(redis_url, 0.3)
    yield client.connection_pool
    client.close()


def connections(redis_client) -> int:
    return len(redis_client.client_list(_type="normal"))


def test_answers_come_in_the_order_of_the_commands_errors_among_them(pool):
    number, error, text = exchange(pool, [("INCR", "a"), ("LPUSH", "a", 1), ("GET", "a")])

    assert (number, text) == (1, b"1")
    assert isinstance(error, redis.ResponseError)
    assert "WRONGTYPE" in str(error)


def test_a_connection_is_used_again(pool, redis_client):
    before = connections(redis_client)
    for _ in range(3):
        exchange(pool, [("PING",)])

    assert connections(redis_client) == before + 1


def test_an_answer_larger_than_one_read_comes_whole(pool):
    big = b"x" * 1_000_000

    assert exchange(pool, [("SET", "big", big), ("GET", "big")]) == [b"OK", big]


def test_a_connection_that_redis_closed_is_replaced(pool, redis_client):
    exchange(pool, [("PING",)])
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert exchange(pool, [("PING",)]) == [b"PONG"]


def test_a_redis_that_does_not_answer_is_waited_for_no_longer_than_its_time(pool, redis_client):
    exchange(pool, [("SET", "late", "before")])
    redis_client.client_pause(50_000, all=False)
    started = time.monotonic()

    with pytest.raises(redis.TimeoutError):
        exchange(pool, [("SET", "late", "now")])
    assert 0.25 < time.monotonic() - started < 25
    redis_client.client_unpause()
    assert exchange(pool, [("ECHO", "mine")]) == [b"mine"]


def test_a_redis_that_may_not_be_written_is_asked_anew_for_its_address(pool, redis_client):
    exchange(pool, [("PING",)])
    before = connections(redis_client)
    redis_client.replicaof("127.0.0.1", 1)
    try:
        (answer,) = exchange(pool, [("SET", "a", 1)])
    finally:
        redis_client.replicaof("NO", "ONE")

    assert isinstance(answer, redis.exceptions.ReadOnlyError)
    assert connections(redis_client) == before - 1


_FORKING = """
import os, sys
from smsgate.store.connection import exchange
from smsgate.store.redis_address import open_redis
pool = open_redis(sys.argv[1]).connection_pool
(mine,) = exchange(pool, [("CLIENT", "ID")])
child = os.fork()
if not child:
    (its,) = exchange(pool, [("CLIENT", "ID")])
    os._exit(0 if its != mine else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
assert exchange(pool, [("CLIENT", "ID")]) == [mine]
"""


def test_a_fork_does_not_talk_on_the_connection_of_its_parent(redis_url, one_server):
    subprocess.run([sys.executable, "-c", _FORKING, redis_url], check=True, timeout=30)
