"""``smsgate explain``: one text for a person, streams for programs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from smsgate.cli.explain import classifier_of, stream
from smsgate.cli.main import run
from smsgate.domain.errors import UnknownProgram

CONFIG = """
[accounts.twilio]
provider = "twilio"
[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = {keywords}
region = "US"
[programs.orders]
name = "Orders"
account = "twilio"
senders = ["+14155550100"]
keywords = ["de"]
region = "DE"
"""


UNCONFIGURED: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Where no folder is named config."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def environ(tmp_path):
    (tmp_path / "smsgate.toml").write_text(CONFIG.replace("{keywords}", '["en", "es"]'), "utf-8")
    return {"SMSGATE_CONFIG": str(tmp_path)}


def explained(capsys, environ, *arguments):
    assert run(["explain", "--json", *arguments], environ) == 0
    return json.loads(capsys.readouterr().out)


def test_without_any_configuration_every_language_is_understood(capsys):
    assert explained(capsys, UNCONFIGURED, "отпишите меня")["intent"] == "opt_out"


def test_the_first_program_is_the_default_and_another_can_be_named(capsys, environ):
    assert explained(capsys, environ, "baja")["intent"] == "opt_out"
    assert explained(capsys, environ, "baja", "--program", "orders")["intent"] == "none"
    assert explained(capsys, environ, "abmelden", "--program", "orders")["language"] == "de"
    with pytest.raises(UnknownProgram, match=r"no program nope: there are alerts, orders"):
        classifier_of(environ, "nope")


def test_the_number_decides_where_a_word_means_something_only_in_some_countries(capsys):
    assert explained(capsys, UNCONFIGURED, "T", "--from", "+8613800138000")["intent"] == "opt_out"
    assert explained(capsys, UNCONFIGURED, "T", "--from", "+14155550123")["intent"] == "review"


def test_a_person_reads_rule_word_steps_and_the_reply(capsys, environ):
    assert run(["explain", "please ＳＴＯＰ"], environ) == 0
    out = capsys.readouterr().out
    for part in (
        "OPT_OUT",
        "keyword_politely",
        "STOP",
        "width, politeness",
        "Acme Alerts: You are",
    ):
        assert part in out


def streamed(*lines):
    target = io.BytesIO()
    content = b"".join(line if isinstance(line, bytes) else f"{line}\n".encode() for line in lines)
    faulty = stream(io.BytesIO(content), target, classifier_of(UNCONFIGURED, ""), "")
    return [json.loads(line) for line in target.getvalue().splitlines()], faulty


def test_a_stream_answers_each_line_with_one_object_in_order():
    answers, faulty = streamed('"Stop."', '"hello"', '"who is this"', '"STOPALL"', '""')
    assert [answer["intent"] for answer in answers] == [
        "opt_out", "none", "help", "opt_out_all", "none",
    ]  # fmt: skip
    assert faulty == 0


def test_lines_are_read_whole_whatever_they_come_in():
    long = json.dumps("stop " * 60_000)
    answers, faulty = streamed(b"\xef\xbb\xbf", '"stop"', long, '"stop"\r', b'"help"')
    assert [answer["intent"] for answer in answers][::3] == ["opt_out", "help"]
    assert (len(answers), faulty) == (4, 0)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("", "line 2: Expecting value: a line is a JSON string"),
        ("stop", "line 2: Expecting value"),
        ('{"text": "T"}', "line 2: Expected `str`"),
        (r'"\ud83d', "line 2: "),
        (b'"\xff"\n', "line 2: "),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(line, wrong):
    answers, faulty = streamed('"stop"', line, '"help"')
    assert [answer.get("intent") for answer in answers] == ["opt_out", None, "help"]
    assert answers[1]["error"].startswith(wrong)
    assert faulty == 1


def test_half_a_character_hinders_no_decision():
    (answer,), faulty = streamed(r'"\ud83d stop"')
    assert (answer["intent"], faulty) == ("opt_out", 0)


def test_a_number_that_is_none_is_refused(capsys):
    assert run(["explain", "T", "--from", "T"], UNCONFIGURED) == 2
    assert "'T' is no phone number: write it as +14155550123" in capsys.readouterr().err


def test_standard_input_is_read_as_json_alone(capsys):
    assert run(["explain", "-"], UNCONFIGURED) == 2
    assert "smsgate explain - --json" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["explain", "stop"], ["keywords", "list"]])
def test_a_folder_that_was_named_must_have_a_configuration(capsys, tmp_path, command):
    assert run(command, {"SMSGATE_CONFIG": str(tmp_path / "nowhere")}) == 2
    assert "SMSGATE_CONFIG names its folder" in capsys.readouterr().err


EXPLAIN = [sys.executable, "-m", "smsgate.cli", "explain", "-", "--json"]


def test_a_line_is_answered_when_it_comes(tmp_path):
    environ = {"PATH": os.environ["PATH"]}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(EXPLAIN, cwd=tmp_path, env=environ, **pipes) as process:
        for line, intent in ((b'"stop"\n', "opt_out"), (b'"help"\n', "help")):
            process.stdin.write(line)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["intent"] == intent
        process.stdin.close()
        assert process.wait(30) == 0
