"""A store in which two numbers are opted out, and gates on it."""

from __future__ import annotations

import pytest

from smsgate import Gate
from tests.fakes.own_services import make_services

ALLOWED, BLOCKED, OTHER = "+14155550123", "+14155550124", "+14155550125"


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url)
    made.manual.opt_out(BLOCKED, "all", "test", "asked by phone")
    made.manual.opt_out(OTHER, "alerts", "test", "asked by phone")
    yield made
    made.close()


@pytest.fixture
def gate(services, redis_url) -> Gate:
    return Gate.from_url(redis_url)


@pytest.fixture
def refusals(services):
    return services.store.refusals
