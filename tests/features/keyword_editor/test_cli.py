"""``smsgate keywords``: list, test, diff, replay."""

from __future__ import annotations

import io
import json

import pytest

from smsgate.cli.main import cli, run
from smsgate.features.keyword_editor import service
from smsgate.features.keyword_editor.cli import keywords
from smsgate.records import ContentVersion, Records
from smsgate.store.redis_address import open_redis
from smsgate.store.store import Store
from tests.fakes.values import entry
from tests.records.values import event, lines

CONFIG = """
[accounts.twilio]
provider = "twilio"
[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["en", "es"]
region = "US"
"""
NEXT = """
language = "es"
extends = true
without = "ALTO"
[[entries]]
intent = "opt_out"
words = "ZUMBIDO"
"""


@pytest.fixture(autouse=True)
def _registered():
    if "keywords" not in cli.commands:
        cli.add_command(keywords)


@pytest.fixture
def environ(tmp_path):
    folder = tmp_path / "now"
    folder.mkdir()
    (folder / "smsgate.toml").write_text(CONFIG, "utf-8")
    return {"SMSGATE_CONFIG": str(folder)}


@pytest.fixture
def following(tmp_path):
    folder = tmp_path / "next"
    (folder / "keywords").mkdir(parents=True)
    (folder / "smsgate.toml").write_text(CONFIG, "utf-8")
    (folder / "keywords" / "es.toml").write_text(NEXT, "utf-8")
    return str(folder)


def test_list_shows_what_is_in_force(capsys, environ):
    assert run(["keywords", "list", "--language", "es", "--json"], environ) == 0
    words = {row["word"]: row for row in json.loads(capsys.readouterr().out)}
    assert words["BAJA"]["intent"] == "opt_out"
    assert "ABMELDEN" not in words
    assert run(["keywords", "list"], environ) == 0
    assert "UNSUBSCRIBE" in capsys.readouterr().out


def test_test_names_each_text_that_is_decided_otherwise(capsys, environ, tmp_path):
    labelled = tmp_path / "labelled.tsv"
    labelled.write_text("label\ttext\nopt_out\tStop.\nnone\tYES\nhelp\tbaja\n", "utf-8")
    assert run(["keywords", "test", str(labelled)], environ) == 1
    out = capsys.readouterr().out
    assert "help but opt_out by keyword BAJA: 'baja'" in out
    assert "2 of 3 as labelled" in out
    labelled.write_text("label\ttext\nopt_out\tstop\\nthanks\n", "utf-8")
    assert run(["keywords", "test", str(labelled)], environ) == 0


@pytest.mark.parametrize("table", ["label\ttext\nnone\n", "text\nhello\n", "label\nnone\n"])
def test_test_refuses_a_line_that_lacks_its_label_or_text(capsys, environ, tmp_path, table):
    labelled = tmp_path / "labelled.tsv"
    labelled.write_text(table, "utf-8")
    assert run(["keywords", "test", str(labelled)], environ) == 2
    assert "line 2: a label, a tab and a text are needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"label\ttext\nstop\tSTOP\n", "line 2: there is no label 'stop'; there are: opt_out, "),
        (b"", "has no texts"),
        (b"label\ttext\n", "has no texts"),
        (b"label\ttext\nnone\t\xff\xfe\n", "cannot be read as UTF-8 text"),
        (b"label\ttext\nnone\t" + b"a" * (1 << 21), "line 2: field larger than"),
    ],
)
def test_test_refuses_what_is_no_table_of_labelled_texts(capsys, environ, tmp_path, table, said):
    labelled = tmp_path / "labelled.tsv"
    labelled.write_bytes(table)
    assert run(["keywords", "test", str(labelled)], environ) == 2
    assert said in capsys.readouterr().err


def test_test_reads_a_table_as_office_programs_write_it(capsys, environ, tmp_path):
    labelled = tmp_path / "labelled.tsv"
    labelled.write_bytes(b"\xef\xbb\xbflabel\ttext\r\nopt_out\tstop\r\n")
    assert run(["keywords", "test", str(labelled)], environ) == 0
    assert capsys.readouterr().out == "1 of 1 as labelled\n"


@pytest.mark.parametrize("command", [["diff"], ["replay", "texts"]])
def test_a_folder_without_a_configuration_is_nothing_to_compare_with(
    capsys, environ, tmp_path, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").write_text("stop\n")
    (tmp_path / "empty").mkdir()
    assert run(["keywords", *command, "--against", "empty"], environ) == 2
    assert "empty/smsgate.toml cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"text": 5}\n', "line 1: text and number must be texts"),
        (b'{"text": "a", "number": 5}\n', "line 1: text and number must be texts"),
        (b"stop\n{bad\n", "line 2: "),
        (b'["stop", 5]', "entry 2: is no text"),
        (b"5", None),
        (b"\n\n", "has no texts"),
        (b"", "has no texts"),
        (b"[]", "has no texts"),
        (b"stop\xff", "cannot be read as UTF-8 text"),
    ],
)
def test_replay_refuses_what_is_no_text(capsys, environ, following, tmp_path, content, said):
    texts = tmp_path / "texts"
    texts.write_bytes(content)
    code = run(["keywords", "replay", str(texts), "--against", following], environ)
    assert code == (2 if said else 0)
    told = capsys.readouterr()
    assert (said in told.err) if said else told.out.startswith("0 of 1 texts")


def test_diff_lists_keywords_that_come_and_go(capsys, environ, following):
    assert run(["keywords", "diff", "--against", following, "--json"], environ) == 1
    found = {one["typed"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["zumbido"]["before"] is None
    assert found["alto"]["after"] is None
    assert set(found) == {"zumbido", "alto"}
    assert run(["keywords", "diff", "--against", environ["SMSGATE_CONFIG"]], environ) == 0


TEXTS = "zumbido\nalto\nstop\nhello\n"
EVENTS = json.dumps([{"kind": "opt_out", "entry": {"text": "alto", "number": "+1"}}, {"kind": "x"}])


@pytest.mark.parametrize(
    ("content", "different", "count"),
    [
        (TEXTS, ["zumbido", "alto"], 4),
        ('"zumbido"\n{"text": "alto", "number": "+14155550123"}\n', ["zumbido", "alto"], 2),
        (EVENTS, ["alto"], 1),
        ("\ufeffzumbido\r\n\r\nstop\x85 now", ["zumbido"], 2),
        ('[x]\n"stop" he said', [], 2),
        ("stop\n", [], 1),
    ],
)
def test_replay_shows_texts_that_would_be_decided_differently(
    capsys, environ, following, tmp_path, content, different, count
):
    texts = tmp_path / "texts"
    texts.write_text(content, "utf-8")
    code = run(["keywords", "replay", str(texts), "--against", following, "--json"], environ)
    assert code == (1 if different else 0)
    told = json.loads(capsys.readouterr().out)
    assert [one["text"] for one in told["different"]] == different
    assert told["texts"] == count


def test_replay_wants_texts_from_somewhere(capsys, environ, following):
    assert run(["keywords", "replay", "--against", following], environ) == 2
    assert "--ledger or --samples" in capsys.readouterr().err


@pytest.fixture
def records(tmp_path, environ):
    environ["SMSGATE_DATA_DIR"] = str(tmp_path)
    made = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    made.migrate()
    yield made
    made.close()


def test_history_tells_each_version_and_what_it_changed(capsys, environ, records):
    for number, content in ((1, "a = 1\nb = 2\n"), (2, "a = 1\nb = 3\n"), (3, "")):
        records.keyword_versions.save(
            ContentVersion("es", number, content, "ann", 1_764_000_000_000_000, f"note {number}")
        )
    assert run(["keywords", "history", "es"], environ) == 0
    out = capsys.readouterr().out
    assert out.index("version 3") < out.index("version 2") < out.index("version 1")
    assert "2025-11-24T16:00:00+00:00  ann  reverted" in out
    assert "    - b = 2\n    + b = 3\n" in out
    assert "note 1" in out
    assert run(["keywords", "history", "es", "--json"], environ) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["version"] for one in told] == [3, 2, 1]
    assert told[1]["content"] == "a = 1\nb = 3\n"
    assert run(["keywords", "history", "fr"], environ) == 2
    assert "never had a keyword set" in capsys.readouterr().err


def test_replay_decides_what_was_received_again(
    capsys, environ, following, records, redis_url, tmp_path
):
    environ["REDIS_URL"] = redis_url
    kept = [event(at, text="alto") for at in (1, 2)]
    records.writer.keep({0: lines(kept[0])})
    store = Store(open_redis(redis_url))
    store.ledger.append(0, kept[1])
    store.sample_log.note(entry(text="zumbido"))
    store.sample_log.note(entry(text="zumbido", program="orders"))
    store.sample_log.close()
    command = ["keywords", "replay", "--against", following, "--json"]
    for options, found in (
        (["--ledger"], ["alto", "alto"]),
        (["--samples"], ["zumbido"]),
        (["--ledger", "--samples"], ["alto", "alto", "zumbido"]),
    ):
        assert run([*command, *options], environ) == 1
        told = json.loads(capsys.readouterr().out)
        assert sorted(one["text"] for one in told["different"]) == found


SET = """
language = "es"
extends = true
[[entries]]
intent = "{intent}"
words = "{words}"
"""


def test_a_file_is_saved_as_the_consoles_set_and_reverted(
    capsys, environ, records, redis_url, tmp_path
):
    environ["REDIS_URL"] = redis_url
    file = tmp_path / "es.toml"
    file.write_text(SET.format(intent="opt_out", words="ZUMBIDO"))
    assert run(["keywords", "set", "es", str(file), "--note", "heard"], environ) == 0
    assert "Saved as version 1 of es." in capsys.readouterr().out
    (saved,) = records.keyword_versions.of("es", 9)
    assert saved.author.startswith("terminal:")
    assert (saved.note, saved.content.strip()) == ("heard", file.read_text().strip())
    assert run(["keywords", "list", "--language", "es"], environ) == 0
    assert "ZUMBIDO" in capsys.readouterr().out
    assert run(["keywords", "revert", "es"], environ) == 0
    assert run(["keywords", "list", "--language", "es"], environ) == 0
    assert "ZUMBIDO" not in capsys.readouterr().out
    assert run(["keywords", "revert", "es"], environ) == 2
    assert "Nothing has changed" in capsys.readouterr().err


@pytest.mark.parametrize("mended", [("revert", "es"), ("set", "es", "-")])
def test_a_set_of_a_newer_release_that_hinders_a_start_can_be_replaced(
    capsys, environ, records, redis_url, monkeypatch, mended
):
    environ["REDIS_URL"] = redis_url
    newer = "unheard_of = 1" + SET.format(intent="opt_out", words="ZUMBIDO")
    records.keyword_versions.save(ContentVersion("es", 1, newer, "ann", 1))
    assert run(["config", "check"], environ) == 2
    assert "console keywords/es.toml" in capsys.readouterr().err
    text = SET.format(intent="opt_out", words="ZUMBIDO")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run(["keywords", *mended], environ) == 0
    assert run(["config", "check"], environ) == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("es", "x = ", "es.toml"),
        ("es", SET.format(intent="opt_in", words="STOP"), "STOP"),
        ("es", "\n", "`smsgate keywords revert es` reverts it"),
        ("fr", SET.format(intent="opt_out", words="ZUMBIDO").replace("es", "xx"), "fr"),
        ("xx", "x = 1\n", "there is no keyword set 'xx'"),
    ],
)
def test_a_set_with_a_fault_is_2_and_not_saved(
    capsys, environ, records, redis_url, tmp_path, name, text, said
):
    environ["REDIS_URL"] = redis_url
    file = tmp_path / "set.toml"
    file.write_text(text)
    assert run(["keywords", "set", name, str(file)], environ) == 2
    assert said in capsys.readouterr().err
    assert records.keyword_versions.newest() == []


def test_a_set_that_opts_out_many_more_wants_to_be_meant_so(
    capsys, environ, records, redis_url, monkeypatch
):
    monkeypatch.setattr(service, "SAMPLE_S", 60.0)  # a busy machine decides few in a second
    environ["REDIS_URL"] = redis_url
    store = Store(open_redis(redis_url))
    for at in range(40):
        store.sample_log.note(entry(number=f"+1415555{at:04d}", text="zumbido"))
    store.sample_log.close()
    text = SET.format(intent="opt_out", words="ZUMBIDO")
    for options, code in (([], 2), (["--sure"], 0)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert run(["keywords", "set", "es", "-", *options], environ) == code
        assert ("looks like a mistake" in capsys.readouterr().err) == (code == 2)
    assert [one.version for one in records.keyword_versions.of("es", 9)] == [1]
