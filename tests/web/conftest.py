"""Fake services, and a client of the endpoints around them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from smsgate.web import create_app
from tests.fakes.services import FakeServices


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def client(services: FakeServices) -> FlaskClient:
    return create_app(services).test_client()
