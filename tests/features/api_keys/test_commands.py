"""Keys from a terminal."""

from __future__ import annotations

import pytest

from smsgate.api_keys import ApiKeys, Keyring
from smsgate.cli.session import person
from smsgate.domain.errors import Unauthorized
from smsgate.records import Records
from tests.fakes.people import newest_actions


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
        Keyring(ApiKeys(records.database), ()).authenticate(f"Bearer {key}")
    except Unauthorized:
        return False
    return True


def test_a_key_is_made_listed_rotated_and_revoked(ready, records) -> None:
    assert ready.run("keys", "make", "crm", "--scope", "write") == 0
    key = ready.output.strip()
    assert "not shown again" in ready.errors
    assert opens(records, key)
    (listed,) = ready.json("keys", "list")["items"]
    assert (listed["name"], listed["scope"], listed["created_by"]) == ("crm", "write", person())
    assert key not in ready.output

    assert ready.run("keys", "make", "crm", "--scope", "check") == 2
    assert "smsgate keys rotate crm" in ready.errors

    assert ready.run("keys", "rotate", "crm", "--grace", "0") == 0
    newer = ready.output.strip()
    assert (opens(records, key), opens(records, newer)) == (False, True)
    assert ready.run("keys", "list") == 0
    assert "crm" in ready.output

    assert ready.run("keys", "revoke", "crm") == 0
    log = newest_actions(records, 9)
    assert [(one.what, one.note, one.actor) for one in log] == [
        (f"{verb} an API key", "crm", person()) for verb in ("revoked", "rotated", "made")
    ]
    assert not opens(records, newer)
    assert ready.json("keys", "list")["items"] == []
    assert ready.run("keys", "revoke", "crm") == 2
    assert ready.run("keys", "rotate", "crm") == 2


def test_a_key_may_be_limited_to_programs(ready, records) -> None:
    command = ("keys", "make", "crm", "--scope", "write", "--program", "alerts")
    assert ready.run(*command, "--program", "nobody") == 2
    assert "no program is called 'nobody'; there are: alerts" in ready.errors
    assert ready.run(*command, "--program", "alerts") == 0
    key = ready.output.strip()
    (listed,) = ready.json("keys", "list")["items"]
    assert listed["programs"] == ["alerts"]
    assert ready.run("keys", "list") == 0
    assert "alerts" in ready.output
    caller = Keyring(ApiKeys(records.database), ()).authenticate(f"Bearer {key}")
    assert (caller.may("alerts"), caller.may("orders"), caller.may("all")) == (True, False, False)


def test_a_key_wants_a_plain_name_and_tables(ready, terminal, tmp_path) -> None:
    assert ready.run("keys", "make", "Über", "--scope", "check") == 2
    bare = terminal(SMSGATE_DATA_DIR=str(tmp_path / "new"), REDIS_URL="redis://127.0.0.1:1/0")
    assert bare.run("keys", "make", "crm", "--scope", "check") == 2
    assert "smsgate records migrate" in bare.errors
    assert bare.run("keys", "list") == 0
