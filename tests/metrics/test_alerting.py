"""Conditions that last reach the operator's webhook, each once until it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from smsgate.errors import StoreUnavailable
from smsgate.gateway.alerting import Alerting
from smsgate.store.keys import LANE_KEYS
from tests.fakes.own_gateway import ALERTS, make_gateway
from tests.fakes.scripted_api import ScriptedApi


@pytest.fixture
def hook() -> Iterator[ScriptedApi]:
    with ScriptedApi({"/hook": [(200, b"")]}) as api:
        yield api


@pytest.fixture
def gateway(tmp_path, redis_url, hook):
    toml = ALERTS + '[alerts]\nwebhook = "${HOOK}"\n'
    made = make_gateway(tmp_path, redis_url, toml, HOOK=f"{hook.url}/hook")
    made.store.sweep.leads("a clock")
    yield made
    made.close()


def alerting(gateway) -> Alerting:
    return Alerting(gateway.store, gateway.settings, gateway.outbound)


def told(hook) -> list[tuple[str, str]]:
    return [(one["alert"], one["state"]) for one in (json.loads(c.body) for c in hook.calls)]


def give_up(redis_client) -> None:
    redis_client.hset(LANE_KEYS[1].dead, "1-1-0", "{}")


def test_a_condition_that_lasts_is_told_once_and_its_end_too(gateway, hook, redis_client):
    one, other = alerting(gateway), alerting(gateway)
    give_up(redis_client)
    one.turn()
    assert told(hook) == []
    for _ in range(3):
        one.turn()
        other.turn()
    assert told(hook) == [("SmsgateDeadLetters", "begins")]
    said = json.loads(hook.calls[0].body)
    assert "`smsgate replies list --dead`" in said["text"]
    redis_client.delete(LANE_KEYS[1].dead)
    for _ in range(3):
        one.turn()
        other.turn()
    assert told(hook)[1:] == [("SmsgateDeadLetters", "ends")]
    give_up(redis_client)
    one.turn()
    one.turn()
    assert told(hook)[2:] == [("SmsgateDeadLetters", "begins")]


def test_what_the_webhook_does_not_take_is_told_again(gateway, hook, redis_client):
    hook.answers["/hook"] = [(500, b""), (200, b"")]
    give_up(redis_client)
    looking = alerting(gateway)
    for _ in range(4):
        looking.turn()
    assert told(hook) == [("SmsgateDeadLetters", "begins")] * 2


def test_a_store_that_is_away_is_told_once(gateway, hook, monkeypatch):
    def away():
        raise StoreUnavailable("the store cannot be used")

    monkeypatch.setattr(gateway.store.ledger, "waiting", away)
    looking = alerting(gateway)
    for _ in range(3):
        looking.turn()
    assert told(hook) == [("SmsgateNotReady", "begins")]


def test_the_address_of_the_webhook_is_not_shown(gateway, hook):
    assert hook.url not in repr(gateway.settings)
