"""The store from the records: after a flush, a failover to an older copy, and beside a stranger."""

from __future__ import annotations

import time

import msgspec
import pytest
import sqlalchemy

from smsgate.consent.events import ConsentState, Event, Mark, NumberState, event_id
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsDiffer, StoreNotReady, StoreUnavailable
from smsgate.domain.messages import ALL
from smsgate.features.records_admin import rebuild
from smsgate.features.records_admin import rebuild as rebuilding_module
from smsgate.features.records_admin.comparison import differences
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.monitoring.conditions import conditions
from smsgate.monitoring.monitor import take_snapshot
from smsgate.records.writer import WriteResult
from smsgate.store import rebuild as store_rebuild
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.web import create_app
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.own_services import all_at_work
from tests.fakes.values import NUMBER, entry, set_key
from workers import clock

KEY = "a-key-that-is-long-enough-for-tests"
OTHER = "+14155550124"
LOCKED = "+14155550125"
UNCLEAR = "+14155550126"
BACK = "+14155550127"

STOP_ID, START_ID = "SM" + "a" * 32, "SM" + "b" * 32


def quiet(*_):
    """No progress is shown."""


@pytest.fixture
def recorded(services, signed):
    """A gateway with some history, all of it recorded."""
    services.records.migrate()
    services.ingest.receive("twilio", signed("STOP", message_id=STOP_ID))
    services.ingest.receive("twilio", signed("STOP", OTHER, sender="+14155550888"))
    services.ingest.receive("twilio", signed("STOP", BACK))
    services.ingest.receive("twilio", signed("START", BACK, message_id=START_ID))
    services.ingest.receive("twilio", signed("para", UNCLEAR))
    manual.lock(services, LOCKED, "ana", "a court said so")
    consent = Consent(words="Yes, text me", medium="web")
    manual.record_consent(services, OTHER, "club", consent, "api", "key")
    settle(services)
    return services


def settle(services):
    for partition in services.store.inbox.busy():
        services.applier.drain(partition)
    services.archiver.move_all()


def seen(services):
    numbers = [NUMBER, OTHER, BACK, UNCLEAR, LOCKED]
    return {
        program.name: [one.reason for one in services.gate.check(numbers, program=program.name)]
        for program in services.settings.programs
    }


def equal(services):
    return [*differences(services.archiver)] == []


def rebuilding(services):
    return RebuildService(services.settings, services.archiver)


def test_after_a_flush_everything_is_as_it_was(recorded, redis_client):
    before = seen(recorded)
    marks = recorded.store.numbers.consent_states_of([NUMBER], ["alerts"])
    redis_client.flushall()
    with pytest.raises(StoreNotReady):
        seen(recorded)

    assert rebuilding(recorded).needed()
    rebuilt = rebuilding(recorded).rebuild(quiet)

    assert seen(recorded) == before
    assert recorded.store.numbers.consent_states_of([NUMBER], ["alerts"]) == marks
    assert (rebuilt.reviews, rebuilt.merged) == (1, 0)
    assert equal(recorded)
    assert rebuilding(recorded).needed() == ""


def test_messages_of_the_last_48_hours_are_known_again(recorded, signed, redis_client):
    redis_client.flushall()
    rebuilding(recorded).rebuild(quiet)

    assert (
        recorded.ingest.receive("twilio", signed("STOP", message_id=STOP_ID)).outcome == "duplicate"
    )
    again = recorded.ingest.receive("twilio", signed("START", BACK, message_id=START_ID))
    assert again.outcome == "duplicate"


def test_what_is_posted_before_the_rebuild_holds_and_is_applied_after_it(
    recorded, signed, redis_client
):
    redis_client.flushall()
    recorded.ingest.receive("twilio", signed("STOP", BACK))
    with pytest.raises(StoreNotReady):
        recorded.applier.drain(partition_of(BACK))
    rebuilding(recorded).rebuild(quiet)

    assert recorded.gate.check([BACK], program="alerts")[0].reason == "hold"
    settle(recorded)
    assert recorded.gate.check([BACK], program="alerts")[0].reason == "opted_out_all"
    assert equal(recorded)


def test_an_opt_in_that_is_sent_again_before_the_rebuild_lifts_no_opt_out(
    recorded, signed, redis_client
):
    recorded.ingest.receive("twilio", signed("STOP", BACK))
    settle(recorded)
    redis_client.flushall()
    for id_, number in ((START_ID, BACK), ("SM" + "c" * 32, NUMBER)):
        recorded.ingest.receive("twilio", signed("START", number, message_id=id_))
    rebuilding(recorded).rebuild(quiet)
    settle(recorded)
    found = recorded.gate.check([BACK, NUMBER], program="alerts")
    assert [one.reason for one in found] == ["opted_out_all", ""], "the new one counts"
    assert equal(recorded)


def test_the_clock_rebuilds_a_flushed_store_by_itself(recorded, redis_client):
    before = seen(recorded)
    redis_client.flushall()

    clock.Sweeper(recorded.settings, recorded.archiver, recorded.job_queue, "clock-1").sweep()

    assert seen(recorded) == before


@pytest.mark.parametrize("is_listed", [False, True])
def test_a_partition_that_fell_back_is_brought_up_and_loses_no_opt_out(
    recorded, signed, redis_client, monkeypatch, is_listed
):
    """An older copy without the opt-out settles a START to another program, then is mended.

    Another process writes into its partition meanwhile.
    """
    partition = partition_of(OTHER)
    keys = [*redis_client.scan_iter(match=f"smsgate:{{{partition}}}:*")]
    older = {key: redis_client.dump(key) for key in keys}
    if is_listed:
        import_numbers(recorded, [OTHER], list_entry("alerts"))
    else:
        recorded.ingest.receive("twilio", signed("STOP", OTHER))
    settle(recorded)
    for key in redis_client.scan_iter(match=f"smsgate:{{{partition}}}:*"):
        redis_client.delete(key)
    for key, value in older.items():
        redis_client.restore(key, 0, value)
    assert recorded.gate.check([OTHER], program="alerts")[0].allowed

    recorded.ingest.receive("twilio", signed("START", OTHER, sender="+14155550888"))
    recorded.applier.drain(partition)
    assert "fell back" in rebuilding(recorded).needed()
    keep, refused = recorded.records.writer.keep, []

    def keep_the_second_time(lines, *rest):
        if b"settled newer ones" in b"".join(*lines.values()) and not refused:
            refused.append(lines)
            return WriteResult(done=False)
        return keep(lines, *rest)

    monkeypatch.setattr(recorded.records.writer, "keep", keep_the_second_time)
    rebuilt = rebuilding(recorded).rebuild(quiet)

    assert (rebuilt.merged, len(refused)) == (1, 1)
    assert recorded.gate.check([OTHER], program="alerts")[0].reason == "opted_out_all"
    assert equal(recorded)


def texted(services, count):
    """Opt-outs by text in the records, as many as they are numbers."""
    now_us = time.time_ns() // 1000
    for place in range(count):
        number = f"+1415556{place:04}"
        mark = Mark(stops=True, event_time_us=now_us, account="twilio", id="1-0")
        event = Event(
            id=event_id(now_us // 1000, number),
            kind="opt_out",
            outcome="applied",
            number=number,
            program="alerts",
            consent_state=ConsentState(everywhere=True, state=NumberState(marks={ALL: mark})),
            entry=entry(number=number, message_id=f"SM{place:032x}"),
            received_us=now_us,
            applied_us=now_us,
        )
        services.records.writer.keep({partition_of(number): [msgspec.json.encode(event)]})


def questions(services):
    """How many questions a rebuild puts to the database, and how many calls to Redis."""
    asked = []
    rebuilding(services).rebuild(quiet)  # so that Redis knows the scripts
    services.store.health._client.flushall()
    engine = services.records.database._opened()

    def note(*_):
        asked.append(1)

    sqlalchemy.event.listen(engine, "before_cursor_execute", note)
    client = services.store.health._client
    scripts = client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    rebuilding(services).rebuild(quiet)
    after = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    sqlalchemy.event.remove(engine, "before_cursor_execute", note)
    return len(asked), after - scripts


def test_many_events_by_texts_take_no_more_questions_than_few(recorded, redis_client, monkeypatch):
    """They were asked for one by one: a rebuild took hours."""
    monkeypatch.setattr(rebuilding_module, "PUBLISH_S", 1e9)  # a slow machine publishes more often
    texted(recorded, 60)
    redis_client.flushall()
    few = questions(recorded)
    texted(recorded, 180)
    redis_client.flushall()
    assert questions(recorded) == few
    assert equal(recorded)
    assert not recorded.gate.allows("+14155560179", program="alerts")


def test_a_rebuild_in_small_steps_restores_the_same(recorded, redis_client, monkeypatch):
    texted(recorded, 60)
    before = seen(recorded)
    redis_client.flushall()
    monkeypatch.setattr(store_rebuild, "_STEP", 2)
    monkeypatch.setattr(rebuilding_module, "CHUNK", 3)
    monkeypatch.setattr(rebuild, "_PAGE", 7)

    rebuilt = rebuilding(recorded).rebuild(quiet)
    assert rebuilt.numbers >= 60
    assert rebuilt.messages >= 60
    assert seen(recorded) == before
    assert equal(recorded)
    state = redis_client.get(PARTITION_KEYS[partition_of("+14155560007")].number("+14155560007"))
    assert b"twilio" in state
    key = PARTITION_KEYS[partition_of("+14155560007")].seen("twilio", f"SM{7:032x}")
    assert 0 < redis_client.ttl(key) <= 48 * 3600


def test_what_a_rebuild_writes_after_it_lost_its_turn_changes_nothing(recorded):
    store = recorded.store
    number, back = "+14155560001", ConsentState(everywhere=True, exceptions=frozenset({"alerts"}))
    store.rebuild.shut("somebody else")
    with pytest.raises(StoreNotReady):
        store.rebuild.load("me", partition_of(number), [(number, back)], 8, 1)
    with pytest.raises(StoreNotReady):
        store.rebuild.remember("me", [(3, "twilio", "SM1", time.time_ns() // 1000)], 1)
    assert number[1:] not in str([*store.rebuild.members()])
    assert not store.inbox_reader.were_received([("+14155560001", "twilio", "SM1")])[0]


def test_a_mover_that_trims_and_records_meanwhile_is_no_failover(recorded, signed, monkeypatch):
    """On a busy machine there is always a batch between its commit and its trimming."""
    partition, ledger, records = partition_of(NUMBER), recorded.store.ledger, recorded.records
    read = ledger.unmoved

    def record(message_id: str) -> tuple[int, list[str]]:
        recorded.ingest.receive("twilio", signed("STOP", message_id=message_id))
        recorded.applier.drain(partition)
        lines = read(9)[partition].lines
        return records.writer.keep({partition: [*lines.values()]}).heads[partition], [*lines]

    first = record("SM" + "c" * 32)

    def trimmed_behind(count: int):
        found = read(count)
        ledger.trim({partition: first})
        record("SM" + "d" * 32)
        return found

    monkeypatch.setattr(ledger, "unmoved", trimmed_behind)
    assert rebuilding(recorded).needed() == ""


def test_a_mover_that_ended_before_it_trimmed_is_no_failover(recorded, signed):
    recorded.ingest.receive("twilio", signed("STOP", "+14155550130"))
    partition = partition_of("+14155550130")
    recorded.applier.drain(partition)
    recorded.records.writer.keep({partition: [*recorded.store.ledger_reader.lines(partition)]})

    assert rebuilding(recorded).needed() == ""


def test_a_store_of_other_records_is_left_alone_unless_it_is_adopted(recorded, redis_client):
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, "store", "another")

    with pytest.raises(RecordsDiffer, match="--adopt"):
        rebuilding(recorded).needed()
    with pytest.raises(RecordsDiffer, match="--adopt"):
        rebuilding(recorded).rebuild(quiet)
    rebuilding(recorded).rebuild(quiet, adopt=True)
    assert equal(recorded)


def test_two_rebuilds_at_once_are_one(recorded):
    assert recorded.store.rebuild_lease.hold("somebody else")

    with pytest.raises(StoreNotReady, match="another process"):
        rebuilding(recorded).rebuild(quiet)


def test_another_bucket_count_changes_nothing_that_is_seen(recorded):
    before = seen(recorded)
    rebuilding(recorded).rebuild(quiet, buckets=64)

    assert recorded.store.metadata.store_id()
    with pytest.raises(StoreNotReady, match="ask again"):
        recorded.gate.check([NUMBER], program="alerts")
    assert seen(recorded) == before
    assert equal(recorded)


def test_the_difference_of_one_number_is_found_on_either_side(recorded, redis_client):
    key = set_key(PARTITION_KEYS[partition_of(NUMBER)], "set", "all", NUMBER, 8)
    redis_client.srem(key, NUMBER[1:])
    (found,) = differences(recorded.archiver)
    number, there, recorded_state = found
    assert (number, there.everywhere, recorded_state.everywhere) == (NUMBER, False, True)

    redis_client.sadd(key, NUMBER[1:], int(NUMBER[1:]) + 8)
    assert len([*differences(recorded.archiver)]) == 1


def test_a_person_s_decision_ends_the_wait_after_a_rebuild_too(recorded, redis_client):
    (waiting,) = manual.review_reader(recorded).all()
    manual.reviews(recorded).decide("none", UNCLEAR, "alerts", "ana", waiting.key)
    settle(recorded)
    redis_client.flushall()
    rebuilding(recorded).rebuild(quiet)

    assert manual.review_reader(recorded).all() == []


def overseen(services):
    """What alerts, ``/readyz`` and ``/metrics`` say at this moment."""
    all_at_work(services.store)
    found = take_snapshot(services.store, services.settings)
    client = create_app(services).test_client()
    return {
        "conditions": conditions(found),
        "rebuild": found.rebuild,
        "ready": services.monitor.look().unusable["store"].text,
        "metrics": client.get("/metrics", headers={"Authorization": f"Bearer {KEY}"}).text,
    }


def test_how_far_a_rebuild_has_come_is_told_to_everybody(recorded, redis_client, monkeypatch):
    texted(recorded, 40)
    all_at_work(recorded.store)
    redis_client.flushall()
    told = {}

    def looked(*given):
        told.update(overseen(recorded))
        return remember(*given)

    remember = RebuildService._remember_messages
    monkeypatch.setattr(RebuildService, "_remember_messages", looked)
    monkeypatch.setattr(rebuilding_module, "PUBLISH_S", 0.0)
    why = rebuilding(recorded).needed()
    numbers = rebuilding(recorded).rebuild(quiet, why=why).numbers

    (one,) = told["conditions"]
    assert one.name == "SmsgateStoreLost"
    assert "Store lost, rebuilding (the store is empty, and the records are not)" in one.text
    assert (told["rebuild"].what, told["rebuild"].done) == ("numbers", numbers)
    assert f": {numbers} of {numbers} numbers so far" in told["ready"]
    assert f'smsgate_rebuild_done{{what="numbers"}} {numbers}.0' in told["metrics"]
    assert f'smsgate_rebuild_expected{{what="numbers"}} {numbers}.0' in told["metrics"]
    assert "smsgate_store_lost 1.0" in told["metrics"]
    assert "smsgate_gate_open 0.0" in told["metrics"]

    after = take_snapshot(recorded.store, recorded.settings)
    assert (after.store_obstacle, after.rebuild) == (None, None)
    assert "store" not in recorded.monitor.look().unusable


def test_a_rebuild_that_broke_off_is_begun_again(recorded, redis_client, monkeypatch):
    before = seen(recorded)
    redis_client.flushall()

    def broken(*_):
        raise StoreUnavailable("the store cannot be used: away")

    with monkeypatch.context() as patch:
        patch.setattr(RebuildService, "_remember_messages", broken)
        with pytest.raises(StoreUnavailable):
            rebuilding(recorded).rebuild(quiet)
    with pytest.raises(StoreNotReady, match="being rebuilt"):
        recorded.store.metadata.store_id()
    assert recorded.store.rebuild_progress.read() is None

    clock.Sweeper(recorded.settings, recorded.archiver, recorded.job_queue, "clock-1").sweep()
    assert seen(recorded) == before
