"""``consent.changed``: signed, in order per number, repeated for a day, in nobody's way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import SecretStr
from standardwebhooks import Webhook

from smsgate.background_thread import close_all
from smsgate.domain.entry_parts import Consent
from smsgate.records.deliveries import Destination
from smsgate.settings import Feed, Programs
from tests.fakes import manual
from tests.fakes.feeds import NEW, OLD, change, told
from tests.fakes.own_services import make_part
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER
from tests.features.deliveries.conftest import failed
from workers.threads import delivery_threads

OTHER = "+14155550199"
DAY_S = 24 * 3600


def test_a_change_is_told_once_signed_with_every_secret(services, fed, receiver, clock) -> None:
    change(services)
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
    assert services.records.reader.has([message["data"]["event"]])
    assert "asked" not in body.decode()  # texts and reasons stay here


def test_what_changes_nothing_for_the_program_is_not_told(services, fed, receiver) -> None:
    change(services, scope="orders")
    change(services, scope="alerts")
    change(services, scope="all")  # out already, but everywhere now
    change(services, scope="all")
    change(services, "restore", scope="all")
    fed.run_once()
    assert told(receiver) == [(NUMBER, False, "opted_out")]


def test_what_happened_before_the_feed_began_is_not_told(services, make_feed, receiver) -> None:
    change(services)
    one = make_feed()
    one.run_once()
    change(services, number=OTHER)
    one.run_once()
    assert told(receiver) == [(OTHER, False, "opted_out_all")]


def test_a_lock_a_consent_and_a_way_back_are_told(services, make_feed, receiver) -> None:
    one = make_feed("club")
    one.run_once()
    manual.record_consent(services, NUMBER, "club", Consent("Yes", "web", given_us=1), "api", "crm")
    change(services, scope="club")
    change(services, "restore", scope="club")
    manual.lock(services, NUMBER, "jane", "court")
    change(services, number=OTHER, scope="orders")
    while one.run_once() == 0:
        pass
    assert told(receiver) == [
        (NUMBER, True, ""),
        (NUMBER, False, "opted_out"),
        (NUMBER, True, ""),
        (NUMBER, False, "locked"),
    ]
    assert [data["consent"] for data in receiver.taken][:2] == [True, False]


def test_a_call_is_repeated_ever_more_slowly_for_a_day_and_then_waits_for_a_person(
    services, fed, receiver, clock
) -> None:
    receiver.refused = {NUMBER}
    change(services)
    change(services, "restore")
    began, times = clock.now, []
    while not failed(services):
        before = len(receiver.seen)
        fed.run_once()
        times += [clock.now - began] * (len(receiver.seen) - before)
        clock.now += max(1.0, (clock.now - began) / 20)
        assert clock.now - began < 2 * DAY_S
    assert times[:1] == [0.0]
    assert 4 < times[1] < 8
    assert DAY_S <= times[-1] < DAY_S + 6000
    assert len(times) < 170  # every ten minutes at last
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1
    (dead,) = failed(services)
    assert (dead.note, dead.number) == ("answered 500", NUMBER)

    receiver.refused = set()
    fed.run_once()
    assert told(receiver) == [(NUMBER, True, "")]  # the next one no longer waits
    assert services.records.deliveries.retry([dead.id], int(clock.now * 1_000_000)) == {dead.id}
    fed.run_once()
    assert [one["sequence"] for one in receiver.taken] == sorted(
        (one["sequence"] for one in receiver.taken), reverse=True
    )
    assert not services.records.deliveries.dismiss([dead.id])


def test_who_ends_gives_the_feed_to_another_at_once(services, fed, make_feed, receiver) -> None:
    second = make_feed()
    make_feed().close()  # it has nothing to give
    assert second.run_once() > 1
    fed.close()
    change(services)
    second.run_once()
    assert len(receiver.taken) == 1


def test_a_feed_whose_place_the_records_do_not_have_begins_anew(services, fed, receiver) -> None:
    feeds, where = services.records.deliveries, Destination("alerts", "change")
    assert feeds.advance(where, feeds.position(where), 999, [])
    fed.run_once()
    change(services)
    fed.run_once()
    assert len(receiver.taken) == 1


def test_a_feed_that_hangs_delays_no_other(services, receiver) -> None:
    hanging = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # nobody serves it
    feeds = {
        "alerts": f"http://127.0.0.1:{hanging.server_port}/",
        "club": receiver.url,
    }
    programs = Programs(
        replace(one, feed=Feed(url=feeds[one.name], secrets=(SecretStr(NEW),), allow_private=True))
        for one in services.settings.programs
        if one.name in feeds
    )
    services = replace(services, settings=replace(services.settings, programs=programs))
    threads = make_part(services, delivery_threads)
    for thread in threads:
        thread.start()
    try:
        assert wait_until(
            lambda: all(
                services.records.deliveries.position(Destination(name, "change")) is not None
                for name in feeds
            )
        )
        change(services)
        assert wait_until(lambda: told(receiver) == [(NUMBER, False, "opted_out_all")])
    finally:
        hanging.server_close()  # which breaks the call off
        close_all(threads)


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
