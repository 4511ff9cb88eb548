"""A real gateway on the real Redis, with what a test needs of a configuration.

That of ``make_services`` understands no texts: reading keyword sets would take most of a test's
time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from smsgate.api_keys import ApiKeyRow, ApiKeys, KeyScope
from smsgate.content import without_keyword_sets
from smsgate.interface.parts import Parts
from smsgate.metrics.snapshot import KINDS, Process
from smsgate.process.configuration import Configuration, load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services, build_services
from smsgate.providers import secret_keys
from smsgate.providers.twilio.simulated import simulated_account
from smsgate.records import Records
from smsgate.settings.read import read_settings
from smsgate.store.store import Store

T = TypeVar("T")
PUBLIC_URL = "https://sms.example.com"
HERE = {"SMSGATE_PUBLIC_URL": "http://localhost"}
"""For a console that is tried out on its own machine: admins need no second factor there."""
NEW, OLD = "the-newer-secret-of-the-tests", "the-older-secret-of-the-tests"
ALERTS = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en"]
region   = "US"
"""
ORDERS = """
[programs.orders]
name     = "Acme <b>Orders</b> & \\"Co\\""
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en"]
kind     = "service"
"""
CLUB = """
[programs.club]
name     = "Acme Club"
account  = "twilio"
senders  = ["+14155550777"]
keywords = ["en"]
scope    = "program"
require_consent = true
"""


def make_services(
    folder: Path, redis_url: str, toml: str = ALERTS + ORDERS, *, init: bool = True, **env: str
) -> Services:
    """Build it from files in ``folder``, on a store that ``init`` makes ready; close it after."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "smsgate.toml").write_text(toml, encoding="utf-8")
    environ = {
        "SMSGATE_CONFIG": str(config),
        "SMSGATE_PRIVATE_HOSTS": "127.0.0.1",
        "SMSGATE_DATA_DIR": str(folder / "var"),
        "REDIS_URL": redis_url,
        "SMSGATE_PUBLIC_URL": PUBLIC_URL,
        "SMSGATE_API_KEYS": "a-key-that-is-long-enough-for-tests",
        "SMSGATE_SECRET_KEYS": f"{NEW},{OLD}",
        **env,
    }
    settings, faults = read_settings(environ, secret_keys=secret_keys)
    simulated, found = simulated_account(environ)
    assert not faults + found, faults + found
    accounts = {**settings.accounts, **{one.name: one for one in simulated}}
    settings = replace(settings, accounts=accounts)
    services = build_services(Configuration(settings, without_keyword_sets(settings)))
    if init:
        services.store.metadata.create(buckets=8)
        publish_programs(services.settings, services.store)
    return services


def make_part(services: Services, kind: Callable[..., T]) -> T:
    """Make a feature's service, or an application, of the parts of services."""
    return Parts(services).bind(kind, 0)()


@contextmanager
def ready_services(environ: Mapping[str, str], more: str = "") -> Iterator[Services]:
    """The gateway of an environment, keyword sets included, on a store that is ready.

    ``more`` is written behind its smsgate.toml first.
    """
    if more:
        with Path(environ["SMSGATE_CONFIG"], "smsgate.toml").open("a", encoding="utf-8") as file:
            file.write(more)
    with closing(build_services(load_configuration(environ))) as services:
        services.records.migrate()
        services.store.metadata.create(buckets=8)
        publish_programs(services.settings, services.store)
        yield services


def add_key(records: Records, name: str, scope: KeyScope = "check", *programs: str) -> str:
    """Put an API key into the records; gives it."""
    key = f"sgk_{secrets.token_hex()}"
    digest = sha256(key.encode()).digest()
    row = ApiKeyRow(key[-8:], name, scope, digest, 1, "tests", programs=programs)
    assert ApiKeys(records.database).add(row) == []
    return key


def heartbeat(kind: str, host: str = "host-1", **more: object) -> Process:
    """What a process of a kind says of itself."""
    return Process(f"{kind} on {host}", kind, host, 7, "v1", **more)


def all_at_work(store: Store) -> None:
    """Let the store look as if a process of each kind were at work, for as long as a test lasts."""
    for kind in KINDS:
        store.heartbeats.beat(heartbeat(kind), 600)
    store.clock_lease.hold("a clock")
