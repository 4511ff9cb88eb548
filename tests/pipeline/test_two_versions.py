"""During a deployment two versions of the code work on one store."""

from __future__ import annotations

from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.values import NUMBER

PARTITION = partition_of(NUMBER)
KEYS = PARTITION_KEYS[PARTITION]


def as_newer_code_would_store(redis_client, intent: str) -> None:
    """An entry, and its hold, with a field that this code does not know."""
    entry = (
        f'{{"number":"{NUMBER}","program":"alerts","scope":"all","account":"twilio",'
        f'"message_id":"SM1","novel":{{"a":1}},"v":2,'
        f'"decision":{{"intent":"{intent}","rule":"keyword","novel":true}}}}'
    )
    id_ = redis_client.xadd(KEYS.inbox, {"e": entry, "s": 1_764_000_000_000_000})
    redis_client.hset(KEYS.holds, f"all:{NUMBER}", id_)


def test_an_opt_out_of_newer_code_is_applied_by_what_is_known_of_it(services, redis_client):
    as_newer_code_would_store(redis_client, "opt_out")
    services.applier.drain(PARTITION)

    assert (
        services.gate.check_programs(NUMBER, services.settings.programs)["alerts"].reason
        == "opted_out_all"
    )
    assert len(services.store.inbox_reader.latest(PARTITION, 99)) == 0
    assert not redis_client.exists(KEYS.holds)


def test_what_newer_code_stored_and_this_code_cannot_read_is_recorded_and_goes_on_blocking(
    services, redis_client
):
    as_newer_code_would_store(redis_client, "opt_out_in_a_new_way")
    services.applier.drain(PARTITION)

    assert (
        services.gate.check_programs(NUMBER, services.settings.programs)["alerts"].reason == "hold"
    )
    (event,) = services.store.ledger_reader.of_partition(PARTITION)
    assert event.kind == "unreadable"
    assert event.entry is not None
    assert "opt_out_in_a_new_way" in event.entry.text
    assert NUMBER in event.entry.text
