from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from smsgate.cli.process_groups import PAUSE_S, ProcessGroups, Supervisor, readable
from tests.fakes.processes import STAYS, wait_until

TELLS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"NAME ends\\n"), sys.exit()))
print("here", flush=True)
time.sleep(600)
"""


class Stage:
    """A supervisor, and what it showed."""

    def __init__(self, groups: ProcessGroups, capture: pytest.CaptureFixture[str]) -> None:
        self._capture, self._shown = capture, ""
        self.supervisor = Supervisor(groups)

    def run(self, name: str, code: str) -> None:
        self.supervisor.run(name, [sys.executable, "-c", code])

    @property
    def shown(self) -> str:
        self._shown += self._capture.readouterr().out
        return self._shown


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with ProcessGroups() as groups:
        stage = Stage(groups, capsys)
        yield stage
        stage.supervisor.stopping.set()


def test_what_is_killed_starts_again_and_the_others_go_on(stage: Stage) -> None:
    stage.run("killed", STAYS)
    stage.run("other", STAYS)
    assert wait_until(lambda: stage.shown.count("here") == 2)
    killed, other = stage.supervisor.running.values()
    os.kill(killed.pid, signal.SIGKILL)
    assert wait_until(lambda: stage.shown.count("here") == 3)
    assert stage.supervisor.running["killed"] is not killed
    assert stage.supervisor.running["other"] is other
    assert "killed │ ended (SIGKILL); starts again" in stage.shown


def test_what_ends_by_itself_starts_again_after_a_pause(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(stage.supervisor.stopping, "wait", pauses.append)
    stage.run("ends", "raise SystemExit(3)")
    assert wait_until(lambda: stage.shown.count("ended (exit code 3); starts again") >= 3)
    assert {*pauses} == {PAUSE_S}


def test_the_first_part_ends_after_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    with ProcessGroups() as groups:
        stage = Stage(groups, capsys)
        for name in ("redis", "web", "worker"):
            stage.run(name, TELLS.replace("NAME", name))
        assert wait_until(lambda: stage.shown.count("here") == 3)
        stage.supervisor.stopping.set()
    said = "redis ends", "web ends", "worker ends"
    assert wait_until(lambda: all(one in stage.shown for one in said))
    ends = [line.split()[-2] for line in stage.shown.splitlines() if line.endswith(" ends")]
    assert ends[-1] == "redis"


READABLE = [
    ("not json", "not json"),
    ("{broken", "{broken"),
    ('{"no": "event"}', '{"no": "event"}'),
    (
        '{"ms": 2.5, "no": "", "event": "webhook", "timestamp": "2026-11-24T15:28:10.123456Z"}',
        "15:28:10 webhook ms=2.5",
    ),
    ('{"event": "lost", "level": "warning"}', "warning lost"),
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
