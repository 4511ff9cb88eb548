"""Lists from a terminal: dry first, then done, exported again, and scrubbed."""

from __future__ import annotations

import csv
import re
import sys

import pytest

from smsgate.interface.commands import progress
from smsgate.pipeline.gate import Gate
from tests.fakes.own_services import make_services

NUMBER, OTHER = "+14155550123", "+33612345678"


@pytest.fixture
def lists(terminal, tmp_path, redis_url):
    services = make_services(tmp_path, redis_url)
    services.records.migrate()
    services.close()
    return terminal(
        SMSGATE_CONFIG=str(tmp_path / "config"),
        SMSGATE_DATA_DIR=str(tmp_path / "var"),
        REDIS_URL=redis_url,
    )


@pytest.fixture
def blocked(redis_url):
    return lambda number: not Gate.from_url(redis_url).allows(number, program="alerts")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "stopped.csv"
    path.write_text(f"name,phone\nAna,{NUMBER}\nBo,=cmd\n\nCy,{NUMBER}\n", encoding="utf-8-sig")
    return path


def test_a_list_is_previewed_imported_and_undone(lists, file, tmp_path, blocked):
    unused = tmp_path / "unused.csv"
    arguments = ("import", str(file), "--program", "alerts", "--result", str(unused))
    assert lists.run(*arguments, "--preview") == 1
    assert "csv, ','; numbers in column 2 'phone'; not read: 'name'; 4 rows" in lists.output
    assert "Would opt 1 number out of every program (scope all): Acme Alerts (alerts), " in (
        lists.output
    )
    assert "1  new: would be applied" in lists.output
    assert "line 3: '=cmd': not one phone number" in lists.output
    assert "run the command again without --preview" in lists.output
    assert not blocked(NUMBER)

    assert lists.run(*arguments) == 1
    assert "Opted 1 number out of every program (scope all)" in lists.output
    assert "To undo it: smsgate imports undo import-" in lists.output
    with unused.open(newline="") as rows:
        assert [(row["line"], row["outcome"]) for row in csv.DictReader(rows)] == [
            ("3", "not_a_number")
        ]
    assert blocked(NUMBER)
    assert lists.json(*arguments)["result"]["outcomes"]["repeat"] == 1

    (one,) = lists.json("imports", "list")["items"]
    assert lists.run("imports", "undo", one["id"], "--preview") == 0
    assert "stopped.csv: 1 number would be put back, 0 kept." in lists.output
    assert lists.run("imports", "undo", one["id"]) == 2
    assert "Give a reason" in lists.errors
    assert blocked(NUMBER)
    because = ("--reason", "the wrong file")
    for outcome in ("undone", "undone_before"):
        found = lists.json("imports", "undo", one["id"], *because)["result"]
        assert found["outcomes"] == {outcome: 1}
    assert not blocked(NUMBER)
    assert lists.run("imports", "list") == 0
    assert "the wrong file" in lists.output
    assert "stopped.csv: 1 number put back, 0 kept." in lists.output
    assert lists.run("imports", "undo", "import-0", "--preview") == 2
    assert "No import 'import-0' is on record: `smsgate imports list`" in lists.errors


def test_a_list_of_which_no_row_can_be_read_is_not_said_to_be_imported(lists, tmp_path):
    path = tmp_path / "national.csv"
    path.write_text("phone\n4155550123\n\n4155550124\n")
    assert lists.run("import", str(path), "--program", "alerts") == 2
    assert "Nothing was imported: no row could be read. Line 2 has '4155550123': no country" in (
        lists.errors
    )
    assert lists.json("imports", "list")["items"] == []


def test_history_says_since_when_a_list_has_it(lists, file, tmp_path):
    dated = tmp_path / "aws.csv"
    dated.write_text(f"OptedOutNumber,OptedOutTimestamp\n{NUMBER},2026-03-01T10:00:00Z\n")
    assert lists.run("import", str(dated), "--program", "alerts") == 0
    assert lists.run("import", str(file), "--program", "orders") == 1
    assert lists.run("history", NUMBER) == 0
    assert lists.output.count("Since 2026-03-01 10:00:00.000 UTC, as the list says.") == 1


def test_a_refused_consent_is_said_and_no_failure(lists, tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text(f"{NUMBER}\n")
    lists.run("import", str(path), "--program", "alerts")
    path.write_text(f"{NUMBER}\n{OTHER}\n")
    signed = ("--state", "subscribed", "--words", "I agree")
    assert lists.run("import", str(path), "--program", "alerts", *signed) == 0
    assert "1  refused: opted out or locked, which an import never lifts" in lists.output
    assert f"line 1: '{NUMBER}': opted out or locked" in lists.output


def test_a_list_is_scrubbed_into_two_files(lists, file, tmp_path):
    clean, blocked = tmp_path / "clean.csv", tmp_path / "blocked.csv"
    arguments = ("scrub", str(file), "--program", "alerts", "-o", str(clean), "--blocked")
    assert lists.run(*arguments, str(blocked)) == 0
    assert "1  clean: can be texted" in lists.output
    assert "Nothing was changed" not in lists.output
    assert clean.read_text(encoding="utf-8-sig") == f"name,phone\nAna,{NUMBER}\n"
    assert blocked.read_text(encoding="utf-8-sig").count("\n") == 3


def test_where_the_gate_cannot_tell_no_list_is_written(lists, file, tmp_path, redis_client):
    redis_client.flushall()
    clean, blocked = tmp_path / "clean.csv", tmp_path / "blocked.csv"
    arguments = ("scrub", str(file), "--program", "alerts", "-o", str(clean))
    assert lists.run(*arguments, "--blocked", str(blocked)) == 2
    assert "the store has no metadata" in lists.errors
    assert not [*tmp_path.glob("*clean*"), *tmp_path.glob("*blocked*")]
    assert lists.run(*arguments, "--blocked", str(file)) == 2
    assert "three different files" in lists.errors
    assert lists.run(*arguments, "--blocked", str(tmp_path / "blocked.xlsx")) == 2
    assert "written as CSV" in lists.errors


def test_what_0_2_and_this_version_export_can_be_imported_with_its_times(lists, tmp_path, blocked):
    """The commands of docs/upgrading.md, with a file as 0.2.0 wrote it."""
    old = tmp_path / "alerts.csv"
    old.write_text(
        "number,state,since,source,external_source\n"
        f"{NUMBER},opted_out,2025-03-04T05:06:07Z,text,\n"
        f"{OTHER},opted_out,2025-04-05T06:07:08Z,import,Klaviyo\n"
    )
    assert lists.run("import", str(old), "--program", "alerts") == 0
    assert blocked(NUMBER)
    assert blocked(OTHER)
    new = tmp_path / "export.csv"
    assert lists.run("export", "--program", "alerts", "--state", "opted_out", "-o", str(new)) == 0
    assert "Wrote " in lists.errors
    assert new.stat().st_mode & 0o077 == 0
    with new.open(newline="") as file:
        found = {row["number"]: row["since"] for row in csv.DictReader(file)}
    assert found == {NUMBER: "2025-03-04T05:06:07Z", OTHER: "2025-04-05T06:07:08Z"}
    again = lists.json("import", str(new), "--program", "alerts", "--preview")["result"]
    assert again["format"].startswith("smsgate (csv, ','); numbers in column 1 'number'; date")
    assert again["outcomes"] == {"repeat": 2}


def test_a_terminal_shows_which_share_of_a_list_is_done(monkeypatch, capsys):
    def said(what: str, done: int, total: int) -> str:
        with progress() as tell:
            tell(what, done, total)
        return capsys.readouterr().err

    assert said("Importing", 50_000, 100_000) == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert re.search("Importing.* 50%", said("Importing", 50_000, 100_000))
    unknown = said("Texts compared", 1_200, 0)
    assert "Texts compared" in unknown
    assert "%" not in unknown
