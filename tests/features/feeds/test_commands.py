"""Feeds from a terminal."""

from __future__ import annotations

import json

import pytest

from smsgate.features.feeds.storage import FeedCall, FeedPosition, FeedStorage
from smsgate.records import Records


@pytest.fixture
def ready(tmp_path, terminal):
    """A terminal beside records that have their tables; no Redis is needed for either."""
    there = terminal(SMSGATE_DATA_DIR=str(tmp_path), REDIS_URL="redis://127.0.0.1:1/0")
    found = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    found.migrate()
    found.close()
    return there


@pytest.fixture
def records(ready, tmp_path):
    found = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    yield found
    found.close()


def test_calls_that_were_given_up_are_listed_retried_and_dismissed(ready, records) -> None:
    feeds = FeedStorage(records.database)
    feeds.acquire("alerts", "tests", 1, 2, {})
    new = [
        FeedCall(f"id-{n}", "alerts", f"+1415555012{n}", 0, n, "{}", made_us=1, dead=n > 0)
        for n in range(3)
    ]
    assert feeds.advance("alerts", FeedPosition({}, {}), FeedPosition({0: 3}, {0: 3}), new)
    assert [one["id"] for one in ready.json("feed", "list")] == ["id-0"]
    assert [one["id"] for one in ready.json("feed", "list", "--dead")] == ["id-1", "id-2"]
    assert ready.run("feed", "list", "--dead") == 0
    assert "+14155550121" in ready.output

    assert ready.run("feed", "retry", "id-1") == 0
    assert ready.run("feed", "dismiss", "id-2") == 0
    assert json.loads(json.dumps(ready.json("feed", "list", "--dead"))) == []
    for command in ("retry", "dismiss"):
        assert ready.run("feed", command, "id-0") == 2  # it waits, and was not given up
    assert ready.run("feed", "list", "--dead") == 0
    assert "No failed calls." in ready.output


@pytest.mark.parametrize("name", ["list", "retry"])
def test_each_command_has_help_with_an_example(terminal, name) -> None:
    there = terminal()
    assert there.run("feed", name, "--help") == 0
    assert f"Example: smsgate feed {name}" in there.output
