"""The ways back of ``docs/backup.md``, with the commands that it names."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smsgate.cli import redis_server
from smsgate.cli.main import run
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.errors import StoreNotReady
from smsgate.process.services import Services
from tests.fakes import manual
from tests.fakes.own_services import make_services

PAGE = (Path(__file__).parents[3] / "docs" / "backup.md").read_text(encoding="utf-8")
STOPPED, BACK, LOCKED, LATE, NOBODY = (f"+1415555012{n}" for n in range(5))
EVERYBODY = [STOPPED, BACK, LOCKED, LATE, NOBODY]


class System:
    """A gateway, its terminal, and copies of what it stands on."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.folder, self.redis_url = folder, redis_url
        self.services: Services = make_services(folder, redis_url)

    def change(self, *changes: tuple[str, str]) -> None:
        """Opt out, in, or lock, and let worker and clock do their part."""
        for action, number in changes:
            if action == "lock":
                manual.lock(self.services, number, "anna", "a court said so")
            elif action == "suppress":
                manual.opt_out(self.services, number, "all", "anna", "asked by phone")
            else:
                manual.restore(self.services, number, "all", "anna", "asked by phone")
        for partition in self.services.store.inbox.busy():
            self.services.applier.drain(partition)
        self.services.archiver.move_all()

    def run(self, command: str) -> int:
        """Run a command, which the page has to name."""
        assert f"smsgate {command.partition(' --reason')[0]}" in PAGE
        environ = {
            "SMSGATE_CONFIG": str(self.folder / "config"),
            "SMSGATE_DATA_DIR": str(self.folder / "var"),
            "REDIS_URL": self.redis_url,
        }
        return run(re.findall(r"'[^']*'|\S+", command), environ)

    def again(self) -> None:
        """End the processes and start them again, on what is there now."""
        self.services.close()
        self.services = make_services(self.folder, self.redis_url, init=False)

    @property
    def records(self) -> Path:
        return self.folder / "var" / "records.sqlite3"

    def back_up(self) -> Path:
        """As ``sqlite3 … ".backup …"`` does."""
        copy = self.folder / "backup.sqlite3"
        with closing(sqlite3.connect(self.records)) as source, closing(sqlite3.connect(copy)) as to:
            source.backup(to)
        return copy

    def restore(self, copy: Path) -> None:
        self.services.records.close()
        for file in self.records.parent.glob("records.sqlite3*"):
            file.unlink()
        shutil.copy(copy, self.records)
        self.again()

    def blocked(self) -> set[str]:
        answers = self.services.gate.check(EVERYBODY, program="alerts")
        return {one.number for one in answers if not one.allowed}


@pytest.fixture
def system(tmp_path: Path, redis_url: str) -> Iterator[System]:
    """With a backup of its records, and one opt-out since then."""
    made = System(tmp_path, redis_url)
    made.services.records.migrate()
    made.change(("suppress", STOPPED), ("suppress", BACK), ("lock", LOCKED))
    made.change(("restore", BACK))
    made.back_up()
    made.change(("suppress", LATE))
    assert made.blocked() == {STOPPED, LOCKED, LATE}
    yield made
    made.services.close()


def test_redis_is_lost_and_nothing_else_is(system: System, redis_client) -> None:
    redis_client.flushall()
    with pytest.raises(StoreNotReady):
        system.blocked()
    assert system.run("rebuild") == 0
    assert system.blocked() == {STOPPED, LOCKED, LATE}
    assert system.run("records verify") == 0
    assert system.run("records diff") == 0


def test_the_records_are_lost_and_redis_is_not(system: System, redis_client) -> None:
    system.restore(system.folder / "backup.sqlite3")
    assert "smsgate records adopt" in system.services.monitor.look().unusable["records"].text
    assert system.blocked() == {STOPPED, LOCKED, LATE}
    assert system.run("records adopt --reason 'the disk broke'") == 0
    assert system.run("records verify") == 0
    assert system.run("records diff") == 0
    redis_client.flushall()
    assert system.run("rebuild") == 0
    assert system.blocked() == {STOPPED, LOCKED, LATE}


def test_both_are_lost(system: System, redis_client) -> None:
    redis_client.flushall()
    system.restore(system.folder / "backup.sqlite3")
    assert system.run("rebuild") == 0
    assert system.blocked() == {STOPPED, LOCKED}
    assert system.run("records verify") == 0
    assert system.run("records diff") == 0
    system.change(("suppress", LATE))
    assert system.blocked() == {STOPPED, LOCKED, LATE}


@pytest.mark.full
def test_an_older_copy_of_redis_is_brought_up_from_the_records(
    tmp_path: Path, groups: ProcessGroups
) -> None:
    home = tmp_path / "redis"
    home.mkdir()
    server = redis_server.start(home, groups)
    system = System(tmp_path, server.url)
    system.services.records.migrate()
    system.change(("suppress", STOPPED), ("lock", LOCKED))
    groups.end(server.process)
    copy = shutil.copytree(home / "appendonlydir", tmp_path / "copy")

    server = redis_server.start(home, groups)
    system.change(("suppress", LATE))
    groups.end(server.process)
    shutil.rmtree(home / "appendonlydir")
    shutil.copytree(copy, home / "appendonlydir")
    server = redis_server.start(home, groups)
    system.again()
    assert LATE not in system.blocked()
    assert "fell back" in system.services.monitor.look().unusable["records"].text

    assert system.run("rebuild") == 0
    assert system.blocked() == {STOPPED, LOCKED, LATE}
    assert system.run("records verify") == 0
    assert system.run("records diff") == 0
    system.services.close()
    groups.end(server.process)
