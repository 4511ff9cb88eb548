"""A store in which two numbers are opted out, and gates on it."""

from __future__ import annotations

import pytest

from smsgate import AsyncGate, Gate
from tests.fakes import manual
from tests.fakes.blocking import Blocking
from tests.fakes.own_services import make_services

ALLOWED, BLOCKED, OTHER = "+14155550123", "+14155550124", "+14155550125"


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url)
    manual.opt_out(made, BLOCKED, "all", "test", "asked by phone")
    manual.opt_out(made, OTHER, "alerts", "test", "asked by phone")
    yield made
    made.close()


@pytest.fixture
def gate(services, redis_url) -> Gate:
    return Gate.from_url(redis_url)


@pytest.fixture(params=["gate", "async gate"])
def open_gate(request):
    """What opens a gate at a URL: the same tests hold for ``Gate`` and ``AsyncGate``."""
    if request.param == "gate":
        yield Gate.from_url
        return
    opened: list[Blocking] = []

    def open_blocking(*args, **options) -> Blocking:
        opened.append(Blocking(lambda: AsyncGate.from_url(*args, **options)))
        return opened[-1]

    yield open_blocking
    for one in opened:
        one.end()


@pytest.fixture
def either_gate(services, redis_url, open_gate):
    return open_gate(redis_url)


@pytest.fixture
def refusals(services):
    return services.store.refusals
