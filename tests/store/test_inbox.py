"""The inbox: one round trip that dedupes, event times, holds and appends."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import ALL, Arrival, Decision, Intent
from smsgate.store.connection import open_redis
from smsgate.store.inbox import Inbox
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS, hold_field, partition_of
from tests.fakes.values import NUMBER, OTHER, entry

PARTITION = partition_of(NUMBER)
KEYS = PARTITION_KEYS[PARTITION]


def arrival(intent=Intent.OPT_OUT, **rest):
    about = ("sent_us", "age_us", "fingerprint")
    times = {name: rest.pop(name) for name in about if name in rest}
    return Arrival(entry(intent, **rest), **times)


@pytest.fixture
def asked(store) -> list[int]:
    """The partitions for which a worker is asked for."""
    asked: list[int] = []
    store.inbox._job_queue = SimpleNamespace(notify_inboxes=asked.extend)
    return asked


def test_an_entry_comes_back_as_it_was_put_in(store):
    given = entry(text="Stop, por favor 🛑", message_id="SM1")
    store.inbox.add([Arrival(given)])

    batch = store.inbox.read(PARTITION, 10)
    assert [one.entry for one in batch.entries] == [given]
    assert batch.cursor == ""


def test_a_message_id_is_stored_once(store):
    first = store.inbox.add([arrival(message_id="SM1")])
    again = store.inbox.add([arrival(message_id="SM1")])

    assert not first[0].duplicate
    assert again[0].duplicate
    assert len(store.inbox_reader.latest(PARTITION, 99)) == 1


@pytest.mark.parametrize("intent", [Intent.OPT_OUT, Intent.OPT_IN])
def test_the_same_id_twice_in_one_request_is_stored_once(store, intent):
    same = arrival(intent, message_id="SM1")
    added = store.inbox.add([same, arrival(message_id="SM2"), same])

    assert [one.duplicate for one in added] == [False, False, True]
    assert len(store.inbox_reader.latest(PARTITION, 99)) == 2


def test_an_id_of_another_account_is_another_message(store):
    store.inbox.add([arrival(message_id="SM1")])
    added = store.inbox.add([arrival(message_id="SM1", account="telnyx")])

    assert not added[0].duplicate


def test_eight_deliveries_at_once_are_stored_once(redis_url, store):
    barrier, results = threading.Barrier(8), []

    def deliver():
        with closing(open_redis(redis_url)) as client:
            inbox = Inbox(client)
            barrier.wait()
            added = inbox.add([arrival(message_id="SM1")])
        results.append(added[0].duplicate)

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [False] + [True] * 7
    assert len(store.inbox_reader.latest(PARTITION, 99)) == 1


def test_a_message_id_is_remembered_for_48_hours_and_that_of_an_opt_in_without_end(
    store, redis_client
):
    store.inbox.add([arrival(message_id="SM1"), arrival(Intent.OPT_IN, message_id="SM2")])

    assert 47 * 3600 < redis_client.ttl(KEYS.seen("twilio", "SM1")) <= 48 * 3600
    assert redis_client.smembers(KEYS.optins) == {b"twilio:SM2"}
    assert redis_client.ttl(KEYS.optins) == -1

    added = store.inbox.add([arrival(Intent.OPT_IN, message_id="SM2")])
    assert added[0].duplicate


def test_an_opt_out_is_held_in_its_scope_and_nothing_else_is(store, redis_client):
    added = store.inbox.add(
        [
            arrival(),
            arrival(scope="alerts"),
            arrival(Intent.OPT_IN),
            arrival(Intent.HELP),
            arrival(program="", scope=""),
            arrival(number=NUMBER, phone=False),
        ]
    )

    assert redis_client.hgetall(KEYS.holds) == {
        hold_field(ALL, NUMBER).encode(): added[0].id.encode(),
        hold_field("alerts", NUMBER).encode(): added[1].id.encode(),
    }


def test_the_hold_is_that_of_the_newest_opt_out(store, redis_client):
    store.inbox.add([arrival(message_id="SM1")])
    added = store.inbox.add([arrival(message_id="SM2")])

    assert redis_client.hget(KEYS.holds, hold_field(ALL, NUMBER)) == added[0].id.encode()


def test_a_text_for_review_is_held_from_the_first_one_to_the_newest(store, redis_client):
    field = hold_field("alerts", NUMBER)
    first = store.inbox.add([arrival(Intent.REVIEW)])
    assert redis_client.hgetall(KEYS.reviews) == {field.encode(): first[0].id.encode()}
    more = store.inbox.add([arrival(Intent.REVIEW), arrival(Intent.REVIEW)])

    assert redis_client.hget(KEYS.reviews, field).decode() == f"{first[0].id} {more[1].id}"


def test_a_event_time_is_the_arrival_on_redis_s_clock(store):
    before = time.time_ns() // 1000
    store.inbox.add([arrival()])
    after = time.time_ns() // 1000

    (one,) = store.inbox.read(PARTITION, 1).entries
    assert before <= one.event_time_us <= after


def test_a_provider_s_event_time_counts_but_never_later_than_arrival(store):
    past, future = 1_700_000_000_000_000, 4_000_000_000_000_000
    store.inbox.add([arrival(sent_us=past), arrival(sent_us=future)])

    early, late = store.inbox.read(PARTITION, 2).entries
    assert early.event_time_us == past
    assert late.event_time_us <= time.time_ns() // 1000 + 1


def test_what_waited_before_it_could_be_stored_is_timed_with_its_arrival(store):
    store.inbox.add([arrival(age_us=90_000_000)])

    (one,) = store.inbox.read(PARTITION, 1).entries
    assert 89_000_000 < time.time_ns() // 1000 - one.event_time_us < 92_000_000


def test_messages_of_one_request_have_event_times_in_their_order(store):
    store.inbox.add([arrival(message_id=f"SM{place}") for place in range(5)])

    event_times = [one.event_time_us for one in store.inbox.read(PARTITION, 5).entries]
    assert event_times == sorted(set(event_times))


def test_a_job_is_asked_for_once_until_its_deadline(store, redis_client, asked):
    store.inbox.add([arrival()])
    store.inbox.add([arrival()])
    assert asked == [PARTITION]
    now = redis_client.time()[0] * 1000
    assert now <= int(redis_client.get(KEYS.notify_inbox)) <= now + NOTIFY_MS + 2000

    redis_client.set(KEYS.notify_inbox, now - 1000)
    store.inbox.add([arrival()])

    assert asked == [PARTITION, PARTITION]


def test_a_duplicate_is_a_write_for_which_wait_waits(store, redis_client, one_server):
    """The first delivery may have found no replica: its answer was no 200 then."""
    store.inbox.add([arrival(message_id="SM1")])
    before = redis_client.info("persistence")["rdb_changes_since_last_save"]
    assert store.inbox.add([arrival(message_id="SM1")])[0].duplicate
    assert redis_client.info("persistence")["rdb_changes_since_last_save"] > before


def test_a_duplicate_asks_for_no_job(store, redis_client, asked):
    store.inbox.add([arrival(message_id="SM1")])
    redis_client.delete(KEYS.notify_inbox)
    store.inbox.add([arrival(message_id="SM1")])

    assert asked == [PARTITION]


def test_rest_forgets_the_notification_only_of_an_empty_inbox(store, redis_client):
    store.inbox.add([arrival()])
    assert not store.inbox.mark_idle(PARTITION)
    assert redis_client.exists(KEYS.notify_inbox)
    assert store.inbox.busy() == [PARTITION]

    redis_client.delete(KEYS.inbox)
    assert store.inbox.mark_idle(PARTITION)
    assert store.inbox.busy() == []
    assert not redis_client.exists(KEYS.notify_inbox)


def test_messages_of_several_partitions_are_told_apart(store):
    assert partition_of(OTHER) != PARTITION
    store.inbox.add([arrival(message_id="SM1"), arrival(number=OTHER, message_id="SM2")])
    added = store.inbox.add([arrival(number=OTHER, message_id="SM3"), arrival(message_id="SM1")])

    assert [one.duplicate for one in added] == [False, True]
    assert len(store.inbox_reader.latest(partition_of(OTHER), 99)) == 2


@pytest.mark.parametrize("wrong", ["inbox", "holds", "reviews", "notify_inbox", "optins"])
def test_a_key_of_the_wrong_type_stops_the_script_before_its_first_write(
    store, redis_client, wrong
):
    redis_client.lpush(getattr(KEYS, wrong), "not ours")

    before = set(redis_client.keys(f"smsgate:{{{PARTITION}}}:*"))

    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        store.inbox.add([arrival(message_id="SM1")])
    assert set(redis_client.keys(f"smsgate:{{{PARTITION}}}:*")) == before


def test_a_full_redis_takes_nothing_and_says_so(store, redis_client):
    redis_client.config_set("maxmemory", "1")

    with pytest.raises(StoreUnavailable, match=r"OOM|maxmemory"):
        store.inbox.add([arrival(message_id="SM1")])
    redis_client.config_set("maxmemory", "0")
    assert len(store.inbox_reader.latest(PARTITION, 99)) == 0
    added = store.inbox.add([arrival(message_id="SM1")])
    assert not added[0].duplicate


def test_an_entry_that_cannot_be_read_does_not_stop_its_partition(store, redis_client):
    redis_client.xadd(KEYS.inbox, {"e": b"\xff{", "s": 1})
    store.inbox.add([arrival()])

    broken, whole = store.inbox.read(PARTITION, 10).entries
    assert broken.entry.decision.rule == "unreadable"
    assert "{" in broken.entry.text
    assert whole.entry.decision.intent is Intent.OPT_OUT


def test_an_entry_of_newer_code_is_read_without_its_new_fields(store, redis_client):
    redis_client.xadd(
        KEYS.inbox,
        {
            "e": b'{"number":"+14155550123","program":"alerts","novel":1,"v":2,'
            b'"decision":{"intent":"opt_out","rule":"keyword"}}',
            "s": 1,
        },
    )

    (one,) = store.inbox.read(PARTITION, 1).entries
    assert one.entry.decision == Decision(Intent.OPT_OUT, "keyword")


def test_without_message_ids_only_the_last_text_of_a_number_is_taken_for_a_redelivery(store):
    texts = ["STOP", "STOP", "START", "STOP", "STOP"]
    duplicates = []
    for text in texts:
        added = store.inbox.add([arrival(text=text, fingerprint=f"of {text}")])
        duplicates.append(added[0].duplicate)
    other = store.inbox.add([arrival(number=OTHER, fingerprint="of STOP")])

    assert duplicates == [False, True, False, False, True]
    assert not other[0].duplicate


def test_a_message_with_an_id_is_known_by_its_id_alone(store):
    store.inbox.add([arrival(message_id="SM1", fingerprint="of STOP")])
    added = store.inbox.add([arrival(message_id="SM2", fingerprint="of STOP")])

    assert not added[0].duplicate


def test_texts_without_ids_that_come_in_one_request_are_told_apart_in_their_order(store):
    texts = ["STOP", "STOP", "START", "STOP", "STOP"]
    added = store.inbox.add([arrival(text=text, fingerprint=f"of {text}") for text in texts])

    assert [one.duplicate for one in added] == [False, True, False, False, True]
    assert len(store.inbox_reader.latest(PARTITION, 99)) == 3
