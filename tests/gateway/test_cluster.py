"""The whole way through with the store on a Redis Cluster, and RQ on a Redis of its own."""

from __future__ import annotations

import pytest

from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER

PARTITION = partition_of(NUMBER)

pytestmark = pytest.mark.full


@pytest.fixture
def environ(environ, cluster_url):
    return {**environ, "QUEUE_URL": environ["REDIS_URL"], "REDIS_URL": cluster_url}


def reason(gateway, program="alerts"):
    return gateway.gate.check([NUMBER], program=program)[0].reason


def test_stop_blocks_is_applied_and_confirmed_and_start_lifts_it(gateway, signed, api):
    gateway.ingest("twilio", signed("STOP"))
    assert reason(gateway) == "hold"

    gateway.apply(PARTITION)
    gateway.send_replies(PARTITION)
    assert (reason(gateway), len(api.sent)) == ("opted_out_all", 1)

    gateway.ingest("twilio", signed("START"))
    gateway.work(PARTITION)
    assert reason(gateway) == ""
    assert [event.kind for event in gateway.history(NUMBER)] == ["opt_out", "reply", "opt_in"]
    assert gateway.ready()["store"] == "ok"


def test_a_large_check_is_answered_by_all_nodes(gateway):
    numbers = [f"+1415{place:07}" for place in range(20_000)]
    gateway.override("suppress", numbers[7], "all", "ana", "asked by phone")
    gateway.apply(partition_of(numbers[7]))

    answers = gateway.gate.check(numbers, program="alerts")

    assert [answer.number for answer in answers] == numbers
    assert [answer.number for answer in answers if not answer.allowed] == [numbers[7]]
