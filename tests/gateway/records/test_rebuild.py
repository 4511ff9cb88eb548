"""The store from the records: after a flush, a failover to an older copy, and beside a stranger."""

from __future__ import annotations

import msgspec
import pytest

from smsgate.errors import RecordsDiffer, StoreNotReady
from smsgate.gateway.records.comparing import differences
from smsgate.messages import Consent
from smsgate.store.keys import LANE_KEYS, lane_of
from smsgate.wiring import build_rebuilding
from tests.fakes.values import NUMBER
from workers import clock

OTHER = "+14155550124"
LOCKED = "+14155550125"
UNCLEAR = "+14155550126"
BACK = "+14155550127"

STOP_ID, START_ID = "SM" + "a" * 32, "SM" + "b" * 32


def quiet(*_):
    """No progress is shown."""


@pytest.fixture
def recorded(gateway, signed):
    """A gateway with some history, all of it recorded."""
    gateway.records.migrate()
    gateway.receive("twilio", signed("STOP", message_id=STOP_ID))
    gateway.receive("twilio", signed("STOP", OTHER, sender="+14155550888"))
    gateway.receive("twilio", signed("STOP", BACK))
    gateway.receive("twilio", signed("START", BACK, message_id=START_ID))
    gateway.receive("twilio", signed("para", UNCLEAR))
    gateway.lock(LOCKED, "ana", "a court said so")
    consent = Consent(words="Yes, text me", medium="web")
    gateway.record_consent(OTHER, "club", consent, "api", "key")
    settle(gateway)
    return gateway


def settle(gateway):
    for lane in gateway.store.inbox.busy():
        gateway.apply(lane)
    gateway.recording.move_all()


def seen(gateway):
    numbers = [NUMBER, OTHER, BACK, UNCLEAR, LOCKED]
    return {
        program.name: [one.reason for one in gateway.gate.check(numbers, program=program.name)]
        for program in gateway.settings.programs
    }


def equal(gateway):
    return [*differences(gateway.store, gateway.records, gateway.recording)] == []


def rebuilding(gateway):
    return build_rebuilding(gateway)


def test_after_a_flush_everything_is_as_it_was(recorded, redis_client):
    before = seen(recorded)
    marks = recorded.store.looks.standings(lane_of(NUMBER), [NUMBER], ["alerts"])[1]
    redis_client.flushall()
    with pytest.raises(StoreNotReady):
        seen(recorded)

    assert rebuilding(recorded).needed()
    rebuilt = rebuilding(recorded).rebuild(quiet)

    assert seen(recorded) == before
    assert recorded.store.looks.standings(lane_of(NUMBER), [NUMBER], ["alerts"])[1] == marks
    assert (rebuilt.reviews, rebuilt.merged) == (1, 0)
    assert equal(recorded)
    assert rebuilding(recorded).needed() == ""


def test_messages_of_the_last_48_hours_are_known_again(recorded, signed, redis_client):
    redis_client.flushall()
    rebuilding(recorded).rebuild(quiet)

    assert recorded.receive("twilio", signed("STOP", message_id=STOP_ID)).outcome == "duplicate"
    again = recorded.receive("twilio", signed("START", BACK, message_id=START_ID))
    assert again.outcome == "duplicate"


def test_what_is_posted_before_the_rebuild_holds_and_is_applied_after_it(
    recorded, signed, redis_client
):
    redis_client.flushall()
    recorded.receive("twilio", signed("STOP", BACK))
    with pytest.raises(StoreNotReady):
        recorded.apply(lane_of(BACK))
    rebuilding(recorded).rebuild(quiet)

    assert recorded.gate.check([BACK], program="alerts")[0].reason == "hold"
    settle(recorded)
    assert recorded.gate.check([BACK], program="alerts")[0].reason == "opted_out_all"
    assert equal(recorded)


def test_the_clock_rebuilds_a_flushed_store_by_itself(recorded, redis_client):
    before = seen(recorded)
    redis_client.flushall()

    clock.sweep(recorded, "clock-1")

    assert seen(recorded) == before


def test_a_lane_that_fell_back_is_brought_up_and_loses_no_opt_out(recorded, signed, redis_client):
    """An older copy without the opt-out settles a START to another program, then is mended."""
    lane = lane_of(OTHER)
    keys = [*redis_client.scan_iter(match=f"smsgate:{{{lane}}}:*")]
    older = {key: redis_client.dump(key) for key in keys}
    recorded.receive("twilio", signed("STOP", OTHER))
    settle(recorded)
    for key in redis_client.scan_iter(match=f"smsgate:{{{lane}}}:*"):
        redis_client.delete(key)
    for key, value in older.items():
        redis_client.restore(key, 0, value)
    assert recorded.gate.check([OTHER], program="alerts")[0].allowed

    recorded.receive("twilio", signed("START", OTHER, sender="+14155550888"))
    recorded.apply(lane)
    assert "fell back" in rebuilding(recorded).needed()
    rebuilt = rebuilding(recorded).rebuild(quiet)

    assert rebuilt.merged == 1
    assert recorded.gate.check([OTHER], program="alerts")[0].reason == "opted_out_all"
    assert equal(recorded)


def test_a_mover_that_ended_before_it_trimmed_is_no_failover(recorded, signed):
    recorded.receive("twilio", signed("STOP", "+14155550130"))
    lane = lane_of("+14155550130")
    recorded.apply(lane)
    recorded.records.keeping.keep({lane: [*recorded.store.ledger.lines(lane)]})

    assert rebuilding(recorded).needed() == ""


def test_a_store_of_other_records_is_left_alone_unless_it_is_adopted(recorded, redis_client):
    for keys in LANE_KEYS:
        redis_client.hset(keys.marker, "store", "another")

    with pytest.raises(RecordsDiffer, match="--adopt"):
        rebuilding(recorded).needed()
    with pytest.raises(RecordsDiffer, match="--adopt"):
        rebuilding(recorded).rebuild(quiet)
    rebuilding(recorded).rebuild(quiet, adopt=True)
    assert equal(recorded)


def test_two_rebuilds_at_once_are_one(recorded):
    assert recorded.store.restoring.leads("somebody else")

    with pytest.raises(StoreNotReady, match="another process"):
        rebuilding(recorded).rebuild(quiet)


def test_another_bucket_count_changes_nothing_that_is_seen(recorded):
    before = seen(recorded)
    rebuilding(recorded).rebuild(quiet, buckets=64)

    assert recorded.store.marker.store_id()
    with pytest.raises(StoreNotReady, match="ask again"):
        recorded.gate.check([NUMBER], program="alerts")
    assert seen(recorded) == before
    assert equal(recorded)


def test_the_difference_of_one_number_is_found_on_either_side(recorded, redis_client):
    key = LANE_KEYS[lane_of(NUMBER)].suppressed("all", NUMBER, 8)
    redis_client.srem(key, NUMBER[1:])
    (found,) = differences(recorded.store, recorded.records, recorded.recording)
    assert (found.number, found.store.everywhere, found.records.everywhere) == (NUMBER, False, True)

    redis_client.sadd(key, NUMBER[1:], int(NUMBER[1:]) + 8)
    assert len([*differences(recorded.store, recorded.records, recorded.recording)]) == 1


def test_without_records_nothing_is_rebuilt(gateway):
    assert rebuilding(gateway).needed() == ""


def test_a_person_s_decision_ends_the_wait_after_a_rebuild_too(recorded, redis_client):
    recorded.decide("none", UNCLEAR, "alerts", "ana")
    settle(recorded)
    redis_client.flushall()
    rebuilding(recorded).rebuild(quiet)

    assert recorded.reviews() == []


def test_an_event_of_a_number_says_how_it_stands_from_then_on(recorded):
    event = recorded.history(NUMBER)[-1]

    assert event.standing == msgspec.structs.replace(
        recorded.records.reading.number(NUMBER).standing
    )
