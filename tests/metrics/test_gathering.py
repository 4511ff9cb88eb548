"""Counts of all processes come together in the store, and outlive a store that is away."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.counters import GATE, MESSAGES, STORED_S, by_family
from smsgate.store.connection import open_redis
from smsgate.store.metrics import Metrics
from tests.fakes import manual
from tests.fakes.processes import wait_until


@pytest.fixture
def metrics(redis_url):
    made = Metrics(open_redis(redis_url))
    yield made
    made.close()


def counted(metrics, family):
    return by_family(metrics.sums())[family.name]


def test_what_several_processes_count_is_added_up(metrics, redis_url):
    other = Metrics(open_redis(redis_url))
    for one in (metrics, other):
        one.count(MESSAGES, "twilio", "opt_out")
        one.took(STORED_S, 0.002, "twilio")
        one.flush()
    other.close()
    assert counted(metrics, MESSAGES) == {("twilio", "opt_out"): 2}
    assert counted(metrics, STORED_S) == {("twilio", "le=0.0025"): 2, ("twilio", "us"): 4_000}


def test_counts_arrive_by_themselves(metrics, redis_client):
    metrics.count(MESSAGES, "twilio", "help")
    assert wait_until(lambda: counted(metrics, MESSAGES) == {("twilio", "help"): 1})


def test_counts_wait_for_a_store_that_is_away(metrics, redis_url):
    there = metrics._gatherer.client
    metrics.count(MESSAGES, "twilio", "help")
    metrics._gatherer.client = open_redis("redis://127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable):
        metrics.flush()
    metrics.count(MESSAGES, "twilio", "help")
    metrics._gatherer.client = there
    metrics.flush()
    assert counted(metrics, MESSAGES) == {("twilio", "help"): 2}


def test_closing_adds_the_rest(metrics):
    metrics.count(MESSAGES, "twilio", "help")
    metrics.close()
    assert counted(metrics, MESSAGES) == {("twilio", "help"): 1}


def test_another_programs_gate_counts_even_where_it_ends_at_once_and_forks(services, redis_url):
    program = (
        "import os, sys\n"
        "from smsgate import Gate\n"
        "gate = Gate.from_url(sys.argv[1])\n"
        "gate.allows('+14155550123', program='alerts')\n"
        "child = os.fork()\n"
        "gate.allows('+14155550124', program='alerts')\n"
        "if child: os.waitpid(child, 0)\n"
    )
    environ = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", program, redis_url], check=True, env=environ, timeout=60)
    assert counted(services.store.metrics, GATE) == {("alerts", "allowed"): 3}


def test_a_gate_counts_what_it_says_and_that_it_cannot_tell(services, redis_client):
    manual.opt_out(services, "+14155550123", "all", "anna", "asked by phone")
    services.gate.check(["+14155550123", "+14155550124", "12"], program="alerts")
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    services.gate._health._checked_at = -1e9
    with pytest.raises(Exception, match="noeviction"):
        services.gate.allows("+14155550123", program="alerts")
    services.store.metrics.flush()
    assert counted(services.store.metrics, GATE) == {
        ("alerts", "hold"): 1,
        ("alerts", "allowed"): 1,
        ("alerts", "invalid"): 1,
        ("", "could_not_tell"): 1,
    }
