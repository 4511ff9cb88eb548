"""``smsgate config``: what it refuses, what it tells, and what monitors read from its exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smsgate.metrics.snapshot import Process
from smsgate.pipeline.configuration import load_configuration, load_settings
from smsgate.pipeline.configuration_changes import next_version
from smsgate.pipeline.live import Live
from smsgate.pipeline.services import Services, build_services, build_store
from smsgate.records import ConfigurationVersion, Records
from smsgate.store import Store
from smsgate.store.keys import partition_of
from tests.cli.conftest import Terminal
from tests.fakes.processes import wait_until
from tests.pipeline.configuration.conftest import CONFIG

APPLY = ("config", "apply")


@pytest.fixture
def there(tmp_path: Path, redis_url: str, terminal: Callable[..., Terminal]) -> Terminal:
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    found = terminal(
        SMSGATE_CONFIG=str(tmp_path), SMSGATE_DATA_DIR=str(tmp_path), REDIS_URL=redis_url, TOKEN="t"
    )
    assert found.run("init") == 0
    return found


@pytest.fixture
def store(there: Terminal) -> Iterator[Store]:
    made = build_store(load_settings(there.environ))
    yield made
    made.metrics.close()


@pytest.fixture
def live(there: Terminal) -> Iterator[Live[Services]]:
    """A process that follows."""
    with closing(Live(there.environ, lambda _, services: services)) as made:
        made.follow("worker")
        assert wait_until(made.services.store.heartbeats.running)
        yield made


def test_a_key_that_can_be_guessed_is_named_with_how_to_make_one(there: Terminal) -> None:
    there.environ = {**there.environ, "SMSGATE_API_KEYS": "a", "SMSGATE_SECRET_KEYS": "a"}
    for command in (("config", "check"), APPLY, ("init",)):
        assert there.run(*command) == 2
        told = there.output + there.errors
        assert "SMSGATE_API_KEYS: can be guessed" in told
        assert "SMSGATE_SECRET_KEYS: can be guessed" in told
        assert "secrets.token_urlsafe(32)" in told


def rewrite(there: Terminal, old: str, new: str) -> None:
    file = Path(there.environ["SMSGATE_CONFIG"]) / "smsgate.toml"
    file.write_text(file.read_text().replace(old, new))


def test_what_is_applied_is_told_with_everybody_who_has_it(
    there: Terminal, live: Live[Services]
) -> None:
    rewrite(there, "Acme", "Other")
    assert there.run(*APPLY) == 0
    *_, first, last = there.output.splitlines()
    assert first.split()[:2] == ["has", "worker"]
    assert f"Version {live.configuration.version} is applied. Every process has it (1)" in last
    assert live.services.settings.programs.get("alerts").title == "Other Alerts"


def test_it_is_told_as_json(there: Terminal, live: Live[Services]) -> None:
    found = there.json(*APPLY)
    assert isinstance(found, dict)
    (process,) = found.pop("processes")
    assert (process["name"], process["taken_over"], process["problem"]) == ("worker", True, "")
    assert (found["everywhere"], found["faults"]) == (True, [])
    assert found["version"] == live.configuration.version == process["version"]


def test_faults_are_all_told_and_nothing_is_changed(there: Terminal, live: Live[Services]) -> None:
    there.run(*APPLY)
    before = live.services
    rewrite(there, "Acme Alerts", "")
    rewrite(there, '"US"', '"us"')
    assert there.run(*APPLY) == 2
    assert "smsgate.toml: programs.alerts.name: is empty: give a text" in there.errors
    assert "smsgate.toml: programs.alerts.region: is no region" in there.errors
    assert live.services is before
    for command in (APPLY, ("config", "check")):
        found = there.json(*command)
        assert [fault["key"] for fault in found["faults"]] == [  # type: ignore[index,call-overload]
            "programs.alerts.name",
            "programs.alerts.region",
        ]


def test_a_process_that_keeps_the_old_one_is_1_and_says_why(
    there: Terminal, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "smsgate.toml").write_text(CONFIG)
    environ = {**there.environ, "SMSGATE_CONFIG": str(elsewhere)}
    with closing(Live(environ, lambda _, services: services)) as live:
        live.follow("web")
        assert wait_until(live.services.store.heartbeats.running)
        assert there.run(*APPLY) == 0
        rewrite(there, "Acme", "Other")
        assert there.run(*APPLY) == 1
        process, why, summary = there.output.splitlines()
        assert process.split()[:3] == ["not", "yet", "web"]
        assert f"its own files make version {live.configuration.version}: bring them" in why
        assert "0 of 1 processes have it." in summary


def test_where_nothing_runs_it_is_0_and_says_so(there: Terminal) -> None:
    assert there.run(*APPLY) == 0
    assert "No process runs on this store; those that start read it then." in there.output


def test_without_redis_it_is_2_and_says_so(there: Terminal) -> None:
    away = Terminal({**there.environ, "REDIS_URL": "redis://127.0.0.1:1/0"}, there.capture)
    assert away.run(*APPLY) == 2
    assert "the store cannot be used" in away.errors


def test_a_dropped_program_is_refused_by_init_too(there: Terminal, store: Store, redis_client):
    rewrite(there, "programs.alerts", "programs.news")
    redis_client.sadd("smsgate:{3}:set:alerts:5", 4)
    for command in (("init",), APPLY):
        assert there.run(*command) == 2
        assert "programs.alerts: is gone, and numbers have opted out of it" in there.errors
    assert store.configurations.applied() is None
    assert set(store.programs.published()) == {"alerts"}


def test_check_says_which_version_it_is(there: Terminal) -> None:
    found = there.json("config", "check")
    assert isinstance(found, dict)
    assert (found["accounts"], found["programs"], found["faults"]) == (["twilio"], ["alerts"], [])
    assert there.run("config", "check") == 0
    assert f"Version: {found['version']}." in there.output


def test_the_doctor_tells_when_processes_run_different_versions(
    there: Terminal, store: Store, live: Live[Services]
) -> None:
    there.run(*APPLY)
    version = live.configuration.version
    assert processes(there) == [("ok", f"all run one version: {version} in 1")]
    other = Process("p", "web", "h", 7, "v0", "0000", 1, problem="a: b", restart=("REDIS_URL",))
    store.heartbeats.beat(other)
    assert sorted(processes(there)) == [
        ("warning", "a: b"),
        ("warning", f"the processes run different versions: v0 in 1, {version} in 1"),
        ("warning", "wants a restart to follow REDIS_URL; it keeps the old value"),
    ]


def processes(there: Terminal) -> list[tuple[str, str]]:
    found = there.json("doctor")
    assert isinstance(found, list)
    return [(one["state"], one["said"]) for one in found if one["subject"].startswith("process")]


# --- what the console changes ---------------------------------------------------------------------

CHANGED = {"programs.alerts": {"contact": "new@acme.example", "confirm": "never"}}
ORDERS = {"name": "Orders", "account": "twilio", "senders": ["+14155550888"], "keywords": ["en"]}


def save(there: Terminal, tables: dict[str, dict[str, object]], note: str = "") -> None:
    """Save as the console does."""
    directory = there.environ["SMSGATE_DATA_DIR"]
    with closing(Records(f"sqlite:///{directory}/records.sqlite3")) as records:
        records.migrate()
        newest = records.configuration_versions.newest()
        records.configuration_versions.save(next_version(newest, tables, "ann", note))


def test_a_check_tells_where_console_and_file_differ(there: Terminal) -> None:
    save(there, {**CHANGED, "programs.orders": ORDERS})
    assert there.run("config", "check") == 0
    told = " ".join(there.output.split())
    assert 'programs.alerts.confirm: the console says "never", the file "always"' in told
    assert 'programs.alerts.contact: the console says "new@acme.example", the file nothing' in told
    assert "programs.orders: only the console has it" in told
    assert there.json("config", "check")["console"][0] == {
        "key": "programs.alerts.contact",
        "file": "",
        "console": '"new@acme.example"',
    }


def test_an_export_makes_the_same_configuration_without_the_console(there: Terminal) -> None:
    save(there, {**CHANGED, "programs.orders": ORDERS})
    version = there.json("config", "check")["version"]
    assert there.run("config", "export") == 0
    file = Path(there.environ["SMSGATE_CONFIG"]) / "smsgate.toml"
    file.write_text(there.output)
    save(there, {})
    assert there.json("config", "check")["version"] == version
    assert there.json("config", "check")["console"] == []


def test_the_history_shows_each_change_and_of_one_table_alone(there: Terminal) -> None:
    assert there.run("config", "history") == 0
    assert "changed nothing" in there.output
    save(there, CHANGED, "they moved")
    save(there, {**CHANGED, "programs.orders": ORDERS})
    assert there.run("config", "history") == 0
    assert "ann  programs.orders" in there.output
    assert '+ contact = "new@acme.example"' in there.output
    assert there.run("config", "history", "programs.alerts") == 0
    assert "they moved" in there.output
    assert "Orders" not in there.output
    assert [one["version"] for one in there.json("config", "history")] == [2, 1]


def test_a_revert_puts_the_file_in_force_everywhere(there: Terminal, live: Live[Services]) -> None:
    save(there, CHANGED)
    assert there.run("config", "apply") == 0
    assert live.configuration.settings.programs.get("alerts").confirm == "never"
    assert there.run("config", "revert", "programs.alerts", "--note", "back") == 0
    assert wait_until(
        lambda: live.configuration.settings.programs.get("alerts").confirm == "always"
    )
    assert [one["note"] for one in there.json("config", "history")] == ["back", ""]
    assert there.run("config", "revert", "programs.alerts") == 2
    assert "does not change 'programs.alerts'" in there.errors


def test_a_revert_mends_what_no_process_starts_with(there: Terminal) -> None:
    save(there, {"programs.orders": ORDERS})
    save(there, {"programs.orders": {"contact": "x"}, **CHANGED})
    assert there.run("config", "check") == 2
    assert "smsgate config revert programs.orders" in there.errors
    assert there.run("config", "revert", "programs.orders") == 0
    assert there.run("config", "check") == 0


def test_a_program_with_opted_out_numbers_is_not_reverted_away(
    there: Terminal, store: Store
) -> None:
    save(there, {"programs.orders": {**ORDERS, "scope": "program"}})
    assert there.run("config", "apply") == 0
    with closing(build_services(load_configuration(there.environ))) as services:
        services.manual.opt_out("+14155550123", "orders", "ann", "test")
        services.applier.drain(partition_of("+14155550123"))
    assert there.run("config", "revert", "programs.orders") == 2
    assert "numbers have opted out of it" in there.errors
    assert there.run("config", "check") == 0
    assert "programs.orders: only the console has it" in " ".join(there.output.split())


def test_a_damaged_version_is_told_by_every_command(there: Terminal) -> None:
    save(there, CHANGED)
    directory = there.environ["SMSGATE_DATA_DIR"]
    with closing(Records(f"sqlite:///{directory}/records.sqlite3")) as records:
        damaged = ConfigurationVersion(2, "x = ", ("programs.alerts",), "nobody", 1)
        records.configuration_versions.save(damaged)
    for command in (("check",), ("export",), ("revert", "programs.alerts")):
        assert there.run("config", *command) == 2
        assert "restore the table configuration_versions" in there.errors
