"""A configuration may not drop a program that numbers have opted out of."""

from __future__ import annotations

import pytest

from smsgate.consent.events import PublishedProgram
from smsgate.domain.errors import ConfigurationError
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs, refuse_dropped
from smsgate.process.running_process import RunningProcess
from smsgate.process.services import build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.store import Store
from tests.fakes import manual
from tests.fakes.values import NUMBER
from tests.process.conftest import CONFIG, SECOND, Files


def opted_out_of_orders(files: Files, store: Store) -> None:
    files.write(CONFIG + SECOND.format(more=""))
    services = build_services(load_configuration(files.environ))
    publish_programs(services.settings, store)
    manual.opt_out(services, NUMBER, "orders", "tests", "")
    services.applier.drain(partition_of(NUMBER))
    services.close()


def start(files: Files) -> None:
    process = RunningProcess(load_configuration(files.environ), "web")
    try:
        process.start()
    finally:
        process.close()


def test_a_program_with_opt_outs_cannot_be_dropped(files: Files, store: Store) -> None:
    opted_out_of_orders(files, store)
    files.write(CONFIG)
    with pytest.raises(ConfigurationError, match=r"smsgate\.toml: programs\.orders: is gone, and"):
        start(files)


def test_a_program_may_be_dropped_that_lives_on_under_another_name(
    files: Files, store: Store
) -> None:
    opted_out_of_orders(files, store)
    second = SECOND.format(more='formerly = ["orders"]').replace("[programs.orders", "[programs.x")
    files.write(CONFIG + second)
    start(files)
    assert store.programs.published()["orders"].now == "x"


def test_a_program_without_opt_outs_may_be_dropped(files: Files, store: Store) -> None:
    store.programs.publish({"old": PublishedProgram()})
    start(files)
    assert set(store.programs.published()) == {"alerts", "old"}


@pytest.mark.parametrize("bucket", [0, 7])
def test_opt_outs_are_found_in_every_partition_and_bucket(
    files: Files, store: Store, redis_client, bucket: int
) -> None:
    store.programs.publish({"old": PublishedProgram()})
    redis_client.sadd(f"{PARTITION_KEYS[15].prefix}set:old:{bucket}", 1)
    with pytest.raises(ConfigurationError, match=r"programs\.old"):
        refuse_dropped(load_configuration(files.environ).settings, store)


def test_without_the_store_a_process_starts(files: Files) -> None:
    files.write_redis_url("redis://127.0.0.1:1/0")
    start(files)
