"""Content: what the console saves replaces a file's as a whole, in every process, without a gap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smsgate import content as content_module
from smsgate.classifier import reply_text
from smsgate.content import FILE, ContentWatch, CurrentContent
from smsgate.content_versions import ContentVersions
from smsgate.domain.errors import ConfigurationError, RecordsUnavailable
from smsgate.process.configuration import load_configuration
from smsgate.records import Records
from tests.process.conftest import CONFIG, WORD

REPLIES = '[en]\nopt_out = "{} {{program}}"\n'


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config" / "keywords").mkdir(parents=True)
    (tmp_path / "config" / "smsgate.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "var").mkdir()
    return {
        "SMSGATE_CONFIG": str(tmp_path / "config"),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "TOKEN": "t",
    }


@pytest.fixture
def records(environ: dict[str, str]) -> Iterator[Records]:
    with closing(Records(f"sqlite:///{environ['SMSGATE_DATA_DIR']}/records.sqlite3")) as made:
        made.migrate()
        yield made


def save(records: Records, word: str, number: int = 1, intent: str = "opt_out") -> None:
    text = WORD.format(word=word, intent=intent) if word else ""
    ContentVersions(records, "keywords").add("en", text, number - 1, "ann")


def save_replies(records: Records, text: str, number: int = 1) -> None:
    ContentVersions(records, "replies").add("alerts", text, number - 1, "ann")


class Follower:
    """A process that follows the content, one look at a time."""

    def __init__(self, environ: dict[str, str], records: Records) -> None:
        loaded = load_configuration(environ)
        self.current = CurrentContent(loaded.content)
        self.watch = ContentWatch(loaded.settings, records, self.current)

    def look(self) -> None:
        self.watch.thread().run_once()

    def understood(self, text: str) -> str:
        return self.current.value.classifiers["alerts"].classify(text).intent.value

    def reply(self, language: str = "en") -> str:
        program = self.current.value.programs.get("alerts")
        return reply_text(program, "opt_out", language)[0]


@pytest.fixture
def follower(environ: dict[str, str], records: Records) -> Follower:
    return Follower(environ, records)


def test_a_process_that_starts_before_the_records_exist_takes_what_is_saved_later(environ) -> None:
    url = f"sqlite:///{environ['SMSGATE_DATA_DIR']}/records.sqlite3"
    with closing(Records(url)) as records:
        follower = Follower(environ, records)
        follower.look()
        records.migrate()
        save(records, "qwyjibo")
        follower.look()
        assert follower.understood("qwyjibo") == "opt_out"


def test_a_saved_set_is_taken_and_a_reverted_one_is_left(follower, records) -> None:
    assert follower.understood("qwyjibo") == "none"
    before = follower.current.value
    save(records, "qwyjibo")
    follower.look()
    assert follower.understood("qwyjibo") == "opt_out"
    assert before.classifiers["alerts"].classify("qwyjibo").intent.value == "none"
    assert follower.current.value.version != before.version
    save(records, "", 2)
    follower.look()
    assert follower.understood("qwyjibo") == "none"


def test_saved_replies_replace_all_of_the_files(environ, records) -> None:
    file = Path(environ["SMSGATE_CONFIG"]) / "smsgate.toml"
    file.write_text(CONFIG + '\n[programs.alerts.replies.es]\nopt_out = "Hecho {program}"\n')
    follower = Follower(environ, records)
    save_replies(records, REPLIES.format("Done with"))
    follower.look()
    assert follower.reply() == "Done with Acme Alerts"
    assert "Hecho" not in follower.reply("es")
    save_replies(records, "", 2)
    follower.look()
    assert follower.reply("es") == "Hecho Acme Alerts"


def test_a_consoles_set_replaces_a_file_as_a_whole(environ, records) -> None:
    place = Path(environ["SMSGATE_CONFIG"]) / "keywords" / "en.toml"
    place.write_text(WORD.format(word="fromfile", intent="opt_out"))
    follower = Follower(environ, records)
    assert follower.understood("fromfile") == "opt_out"
    save(records, "qwyjibo")
    follower.look()
    assert (follower.understood("fromfile"), follower.understood("qwyjibo")) == ("none", "opt_out")


def test_a_file_that_was_changed_meanwhile_is_not_read(environ, records, follower) -> None:
    place = Path(environ["SMSGATE_CONFIG"]) / "keywords" / "en.toml"
    place.write_text("nonsense = [")
    save_replies(records, REPLIES.format("Done with"))
    follower.look()
    assert (follower.watch.problem, follower.reply()) == ("", "Done with Acme Alerts")


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("keywords", "x = ", "console keywords/en.toml"),
        ("keywords", WORD.format(word="STOP", intent="opt_in"), "console keywords/en.toml"),
        ("replies", "[en]\nopt_aut = 'x'\n", "did you mean 'opt_out'?"),
        ("replies", "[en]\nopt_out = '{contact}'\n", "the program has no contact"),
    ],
)
def test_what_a_process_cannot_use_leaves_it_with_what_it_had(
    follower, records, kind, text, said
) -> None:
    save(records, "qwyjibo")
    follower.look()
    versions = ContentVersions(records, kind)
    base = 1 if kind == "keywords" else 0
    name = "en" if kind == "keywords" else "alerts"
    versions.add(name, text, base, "ann")
    follower.look()
    assert said in follower.watch.problem
    assert follower.understood("qwyjibo") == "opt_out"
    versions.add(name, "", base + 1, "ann")
    follower.look()
    assert follower.watch.problem == ""


def test_a_process_that_starts_with_such_content_has_what_was_taken_last(environ, records) -> None:
    save(records, "qwyjibo")
    Follower(environ, records)
    save(records, "STOP", 2, intent="opt_in")
    loaded = load_configuration(environ)
    assert any("those that were read last" in one for one in loaded.warnings)
    assert loaded.content.classifiers["alerts"].classify("qwyjibo").intent.value == "opt_out"


def test_without_anything_taken_before_such_content_refuses_the_start(environ, records) -> None:
    save(records, "STOP", intent="opt_in")
    with pytest.raises(ConfigurationError, match=r"console keywords/en\.toml"):
        load_configuration(environ)


def test_while_the_records_are_away_a_process_starts_with_what_was_taken_last(
    environ, records, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(records, "qwyjibo")
    follower = Follower(environ, records)
    monkeypatch.setattr(content_module, "content_mark", away)
    loaded = load_configuration(environ)
    assert any("may be old or missing: away" in one for one in loaded.warnings)
    assert loaded.content.saved == follower.current.value.saved
    follower.look()
    assert follower.understood("qwyjibo") == "opt_out"


def away(_: Records) -> int:
    raise RecordsUnavailable("away")


def test_a_data_directory_that_cannot_be_written_is_said(environ, records, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(content_module, "replace_file", refuse)
    save(records, "qwyjibo")
    loaded = load_configuration(environ)
    assert any("No space left on device" in one for one in loaded.warnings)
    assert loaded.content.classifiers["alerts"].classify("qwyjibo").intent.value == "opt_out"


def test_what_lies_damaged_in_the_data_directory_is_not_used(environ, records, monkeypatch) -> None:
    save(records, "qwyjibo")
    Follower(environ, records)
    place = Path(environ["SMSGATE_DATA_DIR"]) / FILE
    place.write_text(place.read_text()[:-9])
    monkeypatch.setattr(content_module, "content_mark", away)
    loaded = load_configuration(environ)
    assert loaded.content.saved.mark == 0
    assert any("may be old or missing: away" in one for one in loaded.warnings)
    monkeypatch.undo()
    (Path(environ["SMSGATE_DATA_DIR"]) / "records.sqlite3").unlink()
    assert any("or missing" in one for one in load_configuration(environ).warnings)
