"""Attempts are counted by all processes together, and by each alone while Redis is away."""

from __future__ import annotations

import pytest
import redis
from limits import RateLimitItemPerHour
from redis.exceptions import RedisClusterException

from smsgate.store.connection import open_redis
from smsgate.web import limits
from smsgate.web.limits import CallLimit, Limits
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
    left, reset_s = one.window(THREE, "crm")
    assert left == 0
    assert 0 < reset_s <= 3600


def test_an_attempt_that_was_right_is_taken_back(redis_url) -> None:
    attempts = Limits(open_redis(redis_url))
    for _ in range(10):
        assert attempts.hit(THREE, "ann")
        assert attempts.hit(THREE, "ann", cost=-1)
    assert attempts.window(THREE, "ann")[0] == 3


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


@pytest.mark.parametrize("error", [redis.ConnectionError, RedisClusterException])
def test_counts_are_shared_again_when_redis_is_back(redis_url, monkeypatch, error) -> None:
    """A cluster says in its own way, which is no error of Redis, that no node answers."""
    client = open_redis(redis_url)
    attempts = Limits(client)
    assert attempts.hit(THREE, "ann")

    def away() -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(client.connection_pool, "get_connection", away)
        assert attempts.window(THREE, "ann")[0] == 3
    assert attempts.window(THREE, "ann")[0] == 2


class Counted:
    """Stands for the limits: counts what is asked for."""

    def __init__(self, most: int) -> None:
        self.left, self.asked = most, []

    def hit(self, *_: object, cost: int) -> bool:
        self.asked.append(cost)
        self.left -= cost
        return self.left >= 0

    def window(self, *_: object) -> tuple[int, float]:
        return max(self.left, 0), 2.0


def test_most_calls_cost_no_round_trip_and_every_one_is_counted() -> None:
    counted = Counted(50)
    calls = CallLimit(counted, per_second=1000, burst=2000)
    answers = [calls.count("crm") for _ in range(51)]
    assert [free for free, _, _ in answers] == [True] * 50 + [False]
    assert [left for _, left, _ in answers] == [*range(49, -1, -1), 0]
    assert counted.asked[:2] == [20, 20]
    assert sum(counted.asked) == 51


@pytest.mark.parametrize(
    ("per_second", "burst", "most", "window_s"),
    [(1000, 2000, 2000, 2), (1, 3, 3, 3), (0.1, 1, 1, 10), (100, 50, 100, 1), (0.5, 1, 1, 2)],
)
def test_the_window_keeps_both_the_rate_and_the_burst(per_second, burst, most, window_s) -> None:
    calls = CallLimit(Counted(0), per_second, burst)
    assert (calls.most, calls.window_s) == (most, window_s)
