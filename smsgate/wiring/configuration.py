"""What operators write, read and checked: the one place where a configuration is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field

from smsgate.errors import ConfigurationError, Fault
from smsgate.gateway.keywords.console_sets import console_sets
from smsgate.optout import Classifier, Classifiers, Shelf
from smsgate.optout.own import OwnSets
from smsgate.providers import check_accounts, check_applications, secret_keys, usable
from smsgate.records import Records
from smsgate.settings import Settings, read_settings
from smsgate.wiring.versions import version_of


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

    def understand(self) -> None:
        """Make every classifier now, so that the first texts do not wait for it.

        Raises ``ConfigurationError`` where a keyword file was changed since it was loaded.
        """
        for name in self.classifiers:
            if self.classifiers[name].version != self.keyword_sets[name]:
                problem = "was changed while it was read: read it again"
                raise ConfigurationError([Fault("keywords", name, problem)])


def load_configuration(environ: Mapping[str, str]) -> Configuration:
    """Read and check everything that operators write, in files and in the console.

    Raises ``ConfigurationError`` with every fault that there is: settings, accounts, keyword sets.
    """
    settings, faults = _settings(environ)
    with closing(Records(settings.database_url)) as records:
        of_console, amiss = console_sets(records, settings.data_dir)
    own = OwnSets(settings.config_dir / "keywords", of_console)
    shelf = Shelf(own, settings.programs, settings.data_dir)
    faults += shelf.faults()
    if faults:
        raise ConfigurationError(faults)
    return Configuration(
        settings,
        Classifiers(shelf, settings.programs),
        (*warnings_of(settings), *amiss),
        version_of(settings, shelf.versions),
        shelf.versions,
    )


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
    place = str(settings.config_dir / "smsgate.toml")
    faults += check_accounts(settings.accounts.values(), place)
    faults += check_applications(settings.programs, settings.accounts, place)
    return settings, faults


def warnings_of(settings: Settings) -> tuple[str, ...]:
    """What does not hinder a start but must be said loudly."""
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
