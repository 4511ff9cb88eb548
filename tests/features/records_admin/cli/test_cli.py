"""``smsgate records`` and ``smsgate forget``, as somebody at a terminal sees them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.cli.main import run
from smsgate.domain.messages import Decision, Intent
from smsgate.features.evidence.operations import EvidenceRequest, evidence
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.records import Records, tables
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER, OTHER, entry
from tests.records.values import event, reply_event

CONFIG = """
[accounts.twilio]
provider = "twilio"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["und"]
region   = "GB"
"""
Terminal = Callable[..., tuple[int, str, str]]


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'var' / 'records.sqlite3'}"


@pytest.fixture
def terminal(redis_url, tmp_path, capfdbinary) -> Terminal:
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    environ = {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
    }

    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments, environ)
        output, errors = capfdbinary.readouterr()
        return code, output.decode(), errors.decode()

    return command


@pytest.fixture
def filled(terminal, store, url) -> Iterator[Records]:
    """Three events of one number and one of another, recorded."""
    assert terminal("records", "migrate")[0] == 0
    records = Records(url)
    rows = [event(1, text="=HYPERLINK(1)"), event(2, text="Stop, ünïcode"), reply_event(3)]
    for one in [*rows, event(4, OTHER)]:
        store.ledger.append(partition_of(one.number), one)
    LedgerArchiver(store, records).move_all()
    yield records
    records.close()


def test_migrating_says_what_came_of_it(terminal):
    assert terminal("records", "migrate") == (
        0,
        f"The records have version {tables.VERSION}.\n",
        "",
    )
    assert (
        terminal("records", "migrate")[1] == f"The records have version {tables.VERSION} already.\n"
    )


def test_the_status_shows_what_is_kept(terminal, filled):
    code, output, _ = terminal("records", "status")
    assert code == 0
    assert "4 records of 2 numbers" in output
    assert "From the ledgers: ok" in output

    found = json.loads(terminal("records", "status", "--json")[1])
    assert found["records"] == 4
    assert len(found["stores"]) == 1
    assert {partition["seq"] for partition in found["partitions"].values()} == {1, 3}


def test_sound_records_are_said_to_be(terminal, filled):
    digest = json.loads(terminal("records", "status", "--json")[1])["digest"]

    code, output, _ = terminal("records", "verify", "--digest", digest)

    assert code == 0
    assert output.startswith(
        "All 4 records are unchanged.\nNot checked, since they are in no chain:"
    )
    output = terminal("records", "verify")[1]
    assert "go missing unseen: name a digest" in output
    assert "audit log" in json.loads(terminal("records", "verify", "--json")[1])["not_covered"]


@pytest.mark.parametrize("kept", [0, 2])
def test_a_cut_tail_and_emptied_tables_are_found_by_an_older_digest(terminal, filled, kept):
    digest = json.loads(terminal("records", "status", "--json")[1])["digest"]
    gone = f"SELECT event_id FROM links WHERE seq > {kept}"
    with filled.database.writing() as connection:
        triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='trigger'")
        for (name,) in triggers.all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for table in ("texts", "events"):
            column = "id" if table == "events" else "event_id"
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE {column} IN ({gone})")
        connection.exec_driver_sql(f"DELETE FROM links WHERE seq > {kept}")
        connection.exec_driver_sql("DELETE FROM heads")
        connection.exec_driver_sql(
            "INSERT INTO heads SELECT partition, seq, hash FROM links l "
            "WHERE seq = (SELECT max(seq) FROM links WHERE partition = l.partition)"
        )
        if not kept:
            connection.exec_driver_sql("DELETE FROM numbers")
            connection.exec_driver_sql("DELETE FROM memberships")
    assert terminal("records", "verify")[0] == 0
    code, output, _ = terminal("records", "verify", "--digest", digest)
    assert (code, output.splitlines()[0].partition(" in ")[0]) == (
        1,
        "wrong the chains never had the digest " + digest,
    )


def test_what_is_wrong_is_named_and_the_exit_code_is_1(terminal, filled):
    with filled.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER texts_no_update")
        connection.exec_driver_sql('UPDATE texts SET words = \'{"text":"Start"}\'')

    code, output, _ = terminal("records", "verify")

    assert code == 1
    assert f"wrong partition {partition_of(OTHER)}, link 1, event" in output
    assert "4 problems in 4 records." in output
    code, output, _ = terminal("records", "verify", "--json")
    assert code == 1
    assert len(json.loads(output)["wrong"]) == 4


def test_a_csv_can_be_opened_in_a_spreadsheet_without_harm(terminal, filled):
    code, output, _ = terminal("records", "export")
    rows = list(csv.DictReader(io.StringIO(output)))

    assert code == 0
    assert [row["text"] for row in rows] == ["'=HYPERLINK(1)", "Stop, ünïcode", "", "Stop 4"]
    assert rows[0]["received"] == "2025-11-24T16:00:00.001000+00:00"
    assert rows[0]["number"] == NUMBER
    assert rows[2]["reply"] == "You are unsubscribed."


def test_ndjson_has_every_event_whole(terminal, filled, tmp_path):
    file = tmp_path / "out.ndjson"
    assert terminal("records", "export", "--format", "ndjson", "-o", str(file))[0] == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]

    assert rows[0]["entry"]["text"] == "=HYPERLINK(1)"
    assert [row["seq"] for row in rows] == [1, 2, 3, 1]


def test_only_what_the_model_decided_has_a_score_in_exports_and_evidence(
    terminal, filled, store, tmp_path
):
    by_model = Decision(Intent.OPT_OUT, rule="second_reader", score=3.25, confidence=0.963)
    given = entry(Intent.OPT_OUT, text="take me off", decision=by_model)
    store.ledger.append(partition_of(NUMBER), event(5, entry=given))
    LedgerArchiver(store, filled).move_all()

    rows = list(csv.DictReader(io.StringIO(terminal("records", "export")[1])))
    assert {row["id"]: row["model_score"] for row in rows}[event(5).id] == "3.25"
    assert [row["model_score"] for row in rows].count("") == len(rows) - 1
    told = evidence(filled, EvidenceRequest(NUMBER), {}, 0)
    assert {row["id"]: row["confidence"] for row in rows}[event(5).id] == "0.963"
    assert [row["confidence"] for row in rows].count("") == len(rows) - 1
    assert ["confidence" in one["why"] for one in told["events"]] == [False, False, False, True]
    assert told["events"][3]["why"].endswith("rule second_reader, confidence 96.3%")


def test_a_span_of_time_is_exported(terminal, filled):
    since, until = "2025-11-24T16:00:00.002", "2025-11-24T17:00:00.004+01:00"
    _, output, _ = terminal("records", "export", "--since", since, "--until", until)
    assert [row["seq"] for row in csv.DictReader(io.StringIO(output))] == ["2", "3"]

    code, _, errors = terminal("records", "export", "--since", "yesterday")
    assert code == 2
    assert "since: " in errors


def test_forgetting_erases_and_says_what(terminal, filled):
    code, _, errors = terminal("forget", NUMBER, "--reason", "asked by e-mail")
    assert (code, "Add --yes" in errors) == (2, True)
    code, output, _ = terminal("forget", NUMBER, "--yes", "--reason", "asked by e-mail")
    assert code == 0
    assert output == (
        f"Erased the texts of 3 records of {NUMBER}, 0 ordinary texts, 0 texts for an application, "
        "and 0 failed replies. It is suppressed where it was.\n"
    )
    assert terminal("records", "verify")[0] == 0
    history = json.loads(terminal("history", NUMBER, "--json")[1])["events"]
    assert [one["kind"] for one in history] == ["opt_out", "opt_out", "reply", "forgotten"]
    assert "HYPERLINK" not in json.dumps(history)


def test_a_history_whose_records_are_elsewhere_is_refused(terminal, filled, url):
    Path(url.removeprefix("sqlite:///")).rename(f"{url.removeprefix('sqlite:///')}.away")

    code, _, errors = terminal("history", NUMBER)

    assert code == 2
    assert "set DATABASE_URL" in errors


def test_a_record_that_cannot_be_read_any_more_is_named(terminal, filled):
    with filled.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER events_no_update")
        connection.exec_driver_sql(f"UPDATE events SET facts = '{{' WHERE number = '{OTHER}'")

    code, _, errors = terminal("history", OTHER)

    assert code == 2
    assert f"partition {partition_of(OTHER)}, link 1" in errors
    assert "smsgate records verify" in errors


def test_an_upgrade_waits_for_the_records_before_it_copies_them(terminal, filled, store):
    """The lines of the guide: what is in the ledger alone would be missing in the copy."""
    guide = Path("docs/deployment.md").read_text().splitlines()
    dumps = [at for at, line in enumerate(guide) if "pg_dump" in line and "before" in line]
    assert len(dumps) == 3
    patterns = {
        re.search(r"until .*records status \| grep --quiet '(.*?)'", guide[at - 1])[1]
        for at in dumps
    }
    (pattern,) = patterns
    store.ledger.append(partition_of(NUMBER), event(9, consent_state=None))
    assert not re.search(pattern, terminal("records", "status")[1], re.MULTILINE)
    LedgerArchiver(store, filled).move_all()
    assert re.search(pattern, terminal("records", "status")[1], re.MULTILINE)
