"""A store that is lost loses no message for an application, and hands none over twice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from twilio.request_validator import RequestValidator

from smsgate.domain.messages import InboundMessage
from smsgate.features.records_admin.rebuild import build_rebuild_service
from smsgate.pipeline import forwards
from smsgate.pipeline.forgetting import Forgetting
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS
from smsgate.settings import Programs
from smsgate.settings.retention import BY_DEFAULT
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS, partition_of
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER
from tests.features.forwarding.conftest import ORIGINAL, OTHER, PLAIN, settle, waiting
from tests.pipeline.conftest import PUBLIC_URL, SENDER, TOKEN

twilio = PROVIDERS["twilio"]

pytestmark = pytest.mark.usefixtures("impatient")
PARTITION = partition_of(NUMBER)


@pytest.fixture
def services(services):
    services.records.migrate()
    return services


@pytest.fixture
def lose(services, redis_client):
    """Lose Redis, once everything is in the records, and make it anew from them."""

    def lost(by: Services = services) -> int:
        services.archiver.move_all()
        redis_client.flushall()
        return build_rebuild_service(by).rebuild(lambda *_: None).forwards

    return lost


def texts(services) -> list[str]:
    return [
        one.entry.text
        for partition in range(PARTITIONS)
        for one in services.store.forwards.waiting(partition)
    ]


def test_what_waited_goes_on_and_what_was_taken_does_not(
    receive, make, app, services, lose
) -> None:
    receive("one")
    settle(services, make())
    receive("two")
    receive("three")
    receive("STOP", OTHER)  # stays here
    receive("Hello", OTHER, sender=PLAIN)
    event = services.history.of_number(NUMBER)[-2].id

    assert lose() == 2
    receive("four")
    settle(services, make())
    assert [text for _, text in app.taken] == ["one", "two", "three", "four"]
    assert app.came[1].headers["webhook-id"] == event
    assert lose() == 0
    assert [one.outcome for one in services.history.of_number(NUMBER)].count("taken") == 4


def test_the_providers_request_is_put_anew_with_its_pictures(
    services, make, app, lose, redis_client
) -> None:
    message = InboundMessage("twilio", "SM1", NUMBER, ORIGINAL, "Hi", media=("https://m/1",))
    request = twilio.inbound(
        message, services.settings.accounts["twilio"], f"{PUBLIC_URL}/webhooks/twilio"
    )
    services.ingest.receive("twilio", request)
    services.applier.drain(PARTITION)
    assert lose() == 1
    settle(services, make("orders"))

    (came,) = app.came
    assert (came.form["Body"], came.form["MediaUrl0"]) == ("Hi", "https://m/1")
    assert RequestValidator(TOKEN).validate(app.url, came.form, came.headers["x-twilio-signature"])


def test_what_was_given_up_waits_for_a_person_again(receive, app, services, lose, redis_client):
    for text in ("one", "two", "three"):
        receive(text)
    waits = services.store.forwards.waiting(PARTITION)
    for one in waits:
        redis_client.zadd(PARTITION_KEYS[PARTITION].forwards_since, {one.id: 1})
    assert forwards.give_up_old(services.store) == 3
    forwards.dismiss(services.store, waits[1].id, "jane")
    forwards.retry(services.store, waits[2].id, "jane")

    assert lose() == 1
    assert texts(services) == ["three"]
    assert [one.forward.entry.text for one in services.store.forwards.dead(PARTITION)] == ["one"]
    forwards.retry(services.store, waits[0].id, "jane")
    assert texts(services) == ["one", "three"]


def test_it_has_waited_as_long_as_before(receive, services, lose, redis_client) -> None:
    receive("one")
    before = redis_client.zrange(PARTITION_KEYS[PARTITION].forwards_since, 0, -1, withscores=True)
    lose()
    after = redis_client.zrange(PARTITION_KEYS[PARTITION].forwards_since, 0, -1, withscores=True)
    assert [id_ for id_, _ in after] == [id_ for id_, _ in before]
    assert after[0][1] == pytest.approx(before[0][1], abs=1_000)


def test_an_older_copy_of_the_store_hands_nothing_over_twice(
    receive, make, app, services, redis_client
) -> None:
    """What it knows to wait was taken since, and what came since it does not know."""
    receive("one")
    receive("Hi", OTHER)
    copy = {key: redis_client.dump(key) for key in redis_client.keys("smsgate:{*}:*")}
    settle(services, make())
    receive("two")
    services.archiver.move_all()
    redis_client.flushall()
    for key, value in copy.items():
        redis_client.restore(key, 0, value)
    assert "fell back" in build_rebuild_service(services).needed()

    assert build_rebuild_service(services).rebuild(lambda *_: None).forwards == 1
    settle(services, make())
    assert sorted(text for _, text in app.taken) == ["Hi", "one", "two"]


def test_a_rebuild_beside_a_sender_leaves_its_calls_alone(receive, app, services) -> None:
    receive("one")
    receive("two")
    (claim,) = services.store.forwards.claim("alerts", PARTITIONS)
    services.archiver.move_all()
    assert build_rebuild_service(services).rebuild(lambda *_: None).forwards == 2

    assert services.store.forwards.claim("alerts", PARTITIONS) == []
    assert services.store.forwards.retry_later(claim, claim.forward, 0)


def test_forgotten_texts_do_not_come_back(receive, services, lose) -> None:
    receive("one")
    receive("Hi", OTHER)
    forgetting = Forgetting(services.store, services.records, services.archiver, BY_DEFAULT)
    forgetting.forget(NUMBER, "anna", "asked for it")
    assert lose() == 1
    assert texts(services) == ["Hi"]


def test_a_program_that_has_another_name_or_no_application_now(
    receive, services, lose, app, make
) -> None:
    receive("one")
    receive("two", sender=ORIGINAL)
    orders = services.settings.programs.get("orders")
    renamed = dataclasses.replace(orders, name="shop", formerly=("orders",))
    settings = dataclasses.replace(services.settings, programs=Programs((renamed,)))
    assert lose(dataclasses.replace(services, settings=settings)) == 1
    (one,) = [
        one for partition in range(PARTITIONS) for one in services.store.forwards.waiting(partition)
    ]
    assert (one.entry.program, one.entry.text) == ("shop", "two")


def test_pictures_are_erased_with_the_text(receive, services, tmp_path: Path) -> None:
    """They are as personal as it is."""
    receive("one", sender=SENDER)
    message = InboundMessage("twilio", "SM9", NUMBER, SENDER, "Hi", media=("https://m/secret",))
    request = twilio.inbound(
        message, services.settings.accounts["twilio"], f"{PUBLIC_URL}/webhooks/twilio"
    )
    services.ingest.receive("twilio", request)
    services.applier.drain(PARTITION)
    services.archiver.move_all()
    assert services.history.of_number(NUMBER)[-1].entry.forward_content.media == (
        "https://m/secret",
    )
    forgetting = Forgetting(services.store, services.records, services.archiver, BY_DEFAULT)
    forgetting.forget(NUMBER, "anna", "asked for it")
    assert all(
        one.entry is None or not one.entry.forward_content or not one.entry.forward_content.media
        for one in services.history.of_number(NUMBER)
    )
    assert wait_until(lambda: waiting(services) == 0)
