"""The clock compares the lists of accounts that ask for it, each in a thread of its own."""

from __future__ import annotations

import dataclasses

import pytest

from smsgate.store.keys import PARTITIONS
from tests.fakes.opt_out_list_apis import TelnyxList
from tests.fakes.own_services import make_part, make_services
from tests.fakes.processes import wait_until
from tests.features.provider_lists.conftest import ACCOUNT, ACCOUNTS, SENDER
from workers.threads import opt_out_list_threads

NUMBER = "+14155550123"


@pytest.fixture
def api():
    with TelnyxList() as api:
        api.add(NUMBER, SENDER, "2025-04-28 12:00:38.631252")
        yield api


@pytest.fixture
def services(tmp_path, redis_url, api):
    toml = ACCOUNT % {"name": "telnyx", "url": api.url, "keys": ACCOUNTS["telnyx"]}
    made = make_services(tmp_path, redis_url, toml)
    made.records.migrate()
    yield made
    made.close()


def test_a_list_is_compared_and_its_lease_is_given_up(services, redis_client):
    (thread,) = make_part(services, opt_out_list_threads)
    thread.start()
    assert wait_until(lambda: services.store.opt_out_lists.read("telnyx") is not None)
    thread.close()
    assert services.store.opt_out_lists.read("telnyx").taken == 1
    assert redis_client.get("smsgate:opt-out-list-lease:telnyx") is None
    for partition in range(PARTITIONS):
        services.applier.drain(partition)
    assert services.gate.check([NUMBER], program="telnyx_alerts")[0].reason == "opted_out_all"


def test_only_usable_accounts_that_ask_for_it_are_compared(services):
    def threads(**changed):
        account = dataclasses.replace(services.settings.accounts["telnyx"], **changed)
        settings = dataclasses.replace(services.settings, accounts={"telnyx": account})
        return make_part(dataclasses.replace(services, settings=settings), opt_out_list_threads)

    assert len(threads()) == 1
    assert threads(opt_out_list=False) == []
    assert threads(secrets={}) == []
    assert threads(simulated=True) == []
