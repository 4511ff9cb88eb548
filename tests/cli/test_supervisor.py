from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.supervisor import SupervisedProcess, Supervisor, readable
from tests.fakes.processes import DEAF, STAYS, wait_until

TELLS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("NAME ends", flush=True), sys.exit()))
print("here", flush=True)
time.sleep(600)
"""


class Stage:
    """A supervisor, and what it showed."""

    def __init__(self, groups: ProcessGroups) -> None:
        self._shown = io.StringIO()
        self.supervisor = Supervisor(groups, Console(file=self._shown, width=200))

    def part(self, name: str, code: str) -> SupervisedProcess:
        part = SupervisedProcess(name, [sys.executable, "-c", code], "cyan")
        self.supervisor.run(part)
        return part

    @property
    def shown(self) -> str:
        return self._shown.getvalue()


@pytest.fixture
def stage(groups: ProcessGroups) -> Iterator[Stage]:
    stage = Stage(groups)
    yield stage
    stage.supervisor.stop(grace_s=0.5)


def test_what_is_killed_starts_again_and_the_others_go_on(stage: Stage) -> None:
    killed, other = stage.part("killed", STAYS), stage.part("other", STAYS)
    assert wait_until(lambda: stage.shown.count("here") == 2)
    assert killed.process is not None
    assert other.process is not None
    before = other.process.pid
    os.kill(killed.process.pid, signal.SIGKILL)
    assert wait_until(lambda: stage.shown.count("here") == 3)
    assert (killed.starts, other.starts, other.process.pid) == (2, 1, before)
    assert "killed │ ended (signal SIGKILL); starts again" in stage.shown


def test_what_ends_by_itself_starts_again_but_slower_and_slower(stage: Stage) -> None:
    part = stage.part("ends", "raise SystemExit(3)")
    assert wait_until(lambda: part.starts >= 3)
    assert "ended (exit code 3); starts again" in stage.shown


def test_what_keeps_ending_does_not_keep_the_machine_busy(stage: Stage) -> None:
    began = time.monotonic()
    part = stage.part("ends", "raise SystemExit(3)")
    assert wait_until(lambda: part.starts == 4)
    assert time.monotonic() - began > 0.2 + 0.4 + 0.8


def test_stopping_leaves_nothing_behind_not_even_the_deaf(stage: Stage) -> None:
    parts = [stage.part("first", STAYS), stage.part("deaf", DEAF)]
    assert wait_until(lambda: "here" in stage.shown and "deaf │ here" in stage.shown)
    stage.supervisor.stop(grace_s=0.2)
    assert [part.process and part.process.returncode for part in parts] == [
        -signal.SIGTERM,
        -signal.SIGKILL,
    ]


def test_the_first_part_ends_after_all_others(stage: Stage) -> None:
    for name in ("redis", "web", "worker"):
        stage.part(name, TELLS.replace("NAME", name))
    assert wait_until(lambda: stage.shown.count("here") == 3)
    stage.supervisor.stop()
    ends = [line.split()[-2] for line in stage.shown.splitlines() if line.endswith(" ends")]
    assert ends[-1] == "redis"
    assert sorted(ends) == ["redis", "web", "worker"]


READABLE = [
    ("not json", "not json"),
    ("{broken", "{broken"),
    ('{"no": "event"}', '{"no": "event"}'),
    (
        '{"ms": 2.5, "no": "", "event": "webhook", "timestamp": "2026-11-24T15:28:10.123456Z"}',
        "15:28:10 webhook ms=2.5",
    ),
    ('{"event": "lost", "level": "warning"}', "WARNING lost"),
]


@pytest.mark.parametrize(("line", "shown"), READABLE)
def test_structured_lines_are_shown_as_people_read_them(line: str, shown: str) -> None:
    assert readable(line) == shown


def test_a_name_that_somebody_made_up_cannot_write_lines_of_its_own() -> None:
    line = '{"event":"webhook","account":"a\\n    web \u2502 FORGED\\u0000"}'
    shown = readable(line)

    assert "\n" not in shown
    assert "\0" not in shown
    assert "FORGED" in shown
