"""``smsgate spool``: what waits on the disks of hosts, and what a person gives up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.process.services import Services
from smsgate.store.write_lease import SpooledOptOuts
from tests.cli.conftest import Terminal
from tests.fakes.own_services import make_services
from tests.fakes.values import spool_depth

NUMBER = "+14155550123"
FORGET = ("spool", "forget", "web-2", "--reason", "its disk [b]broke[/b]")


@pytest.fixture
def services(tmp_path: Path, redis_url: str) -> Iterator[Services]:
    """Two hosts have something in their spools: web-2 is gone."""
    made = make_services(tmp_path, redis_url)
    made.records.migrate()
    made.store.backlog.note_spool(spool_depth("web-1", 0, 0.0))
    made.store.backlog.note_spool(spool_depth("web-2", 5, 60.0))
    made.store.write_lease.renew("spool-2", SpooledOptOuts("web-2", 3, 1_700_000_000))
    yield made
    made.close()


@pytest.fixture
def there(
    services: Services, tmp_path: Path, redis_url: str, terminal: Callable[..., Terminal]
) -> Terminal:
    return terminal(
        SMSGATE_CONFIG=str(tmp_path / "config"),
        SMSGATE_DATA_DIR=str(tmp_path / "var"),
        REDIS_URL=redis_url,
    )


def spools(there: Terminal) -> list[tuple[str, str, int, int]]:
    found = there.json("spool", "list")["items"]  # type: ignore[call-overload,index]
    return [(one["host"], one["folder"], one["count"], one["opt_outs"]) for one in found]


def test_what_waits_is_listed_by_host_and_data_directory(
    there: Terminal, services: Services
) -> None:
    for count, folder in ((1, "/srv/a"), (2, "/srv/b")):
        services.store.backlog.note_spool(spool_depth("web-3", count, 60.0, folder=folder))
        said = SpooledOptOuts("web-3", count, 1_700_000_000, folder)
        services.store.write_lease.renew(f"spool of {folder}", said)
    listed = [("web-1", "", 0, 0), ("web-2", "", 5, 3)]
    assert spools(there) == [*listed, ("web-3", "/srv/a", 1, 1), ("web-3", "/srv/b", 2, 2)]
    assert there.run("spool", "forget", "web-3", "--reason", "gone", "--yes") == 0
    assert "3 messages in the spool of host web-3, 3 of them opt-outs" in there.output
    assert spools(there) == listed


def test_a_host_that_is_gone_shuts_the_gate_until_it_is_forgotten_on_record(
    there: Terminal, services: Services
) -> None:
    assert there.run("check", NUMBER, "--program", "alerts") == 2
    assert "3 on host web-2" in there.errors

    assert there.run(*FORGET, "--yes") == 0
    assert "5 messages in the spool of host web-2, 3 of them opt-outs" in there.output
    assert there.run("check", NUMBER, "--program", "alerts") == 0

    services.archiver.move_all()
    (entry,) = there.json("audit", "--group", "system")["items"]  # type: ignore[call-overload,index]
    assert entry["person"]
    assert "spool of host web-2, 3 of them opt-outs" in str(entry)
    assert "its disk [b]broke[/b]" in str(entry)
    assert [*services.records.verifier.verify()] == []


def test_a_host_that_comes_back_says_again_what_it_has(there: Terminal, services: Services) -> None:
    there.run(*FORGET, "--yes")
    services.store.write_lease.renew("spool-2", SpooledOptOuts("web-2", 3, 1_700_000_000))
    assert there.run("check", NUMBER, "--program", "alerts") == 2


def test_nothing_is_forgotten_without_a_yes_a_reason_or_a_host(
    there: Terminal, services: Services
) -> None:
    assert there.run(*FORGET) == 2
    assert "Add --yes" in there.errors
    assert there.run("spool", "forget", "web-2", "--yes") == 2
    assert there.run("spool", "forget", "web-2", "--reason", " ", "--yes") == 2
    assert there.run("spool", "forget", "web-3", "--reason", "gone", "--yes") == 2
    assert "no host 'web-3'" in there.errors
    assert "`smsgate spool list`" in there.errors
    assert there.run("check", NUMBER, "--program", "alerts") == 2
    assert services.store.ledger_reader.waiting().count == 0
