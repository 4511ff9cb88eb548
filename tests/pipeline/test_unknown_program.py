"""Processes restart one after the other: some know a new program before the others do."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pytest

from smsgate.domain.messages import Arrival, Intent
from smsgate.process.published_programs import publish_programs
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.own_services import ALERTS, ORDERS, make_services
from tests.fakes.twilio_api import TwilioApi
from tests.fakes.values import NUMBER, decision, entry

PARTITION = partition_of(NUMBER)
NEW_PROGRAM = ALERTS + ORDERS.replace('kind     = "service"', 'confirm = "always"')


@pytest.fixture
def api():
    with TwilioApi({"AC55555555555555555555555555555555": "a-token"}) as fake:
        yield fake


@pytest.fixture
def versions(tmp_path, redis_url, api):
    """Services of a configuration without the program, and of one with it, on one store."""
    with ExitStack() as stack:

        def make(name: str, toml: str):
            toml = toml.replace('"a-token"', f'"a-token"\napi_url = "{api.url}"')
            return stack.enter_context(closing(make_services(tmp_path / name, redis_url, toml)))

        yield make("old", ALERTS), make("new", NEW_PROGRAM)


def store_stop(services) -> None:
    stop = entry(Intent.OPT_OUT, program="orders", scope="orders", sender="+14155550888",
                 message_id="SM1", decision=decision(Intent.OPT_OUT, language="en"))  # fmt: skip
    services.store.inbox.add([Arrival(stop)])


@pytest.mark.parametrize("sender_is_new", [False, True])
def test_an_entry_of_a_program_that_the_worker_does_not_know_is_applied_and_answered_later(
    versions, redis_client, api, sender_is_new
):
    old, new = versions
    store_stop(new)
    old.applier.drain(PARTITION)
    answers = new.gate.check_programs(NUMBER, new.settings.programs)
    assert answers["orders"].reason == "opted_out"
    assert not redis_client.exists(PARTITION_KEYS[PARTITION].holds)

    if not sender_is_new:
        old.sender.drain(PARTITION)
        assert api.sent == []
        redis_client.zadd(PARTITION_KEYS[PARTITION].outbox, {_only_reply(redis_client): 1})
    new.sender.drain(PARTITION)
    (sent,) = api.sent
    assert sent.form["To"] == NUMBER
    assert "Orders" in sent.form["Body"]
    assert new.store.outbox.depth(PARTITION) == 0


def test_a_program_that_never_confirms_does_not_where_only_the_sender_knows_it(
    tmp_path, redis_url, versions, api
):
    old, _ = versions
    quiet = ALERTS + ORDERS.replace('kind     = "service"', 'confirm = "never"')
    with closing(make_services(tmp_path / "quiet", redis_url, quiet)) as new:
        new.records.migrate()
        store_stop(new)
        old.applier.drain(PARTITION)
        new.sender.drain(PARTITION)
        new.archiver.move_all()
        assert (api.sent, new.store.outbox.depth(PARTITION)) == ([], 0)
        ended = [one for one in new.history.of_number(NUMBER) if one.reply]
    assert [(one.outcome, one.note) for one in ended] == [
        ("superseded", 'the program has confirm = "never"')
    ]


def test_a_reply_that_has_the_former_name_of_its_program_is_worded_by_the_new_one(
    tmp_path, redis_url, versions, api
):
    _, old = versions
    renamed = NEW_PROGRAM.replace("[programs.orders]", '[programs.parcels]\nformerly = ["orders"]')
    renamed = renamed.replace('"a-token"', f'"a-token"\napi_url = "{api.url}"')
    with closing(make_services(tmp_path / "renamed", redis_url, renamed)) as new:
        store_stop(old)
        publish_programs(new.settings, new.store)
        old.applier.drain(PARTITION)
        new.sender.drain(PARTITION)
    (sent,) = api.sent
    assert "Orders" in sent.form["Body"]


def _only_reply(redis_client) -> bytes:
    (id_,) = redis_client.hkeys(PARTITION_KEYS[PARTITION].replies)
    return id_
