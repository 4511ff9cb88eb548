"""A store that is lost loses no text for an application, and hands none over twice."""

from __future__ import annotations

import dataclasses

import pytest

from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER
from tests.features.deliveries.conftest import ORIGINAL, OTHER, PLAIN, pending, record, settle

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def lose(services, redis_client):
    """Lose Redis, once everything is in the records, and make it anew from them."""

    def lost() -> None:
        services.archiver.move_all()
        redis_client.flushall()
        RebuildService(services.settings, services.archiver).rebuild(lambda *_: None)

    return lost


def test_what_waited_goes_on_and_what_was_accepted_does_not(
    receive, make, app, services, lose
) -> None:
    receive("one")
    one = make()
    settle(services, one)
    receive("two")
    receive("three")
    receive("STOP", OTHER)  # stays here
    receive("Hello", OTHER, sender=PLAIN)
    event = services.history.of_number(NUMBER)[-2].id

    lose()
    assert len(pending(services)) == 2
    receive("four")
    settle(services, one)
    assert [text for _, text in app.taken] == ["one", "two", "three", "four"]
    assert app.came[1].headers["webhook-id"] == event
    lose()
    assert pending(services) == []
    assert [one.outcome for one in services.history.of_number(NUMBER)].count("taken") == 4


def test_what_a_rebuild_finds_in_the_ledger_goes_on(services, signed, make, app) -> None:
    services.ingest.receive("twilio", signed("one"))
    services.applier.drain(partition_of(NUMBER))
    RebuildService(services.settings, services.archiver).rebuild(
        lambda *_: None, adopt=True, allow_empty=True
    )
    settle(services, make())
    assert app.taken == [(NUMBER, "one")]


def test_a_ledger_that_is_moved_twice_hands_nothing_over_twice(
    services, signed, make, app, monkeypatch
) -> None:
    """The clock died between recording a text and trimming the ledger."""
    services.ingest.receive("twilio", signed("one"))
    services.applier.drain(partition_of(NUMBER))
    with monkeypatch.context() as patched:
        patched.setattr(services.store.ledger, "trim", lambda _: None)
        services.archiver.move()
    settle(services, make())
    services.archiver.move_all()
    assert pending(services) == []
    assert app.taken == [(NUMBER, "one")]


def test_an_older_copy_of_the_store_hands_nothing_over_twice(
    receive, make, app, services, redis_client
) -> None:
    receive("one")
    copy = {key: redis_client.dump(key) for key in redis_client.keys("smsgate:{*}:*")}
    one = make()
    settle(services, one)
    receive("two")
    redis_client.flushall()
    for key, value in copy.items():
        redis_client.restore(key, 0, value)
    RebuildService(services.settings, services.archiver).rebuild(lambda *_: None)
    settle(services, one)
    assert app.taken == [(NUMBER, "one"), (NUMBER, "two")]


def test_a_program_that_has_another_name_now(receive, services, make, app) -> None:
    receive("two", sender=ORIGINAL)
    orders = services.settings.programs.get("orders")
    renamed = dataclasses.replace(orders, name="shop", formerly=("orders",))
    one = make("orders")
    one._source.program, one._where = renamed, one._where._replace(program="shop")
    settle(services, one)
    assert app.taken == [(NUMBER, "two")]
    record(services)
    assert services.history.of_number(NUMBER)[-1].program == "shop"
