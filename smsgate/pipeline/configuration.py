"""What operators write, read and checked: the one place where a configuration is loaded."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import msgspec

from smsgate.classifier import Classifier, Classifiers, KeywordSetCache
from smsgate.domain.errors import ConfigurationError, Fault, RecordsUnavailable
from smsgate.pipeline.console_configuration import read_console_tables
from smsgate.pipeline.console_keyword_sets import read_console_sets
from smsgate.providers import check_accounts, check_applications, secret_keys, usable
from smsgate.records import Records
from smsgate.settings import Programs, Secret, Settings, read_settings
from smsgate.settings.console import ConsoleTables, placed
from smsgate.settings.environment import ADVICE
from smsgate.settings.operator_sets import OperatorSets
from smsgate.settings.read import records_place

PLACEHOLDER = "Acme Alerts"
"""The name of the program in the example, ``config/smsgate.toml``."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration without faults."""

    settings: Settings
    classifiers: Mapping[str, Classifier]
    """By program; each is made when it is first needed."""
    warnings: tuple[str, ...]
    """What does not hinder a start but must be said loudly."""
    version: str = ""
    """Hash of what the files say, keyword sets among them."""
    keyword_sets: Mapping[str, str] = field(default_factory=dict)
    """By program the hash of its keyword sets, which its decisions name."""

    def build_classifiers(self) -> None:
        """Make every classifier now, so that the first texts do not wait for it.

        Raises ``ConfigurationError`` where a keyword file was changed since it was loaded.
        """
        for name in self.classifiers:
            if self.classifiers[name].version != self.keyword_sets[name]:
                problem = "was changed while it was read: read it again"
                raise ConfigurationError([Fault("keywords", name, problem)])


def load_configuration(
    environ: Mapping[str, str], draft: ConsoleTables | None = None
) -> Configuration:
    """Read and check everything that operators write, in files and in the console.

    ``draft`` stands for what the console changes of programs and accounts, to try it. Raises
    ``ConfigurationError`` with every fault that there is: settings, accounts, keyword sets.
    """
    database_url, data_dir = records_place(environ)
    with closing(Records(database_url)) as records:
        console_sets, console_warnings = read_console_sets(records, data_dir)
        settings, faults, warnings = _read_settings(environ, records, draft)
        is_open = has_keys(records)
    own = OperatorSets(settings.config_dir / "keywords", console_sets)
    cache = KeywordSetCache(own, settings.programs, settings.data_dir)
    faults += cache.faults()
    if faults:
        raise ConfigurationError(faults)
    return Configuration(
        settings,
        Classifiers(cache, settings.programs),
        (*warnings_of(settings, has_keys=is_open), *console_warnings, *warnings),
        version_of(settings, cache.versions),
        cache.versions,
    )


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Like ``load_configuration``, without the keyword sets, which take the longest to read.

    For what neither receives nor explains texts. Raises ``ConfigurationError``.
    """
    with closing(Records(records_place(environ)[0])) as records:
        settings, faults, _ = _read_settings(environ, records)
    if faults:
        raise ConfigurationError(faults)
    return settings


def _read_settings(
    environ: Mapping[str, str], records: Records, draft: ConsoleTables | None = None
) -> tuple[Settings, list[Fault], list[str]]:
    """Return the settings, their faults, and warnings."""
    console, warnings, faults = draft, list[str](), list[Fault]()
    if console is None:
        console, warnings, faults = read_console_tables(records, records_place(environ)[1])
    settings, found = read_settings(environ, secret_keys=secret_keys, console=console)
    place = str(settings.config_dir / "smsgate.toml")
    found += check_accounts(settings.accounts.values(), place)
    found += check_applications(settings.programs, settings.accounts, place)
    return settings, [*faults, *placed(found, console, place)], warnings


def warnings_of(settings: Settings, *, has_keys: bool) -> tuple[str, ...]:
    """What does not hinder a start but must be said loudly.

    ``has_keys``: whether API keys were made, see ``has_keys``.
    """
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
    if not settings.api_keys and not has_keys:
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
    return tuple(found)


def _is_for_trying(settings: Settings) -> bool:
    """Whether nothing but the simulator of ``smsgate dev`` can receive a text."""
    able = [account for account in settings.accounts.values() if usable(account)]
    return bool(able) and all(account.simulated for account in able)


def has_keys(records: Records) -> bool:
    """Whether an API key was made; true while the records, which say so themselves, are away."""
    try:
        return not records.absent and bool(records.keys.all(time.time_ns() // 1000))
    except RecordsUnavailable:
        return True


FIXED: Mapping[str, str] = {
    "redis_url": "REDIS_URL",
    "queue_url": "QUEUE_URL",
    "database_url": "DATABASE_URL",
    "data_dir": "SMSGATE_DATA_DIR",
    "port": "PORT",
    "web_concurrency": "WEB_CONCURRENCY",
    "web_threads": "WEB_THREADS",
}
"""Settings that a running process keeps, and the variables that they come from."""


def version_of(settings: Settings, keyword_sets: Mapping[str, str]) -> str:
    """Hash of what the files say: the same on every host that has the same files."""
    content = msgspec.json.encode([settings.document, keyword_sets], order="deterministic")
    return sha256(content).hexdigest()[:12]


def outside_of(settings: Settings) -> str:
    """Hash of what stands behind the files: values of the environment, and of files that it names.

    Sixteen bits: enough to see that a secret has changed, too few to find one by trying.
    """
    blank = {name: type(getattr(settings, name))() for name in (*FIXED, "config_dir")}
    return sha256(_everything(replace(settings, **blank))).hexdigest()[:4]


def are_same_settings(one: Settings, other: Settings) -> bool:
    """Whether two settings say the same, to the last secret."""
    return _everything(one) == _everything(other)


def followable_settings(old: Settings, new: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The new settings as far as a running process can follow, and the variables it cannot."""
    changed = [name for name in FIXED if getattr(old, name) != getattr(new, name)]
    stay = {name: getattr(old, name) for name in changed}
    return replace(new, **stay), tuple(FIXED[name] for name in changed)


def _everything(settings: Settings) -> bytes:
    return msgspec.json.encode(settings, enc_hook=_plain, order="deterministic")


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Programs):
        return [*value]
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))
