"""The console's keyword sets as every process finds them, also while the records are away."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.errors import ConfigurationError, RecordsUnavailable
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.console_keyword_sets import FOLDER, read_console_sets
from smsgate.records import KeywordVersion, Records

ZULU = 'language = "zu"\nextends = true\n[[entries]]\nintent = "opt_out"\nwords = "blimblam"\n'


@pytest.fixture
def records(tmp_path):
    made = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    made.migrate()
    yield made
    made.close()


def save(records, name, content, number=1):
    records.keyword_versions.save(KeywordVersion(name, number, content, "ann", 1))


def away(records, monkeypatch):
    def gone():
        raise RecordsUnavailable("nobody answers")

    monkeypatch.setattr(records, "check", gone)


def test_what_the_records_have_is_kept_in_the_data_directory(records, tmp_path):
    save(records, "zu", ZULU)
    save(records, "es", "x = 1\n")
    assert read_console_sets(records, tmp_path) == ({"zu": ZULU, "es": "x = 1\n"}, [])
    assert (tmp_path / FOLDER / "zu.toml").read_text() == ZULU
    save(records, "es", "", 2)
    assert read_console_sets(records, tmp_path) == ({"zu": ZULU}, [])
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["zu.toml"]


def test_while_the_records_are_away_the_last_ones_are_used_and_it_is_said(
    records, tmp_path, monkeypatch
):
    save(records, "zu", ZULU)
    read_console_sets(records, tmp_path)
    away(records, monkeypatch)
    sets, (warning,) = read_console_sets(records, tmp_path)
    assert sets == {"zu": ZULU}
    assert "(zu)" in warning
    assert "nobody answers" in warning


def test_records_that_are_away_at_a_first_start_are_said_to_be(records, tmp_path, monkeypatch):
    away(records, monkeypatch)
    sets, (warning,) = read_console_sets(records, tmp_path)
    assert sets == {}
    assert "(none)" in warning


def test_records_that_were_never_made_are_no_news_unless_sets_were_kept(tmp_path):
    records = Records(f"sqlite:///{tmp_path / 'nothing.sqlite3'}")
    assert read_console_sets(records, tmp_path) == ({}, [])
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "zu.toml").write_text(ZULU)
    sets, (warning,) = read_console_sets(records, tmp_path)
    assert sets == {"zu": ZULU}
    assert "no records" in warning
    assert not (tmp_path / "nothing.sqlite3").exists()


@pytest.mark.parametrize(
    "name", ["../es", "/etc/x", "a/b", "..", "es.toml", "_grammar", "", "e\ns"]
)
def test_no_name_leads_out_of_the_folder(records, tmp_path, name):
    save(records, name, "x = 1\n")
    sets, warnings = read_console_sets(records, tmp_path / "var")
    assert sets == {}
    assert "no fit name" in warnings[0]
    assert list(tmp_path.rglob("*.toml")) == []


def test_what_lies_about_in_the_folder_is_no_set(records, tmp_path, monkeypatch):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "zu.toml").write_bytes(b"\xff\xfe")
    (tmp_path / FOLDER / "_x.toml").write_text("x = 1")
    (tmp_path / FOLDER / "de.toml").write_text("x" * 1_000_001)
    away(records, monkeypatch)
    assert read_console_sets(records, tmp_path)[0] == {}


def test_a_folder_that_cannot_be_written_is_said_and_the_sets_are_used(records, tmp_path):
    save(records, "zu", ZULU)
    (tmp_path / FOLDER).write_text("in the way")
    sets, (warning,) = read_console_sets(records, tmp_path)
    assert sets == {"zu": ZULU}
    assert "cannot be kept" in warning


def test_processes_that_write_at_once_leave_whole_files(records, tmp_path):
    save(records, "zu", ZULU * 200)
    threads = [
        threading.Thread(target=read_console_sets, args=(records, tmp_path)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["zu.toml"]
    assert (tmp_path / FOLDER / "zu.toml").read_text() == ZULU * 200


CONFIG = """
[accounts.twilio]
provider = "twilio"
[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["zu"]
"""


@pytest.fixture
def environ(tmp_path, records):
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    return {"SMSGATE_CONFIG": str(tmp_path), "SMSGATE_DATA_DIR": str(tmp_path)}


def test_a_process_reads_them_with_its_configuration(records, environ):
    before = load_configuration(environ)
    save(records, "zu", ZULU)
    after = load_configuration(environ)
    assert before.classifiers["alerts"].classify("blimblam").intent == "none"
    assert after.classifiers["alerts"].classify("blimblam").intent == "opt_out"
    assert before.version != after.version


def test_a_set_that_is_a_file_as_well_refuses_the_start(records, environ, tmp_path):
    save(records, "zu", ZULU)
    (tmp_path / "keywords").mkdir()
    (tmp_path / "keywords" / "zu.toml").write_text(ZULU)
    with pytest.raises(ConfigurationError) as raised:
        load_configuration(environ)
    (fault,) = raised.value.faults
    assert str(tmp_path / "keywords" / "zu.toml") in str(fault)
    assert "console keywords/zu.toml" in str(fault)


def test_files_of_the_operator_are_never_touched_where_both_folders_are_one(
    records, environ, tmp_path
):
    (tmp_path / "keywords").mkdir()
    (tmp_path / "keywords" / "es.toml").write_text("mine")
    save(records, "zu", ZULU)
    assert (
        load_configuration(environ).classifiers["alerts"].classify("blimblam").intent == "opt_out"
    )
    assert [path.name for path in (tmp_path / "keywords").iterdir()] == ["es.toml"]
