"""Conditions that last reach a person by every way there is, each once until it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from smsgate.domain.errors import CallFailed, RecordsUnavailable, StoreUnavailable
from smsgate.features.alerts.channels import configured_channels
from smsgate.features.alerts.service import AlertService
from smsgate.records import chain_digest
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.shared_keys import RECORDS_DIGEST
from tests.fakes.own_services import ALERTS, all_at_work, make_services
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.told import work
from tests.fakes.values import NUMBER, failed_reply


@pytest.fixture
def hook() -> Iterator[ScriptedApi]:
    with ScriptedApi({"/hook": [(200, b"")]}) as api:
        yield api


@pytest.fixture
def services(tmp_path, redis_url, hook):
    toml = ALERTS + '[alerts]\nwebhook = "${HOOK}"\n'
    made = make_services(tmp_path, redis_url, toml, HOOK=f"{hook.url}/hook")
    all_at_work(made.store)
    made.records.migrate()
    yield made
    made.close()


def alerting(services, *more) -> AlertService:
    channels = [*configured_channels(services), *more]
    return AlertService(services.store, services.settings, services.readiness, channels)


class Phone:
    """A way that keeps what it is told, or fails."""

    name = "text"
    is_digest = True

    def __init__(self) -> None:
        self.told: list[list[tuple[str, str]]] = []
        self.fails = False

    def send(self, notices) -> None:
        if self.fails:
            raise CallFailed("the line is dead", left=False)
        self.told.append([(one.condition.name, one.state) for one in notices])


def told(hook) -> list[tuple[str, str]]:
    return [(one["alert"], one["state"]) for one in (json.loads(c.body) for c in hook.calls)]


def give_up(redis_client) -> None:
    redis_client.hset(PARTITION_KEYS[1].dead, "1-1-0", failed_reply())


def test_a_condition_that_lasts_is_told_once_and_its_end_too(services, hook, redis_client):
    one, other = alerting(services), alerting(services)
    give_up(redis_client)
    one.check()
    assert told(hook) == []
    for _ in range(3):
        one.check()
        other.check()
    assert told(hook) == [("SmsgateDeadLetters", "begins")]
    said = json.loads(hook.calls[0].body)
    assert "`smsgate replies list --state failed`" in said["text"]
    redis_client.delete(PARTITION_KEYS[1].dead)
    for _ in range(3):
        one.check()
        other.check()
    assert told(hook)[1:] == [("SmsgateDeadLetters", "ends")]
    give_up(redis_client)
    one.check()
    one.check()
    assert told(hook)[2:] == [("SmsgateDeadLetters", "begins")]


def test_what_the_webhook_does_not_take_is_told_again(services, hook, redis_client):
    hook.answers["/hook"] = [(500, b""), (200, b"")]
    give_up(redis_client)
    looking = alerting(services)
    for _ in range(4):
        looking.check()
    assert told(hook) == [("SmsgateDeadLetters", "begins")] * 2


def test_an_end_that_is_not_taken_is_told_again(services, hook, redis_client):
    give_up(redis_client)
    looking = alerting(services)
    looking.check()
    looking.check()
    redis_client.delete(PARTITION_KEYS[1].dead)
    hook.answers["/hook"] = [(500, b""), (200, b"")]
    for _ in range(4):
        looking.check()
    assert told(hook)[1:] == [("SmsgateDeadLetters", "ends")] * 2


def test_several_conditions_of_one_look_are_one_message(services, redis_client):
    give_up(redis_client)
    redis_client.config_set("appendfsync", "everysec")
    phone = Phone()
    looking = alerting(services, phone)
    for _ in range(3):
        looking.check()
    assert phone.told == [[("SmsgateDeadLetters", "begins"), ("SmsgateWeakDurability", "begins")]]


def test_a_way_that_fails_is_tried_again_and_does_not_stop_the_others(services, hook, redis_client):
    phone = Phone()
    phone.fails = True
    give_up(redis_client)
    looking = alerting(services, phone)
    with capture_logs() as lines:
        for _ in range(5):
            looking.check()
    assert told(hook) == [("SmsgateDeadLetters", "begins")]
    assert [(one["event"], one["by"]) for one in lines] == [("alert was not taken", "text")]
    phone.fails = False
    for _ in range(3):
        looking.check()
    assert phone.told == [[("SmsgateDeadLetters", "begins")]]
    assert told(hook) == [("SmsgateDeadLetters", "begins")]


def test_a_store_that_is_away_is_told_once_and_that_it_is_back(services, hook, monkeypatch):
    def away():
        raise StoreUnavailable("the store cannot be used")

    phone = Phone()
    looking = alerting(services, phone)
    with monkeypatch.context() as broken:
        broken.setattr(services.store.ledger_reader, "waiting", away)
        phone.fails = True
        for _ in range(3):
            looking.check()
        phone.fails = False
        looking.check()
    looking.check()
    looking.check()
    both = [("SmsgateNotReady", "begins"), ("SmsgateNotReady", "ends")]
    assert told(hook) == both
    assert phone.told == [[one] for one in both]


def test_the_address_of_the_webhook_is_not_shown(services, hook):
    assert hook.url not in repr(services.settings)


def test_the_digest_of_the_records_is_logged_and_sent_once_a_day(services, hook, redis_client):
    phone = Phone()
    looking, other = alerting(services, phone), alerting(services)
    services.manual.opt_out(NUMBER, "all", "ana", "by phone")
    work(services)
    services.archiver.move_all()
    digest = chain_digest(services.records.reader.heads())
    with capture_logs() as lines:
        for _ in range(3):
            looking.send_records_digest(services.records)
            other.send_records_digest(services.records)
    assert [one["digest"] for one in lines] == [digest]
    assert told(hook) == [("SmsgateRecordsDigest", "daily")]
    assert digest in json.loads(hook.calls[0].body)["text"]
    assert phone.told == []
    looking.check()
    assert len(hook.calls) == 1
    assert 0 < redis_client.ttl(RECORDS_DIGEST) <= 24 * 3600


def test_a_digest_that_cannot_be_read_is_told_later_that_day(services, hook, monkeypatch):
    def away():
        raise RecordsUnavailable("no database")

    looking = alerting(services)
    monkeypatch.setattr(services.records.reader, "heads", away)
    looking.send_records_digest(services.records)
    assert told(hook) == []
    monkeypatch.undo()
    looking.send_records_digest(services.records)
    assert told(hook) == [("SmsgateRecordsDigest", "daily")]
