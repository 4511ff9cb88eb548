"""``smsgate explain``: one text for a person, streams for programs."""

from __future__ import annotations

import io
import json

import pytest

from smsgate.cli.explain import classifier_of, stream
from smsgate.cli.main import run
from smsgate.errors import ConfigurationError, UnknownProgram

UNCONFIGURED = {"SMSGATE_CONFIG": "/nowhere"}
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


def test_an_unknown_program_is_a_clear_error(environ):
    with pytest.raises(UnknownProgram, match=r"no program nope: .*alerts, orders"):
        classifier_of(environ, "nope")


def test_all_faults_of_the_configuration_are_told(tmp_path):
    (tmp_path / "smsgate.toml").write_text(CONFIG.replace("{keywords}", '["xx"]'), "utf-8")
    with pytest.raises(ConfigurationError, match="xx"):
        classifier_of({"SMSGATE_CONFIG": str(tmp_path)}, "")


def streamed(*lines):
    target = io.BytesIO()
    faulty = stream(
        io.BytesIO("".join(f"{line}\n" for line in lines).encode()),
        target,
        classifier_of(UNCONFIGURED, ""),
        "",
    )
    return [json.loads(line) for line in target.getvalue().splitlines()], faulty


def test_a_stream_answers_each_line_with_one_object_in_order():
    answers, faulty = streamed('"Stop."', '"hello"', '"who is this"', '"STOPALL"', '""')
    assert [answer["intent"] for answer in answers] == [
        "opt_out", "none", "help", "opt_out_all", "none",
    ]  # fmt: skip
    assert faulty == 0


def test_a_line_may_say_who_sent_the_text():
    answers, _ = streamed('{"text": "TD", "number": "+8613800138000"}', '{"text": "TD"}')
    assert [answer["intent"] for answer in answers] == ["opt_out", "review"]


def test_a_line_that_is_no_json_is_answered_with_an_error_and_the_rest_goes_on():
    answers, faulty = streamed("stop", "5", '"stop"')
    assert ["error" in answer for answer in answers] == [True, True, False]
    assert faulty == 2


def test_long_streams_come_out_whole():
    answers, _ = streamed(*['"stop"'] * 1300)
    assert len(answers) == 1300
