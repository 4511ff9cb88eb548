"""The processes of the Procfile as they are started: real ones, beside a Redis that may die."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.errors import StoreNotReady
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.metrics.snapshot import KINDS
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services, build_services
from smsgate.store.keys import partition_of
from smsgate.store.write_lease import LASTS_MS, LeaseState
from tests.fakes import manual
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.fakes.served import free_port
from tests.journey.system import command_of

pytestmark = pytest.mark.full  # whole systems of processes: a minute in all

CONFIG = Path(__file__).parents[2] / "config"
PROCFILE = Path(__file__).parents[2] / "Procfile"
NUMBER = "+14155550123"

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def environ(redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SMSGATE_CONFIG": str(CONFIG),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
        "PORT": str(free_port()),
    }


@pytest.fixture
def start(environ: dict[str, str], groups: ProcessGroups) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def make(name: str) -> subprocess.Popen[str]:
        process = groups.start(command_of(name), env=environ)
        started.append(process)
        return process

    yield make
    for process in started:
        groups.end(process)
        if process.stdout is not None:
            process.stdout.close()


def gateway_on(environ: dict[str, str]) -> Services:
    services = build_services(load_configuration(environ))
    services.store.metadata.create()
    publish_programs(services.settings, services.store)
    return services


def reason(services: Services, number: str) -> str:
    """Why alerts may not text the number; empty while the gate cannot tell."""
    try:
        return services.gate.check_programs(number, services.settings.programs)["alerts"].reason
    except StoreNotReady:
        return ""


def test_the_procfile_starts_what_there_is() -> None:
    lines = dict(line.split(": ") for line in PROCFILE.read_text().splitlines())
    assert lines.pop("release") == "smsgate records migrate"
    assert lines == {name: f"smsgate run {name}" for name in KINDS}


def test_the_clock_notifies_a_worker_where_the_job_was_lost(
    environ: dict[str, str], start: Start
) -> None:
    services = gateway_on(environ)
    manual.opt_out(services, NUMBER, "all", "tests", "")
    with redis.Redis.from_url(environ["REDIS_URL"]) as client:
        assert client.delete("rq:queue:inbox") == 1
    start("clock")
    start("worker")
    assert wait_until(lambda: reason(services, NUMBER) == "opted_out_all")
    services.close()


@pytest.mark.parametrize("name", ["web", "clock"])
def test_web_and_clock_renew_the_write_lease_and_the_gate_shuts_when_they_are_gone(
    environ: dict[str, str], start: Start, groups: ProcessGroups, name: str
) -> None:
    services = gateway_on(environ)
    process = start(name)
    lease = services.store.write_lease
    assert wait_until(lambda: all(0 < _left_ms(one) <= LASTS_MS for one in lease.states()))
    assert wait_until(lambda: _allows(services))  # a busy process may renew too late at first
    groups.end(process)
    assert wait_until(lambda: lease.states()[0].lapsed)
    with pytest.raises(StoreNotReady):
        services.gate.allows(NUMBER, program="alerts")
    services.close()


def test_web_alone_opens_no_gate_on_an_older_copy_of_the_store(
    tmp_path: Path, environ: dict[str, str], start: Start, groups: ProcessGroups
) -> None:
    """No clock is there to rebuild it, and the opt-out of the newer one is on record."""
    folder, older = tmp_path / "redis", tmp_path / "older"
    server = redis_server.start(folder, groups)
    environ["REDIS_URL"] = server.url
    services = gateway_on(environ)
    services.records.migrate()
    services.store.write_lease.open(LASTS_MS)
    groups.end(server.process)
    shutil.copytree(folder, older)
    server = redis_server.start(folder, groups)
    manual.opt_out(services, NUMBER, "all", "tests", "")
    services.applier.drain(partition_of(NUMBER))
    services.archiver.move_all()
    web = start("web")
    assert wait_until(lambda: reason(services, NUMBER) == "opted_out_all")

    groups.end(server.process)
    shutil.rmtree(folder)
    older.rename(folder)
    server = redis_server.start(folder, groups)
    assert _says(web, "it fell back")
    assert wait_until(lambda: services.store.write_lease.states()[0].lapsed)
    with pytest.raises(StoreNotReady):
        services.gate.allows(NUMBER, program="alerts")

    RebuildService(services.settings, services.archiver).rebuild(lambda *_: None)
    assert wait_until(lambda: reason(services, NUMBER) == "opted_out_all")
    services.close()
    groups.end(server.process)


def _allows(services: Services) -> bool:
    try:
        return services.gate.allows(NUMBER, program="alerts")
    except StoreNotReady:
        return False


def _left_ms(state: LeaseState) -> int:
    return state.ends_ms - state.now_ms


def test_a_worker_is_back_after_a_redis_that_goes_and_comes(
    tmp_path: Path, environ: dict[str, str], start: Start, groups: ProcessGroups
) -> None:
    first = redis_server.start(tmp_path / "redis", groups)
    environ["REDIS_URL"] = first.url
    start("worker")
    start("clock")
    services = gateway_on(environ)
    manual.opt_out(services, NUMBER, "all", "tests", "")
    assert wait_until(lambda: reason(services, NUMBER) == "opted_out_all")
    for round_ in range(2):
        os.kill(first.process.pid, signal.SIGKILL)
        groups.wait(first.process)
        first = redis_server.start(tmp_path / "redis", groups)
        number = f"+1415555020{round_}"
        manual.opt_out(services, number, "all", "tests", "")
        assert wait_until(lambda number=number: reason(services, number) == "opted_out_all")
    services.close()
    groups.end(first.process)


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(
    tmp_path: Path, environ: dict[str, str], start: Start, groups: ProcessGroups
) -> None:
    first = redis_server.start(tmp_path / "redis", groups)
    environ["REDIS_URL"] = first.url
    services = gateway_on(environ)
    groups.end(first.process)
    worker = start("worker")
    start("clock")  # a notification may have lapsed before the worker is back
    assert _says(worker, "waits for redis")
    second = redis_server.start(tmp_path / "redis", groups)
    manual.opt_out(services, NUMBER, "all", "tests", "")
    assert wait_until(lambda: reason(services, NUMBER) == "opted_out_all")
    services.close()
    groups.end(second.process)


@pytest.mark.parametrize("name", ["worker", "sender", "clock"])
def test_without_redis_a_process_still_ends_when_told_to(
    environ: dict[str, str], start: Start, groups: ProcessGroups, name: str
) -> None:
    environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
    process = start(name)
    assert _says(process, "waits for redis" if name != "clock" else "clock waits")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    groups.wait(process)


def _says(process: subprocess.Popen[str], part: str) -> bool:
    """Whether a line of the process has the part; waits for it."""
    assert process.stdout is not None
    return any(part in line for line in process.stdout)
