"""Applying a configuration: all of it, or nothing and why."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest

from smsgate.consent.events import PublishedProgram
from smsgate.domain.errors import ConfigurationError, StoreUnavailable
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.configuration_rollout import (
    apply_configuration,
    refuse_dropped,
    wait_for_rollout,
)
from smsgate.pipeline.services import build_services, build_store
from smsgate.store import Store
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.processes import AppliedConfiguration
from tests.fakes.processes import PATIENCE_S
from tests.fakes.values import NUMBER
from tests.pipeline.configuration.conftest import CONFIG, SECOND, Files


def test_what_is_applied_is_published_and_handed_to_the_processes(
    files: Files, store: Store
) -> None:
    files.write(CONFIG + SECOND.format(more=""))
    applied = apply_configuration(files.environ, store, "terminal:me")

    assert store.configurations.applied() == applied
    assert (applied.version, applied.by) == (files.version, "terminal:me")
    assert set(store.programs.published()) == {"alerts", "orders"}


def test_the_same_files_are_handed_over_anew(files: Files, store: Store) -> None:
    first = apply_configuration(files.environ, store, "me")
    second = apply_configuration(files.environ, store, "me")
    assert first.version == second.version
    assert first.id != second.id


def test_a_faulty_one_is_handed_to_nobody(files: Files, store: Store) -> None:
    before = apply_configuration(files.environ, store, "me")
    files.write(CONFIG + SECOND.format(more="scop = 1"))
    with pytest.raises(ConfigurationError, match=r"programs\.orders"):
        apply_configuration(files.environ, store, "me")
    assert store.configurations.applied() == before
    assert set(store.programs.published()) == {"alerts"}


def test_without_the_store_it_fails(files: Files) -> None:
    files.write_redis_url("redis://127.0.0.1:1/0")
    services = build_services(load_configuration(files.environ))
    with pytest.raises(StoreUnavailable):
        apply_configuration(files.environ, services.store, "me")
    services.close()


def opted_out_of_orders(files: Files, store: Store) -> None:
    files.write(CONFIG + SECOND.format(more=""))
    apply_configuration(files.environ, store, "me")
    services = build_services(load_configuration(files.environ))
    services.manual.opt_out(NUMBER, "orders", "tests", "")
    services.applier.drain(partition_of(NUMBER))
    services.close()


def test_a_program_with_opt_outs_cannot_be_dropped(files: Files, store: Store) -> None:
    opted_out_of_orders(files, store)
    before = store.configurations.applied()
    files.write(CONFIG)
    with pytest.raises(ConfigurationError, match=r"smsgate\.toml: programs\.orders: is gone, and"):
        apply_configuration(files.environ, store, "me")
    assert store.configurations.applied() == before


def test_a_program_may_be_dropped_that_lives_on_under_another_name(
    files: Files, store: Store
) -> None:
    opted_out_of_orders(files, store)
    second = SECOND.format(more='formerly = ["orders"]').replace("[programs.orders", "[programs.x")
    files.write(CONFIG + second)
    assert apply_configuration(files.environ, store, "me").version == files.version


def test_a_program_without_opt_outs_may_be_dropped(files: Files, store: Store) -> None:
    store.programs.publish({"old": PublishedProgram()})
    files.write(CONFIG)
    apply_configuration(files.environ, store, "me")


@pytest.mark.parametrize("bucket", [0, 7])
def test_opt_outs_are_found_in_every_partition_and_bucket(
    files: Files, store: Store, redis_client, bucket: int
) -> None:
    store.programs.publish({"old": PublishedProgram()})
    redis_client.sadd(f"{PARTITION_KEYS[15].prefix}set:old:{bucket}", 1)
    with pytest.raises(ConfigurationError, match=r"programs\.old"):
        refuse_dropped(load_configuration(files.environ).settings, store)


@pytest.fixture
def process() -> Process:
    return Process("p1", "web", "host", 7, "v1", "0000", 1)


def taken(process: Process, applied: AppliedConfiguration, **changed: str) -> Process:
    values = {"version": applied.version, "applied": applied.id, **changed}
    return msgspec.structs.replace(process, **values)


def test_the_processes_are_waited_for(files: Files, store: Store, process: Process) -> None:
    applied = apply_configuration(files.environ, store, "me")
    store.heartbeats.beat(process)
    later = threading.Timer(0.2, store.heartbeats.beat, [taken(process, applied)])
    later.start()
    began = time.monotonic()
    outcome = wait_for_rollout(applied, store, PATIENCE_S)

    assert 0.15 < time.monotonic() - began < PATIENCE_S
    assert (outcome.missing, len(outcome.processes)) == ([], 1)
    later.join()


def test_who_says_nothing_is_waited_for_so_long_and_no_longer(
    files: Files, store: Store, process: Process
) -> None:
    applied = apply_configuration(files.environ, store, "me")
    store.heartbeats.beat(process)
    outcome = wait_for_rollout(applied, store, wait_s=0.2)
    assert outcome.missing == [process]
    assert outcome.took_s >= 0.2


@pytest.mark.parametrize("changed", [{"version": "v0"}, {"problem": "no"}])
def test_who_has_not_taken_it_over_is_missing(
    files: Files, store: Store, process: Process, changed: dict[str, str]
) -> None:
    applied = apply_configuration(files.environ, store, "me")
    kept = taken(process, applied, **changed)
    store.heartbeats.beat(kept)
    assert wait_for_rollout(applied, store).missing == [kept]


def test_where_nothing_runs_nobody_is_missing(files: Files, store: Store) -> None:
    outcome = wait_for_rollout(apply_configuration(files.environ, store, "me"), store)
    assert (outcome.missing, outcome.processes) == ([], [])


def test_a_process_that_was_killed_is_forgotten(
    store: Store, process: Process, redis_client
) -> None:
    store.heartbeats.beat(process)
    assert 0 < redis_client.ttl("smsgate:process:p1") <= 5
    redis_client.delete("smsgate:process:p1")
    assert store.heartbeats.running() == []
    assert redis_client.smembers("smsgate:processes") == set()


@pytest.mark.full
def test_all_of_it_on_a_cluster(files: Files, cluster_url: str, process: Process) -> None:
    environ = {**files.environ, "REDIS_URL": cluster_url, "QUEUE_URL": files.redis_url}
    del environ["REDIS_URL_FILE"]
    store = build_store(load_configuration(environ).settings)
    store.metadata.create()
    applied = apply_configuration(environ, store, "me")
    assert store.configurations.applied() == applied
    others = [taken(process, applied, id=f"p{number}") for number in range(5)]
    for one in others:
        store.heartbeats.beat(one)
    assert wait_for_rollout(applied, store).missing == []
    assert len(store.heartbeats.running()) == 5
    store.heartbeats.withdraw("p1")
    assert len(store.heartbeats.running()) == 4
    store.programs.publish({"old": PublishedProgram()})
    assert store.programs.suppressing(["old"], store.numbers.bucket_count()) == []
    keys = PARTITION_KEYS[9].suppressed_all("old", 2048)
    store.configurations._client.sadd(keys[2047], 1)
    with pytest.raises(ConfigurationError, match=r"programs\.old"):
        apply_configuration(environ, store, "me")
    store.configurations._client.close()
