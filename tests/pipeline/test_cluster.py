"""The whole way through with the store on a Redis Cluster, and RQ on a Redis of its own."""

from __future__ import annotations

import pytest

from smsgate.store.keys import partition_of
from tests.fakes import manual
from tests.fakes.values import NUMBER

PARTITION = partition_of(NUMBER)

pytestmark = pytest.mark.full


@pytest.fixture
def environ(environ, cluster_url):
    return {**environ, "QUEUE_URL": environ["REDIS_URL"], "REDIS_URL": cluster_url}


def reason(services, program="alerts"):
    return services.gate.check([NUMBER], program=program)[0].reason


def test_stop_blocks_is_applied_and_confirmed_and_start_lifts_it(services, signed, api):
    services.ingest.receive("twilio", signed("STOP"))
    assert reason(services) == "hold"

    services.applier.drain(PARTITION)
    services.sender.drain(PARTITION)
    assert (reason(services), len(api.sent)) == ("opted_out_all", 1)

    services.ingest.receive("twilio", signed("START"))
    services.applier.work(PARTITION)
    assert reason(services) == ""
    assert [event.kind for event in services.history.of_number(NUMBER)] == [
        "opt_out",
        "reply",
        "opt_in",
    ]
    assert "store" not in services.monitor.look().unusable


def test_a_large_check_is_answered_by_all_nodes(services):
    numbers = [f"+1415{place:07}" for place in range(20_000)]
    manual.opt_out(services, numbers[7], "all", "ana", "asked by phone")
    services.applier.drain(partition_of(numbers[7]))

    answers = services.gate.check(numbers, program="alerts")

    assert [answer.number for answer in answers] == numbers
    assert [answer.number for answer in answers if not answer.allowed] == [numbers[7]]
