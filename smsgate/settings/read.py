"""Reads environment and ``smsgate.toml`` and hands out the settings with all their faults."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from smsgate.domain.errors import Fault
from smsgate.settings.accounts import AccountReader, SecretKeys
from smsgate.settings.alerts import AlertsReader
from smsgate.settings.environment import Environment
from smsgate.settings.programs import ProgramReader, tables
from smsgate.settings.retention import read_retention
from smsgate.settings.settings import Settings
from smsgate.settings.shape import AlertsTable, ApiTable, OidcTable, WebTable, complaints, nearest
from smsgate.settings.single_sign_on import SingleSignOnReader

T = TypeVar("T", bound=BaseModel)
FILE = "smsgate.toml"
_HEADINGS = ("accounts", "programs", "web", "api", "alerts", "oidc", "retention")
_REDIS = ("redis", "rediss", "unix")
_OWN_REDIS = "redis://127.0.0.1:6379/0"
_DATABASES = ("sqlite", "postgresql", "postgres")


def records_place(environ: Mapping[str, str]) -> tuple[str, Path]:
    """Return the database of the records and the data directory; faults are told when all is read.

    They are needed before the rest: the records hold the keyword sets that the console owns.
    """
    environment = Environment(environ)
    data_dir = _data_dir(environment)
    return _database_url(environment, data_dir), data_dir


def read_settings(
    environ: Mapping[str, str], *, secret_keys: SecretKeys
) -> tuple[Settings, list[Fault]]:
    """Read the settings from ``smsgate.toml`` and the environment.

    ``secret_keys(provider)`` gives the names of the account keys that hold secrets. What has a
    fault is left out or has its default: with faults, the settings are for reports alone.
    """
    environment = Environment(environ)
    config_dir = Path(environment.plain("SMSGATE_CONFIG", "config"))
    data_dir = _data_dir(environment)
    public_url = environment.web_url("SMSGATE_PUBLIC_URL")
    redis_url = environment.url("REDIS_URL", _OWN_REDIS, _REDIS)
    document, faults = read_document(config_dir / FILE)
    place = str(config_dir / FILE)
    declared = tables(document, "accounts")
    accounts = AccountReader(environment, place, faults).read_all(declared, public_url, secret_keys)
    programs = ProgramReader(environment, place, faults, [*declared]).read_all(
        tables(document, "programs")
    )
    web = _table(WebTable, document, "web", place, faults)
    api = _table(ApiTable, document, "api", place, faults)
    alerts_table = _table(AlertsTable, document, "alerts", place, faults)
    alerts = AlertsReader(environment, place, faults).read(alerts_table, accounts)
    oidc_table = _table(OidcTable, document, "oidc", place, faults)
    single_sign_on = SingleSignOnReader(environment, place, faults).read(oidc_table)
    retention, found = read_retention(tables(document, "retention"), place)
    faults += found
    settings = Settings(
        redis_url=redis_url,
        queue_url=_queue_url(environment, redis_url),
        database_url=_database_url(environment, data_dir),
        config_dir=config_dir,
        data_dir=data_dir,
        public_url=public_url,
        api_keys=environment.secrets("SMSGATE_API_KEYS"),
        secret_keys=environment.secrets("SMSGATE_SECRET_KEYS"),
        port=environment.number("PORT", 8000, 65535),
        web_concurrency=environment.number("WEB_CONCURRENCY", 2, 256),
        web_threads=environment.number("WEB_THREADS", 32, 256),
        trust_proxy=web.trust_proxy,
        accounts=MappingProxyType(accounts),
        programs=programs,
        retention=retention,
        calls_per_second=api.calls_per_second,
        burst=api.burst,
        metrics_keys=environment.secrets("SMSGATE_METRICS_KEYS"),
        alerts=alerts,
        single_sign_on=single_sign_on,
        # Comments and the order of keys are no part of it.
        document=hashlib.sha256(msgspec.json.encode(document, order="deterministic")).hexdigest(),
        hosts=tuple(web.hosts),
        private_hosts=environment.hosts("SMSGATE_PRIVATE_HOSTS"),
        secret_files=tuple(dict.fromkeys(environment.files)),
    )
    # One variable may be read for several keys; its fault is reported once.
    once = dict.fromkeys(environment.faults)
    return settings, [*once, *faults]


def _data_dir(environment: Environment) -> Path:
    return Path(environment.plain("SMSGATE_DATA_DIR", "var"))


def _database_url(environment: Environment, data_dir: Path) -> str:
    default = f"sqlite:///{data_dir / 'records.sqlite3'}"
    return environment.url("DATABASE_URL", default, _DATABASES)


def _queue_url(environment: Environment, redis_url: str) -> str:
    """RQ needs one server; where the store is one, it may be the same."""
    one_server = "+" not in redis_url.partition("://")[0]
    if not one_server and not environment.text("QUEUE_URL"):
        problem = (
            "is not set: RQ needs a Redis of its own where REDIS_URL names a cluster or Sentinels"
        )
        environment.fault("QUEUE_URL", problem)
    return environment.url("QUEUE_URL", redis_url if one_server else _OWN_REDIS, _REDIS)


def read_document(path: Path) -> tuple[Mapping[str, object], list[Fault]]:
    """Read the file as TOML; what is wrong with it as a whole goes into the faults."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot be read ({error.strerror}): SMSGATE_CONFIG names the folder that has it"
        return {}, [Fault(str(path), FILE, problem)]
    except UnicodeDecodeError:
        return {}, [Fault(str(path), FILE, "is not UTF-8: save it as UTF-8")]
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault(str(path), FILE, f"is no TOML: {error}")]
    faults = [
        Fault(str(path), key, f"there is no such table: {nearest(key, _HEADINGS)}")
        for key in document
        if key not in _HEADINGS
    ]
    faults += [
        Fault(str(path), key, "must be a table")
        for key in _HEADINGS
        if not isinstance(document.get(key, {}), dict)
    ]
    return document, faults


def _table(
    shape: type[T], document: Mapping[str, object], heading: str, place: str, faults: list[Fault]
) -> T:
    """A table of plain keys; with a fault in it, it is as if it were empty."""
    try:
        return shape.model_validate(tables(document, heading))
    except ValidationError as error:
        found = complaints(error, tuple(shape.model_fields))
        faults += [Fault(place, f"{heading}.{key}", problem) for key, problem in found]
        return shape()
