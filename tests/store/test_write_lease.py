"""The gate answers only while the store takes writes, and what hosts have spooled is in it."""

from __future__ import annotations

import pytest

from smsgate.domain.errors import StoreNotReady, StoreUnavailable, UnknownProgram
from smsgate.store import write_lease
from smsgate.store.keys import LAYOUT, PARTITION_KEYS, partition_of
from smsgate.store.write_lease import SpooledOptOuts
from tests.fakes.processes import wait_until
from tests.fakes.refused_writes import CAUSES
from tests.fakes.values import NUMBER

KEY = PARTITION_KEYS[partition_of(NUMBER)].metadata
HERE = SpooledOptOuts("web-1", 2, 1_700_000_000)


def fields(client, key=KEY):
    return {name: int(client.hget(key, name) or 0) for name in ("lease", "opens")}


def now_ms(client):
    seconds, micros = client.time()
    return seconds * 1000 + micros // 1000


def shut(store, number=NUMBER):
    """Why the gate cannot tell; empty where it answers."""
    try:
        store.numbers.check([number], "alerts")
    except StoreNotReady as error:
        return str(error)
    return ""


def age(client, seconds, *names):
    """Let time pass for every partition's lease."""
    for keys in PARTITION_KEYS:
        for name in names or ("lease", "opens"):
            client.hincrby(keys.metadata, name, -int(seconds * 1000))


def compare(store):
    """Renew as processes do that have compared the store with the records."""
    store.write_lease.renew(compared=store.write_lease.renew().not_compared)


@pytest.fixture
def store(store, monkeypatch, redis_client):
    """With a lease as processes renew it."""
    monkeypatch.setattr(write_lease, "FRESH_MS", 0)
    compare(store)
    store.write_lease.open(write_lease.LASTS_MS)
    return store


def test_a_new_store_answers_for_as_long_as_a_lease_lasts(bare_store, redis_client, monkeypatch):
    monkeypatch.setattr(write_lease, "FIRST_MS", write_lease.LASTS_MS)
    bare_store.metadata.create(buckets=8)
    found = fields(redis_client)
    assert found["lease"] - found["opens"] == 5_000
    with pytest.raises(UnknownProgram):
        bare_store.numbers.check([NUMBER], "alerts")


def test_the_first_renewal_opens_the_gate_at_once_however_late_it_comes(
    bare_store, redis_client, monkeypatch
):
    monkeypatch.setattr(write_lease, "FIRST_MS", write_lease.LASTS_MS)
    bare_store.metadata.create(buckets=8)
    age(redis_client, 3600, "lease", "opens", "first")
    assert "the store has taken no write" in shut(bare_store)
    compare(bare_store)
    with pytest.raises(UnknownProgram):
        bare_store.numbers.check([NUMBER], "alerts")

    age(redis_client, 60, "lease", "opens", "first")
    bare_store.write_lease.renew()
    assert "the store takes writes again" in shut(bare_store)


@pytest.mark.usefixtures("one_server")
def test_one_server_renews_every_partition_in_one_call(store, redis_client):
    redis_client.config_resetstat()
    ends_ms, renewed, _ = store.write_lease.renew("spool-1", HERE)
    calls = {name: one["calls"] for name, one in redis_client.info("commandstats").items()}
    assert renewed
    assert {fields(redis_client, keys.metadata)["lease"] for keys in PARTITION_KEYS} == {ends_ms}
    assert sum(calls.values()) - calls.get("cmdstat_script|load", 0) <= 20 + 2
    assert shut(store)


@pytest.mark.usefixtures("one_server")
def test_a_partition_whose_lease_was_lost_gets_that_of_the_others_again(store, redis_client):
    store.write_lease.renew("spool-1", HERE)
    redis_client.hdel(KEY, "lease", "opens", "spooled")
    age(redis_client, 1, "lease")
    store.write_lease.renew()
    assert "2 on host web-1" in shut(store)


def test_a_store_whose_lease_has_ended_cannot_tell(store, redis_client):
    store.write_lease.open(60_000)
    assert not shut(store)
    age(redis_client, 60.1)
    assert "the store has taken no write of `web` or `clock` for " in shut(store)


def test_a_store_of_a_version_without_leases_cannot_tell_until_a_process_renews(
    store, redis_client
):
    for keys in PARTITION_KEYS:
        redis_client.hdel(keys.metadata, "lease", "opens")
    assert "no process `web` or `clock` has renewed" in shut(store)

    store.write_lease.renew()
    assert "the store takes writes again" in shut(store)
    age(redis_client, 5.1, "opens")
    assert not shut(store)


def test_after_a_lapse_the_gate_stays_shut_while_hosts_say_what_they_have(store, redis_client):
    age(redis_client, 60)
    store.write_lease.renew()
    assert "the store takes writes again; for " in shut(store)
    opens_ms = fields(redis_client)["opens"]
    age(redis_client, 0.1, "lease")
    store.write_lease.renew()
    assert fields(redis_client)["opens"] == opens_ms

    age(redis_client, 5.1, "opens")
    store.write_lease.renew()
    assert not shut(store)


def test_renewals_in_time_leave_the_gate_open(store, redis_client):
    for _ in range(5):
        age(redis_client, 3)
        store.write_lease.renew()
        assert not shut(store)


def test_many_processes_write_no_more_than_one(store, redis_client, monkeypatch):
    monkeypatch.setattr(write_lease, "FRESH_MS", 900)
    store.write_lease.renew()
    before = fields(redis_client)
    for _ in range(9):
        store.write_lease.renew()
    assert fields(redis_client) == before

    age(redis_client, 1.0)
    store.write_lease.renew()
    assert fields(redis_client)["lease"] > before["lease"] - 500


def test_where_redis_s_clock_goes_back_the_lease_is_cut_and_the_gate_opens_in_time(
    store, redis_client
):
    age(redis_client, -3600)
    assert shut(store)
    store.write_lease.renew()
    now = now_ms(redis_client)
    found = fields(redis_client)
    assert found["lease"] <= now + 5_000
    assert found["opens"] <= now + 5_000


def test_opt_outs_in_a_spool_shut_the_gate_until_they_are_in(store):
    store.write_lease.renew("spool-1", HERE)
    store.write_lease.renew("spool-2", SpooledOptOuts("web-2", 1, 1_700_000_000))
    assert "opt-outs wait in spools" in shut(store)
    assert "2 on host web-1, 1 on host web-2" in shut(store)
    assert [one.host for one in store.write_lease.spooled()] == ["web-1", "web-2"]

    store.write_lease.renew("spool-1")
    assert "1 on host web-2" in shut(store)
    store.write_lease.renew()  # of a host that never had a spool
    assert shut(store)
    store.write_lease.renew("spool-2")
    assert not shut(store)


def test_a_host_that_has_another_name_now_takes_back_what_it_said(store):
    store.write_lease.renew("spool-1", HERE)
    store.write_lease.renew("spool-1", SpooledOptOuts("web-1b", 1, 1_700_000_100))
    assert [(one.host, one.count) for one in store.write_lease.spooled()] == [("web-1b", 1)]
    store.write_lease.renew("spool-1")
    assert not shut(store)


def test_the_spool_of_a_host_that_is_gone_can_be_forgotten(store):
    store.write_lease.renew("spool-1", HERE)
    store.write_lease.renew("spool-2", SpooledOptOuts("web-2", 1, 1_700_000_000))
    assert store.write_lease.forget("web-3") == []
    assert store.write_lease.forget("web-1") == [HERE]
    assert [one.host for one in store.write_lease.spooled()] == ["web-2"]
    assert store.write_lease.forget("web-2")
    assert not shut(store)


def test_the_lease_of_a_server_that_nobody_compared_with_the_records_is_left_alone(
    store, redis_client
):
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, "compared", "the server before")
    before = fields(redis_client)
    found = store.write_lease.renew("spool-1", HERE)
    assert (found.is_renewed, found.ends_ms) == (False, before["lease"])
    assert found.not_compared
    assert "2 on host web-1" in shut(store)

    assert not store.write_lease.renew("spool-1", compared="a server in between").is_renewed
    assert fields(redis_client) == before
    assert store.write_lease.renew(compared=found.not_compared).is_renewed
    assert store.write_lease.renew().not_compared == ""


def test_a_flushed_store_is_shut_until_it_is_made_ready_and_compared(store, redis_client):
    redis_client.flushall()
    compare(store)
    assert store.metadata.store_id() == ""
    assert "has no metadata" in shut(store)

    age(redis_client, 5.1, "opens")
    store.write_lease.renew()
    store.programs.publish({})
    name = "a rebuild"
    store.rebuild.shut(name)
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, mapping={"ready": 1, "layout": LAYOUT, "buckets": 8})
    with pytest.raises(UnknownProgram):
        store.numbers.check([NUMBER], "alerts")


@pytest.mark.usefixtures("one_server")
@pytest.mark.parametrize("code", CAUSES)
def test_a_redis_that_refuses_writes_is_told_with_what_mends_it(store, redis_client, code):
    store.write_lease.refuse_unwritable()
    with CAUSES[code](redis_client):
        for ask in (store.write_lease.refuse_unwritable, store.write_lease.renew):
            with pytest.raises(StoreUnavailable, match="Redis refuses writes") as caught:
                ask()
        assert {"NOREPLICAS": "replicas", "OOM": "maxmemory", "MISCONF": "disk"}[
            code
        ] in caught.value.remedy
    store.write_lease.renew()


def test_on_a_cluster_each_node_is_vouched_for_by_itself(store, redis_client, on_cluster):
    node = redis_client.get_node_from_key(KEY)
    of_node = {
        keys.partition
        for keys in PARTITION_KEYS
        if redis_client.get_node_from_key(keys.metadata) == node
    }
    elsewhere = next(
        number
        for number in (f"+1415555{place:04}" for place in range(10_000))
        if partition_of(number) not in of_node
    )
    # the node's lease ends soon, and that of the others is old enough to be renewed
    for keys in PARTITION_KEYS:
        redis_client.hincrby(
            keys.metadata, "lease", -4_500 if keys.partition in of_node else -1_500
        )
    there = next(
        keys.metadata for keys in PARTITION_KEYS if keys.partition == partition_of(elsewhere)
    )
    before = int(redis_client.hget(there, "lease"))
    redis_client.config_set("min-replicas-to-write", 1, target_nodes=[node])
    try:
        with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
            store.write_lease.renew()
        assert int(redis_client.hget(there, "lease")) > before
        assert wait_until(lambda: bool(shut(store)))
        with pytest.raises(StoreUnavailable):
            store.write_lease.refuse_unwritable()
        with pytest.raises(StoreUnavailable):
            store.write_lease.renew()
        assert not shut(store, elsewhere)
    finally:
        redis_client.config_set("min-replicas-to-write", 0, target_nodes=[node])
