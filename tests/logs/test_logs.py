from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from smsgate import logs
from tests.fakes.processes import wait_until

NUMBER = "+14155550123"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is the process's: leave it as other tests found it."""
    root = logging.getLogger()
    level, handlers, before = root.level, root.handlers[:], structlog.get_config()
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.configure(**before)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (NUMBER, "+1415•••0123"),
        ("+447700900123", "+4477•••0123"),
        ("12345", "12•••"),
        ("ACME", "AC•••"),
        ("", "•••"),
    ],
)
def test_a_masked_number_shows_its_ends_alone(number: str, shown: str) -> None:
    assert logs.masked(number) == shown


def test_a_line_is_json_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger().info("webhook", account="twilio", status=200, ms=0.5, odd={1}, none=None)
    [line] = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "webhook",
        "level": "info",
        "account": "twilio",
        "status": 200,
        "ms": 0.5,
        "odd": [1],
        "none": None,
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (NUMBER, "+1415•••0123"),
        ("14155550123", "14155•••0123"),
        (f"to {NUMBER}: refused", "to +1415•••0123: refused"),
        (f"{NUMBER},{NUMBER}", "+1415•••0123,+1415•••0123"),
        ("SM14155550123", "SM14155550123"),
        ("200", "200"),
    ],
)
def test_a_number_that_was_not_masked_is_masked_all_the_same(
    capsys: pytest.CaptureFixture[str], value: str, shown: str
) -> None:
    logs.configure()
    structlog.get_logger().info("x", value=value)
    assert lines(capsys)[0]["value"] == shown


def test_ids_and_times_are_not_taken_for_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger().info("x", id="1732460000000", partition=3)
    assert lines(capsys)[0]["id"] == "1732460000000"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_traceback_is_told_without_the_values_of_variables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    logs.configure()
    body = "a private " + "text"
    try:
        raise ValueError(f"{NUMBER} failed")
    except ValueError as error:
        structlog.get_logger().error("failed", exc_info=error)
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert "+1415•••0123 failed" in written
    assert body not in written
    assert NUMBER not in written


def test_what_other_packages_log_comes_out_alike(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    logging.getLogger("urllib3").info("not told")
    logging.getLogger("urllib3").warning("Retrying %s", f"/x?to={NUMBER}")
    [line] = lines(capsys)
    assert (line["event"], line["level"]) == ("Retrying /x?to=+1415•••0123", "warning")


def test_it_can_be_configured_twice_without_telling_everything_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    logs.configure()
    logging.getLogger("rq").error("once")
    structlog.get_logger().info("once")
    assert [line["event"] for line in lines(capsys)] == ["once", "once"]


def test_on_a_terminal_a_line_is_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    logs.configure()
    structlog.get_logger().info("webhook", number=NUMBER, account="a\x1b[2J\nFORGED")
    written = capsys.readouterr().err
    assert "webhook" in written
    assert "\x1b[2J" not in written
    assert written.count("\n") == 1
    assert "+1415•••0123" in written
    with pytest.raises(json.JSONDecodeError):
        json.loads(written)


def test_lines_that_may_wait_come_soon_and_in_their_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(buffered=True)
    log = structlog.get_logger()
    log.info("first")
    log.info("second")
    log.warning("third")
    assert [line["event"] for line in lines(capsys)] == ["first", "second", "third"]
    log.info("fourth")
    found: list[str] = []

    def came() -> bool:
        found.append(capsys.readouterr().err)
        return "fourth" in "".join(found)

    assert wait_until(came)


def test_lines_that_wait_when_a_process_ends_are_written() -> None:
    code = "import structlog; from smsgate import logs; logs.configure(buffered=True);"
    code += "structlog.get_logger().info('last')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(said.stderr)["event"] == "last"


def test_lines_that_wait_when_a_fork_of_multiprocessing_ends_are_written() -> None:
    code = "import multiprocessing, structlog; from smsgate import logs\n"
    code += "def work():\n    logs.configure(buffered=True)\n"
    code += "    structlog.get_logger().info('last')\n"
    code += (
        "one = multiprocessing.get_context('fork').Process(target=work)\none.start()\none.join()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(said.stderr)["event"] == "last"


def test_a_stream_that_takes_nothing_any_more_ends_nobody() -> None:
    with Path(os.devnull).open("w") as stream:
        found = logs.Lines(stream)
    found.info("nobody reads this")
    found.warning("nor this")


def test_a_problem_that_lasts_is_due_as_it_begins_as_it_changes_and_once_a_minute():
    reminder = logs.Reminder()
    assert [reminder.is_due(one) for one in ("away", "away", "full", "full")] == [
        True,
        False,
        True,
        False,
    ]
    reminder._logged_at -= logs.Reminder.PERIOD_S
    assert [reminder.is_due("full") for _ in range(2)] == [True, False]
    reminder.end()
    assert reminder.is_due("full")
