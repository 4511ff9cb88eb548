"""Locks, consents, evidence, the report, and whether store and records agree: from a terminal."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from smsgate.cli.session import person
from smsgate.domain.messages import Intent
from smsgate.domain.phone import masked
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.people import newest_actions
from tests.fakes.told import told
from tests.fakes.values import set_key

NUMBER, OTHER = "+14155550123", "+14155550124"


@pytest.fixture
def ready(redis_url, tmp_path, terminal):
    """A terminal beside a store and records that are ready, and where nobody works."""
    there = terminal(REDIS_URL=redis_url, SMSGATE_DATA_DIR=str(tmp_path))
    assert there.run("init") == 0
    assert there.run("records", "migrate") == 0
    return there


def work(there):
    services = build_services(load_configuration(there.environ))
    for partition in services.store.inbox.busy():
        services.applier.drain(partition)
    services.archiver.move_all()
    services.close()


def test_a_confirmation_that_a_command_causes_is_worded_by_the_sender(ready):
    """The command does not know what the console saved."""
    services = build_services(load_configuration(ready.environ))
    told(services, Intent.OPT_OUT, "please stop texting me", applied=False)
    assert ready.run("restore", NUMBER, "--reason", "typed a wrong number") == 2
    _, ((_, reply),) = services.store.unsent_replies.pending()
    services.close()
    assert reply.text == ""


def test_a_consent_goes_on_record(ready, tmp_path):
    said = ["--program", "alerts", "--medium", "paper", "--words", "Yes, text me"]
    assert ready.run("consent", OTHER, *said, "--given", "2026-05-03") == 0
    work(ready)
    file = tmp_path / "evidence.html"
    assert ready.run("evidence", OTHER, "-o", str(file)) == 0
    page = file.read_text()
    assert "agreed on 2026-05-03 00:00:00.000 UTC (paper) to: “Yes, text me”." in page


def test_the_evidence_tells_the_story_and_proves_it(ready):
    ready.run("lock", NUMBER, "--reason", "<script>alert(1)</script>")
    work(ready)
    assert ready.run("evidence", NUMBER) == 0
    page = ready.output
    assert "fits its place in the chain" in page
    assert "<script>" not in page
    assert "must not be texted: locked" in page


def test_what_is_exported_at_a_terminal_is_in_the_audit_log(ready):
    assert ready.run("evidence", NUMBER) == 0
    assert ready.run("export", "--program", "alerts", "--state", "opted_out") == 0
    assert ready.run("records", "export", "--since", "2026-01-01") == 0
    with closing(build_services(load_configuration(ready.environ))) as services:
        log = newest_actions(services.records, 9)
    assert [(one.what, one.note, one.actor) for one in reversed(log)] == [
        ("exported evidence", masked(NUMBER), person()),
        ("exported numbers", "alerts, opted_out", person()),
        ("exported the records", "2026-01-01 00:00:00+00:00, csv", person()),
    ]


def test_store_and_records_are_equal_until_somebody_meddles(ready, redis_client):
    ready.run("lock", NUMBER, "--reason", "a letter")
    work(ready)
    assert ready.run("records", "diff") == 0
    assert "equal" in ready.output

    redis_client.delete(set_key(PARTITION_KEYS[partition_of(NUMBER)], "lock", "all", NUMBER, 2048))
    assert ready.run("records", "diff") == 1
    assert re.split(" {2,}", ready.output.splitlines()[-1]) == [
        NUMBER,
        "out of all",
        "locked, out of all",
    ]
    assert ready.run("rebuild") == 0
    assert "1 numbers" in ready.output
    assert ready.run("records", "diff", "--json") == 0


def test_a_rebuild_from_empty_records_names_them_and_asks_for_a_flag(
    ready, redis_client, tmp_path, terminal
):
    ready.run("lock", NUMBER, "--reason", "a letter")
    work(ready)
    other = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    wrong = terminal(**{**ready.environ, "DATABASE_URL": other})
    assert wrong.run("records", "migrate") == 0
    assert wrong.run("rebuild", "--adopt") == 2
    assert f"the records at {other} are empty" in wrong.errors
    assert wrong.run("check", NUMBER) == 1

    redis_client.flushall()
    assert wrong.run("rebuild") == 2
    assert "--allow-empty" in wrong.errors
    assert wrong.run("check", NUMBER) == 2

    assert wrong.run("rebuild", "--allow-empty") == 0
    assert "0 numbers" in wrong.output


def test_a_flushed_store_is_rebuilt_by_init(ready, redis_client):
    ready.run("lock", NUMBER, "--reason", "a letter")
    work(ready)
    redis_client.flushall()
    assert ready.run("check", NUMBER) == 2

    assert ready.run("init") == 0
    assert "Rebuilt the store" in ready.output
    assert ready.run("check", NUMBER) == 1


def test_evidence_is_its_owner_s_alone_and_names_a_missing_link(ready, tmp_path):
    ready.run("lock", NUMBER, "--reason", "a letter")
    work(ready)
    with closing(sqlite3.connect(tmp_path / "records.sqlite3")) as database, database:
        database.execute("DROP TRIGGER links_no_delete")
        database.execute("DELETE FROM links")

    file = tmp_path / "evidence.html"
    assert ready.run("evidence", NUMBER, "-o", str(file)) == 1
    assert "its link is missing" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert ready.run("evidence", NUMBER, "-o", "/proc/nowhere") == 1
