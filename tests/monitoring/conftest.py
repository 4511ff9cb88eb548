"""A gateway on the real Redis that understands no texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smsgate.process.services import Services
from tests.fakes.own_services import make_services


@pytest.fixture
def services(tmp_path, redis_url) -> Iterator[Services]:
    made = make_services(tmp_path, redis_url)
    yield made
    made.close()
