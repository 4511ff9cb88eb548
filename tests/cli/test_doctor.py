"""``smsgate doctor``: one page, the worst first, each line with what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from smsgate.gateway import Gateway
from smsgate.store.keys import LANE_KEYS
from tests.cli.conftest import Terminal
from tests.fakes.own_gateway import make_gateway


@pytest.fixture
def gateway(tmp_path: Path, redis_url: str) -> Iterator[Gateway]:
    """With a clock at work, and records."""
    made = make_gateway(tmp_path, redis_url)
    made.store.sweep.leads("a clock")
    made.records.migrate()
    yield made
    made.close()


@pytest.fixture
def there(
    gateway: Gateway, tmp_path: Path, redis_url: str, terminal: Callable[..., Terminal]
) -> Terminal:
    return terminal(
        SMSGATE_CONFIG=str(tmp_path / "config"),
        SMSGATE_DATA_DIR=str(tmp_path / "var"),
        REDIS_URL=redis_url,
        SMSGATE_API_KEYS="a-key",
    )


def test_where_all_is_well_a_monitor_is_told_so_and_nothing_else(there: Terminal) -> None:
    assert there.run("doctor", "--monitor") == 0
    assert there.output == "Everything is as it should be.\n"


def test_the_worst_comes_first_and_each_says_what_mends_it(
    there: Terminal, redis_client: redis.Redis
) -> None:
    redis_client.hset(LANE_KEYS[1].reviews, "alerts:+14155550123", "1000-0")
    redis_client.hset(LANE_KEYS[1].dead, "1-1-0", "{}")
    redis_client.config_set("appendfsync", "everysec")
    assert there.run("doctor", "--monitor") == 2
    lines = there.output.splitlines()
    assert [line.split()[:2] for line in lines[::2]] == [
        ["fault", "reviews:"],
        ["warning", "durability:"],
        ["warning", "replies:"],
    ]
    mends = ["`smsgate review list`", "`appendonly yes`", "`smsgate replies list --dead`"]
    for line, mend in zip(lines[1::2], mends, strict=True):
        assert line.lstrip().startswith(f"→ {mend}")
    assert "+1415" not in there.output


def test_warnings_are_1_for_a_monitor_and_0_for_a_person(
    there: Terminal, redis_client: redis.Redis
) -> None:
    redis_client.hset(LANE_KEYS[1].dead, "1-1-0", "{}")
    assert there.run("doctor", "--monitor") == 1
    assert there.run("doctor") == 0
    found = there.json("doctor", "--monitor")
    assert [one["subject"] for one in found] == ["replies"]  # type: ignore[index,union-attr]
    assert there.output.count("→") == 0


def test_another_hosts_spool_is_told_and_ours_only_once(there: Terminal, gateway: Gateway) -> None:
    gateway.store.depths.note_spool("web-2", 3, 60.0)
    assert there.run("doctor", "--monitor") == 1
    assert "3 messages wait on host web-2" in there.output
