"""A gateway of three programs, one of which wants a consent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsgate.process.services import Services
from tests.fakes.own_services import ALERTS, CLUB, ORDERS, make_services


@pytest.fixture
def bare(tmp_path: Path, redis_url: str) -> Iterator[Services]:
    """Without records."""
    made = make_services(tmp_path, redis_url, ALERTS + ORDERS + CLUB)
    yield made
    made.close()


@pytest.fixture
def services(bare: Services) -> Services:
    bare.records.migrate()
    return bare
