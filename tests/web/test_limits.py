"""Attempts are counted by all processes together, and by each alone while Redis is away."""

from __future__ import annotations

import socket

import pytest
import redis
from limits import RateLimitItemPerHour
from redis.exceptions import RedisClusterException

from smsgate.store.connection import open_redis
from smsgate.web import limits
from smsgate.web.limits import Limits
from tests.fakes.sentinels import start_sentinels

THREE = RateLimitItemPerHour(3)


@pytest.fixture(
    params=["server", pytest.param("sentinels"), pytest.param("cluster", marks=pytest.mark.full)]
)
def url(request, tmp_path):
    if request.param == "sentinels":
        return start_sentinels(tmp_path, request.getfixturevalue("groups")).url
    return request.getfixturevalue("redis_url" if request.param == "server" else "cluster_url")


def test_processes_count_together(url) -> None:
    one, other = Limits(open_redis(url, 5)), Limits(open_redis(url, 5))
    assert [process.hit(THREE, "crm") for process in (one, other, one, other)] == [
        True,
        True,
        True,
        False,
    ]
    assert other.is_used_up(THREE, "crm")
    assert not other.is_used_up(THREE, "shop")


def test_an_attempt_that_was_right_is_taken_back(redis_url) -> None:
    attempts = Limits(open_redis(redis_url))
    for _ in range(10):
        assert attempts.hit(THREE, "ann")
        assert attempts.hit(THREE, "ann", cost=-1)
    assert attempts.count(THREE, "ann") == 1


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
def test_without_redis_each_process_counts_alone(scheme, monkeypatch) -> None:
    monkeypatch.setattr(limits, "_MAX_REMEMBERED", 50)
    url = f"{scheme}://127.0.0.1:1/0"
    one, other = Limits(open_redis(url, 0.2)), Limits(open_redis(url, 0.2))
    assert [one.hit(THREE, "ann") for _ in range(4)] == [True, True, True, False]
    assert one.is_used_up(THREE, "ann")
    assert other.hit(THREE, "ann")
    for guess in range(200):  # from as many addresses as there are: memory stays small
        one.hit(THREE, f"somebody {guess}")
    assert len(one._memory.storage) <= 50


def test_a_redis_that_hangs_is_waited_for_once_in_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        attempts = Limits(open_redis(f"redis://127.0.0.1:{silent.getsockname()[1]}", 0.2))
        for _ in range(2):
            assert attempts.hit(THREE, "ann")
            assert not attempts.is_used_up(THREE, "ann")
            waited = silent.accept()[0]
            with pytest.raises(BlockingIOError):
                silent.accept()
            waited.close()
            attempts._alone_until_s = 0.0  # as after the while


@pytest.mark.parametrize("error", [redis.ConnectionError, RedisClusterException])
def test_counts_are_shared_again_when_redis_is_back(redis_url, monkeypatch, error) -> None:
    """A cluster says in its own way, which is no error of Redis, that no node answers."""
    client = open_redis(redis_url)
    attempts = Limits(client)
    monkeypatch.setattr(limits, "_ALONE_S", 0.0)
    assert attempts.hit(THREE, "ann")

    def away() -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(client.connection_pool, "get_connection", away)
        assert attempts.count(THREE, "ann") == 1
    assert attempts.count(THREE, "ann") == 2
