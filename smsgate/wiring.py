"""From the environment to a gateway that runs: the only place that opens connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smsgate.consent import Published
from smsgate.errors import ConfigurationError, Fault
from smsgate.gate import Gate
from smsgate.gateway import Gateway
from smsgate.gateway.applying import Applying
from smsgate.gateway.importing import Importing
from smsgate.gateway.rebuilding import Rebuilding
from smsgate.optout import Classifier, Classifiers, Shelf
from smsgate.outbound import Outbound
from smsgate.providers import check_accounts, secret_keys, usable
from smsgate.queue import Wakes
from smsgate.records import Records
from smsgate.settings import Settings, read_settings
from smsgate.spool import Spool
from smsgate.store import Store
from smsgate.store.connection import TIMEOUT_S, open_redis


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration without faults."""

    settings: Settings
    classifiers: Mapping[str, Classifier]
    """By program; each is made when it is first needed."""
    warnings: tuple[str, ...]
    """What does not hinder a start but must be said loudly."""

    def understand(self) -> None:
        """Make every classifier now, so that the first texts do not wait for it."""
        for name in self.classifiers:
            self.classifiers[name]


def load_configuration(environ: Mapping[str, str]) -> Configuration:
    """Read and check everything that operators write.

    Raises ``ConfigurationError`` with every fault that there is: settings, accounts, keyword sets.
    """
    settings, faults = _settings(environ)
    shelf = Shelf(settings.config_dir / "keywords", settings.programs, settings.data_dir)
    faults += shelf.faults()
    if faults:
        raise ConfigurationError(faults)
    return Configuration(settings, Classifiers(shelf, settings.programs), _warnings(settings))


def load_settings(environ: Mapping[str, str]) -> Settings:
    """As ``load_configuration``, without the keyword sets, which take the longest to read.

    For what neither receives nor explains texts. Raises ``ConfigurationError``.
    """
    settings, faults = _settings(environ)
    if faults:
        raise ConfigurationError(faults)
    return settings


def _settings(environ: Mapping[str, str]) -> tuple[Settings, list[Fault]]:
    settings, faults = read_settings(environ, secret_keys=secret_keys)
    faults += check_accounts(settings.accounts.values(), str(settings.config_dir / "smsgate.toml"))
    return settings, faults


def build_store(settings: Settings) -> Store:
    """The store; connects on first use."""
    return Store(open_redis(settings.redis_url))


def build_records(settings: Settings) -> Records:
    """The records; connects on first use."""
    return Records(settings.database_url)


def build_gate(settings: Settings) -> Gate:
    """The gate alone."""
    return Gate.from_url(settings.redis_url)


def build_gateway(configuration: Configuration) -> Gateway:
    """Everything; connects on first use."""
    settings = configuration.settings
    store = build_store(settings)
    return Gateway(
        settings=settings,
        classifiers=configuration.classifiers,
        store=store,
        spool=Spool(settings.data_dir / "spool.sqlite3"),
        gate=Gate(store.checks, store.health, store.refusals, metrics=store.metrics),
        wakes=Wakes(settings.queue_url, TIMEOUT_S),
        outbound=Outbound(),
        records=build_records(settings),
    )


def publish_programs(gateway: Gateway) -> None:
    """Make the configured programs known to every gate. Raises ``StoreUnavailable``."""
    gateway.store.marker.publish(_published(gateway))


def build_rebuilding(gateway: Gateway) -> Rebuilding:
    """What restores the gateway's store from its records."""
    return Rebuilding(gateway.store, gateway.records, _published(gateway))


def build_importing(gateway: Gateway) -> Importing:
    """What enters the numbers of lists, and applies them before it says so."""
    applying = Applying(gateway.settings, gateway.store, gateway.wakes)
    return Importing(gateway.settings, gateway.store, applying)


def _published(gateway: Gateway) -> dict[str, Published]:
    return {one.name: one.published() for one in gateway.settings.programs}


def _warnings(settings: Settings) -> tuple[str, ...]:
    found = [
        f"account {account.name!r} has no secret: it answers 503 until there is one, "
        "so that its provider tries again"
        for account in settings.accounts.values()
        if not usable(account)
    ]
    found += [
        f"account {account.name!r} is used by no program: its texts are recorded as unrouted"
        for account in settings.accounts.values()
        if not account.simulated
        and all(program.account != account.name for program in settings.programs)
    ]
    if not settings.api_keys:
        found.append("SMSGATE_API_KEYS is not set: only keys of `smsgate keys make` open /v1")
    return tuple(found)
