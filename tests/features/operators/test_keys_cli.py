"""Keys and feeds from a terminal."""

from __future__ import annotations

import json

import pytest

from smsgate.cli.session import person
from smsgate.domain.errors import Unauthorized
from smsgate.features.feeds.storage import FeedCall, FeedPosition, FeedStorage
from smsgate.features.operators.storage import ActionLog
from smsgate.pipeline.api_keys import Keyring
from smsgate.records import Records
from smsgate.records.api_keys import ApiKeyCache


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


def opens(records, key: str) -> bool:
    try:
        Keyring(ApiKeyCache(records.keys), ()).authenticate(f"Bearer {key}")
    except Unauthorized:
        return False
    return True


def test_a_key_is_made_listed_rotated_and_revoked(ready, records) -> None:
    assert ready.run("keys", "make", "crm", "--scope", "write") == 0
    key = ready.output.strip()
    assert "not shown again" in ready.errors
    assert opens(records, key)
    (listed,) = ready.json("keys", "list")
    assert (listed["name"], listed["scope"], listed["made_by"]) == ("crm", "write", person())
    assert key not in ready.output

    assert ready.run("keys", "make", "crm", "--scope", "check") == 2
    assert "smsgate keys rotate crm" in ready.errors

    assert ready.run("keys", "rotate", "crm", "--grace", "0") == 0
    newer = ready.output.strip()
    assert (opens(records, key), opens(records, newer)) == (False, True)
    assert ready.run("keys", "list") == 0
    assert "crm" in ready.output

    assert ready.run("keys", "revoke", "crm") == 0
    log = ActionLog(records.database).newest("", 9)
    assert [(one.what, one.actor) for one in log] == [
        (f"{verb} the API key crm", person()) for verb in ("revoked", "rotated", "made")
    ]
    assert not opens(records, newer)
    assert ready.json("keys", "list") == []
    assert ready.run("keys", "revoke", "crm") == 2
    assert ready.run("keys", "rotate", "crm") == 2


def test_a_key_may_be_limited_to_programs(ready, records) -> None:
    command = ("keys", "make", "crm", "--scope", "write", "--program", "alerts")
    assert ready.run(*command, "--program", "nobody") == 2
    assert "no program is called 'nobody'; there are: alerts" in ready.errors
    assert ready.run(*command, "--program", "alerts") == 0
    key = ready.output.strip()
    (listed,) = ready.json("keys", "list")
    assert listed["programs"] == ["alerts"]
    assert ready.run("keys", "list") == 0
    assert "limited to alerts" in ready.output
    caller = Keyring(ApiKeyCache(records.keys), ()).authenticate(f"Bearer {key}")
    assert (caller.may("alerts"), caller.may("orders"), caller.may("all")) == (True, False, False)


def test_a_key_wants_a_scope_a_name_and_tables(ready, terminal, tmp_path) -> None:
    assert ready.run("keys", "make", "crm") == 2
    assert ready.run("keys", "make", "crm", "--scope", "root") == 2
    assert ready.run("keys", "make", "Über", "--scope", "check") == 2
    bare = terminal(SMSGATE_DATA_DIR=str(tmp_path / "new"), REDIS_URL="redis://127.0.0.1:1/0")
    assert bare.run("keys", "make", "crm", "--scope", "check") == 2
    assert "smsgate records migrate" in bare.errors
    assert bare.run("keys", "list") == 0


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


@pytest.mark.parametrize("command", ["keys", "feed"])
def test_the_groups_have_help_with_examples(terminal, command) -> None:
    there = terminal()
    assert there.run(command, "--help") == 0
    for name in ("list", "retry") if command == "feed" else ("make", "list", "rotate", "revoke"):
        assert there.run(command, name, "--help") == 0
        assert f"Example: smsgate {command} {name}" in there.output
