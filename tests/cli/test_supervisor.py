from __future__ import annotations

import os
import signal
import sys
from functools import partial

import pytest

from smsgate.cli.process_groups import ProcessGroups, Supervisor
from tests.fakes.processes import STAYS, wait_until

TELLS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"NAME ends\\n"), sys.exit()))
print("here", flush=True)
time.sleep(600)
"""


class Stage:
    """A supervisor, and what its processes wrote."""

    def __init__(self, groups: ProcessGroups, capture: pytest.CaptureFixture[str]) -> None:
        self._capture, self._shown = capture, ""
        self._groups, self.supervisor = groups, Supervisor(groups)

    def run(self, name: str, code: str) -> None:
        start = partial(self._groups.start, [sys.executable, "-c", code], output=None)
        self.supervisor.run(name, start)

    @property
    def shown(self) -> str:
        self.supervisor.look()
        self._shown += self._capture.readouterr().out
        return self._shown


def test_what_is_killed_starts_again_and_the_others_go_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with ProcessGroups() as groups:
        stage = Stage(groups, capfd)
        stage.run("killed", STAYS)
        stage.run("other", STAYS)
        assert wait_until(lambda: stage.shown.count("here") == 2)
        killed, other = stage.supervisor.running.values()
        os.kill(killed.pid, signal.SIGKILL)
        assert wait_until(lambda: stage.shown.count("here") == 3)
        assert stage.supervisor.running["killed"] is not killed
        assert stage.supervisor.running["other"] is other
        assert "killed ended (SIGKILL); starts again" in stage.shown


def test_the_first_part_ends_after_all_others(capfd: pytest.CaptureFixture[str]) -> None:
    with ProcessGroups() as groups:
        stage = Stage(groups, capfd)
        for name in ("redis", "web", "worker"):
            stage.run(name, TELLS.replace("NAME", name))
        assert wait_until(lambda: stage.shown.count("here") == 3)
    ends = [line.split()[0] for line in capfd.readouterr().out.splitlines() if "ends" in line]
    assert sorted(ends) == ["redis", "web", "worker"]
    assert ends[-1] == "redis"
