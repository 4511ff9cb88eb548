"""Sending: what becomes of a reply, also where providers hang and stores go away in between."""

from __future__ import annotations

import dataclasses
import threading
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from smsgate.consent.rules import MAX_CALL_US
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import REPLY_WINDOW_US, Arrival, Reply
from smsgate.monitoring.conditions import conditions
from smsgate.monitoring.monitor import take_snapshot
from smsgate.pipeline import send
from smsgate.pipeline.send import SENDERS
from smsgate.process.configuration import load_configuration
from smsgate.process.services import Services, build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.own_services import all_at_work
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.fakes.twilio_api import Answer, Drop
from tests.fakes.values import NUMBER, OTHER, entry

PARTITION = partition_of(NUMBER)


# --- what becomes of a reply ------------------------------------------------------------------


def run(services: Services, number: str = NUMBER) -> None:
    """What worker and sender would do."""
    services.applier.drain(partition_of(number))
    services.sender.drain(partition_of(number))


def allowed(services: Services) -> tuple[bool, str]:
    (answer,) = services.gate.check([NUMBER], program="alerts")
    return answer.allowed, answer.reason


def reply_events(services):
    return [event for event in services.history.of_number(NUMBER) if event.kind == "reply"]


def test_a_confirmation_that_is_throttled_is_sent_later(services, signed, api, redis_client):
    api.script(Answer(429, code=20429, retry_after="1"))
    services.ingest.receive("twilio", signed("STOP"))
    run(services)
    assert reply_events(services) == []

    keys = PARTITION_KEYS[PARTITION]
    for id_ in redis_client.zrange(keys.outbox, 0, -1):
        redis_client.zadd(keys.outbox, {id_: 0})
    services.sender.drain(PARTITION)
    assert [event.outcome for event in reply_events(services)] == ["sent"]
    assert len(api.calls) == 2


@pytest.mark.parametrize("step", [Answer(500), Drop()])
def test_a_confirmation_that_may_have_left_is_never_repeated(services, signed, api, step):
    api.script(step)
    services.ingest.receive("twilio", signed("STOP"))
    run(services)
    services.sender.drain(PARTITION)

    assert [event.outcome for event in reply_events(services)] == ["unknown"]
    assert len(api.calls) == 1


BLOCKED = [
    pytest.param(Answer(400, code=21610), id="refused"),
    pytest.param(
        Answer(201, body=b'{"sid": "SM1", "status": "failed", "error_code": 21610}'), id="failed"
    ),
]
"""How Twilio says that it does not text a number: at once, or of a message that it made."""


@pytest.mark.parametrize("answer", BLOCKED)
def test_a_confirmation_to_somebody_whom_the_provider_blocks_is_done(services, signed, api, answer):
    api.script(answer)
    services.ingest.receive("twilio", signed("STOP"))
    run(services)

    assert [event.outcome for event in reply_events(services)] == ["opted_out"]


@pytest.mark.parametrize("answer", BLOCKED)
def test_another_reply_that_the_provider_refuses_as_opted_out_suppresses(
    services, signed, api, answer
):
    api.script(answer)
    services.ingest.receive("twilio", signed("HELP"))
    run(services)
    assert allowed(services) == (False, "hold")
    run(services)

    assert allowed(services) == (False, "opted_out_all")
    assert services.history.of_number(NUMBER)[-1].entry.source == "provider"
    assert len(api.calls) == 1


def test_a_confirmation_leaves_early_enough_for_its_call_to_end_in_time_or_not_at_all(
    services, signed, api, redis_client
):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    keys = PARTITION_KEYS[PARTITION]
    (id_, raw) = next(iter(redis_client.hgetall(keys.replies).items()))
    deadline_us = services.store.health.now_us() + MAX_CALL_US - 1
    deadline = f'"deadline_us":{deadline_us},"was":'.encode()
    redis_client.hset(keys.replies, id_, raw.replace(b'"deadline_us":', deadline))
    services.sender.drain(PARTITION)

    assert api.calls == []
    assert [event.outcome for event in reply_events(services)] == ["late"]


def test_a_confirmation_is_dropped_when_the_number_came_back(services, signed, api):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    services.ingest.receive("twilio", signed("START"))
    services.applier.drain(PARTITION)
    services.sender.drain(PARTITION)

    assert {event.reply.kind: event.outcome for event in reply_events(services)} == {
        "opt_out": "superseded",
        "opt_in": "sent",
    }
    assert len(api.calls) == 1


def test_a_welcome_does_not_leave_once_a_stop_is_acknowledged(services, signed, api):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    services.ingest.receive("twilio", signed("START"))
    services.applier.drain(PARTITION)
    services.ingest.receive("twilio", signed("STOP"))
    services.sender.drain(PARTITION)

    assert api.calls == []
    assert {event.outcome for event in reply_events(services)} == {"superseded"}


def test_the_reply_of_a_sender_that_died_is_never_sent_again(services, signed, api, redis_client):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    claim = services.store.outbox.claim(PARTITION)
    redis_client.zadd(PARTITION_KEYS[PARTITION].outbox, {claim.reply.id: 0})
    services.sender.drain(PARTITION)

    assert api.calls == []
    assert [event.outcome for event in reply_events(services)] == ["unknown"]


def test_a_sender_s_rate_is_kept_and_what_it_cannot_carry_is_late(environ, services, signed, api):
    config = Path(environ["SMSGATE_CONFIG"], "smsgate.toml")
    rate = 'rate = 0.005\nprovider    = "twilio"'
    config.write_text(config.read_text().replace('provider    = "twilio"', rate))
    slow = build_services(load_configuration(environ))
    numbers = [NUMBER, OTHER, "+442071838750"]
    for number in numbers:
        slow.ingest.receive("twilio", signed("STOP", number))
        run(slow, number)
    slow.close()

    assert [call.form["To"] for call in api.calls] == [NUMBER]
    assert [reply.number for _, reply in slow.store.unsent_replies.pending()[1]] == [OTHER]
    assert slow.history.of_number("+442071838750")[-1].outcome == "late"


# --- bad conditions -----------------------------------------------------------------------------


def test_a_call_that_hangs_holds_up_no_other_partition(services, monkeypatch):
    hanging, sent, due = threading.Event(), [], iter([True])

    def step(partition: int) -> bool:
        if partition == 1:
            return next(due, False) and hanging.wait(PATIENCE_S)
        sent.append(partition)
        return len(sent) < 3

    monkeypatch.setattr(services.sender, "_send_one", step)
    monkeypatch.setattr(services.store.outbox, "depth", lambda _: 1)
    services.sender.drain(1, 0.01)
    services.sender.drain(2, PATIENCE_S)
    assert sent == [2, 2, 2]
    hanging.set()


def test_no_more_calls_are_under_way_than_there_are_threads(services, monkeypatch):
    go, running = threading.Event(), []

    def step(partition: int) -> bool:
        running.append(partition)
        return not go.wait(PATIENCE_S)

    monkeypatch.setattr(services.sender, "_send_one", step)
    monkeypatch.setattr(services.store.outbox, "depth", lambda _: 10 * SENDERS)
    for _ in range(3):
        services.sender.drain(1, 0.01)  # the later ones find all of them busy
    assert wait_until(lambda: len(running) == SENDERS)
    go.set()
    services.sender.close()
    assert len(running) == SENDERS


def test_threads_that_are_done_help_a_partition_that_found_few_of_them_free(services, monkeypatch):
    counts, asked, go = {1: SENDERS - 1, 2: 2}, [], [threading.Event(), threading.Event()]
    due = {partition: iter(range(count)) for partition, count in counts.items()}

    def step(partition: int) -> bool:
        if next(due[partition], None) is None:
            return False
        asked.append(partition)
        return go[partition - 1].wait(PATIENCE_S)

    monkeypatch.setattr(services.sender, "_send_one", step)
    monkeypatch.setattr(services.store.outbox, "depth", counts.get)
    services.sender.drain(1, 0.01)
    assert wait_until(lambda: asked == [1] * (SENDERS - 1))
    services.sender.drain(2, 0.01)  # has one thread, whose call takes long
    assert wait_until(lambda: asked[-1] == 2)
    go[0].set()
    assert wait_until(lambda: asked.count(2) == 2)
    go[1].set()


def test_replies_whose_provider_cannot_be_reached_age_from_their_text_and_name_the_error(
    services, environ, signed, api, redis_client
):
    """However often they are tried."""
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    file = Path(environ["SMSGATE_CONFIG"], "smsgate.toml")
    file.write_text(file.read_text().replace(api.url, "http://127.0.0.1:1"))
    keys = PARTITION_KEYS[PARTITION]
    with closing(build_services(load_configuration(environ))) as away:
        for _ in range(2):
            for id_, raw in redis_client.hgetall(keys.replies).items():
                older = msgspec.json.decode(raw, type=Reply)
                older = msgspec.structs.replace(older, deadline_us=older.deadline_us - 50_000_000)
                redis_client.hset(keys.replies, id_, msgspec.json.encode(older))
                redis_client.zadd(keys.outbox, {id_: 0})
            away.sender.drain(PARTITION, PATIENCE_S)
    (raw,) = redis_client.hvals(keys.replies)
    assert msgspec.json.decode(raw, type=Reply).tries == 2
    backlog = services.store.backlog.read()
    (one,) = backlog.replies
    assert (one.account, one.count) == ("twilio", 1)
    assert one.problem == "No connection to 127.0.0.1:1 could be made"
    assert backlog.outbox.oldest_s == one.oldest_s >= 100
    assert 100 < one.expires_s <= 200
    all_at_work(services.store)
    told = {one.name: one for one in conditions(take_snapshot(services.store, services.settings))}
    stuck = told["SmsgateOutboxStuck"]
    assert stuck.title.startswith("Replies wait to be sent, the oldest for ")
    assert "account twilio: No connection to 127.0.0.1:1 could be made; 1 waiting" in stuck.text


def test_a_reply_that_was_claimed_while_the_store_went_away_is_put_back(
    services, signed, api, monkeypatch
):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    look = services.store.numbers.before_send

    def away(*_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(services.store.numbers, "before_send", away)
    services.sender.drain(PARTITION)
    assert api.calls == []

    monkeypatch.setattr(services.store.numbers, "before_send", look)
    services.sender.drain(PARTITION)
    assert [event.outcome for event in services.history.of_number(NUMBER)] == ["applied", "sent"]
    assert len(api.calls) == 1


def test_a_sender_that_was_held_up_after_its_look_looks_again(services, signed, api, monkeypatch):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    with monkeypatch.context() as held_up:
        held_up.setattr(send, "_FRESH_S", -1.0)  # as if seconds went by behind every look
        services.sender.drain(PARTITION, 0.1)
        assert api.calls == []

    services.sender.drain(PARTITION)
    assert wait_until(lambda: len(api.calls) == 1)
    assert wait_until(lambda: services.history.of_number(NUMBER)[-1].outcome == "sent")


@pytest.mark.parametrize(("age_s", "outcome"), [(30, "sent"), (400, "late")])
def test_the_five_minutes_of_a_message_that_waited_in_a_spool_count_from_its_arrival(
    services, api, age_s, outcome
):
    now_us = time.time_ns() // 1000
    waited = msgspec.structs.replace(entry(message_id="SM1"), outage_us=now_us - age_s * 1_000_000)
    services.store.inbox.add([Arrival(waited, sent_us=now_us - age_s * 1_000_000)])
    services.applier.drain(PARTITION)
    services.sender.drain(PARTITION)

    last = services.history.of_number(NUMBER)[-1]
    assert last.outcome == outcome
    assert last.reply.deadline_us <= now_us - age_s * 1_000_000 + REPLY_WINDOW_US + 1000


def test_replies_to_numbers_of_two_partitions_never_share_an_id(services, signed):
    first, second = signed("STOP"), signed("STOP", OTHER)
    for request in (first, second):
        services.ingest.receive("twilio", dataclasses.replace(request))
    services.applier.drain(PARTITION)
    services.applier.drain(partition_of(OTHER))
    ids = [reply.id for _, reply in services.store.unsent_replies.pending()[1]]

    assert {id_.partition("-")[0] for id_ in ids} == {str(PARTITION), str(partition_of(OTHER))}


def test_a_job_goes_on_with_whatever_waits_in_other_partitions(services, signed, redis_client):
    services.ingest.receive("twilio", signed("STOP"))
    services.ingest.receive("twilio", signed("STOP", OTHER))

    assert services.applier.work(PARTITION) == 2
    assert services.store.inbox.busy() == []
    assert list(redis_client.scan_iter("smsgate:*:notify:inbox")) == []


def test_the_first_message_after_a_rest_asks_for_a_job_and_the_others_do_not(
    services, signed, redis_client
):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.work(PARTITION)
    redis_client.delete("rq:queue:inbox")
    for text in ("START", "STOP"):
        services.ingest.receive("twilio", signed(text))

    assert redis_client.llen("rq:queue:inbox") == 1
