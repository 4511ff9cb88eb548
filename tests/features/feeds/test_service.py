"""``consent.changed``: signed, in order per number, repeated for a day, in nobody's way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import NoSuchDelivery
from smsgate.features.feeds import service
from smsgate.features.feeds.storage import FeedPosition, FeedStorage
from smsgate.outbound import PublicOutbound
from smsgate.records.event_reader import parse_position
from smsgate.settings import Feed, Programs, Secret
from tests.fakes.feeds import NEW, OLD, change, told
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER
from workers.feed_dispatcher import feed_threads

OTHER = "+14155550199"
DAY_S = 24 * 3600


def test_a_change_is_told_once_signed_with_every_secret(recorded, fed, receiver, clock) -> None:
    change(recorded)
    fed.run_once()
    fed.run_once()
    (one,) = receiver.seen
    headers, body = {name.lower(): value for name, value in one[0].items()}, one[1]
    assert headers["webhook-timestamp"] == str(int(clock.now))
    for secret in (NEW, OLD):
        signed = Webhook(secret).sign(headers["webhook-id"], _moment(clock.now), body.decode())
        assert signed in headers["webhook-signature"].split()
    assert headers["content-type"] == "application/json"
    message = json.loads(body)
    assert message["type"] == "consent.changed"
    assert told(receiver) == [(NUMBER, False, "opted_out_all")]
    assert message["data"]["actor"] == "jane"
    assert recorded.records.reader.has([message["data"]["event"]])
    assert "asked" not in body.decode()  # texts and reasons stay here


def test_what_changes_nothing_for_the_program_is_not_told(recorded, fed, receiver) -> None:
    change(recorded, scope="orders")
    change(recorded, scope="alerts")
    change(recorded, scope="all")  # out already, but everywhere now
    change(recorded, scope="all")
    change(recorded, "restore", scope="all")
    fed.run_once()
    assert told(receiver) == [(NUMBER, False, "opted_out")]


def test_what_happened_before_the_feed_began_is_not_told(recorded, make, receiver) -> None:
    change(recorded)
    one = make()
    one.run_once()
    change(recorded, number=OTHER)
    one.run_once()
    assert told(receiver) == [(OTHER, False, "opted_out_all")]


def test_a_lock_a_consent_and_a_way_back_are_told(recorded, make, receiver) -> None:
    one = make("club")
    one.run_once()
    recorded.manual.record_consent(NUMBER, "club", Consent("Yes", "web", given_us=1), "api", "crm")
    change(recorded, scope="club")
    change(recorded, "restore", scope="club")
    recorded.manual.lock(NUMBER, "jane", "court")
    change(recorded, number=OTHER, scope="orders")
    while one.run_once() == 0:
        pass
    assert told(receiver) == [
        (NUMBER, True, ""),
        (NUMBER, False, "opted_out"),
        (NUMBER, True, ""),
        (NUMBER, False, "locked"),
    ]
    assert [data["consent"] for data in receiver.taken][:2] == [True, False]


def test_a_call_that_is_not_taken_holds_back_its_number_and_no_other(
    recorded, fed, receiver, clock
) -> None:
    receiver.refused = {NUMBER}
    change(recorded)
    change(recorded, "restore")
    change(recorded, number=OTHER)
    for _ in range(4):
        fed.run_once()
    assert told(receiver) == [(OTHER, False, "opted_out_all")]
    assert len(receiver.seen) == 2  # one for each number; the first is not due again yet
    receiver.refused = set()
    clock.now += 10
    fed.run_once()
    fed.run_once()
    assert [one[1] for one in told(receiver)] == [False, False, True]


def test_a_call_is_repeated_ever_more_slowly_for_a_day_and_then_waits_for_a_person(
    recorded, fed, receiver, clock
) -> None:
    receiver.refused = {NUMBER}
    change(recorded)
    change(recorded, "restore")
    began, times = clock.now, []
    while not FeedStorage(recorded.records.database).calls(dead=True):
        before = len(receiver.seen)
        fed.run_once()
        times += [clock.now - began] * (len(receiver.seen) - before)
        clock.now += max(1.0, (clock.now - began) / 20)
        assert clock.now - began < 2 * DAY_S
    assert times[:1] == [0.0]
    assert 4 < times[1] < 8
    assert DAY_S <= times[-1] < DAY_S + 6000
    assert len(times) < 45
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1
    (dead,) = FeedStorage(recorded.records.database).calls(dead=True)
    assert (dead.note, dead.number) == ("answered 500", NUMBER)

    receiver.refused = set()
    fed.run_once()
    assert told(receiver) == [(NUMBER, True, "")]  # the next one no longer waits
    service.retry(recorded.records, dead.id, int(clock.now * 1_000_000))
    fed.run_once()
    assert [one["sequence"] for one in receiver.taken] == sorted(
        (one["sequence"] for one in receiver.taken), reverse=True
    )
    with pytest.raises(NoSuchDelivery, match="feed list --dead"):
        service.dismiss(recorded.records, dead.id)


def test_a_call_that_was_given_up_can_be_dismissed(recorded, fed, receiver, clock) -> None:
    receiver.refused = {NUMBER}
    change(recorded)
    fed.run_once()
    clock.now += DAY_S
    fed.run_once()
    (dead,) = FeedStorage(recorded.records.database).calls(dead=True)
    service.dismiss(recorded.records, dead.id)
    assert FeedStorage(recorded.records.database).calls(dead=True) == []


def test_a_feed_that_is_down_is_left_alone_for_a_while(recorded, make, receiver) -> None:
    one = make(url="http://127.0.0.1:9/")
    one.run_once()
    for number in (NUMBER, OTHER):
        change(recorded, number=number)
    pauses = [one.run_once() for _ in range(2)]
    assert all(pause >= 1 for pause in pauses)
    assert sum(call.tries for call in FeedStorage(recorded.records.database).calls(dead=False)) == 2


def test_a_feed_that_asks_for_time_gets_it(recorded, fed, receiver) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": "120"}
    change(recorded)
    assert fed.run_once() == 120


def test_what_the_process_died_over_is_told_by_the_next_with_the_same_id(
    recorded, fed, make, receiver, clock, monkeypatch
) -> None:
    change(recorded)
    feeds = FeedStorage
    with monkeypatch.context() as patched:
        patched.setattr(
            feeds, "remove_delivered", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            fed.run_once()
    clock.now += service.LEASE_S
    make().run_once()
    assert len(receiver.taken) == 2
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1


def test_two_clocks_never_send_one_feed_at_the_same_time(recorded, fed, make, receiver) -> None:
    second = make()
    assert second.run_once() > 1
    change(recorded)
    second.run_once()
    assert receiver.taken == []
    fed.run_once()
    assert len(receiver.taken) == 1


def test_who_ends_gives_the_feed_to_another_at_once(recorded, fed, make, receiver) -> None:
    second = make()
    second.release()  # it has nothing to give
    assert second.run_once() > 1
    fed.release()
    change(recorded)
    second.run_once()
    assert len(receiver.taken) == 1
    fed.run_once()
    assert len(receiver.taken) == 1


def test_a_feed_whose_place_the_records_do_not_have_begins_anew(recorded, fed, receiver) -> None:
    feeds = FeedStorage(recorded.records.database)
    assert feeds.advance(
        "alerts",
        feeds.position("alerts"),
        FeedPosition(parse_position("3-999"), parse_position("3-999")),
        [],
    )
    fed.run_once()
    change(recorded)
    fed.run_once()
    assert len(receiver.taken) == 1


def test_a_private_address_is_not_called_unless_it_is_allowed(recorded, make, receiver) -> None:
    one = make(outbound=PublicOutbound)
    one.run_once()
    change(recorded)
    one.run_once()
    assert receiver.seen == []
    (call,) = FeedStorage(recorded.records.database).calls(dead=False)
    assert "public internet" in call.note


def test_a_feed_that_hangs_delays_no_other(recorded, receiver) -> None:
    hanging = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # nobody serves it
    feeds = {
        "alerts": f"http://127.0.0.1:{hanging.server_port}/",
        "club": receiver.url,
    }
    programs = Programs(
        replace(one, feed=Feed(url=feeds[one.name], secrets=(Secret(NEW),), allow_private=True))
        for one in recorded.settings.programs
        if one.name in feeds
    )
    services = replace(recorded, settings=replace(recorded.settings, programs=programs))
    threads = feed_threads(services)
    for thread in threads:
        thread.start()
    try:
        assert wait_until(
            lambda: all(
                FeedStorage(recorded.records.database).position(name) is not None for name in feeds
            )
        )
        change(recorded)
        assert wait_until(lambda: told(receiver) == [(NUMBER, False, "opted_out_all")])
    finally:
        for thread in threads:
            thread.stop()
        hanging.server_close()  # which breaks the call off
        for thread in threads:
            thread.close()


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
