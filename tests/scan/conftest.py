"""A gateway with an account at every provider and marked secrets, and what it logs."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from smsgate import logs
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services, build_services
from smsgate.providers import PROVIDERS, usable
from smsgate.settings import Account
from tests.providers.recorded import everything
from tests.scan import canaries

PUBLIC_URL = "https://sms.example.com"
SID = "AC55555555555555555555555555555555"
CONFIG = f"""
[accounts.twilio]
provider    = "twilio"
account_sid = "{SID}"
auth_token  = "{canaries.AUTH_TOKEN}"
api_url     = "%s"

[accounts.kannel]
provider    = "kannel"
secret      = "{canaries.PATH_SECRET}"
send_url    = "%s/cgi-bin/sendsms"
username    = "smsgate"
password    = "{canaries.MAIL_PASSWORD}"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en"]
region   = "US"
confirm  = "always"

[programs.orders]
name     = "Acme Orders"
account  = "kannel"
senders  = ["*"]
keywords = ["en"]
region   = "US"

[programs.alerts.feed]
url           = "%s/{canaries.HOOK}"
secret        = "{canaries.FEED_SECRET}"
allow_private = true

[alerts]
to = [
    "json://127.0.0.1:9/{canaries.HOOK}",
    "mailto://smsgate:{canaries.MAIL_PASSWORD}@127.0.0.1:9?from=smsgate@example.com",
    "nosuch://{canaries.MAIL_PASSWORD}",
]
"""
AWAY = "http://127.0.0.1:9"


def environ_of(folder: Path, redis_url: str, api_url: str = AWAY) -> dict[str, str]:
    config = folder / "config"
    config.mkdir(exist_ok=True)
    (config / "smsgate.toml").write_text(CONFIG % (api_url, api_url, AWAY))
    return {
        "SMSGATE_CONFIG": str(config),
        "SMSGATE_PRIVATE_HOSTS": "127.0.0.1",
        "SMSGATE_DATA_DIR": str(folder / "var"),
        "REDIS_URL": redis_url,
        "SMSGATE_PUBLIC_URL": PUBLIC_URL,
        "SMSGATE_API_KEYS": canaries.API_KEY,
        "SMSGATE_METRICS_KEYS": canaries.METRICS_KEY,
        "SMSGATE_SECRET_KEYS": canaries.SECRET_KEY,
    }


def accounts_elsewhere() -> dict[str, Account]:
    """An account at every provider, from its recorded webhooks."""
    found: dict[str, Account] = {}
    for recorded in everything():
        account = recorded.account
        if account.provider not in found and usable(account):
            name = f"at-{account.provider.replace('_', '-')}"
            found[account.provider] = replace(account, name=name, public_url=PUBLIC_URL)
    assert found.keys() == PROVIDERS.keys()
    return {account.name: account for account in found.values()}


def secrets_of(account: Account) -> list[str]:
    """What must not be shown of it; a short one might be a word of a sentence."""
    return [one for key in account.secrets for one in account.values_of(key) if len(one) > 5]


@pytest.fixture
def services(tmp_path, redis_url) -> Iterator[Services]:
    configuration = load_configuration(environ_of(tmp_path, redis_url))
    settings = configuration.settings
    accounts = {**settings.accounts, **accounts_elsewhere()}
    made = build_services(replace(configuration, settings=replace(settings, accounts=accounts)))
    made.records.migrate()
    made.store.metadata.create(buckets=8)
    publish_programs(made.settings, made.store)
    yield made
    made.close()


class Written(io.StringIO):
    """Standard error of a process: test clients must not close it."""

    def close(self) -> None:
        pass


@pytest.fixture
def log(monkeypatch) -> Iterator[Callable[[], str]]:
    """What was logged so far, as processes write it."""
    root, written = logging.getLogger(), Written()
    level, handlers = root.level, root.handlers[:]
    monkeypatch.setattr("sys.stderr", written)
    logs.configure()
    yield written.getvalue
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers
