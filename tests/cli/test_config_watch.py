"""``smsgate dev`` looks at the files by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from smsgate.cli import dev as dev_command
from smsgate.cli.dev import ConfigWatch
from smsgate.domain.errors import ConfigurationError, Fault
from smsgate.pipeline.configuration import load_settings
from smsgate.pipeline.services import build_store
from tests.cli.conftest import CONFIG, Dev, Terminal
from tests.fakes.processes import wait_until


class Folder:
    """A configuration that is watched, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.wrong: Exception | None = None
        self.applied = 0
        self.done = f"{folder} has changed: the processes restart, version v2."
        self.write("first")
        self.watching = ConfigWatch(folder, self.apply)

    def write(self, text: str, name: str = "smsgate.toml") -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)

    def apply(self) -> str:
        if self.wrong is not None:
            raise self.wrong
        self.applied += 1
        return "v2"

    def turn(self, times: int = 1) -> list[str]:
        before = len(self.said)
        for _ in range(times):
            self.watching.look()
        return self.said[before:]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    found = Folder(tmp_path)
    monkeypatch.setattr(dev_command, "_warn", found.said.append)
    return found


def test_what_does_not_change_is_not_applied(watched: Folder) -> None:
    assert watched.turn(3) == []
    assert watched.applied == 0


@pytest.mark.parametrize("name", ["smsgate.toml", "keywords/en.toml"])
def test_a_change_is_applied_once(watched: Folder, name: str) -> None:
    watched.write("something else", name)
    assert watched.turn(3) == [watched.done]
    (watched.folder / name).unlink()
    assert watched.turn(3) == [watched.done]


def test_a_file_that_is_no_part_of_it_changes_nothing(watched: Folder) -> None:
    watched.write("x", "notes.txt")
    assert watched.turn() == []


def test_a_fault_is_told_once_and_its_end_is_applied(watched: Folder) -> None:
    watched.wrong = ConfigurationError([Fault("a.toml", "b", "is c")])
    watched.write("wrong")
    ending = "Processes that run keep what they have; fix it, none starts now."
    assert watched.turn(4) == [f"a.toml: b: is c\n{ending}"]
    watched.wrong = None
    assert watched.turn() == []
    watched.write("right again")
    assert watched.turn(2) == [watched.done]


def test_a_file_that_is_being_written_is_left_alone(watched: Folder) -> None:
    """An empty ``smsgate.toml`` has no fault, and drops every program."""
    for text in ("", "wro", "wrote"):
        watched.write(text)
        assert watched.turn() == []
    assert watched.turn() == [watched.done]


@pytest.mark.full
def test_a_changed_file_is_in_force_within_a_second_and_a_faulty_one_is_told_once(
    dev: Dev, tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    text = (CONFIG / "smsgate.toml").read_text()
    (config / "smsgate.toml").write_text(text)
    dev.start(SMSGATE_CONFIG=str(config))
    there = terminal(SMSGATE_DATA_DIR=str(dev.directory), SMSGATE_CONFIG=str(config))
    redis_url = json.loads((dev.directory / "run.json").read_text())["redis_url"]
    store = build_store(load_settings({**there.environ, "REDIS_URL": redis_url}))
    processes = store.heartbeats.running
    assert wait_until(lambda: len(processes()) == 4)
    before = {one.version for one in processes()}

    (config / "smsgate.toml").write_text(text.replace('"US"', '"us"'))
    assert wait_until(lambda: "region: must be the two capital letters" in dev.said)
    assert {one.version for one in processes()} == before
    (config / "smsgate.toml").write_text(text.replace("Acme Alerts", "Acme News"))
    assert wait_until(lambda: before.isdisjoint(one.version for one in processes()))
    assert wait_until(lambda: len(processes()) == 4 and dev.listens)

    assert dev.said.count("region: must be the two capital letters") == 1
    assert dev.said.count("has changed: the processes restart") == 1
    assert there.run("text", "Stop please", "--from", "+14155550123") == 0
    assert "Acme News" in there.output
    store.metrics.close()
