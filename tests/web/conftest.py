"""A gateway that is a fake, and a client of the doors around it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from smsgate.web import create_app
from tests.fakes.gateway import FakeGateway


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def client(gateway: FakeGateway) -> FlaskClient:
    return create_app(gateway).test_client()
