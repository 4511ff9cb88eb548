"""The console of the tests of all pages."""

from __future__ import annotations

import pytest

from smsgate.features.configuration_editor.service import ConfigurationEditor
from tests.fakes.own_services import ALERTS, HERE, ORDERS, make_services
from tests.web.console.conftest import *  # noqa: F403 - fixtures, found by their names


@pytest.fixture
def environ(folder, redis_url, monkeypatch):
    """What the process was started with."""
    found = {
        "SMSGATE_CONFIG": str(folder / "config"),
        "SMSGATE_DATA_DIR": str(folder / "var"),
        "SMSGATE_PUBLIC_URL": "http://localhost",
        "REDIS_URL": redis_url,
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def services(folder, redis_url, environ):
    # Zulu is the set that is read fastest.
    toml = (ALERTS + ORDERS).replace('["en"]', '["zu"]').replace('region   = "US"', "")
    made = make_services(folder, redis_url, toml, **HERE)
    yield made
    made.close()


@pytest.fixture
def editor(services, environ):
    return ConfigurationEditor(services, environ)
