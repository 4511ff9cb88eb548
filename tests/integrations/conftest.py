"""A store in which two numbers are opted out, and gates on it."""

from __future__ import annotations

import pytest

from smsgate import Gate
from tests.fakes.own_gateway import make_gateway

ALLOWED, BLOCKED, OTHER = "+14155550123", "+14155550124", "+14155550125"


@pytest.fixture
def gateway(tmp_path, redis_url):
    made = make_gateway(tmp_path, redis_url)
    made.override("suppress", BLOCKED, "all", "test", "asked by phone")
    made.override("suppress", OTHER, "alerts", "test", "asked by phone")
    yield made
    made.close()


@pytest.fixture
def gate(gateway, redis_url) -> Gate:
    return Gate.from_url(redis_url)


@pytest.fixture
def refusals(gateway):
    return gateway.store.refusals
