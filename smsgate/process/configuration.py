"""The configuration of a process, read and checked once, when it starts."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import msgspec
from pydantic import SecretStr

from smsgate.api_keys import ApiKeys
from smsgate.classifier import OperatorSets
from smsgate.content import Content, first_content, without_keyword_sets
from smsgate.domain.errors import ConfigurationError, Fault, RecordsUnavailable
from smsgate.providers import check_accounts, check_applications, secret_keys, usable
from smsgate.providers.fields import ADVICE, weakness
from smsgate.providers.twilio.simulated import simulated_account
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.settings.read import ENVIRONMENT, FILE, VARIABLES, read_settings

PLACEHOLDER = "Acme Alerts"
"""The name of the program in the example, ``config/smsgate.toml``."""
UNUSABLE = "has no secret: it answers 503 until there is one, so that its provider tries again"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration without faults, and the content that the process begins with."""

    settings: Settings
    content: Content
    warnings: tuple[str, ...] = ()
    """What does not hinder a start but must be said loudly."""
    version: str = ""
    """Hash of all that was read: files, the environment, and secrets, of which it tells nothing."""
    read_s: float = 0.0
    """When it was read, in seconds since 1970."""


def load_configuration(environ: Mapping[str, str], *, with_content: bool = True) -> Configuration:
    """Read and check everything that operators write, in files and in the console.

    Without ``with_content`` for a process that neither reads texts nor words replies: keyword sets
    and model take 18 MiB. Raises ``ConfigurationError`` with every fault that there is: settings,
    accounts, keyword sets.
    """
    began_s = time.time()
    settings, faults = _read_settings(environ)
    files = OperatorSets.read(settings.config_dir / "keywords")
    with closing(Records(settings.database_url)) as records:
        try:
            content, warnings = (
                first_content(settings, files, records)
                if with_content
                else (without_keyword_sets(settings), [])
            )
        except ConfigurationError as error:
            raise ConfigurationError([*faults, *error.faults]) from None
        if faults:
            raise ConfigurationError(faults)
        warnings = [*warnings_of(settings, records), *warnings]
    return Configuration(settings, content, tuple(warnings), version_of(settings, files), began_s)


def with_newest_content(configuration: Configuration) -> Configuration:
    """Return the same configuration with the content that a process starts with now.

    For a process that follows another one: its files may be broken meanwhile. Raises
    ``ConfigurationError`` where the content cannot be used.
    """
    settings, files = configuration.settings, configuration.content.sets
    with closing(Records(settings.database_url)) as records:
        content, warnings = first_content(settings, files, records)
    return replace(configuration, content=content, warnings=(*configuration.warnings, *warnings))


def changed_files(settings: Settings, since_s: float) -> tuple[str, ...]:
    """Return the files of the configuration, secrets among them, that were written after a time."""
    folder, found = settings.config_dir, list[str]()
    for path in (folder / FILE, *folder.glob("keywords/*.toml"), *settings.secret_files):
        with suppress(OSError):
            if path.stat().st_ctime > since_s:  # which nobody can set
                found.append(str(path))
    return tuple(sorted(found))


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Like ``load_configuration``, without the keyword sets, which take the longest to read.

    For what neither receives nor explains texts. Raises ``ConfigurationError``.
    """
    settings, faults = _read_settings(environ)
    if faults:
        raise ConfigurationError(faults)
    return settings


def _read_settings(environ: Mapping[str, str]) -> tuple[Settings, list[Fault]]:
    """Return the settings and their faults."""
    settings, faults = read_settings(environ, secret_keys=secret_keys)
    for name in ("api_keys", "secret_keys", "metrics_keys"):
        if problem := weakness([one.get_secret_value() for one in getattr(settings, name)]):
            faults.insert(0, Fault(ENVIRONMENT, VARIABLES[name], problem))
    simulated, found = simulated_account(environ)
    faults[:0] = found
    accounts = {**settings.accounts, **{one.name: one for one in simulated}}
    settings = replace(settings, accounts=MappingProxyType(accounts))
    place = str(settings.config_dir / FILE)
    faults += check_accounts(settings.accounts.values(), place)
    faults += check_applications(settings.programs, settings.accounts, place)
    return settings, faults


def warnings_of(settings: Settings, records: Records) -> list[str]:
    """What does not hinder a start but must be said loudly."""
    found = [
        f"account {account.name!r} {UNUSABLE}"
        for account in settings.accounts.values()
        if not usable(account)
    ]
    found += [
        f"account {account.name!r} is used by no program: its texts are recorded as unrouted"
        for account in settings.accounts.values()
        if not account.simulated
        and all(program.account != account.name for program in settings.programs)
    ]
    if not settings.public_url and not _is_for_trying(settings):
        found.append(
            "SMSGATE_PUBLIC_URL is not set: signatures are checked against the address that each "
            "request names, and no opt-out link can be made; set it to the https address that "
            "providers call"
        )
    if not settings.secret_keys:
        found.append(
            "SMSGATE_SECRET_KEYS is not set: nobody can sign in to the console, and no opt-out "
            f"link can be made; {ADVICE}"
        )
    if not settings.api_keys and not _has_keys(records):
        found.append(
            "there is no API key, so every call of /v1 is refused: `smsgate keys make`, or set "
            "SMSGATE_API_KEYS"
        )
    found += [
        f"program {program.name!r} still has the name of the example, {PLACEHOLDER}: its "
        "subscribers read it in every reply"
        for program in settings.programs
        if program.title == PLACEHOLDER
    ]
    return found


def _is_for_trying(settings: Settings) -> bool:
    """Whether nothing but the simulator of ``smsgate dev`` can receive a text."""
    able = [account for account in settings.accounts.values() if usable(account)]
    return bool(able) and all(account.simulated for account in able)


def _has_keys(records: Records) -> bool:
    """Whether an API key was made; true while the records, which say so themselves, are away."""
    try:
        return bool(ApiKeys(records.database).all(time.time_ns() // 1000))
    except RecordsUnavailable:
        return True


def version_of(settings: Settings, files: OperatorSets) -> str:
    """Hash of what was read; it is the same on every host that has the same files and secrets.

    The last four digits are of the values of the environment, secrets among them: enough to see
    that one has changed, too few to find one by trying.
    """
    told = {name: text for name, (_, text) in files.texts.items()}
    # Comments and the order of keys are no part of it.
    document = tomllib.loads((settings.config_dir / FILE).read_text(encoding="utf-8"))
    content = msgspec.json.encode([document, told], order="deterministic")
    here = {name: type(getattr(settings, name))() for name in _OF_A_HOST}
    values = msgspec.json.encode(replace(settings, **here), enc_hook=_plain, order="deterministic")
    return f"{sha256(content).hexdigest()[:8]}-{sha256(values).hexdigest()[:4]}"


_OF_A_HOST = (
    "redis_url",
    "queue_url",
    "database_url",
    "config_dir",
    "data_dir",
    "secret_files",
    "port",
    "web_concurrency",
    "web_threads",
)
"""Settings that may differ between hosts."""


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))
