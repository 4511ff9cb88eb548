"""A gateway on the real Redis that understands no texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smsgate.gateway import Gateway
from tests.fakes.own_gateway import make_gateway


@pytest.fixture
def gateway(tmp_path, redis_url) -> Iterator[Gateway]:
    made = make_gateway(tmp_path, redis_url)
    yield made
    made.close()
