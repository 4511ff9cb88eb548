"""Changes of programs, accounts and alerts in the console: tried, saved as versions, undone.

The console sets single keys over ``smsgate.toml``. A change is checked by loading the whole
configuration with it, so that it may do exactly what the file may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from smsgate.domain.errors import (
    ConfigurationChanged,
    ConfigurationError,
    Fault,
    StoreNotReady,
    StoreUnavailable,
    Unfit,
)
from smsgate.domain.line_diff import DiffLine, compare_texts
from smsgate.features.configuration_editor.errors import NoSuchVersion
from smsgate.features.configuration_editor.secret_files import SecretFiles, variable_of_table
from smsgate.features.configuration_editor.secret_guards import secret_faults, secret_keys_of
from smsgate.features.configuration_editor.sources import ConfigurationChange, ConfigurationSources
from smsgate.pipeline.configuration import load_configuration, load_settings
from smsgate.pipeline.configuration_changes import next_version, tables_text
from smsgate.pipeline.configuration_rollout import refuse_dropped
from smsgate.pipeline.console_configuration import tables_of
from smsgate.pipeline.console_keyword_sets import read_console_sets
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS
from smsgate.records import ConfigurationVersion
from smsgate.settings import Alerts, Program, Settings
from smsgate.settings.console import PLACE, shown
from smsgate.settings.operator_sets import OperatorSets
from smsgate.settings.read import FILE, read_document
from smsgate.settings.shape import AccountTable, EmailTable, ProgramTable, TextTable

PAGE_SIZE = 50
"""Versions that are shown at once."""
MAX_BYTES = 200_000
"""Of all that the console sets: each version has all of it."""
PROGRAM_KEYS = frozenset(ProgramTable.model_fields) - {"feed", "forward"}
"""The keys of a program that the console may set; the other two hold secrets and stay files'."""
ACCOUNT_KEYS = frozenset(AccountTable.model_fields) - {"api_url"}
"""Likewise of an account, beside its provider's: a secret must go nowhere else by a page."""
ALERT_KEYS = {
    "alerts.webhook": frozenset({"url"}),
    "alerts.email": frozenset(one.alias or name for name, one in EmailTable.model_fields.items()),
    "alerts.text": frozenset(one.alias or name for name, one in TextTable.model_fields.items()),
}
"""By destination of alerts, its keys."""
_TABLE = re.compile(r"(programs|accounts)\.[a-z0-9][a-z0-9_-]{0,39}|alerts\.(webhook|email|text)")
_TRIES = 5


@dataclass(frozen=True, slots=True)
class ConfigurationDraft:
    """What a change would do."""

    faults: Sequence[Fault]
    warnings: Sequence[str]
    """What the author should know before saving, though it is no fault."""
    lines: Sequence[DiffLine]
    """How the changed tables differ from those in force."""
    conflict: ConfigurationVersion | None
    """The newest version that changed the same table since the author saw it."""
    version: int
    """The newest version, on which it would be saved now."""


class ConfigurationEditor:
    """Everything raises ``RecordsUnavailable``."""

    def __init__(self, services: Services, environ: Mapping[str, str]) -> None:
        """``environ`` is what this process was started with."""
        self._settings = services.settings
        self._store = services.store
        self._records = services.records
        self._versions = services.records.configuration_versions
        self._environ = environ
        self.secrets = SecretFiles(services.settings.data_dir, environ, services.store.heartbeats)

    def sources(self) -> ConfigurationSources:
        """Return what file and console say now. Raises ``ConfigurationError``."""
        document, faults = read_document(self._settings.config_dir / FILE)
        if faults:
            raise ConfigurationError(faults)
        newest = self._versions.newest()
        tables = tables_of(newest.content if newest else "")
        return ConfigurationSources(document, tables, newest.version if newest else 0)

    def settings(self) -> Settings:
        """Return the settings as saved, which this process may not have taken over yet.

        Those that it has, where the saved ones have a fault.
        """
        try:
            return load_settings(self._environ)
        except ConfigurationError:
            return self._settings

    def own_sets(self) -> list[str]:
        """Return the names of the operator's own keyword sets, in files and in the console."""
        of_console, _ = read_console_sets(self._records, self._settings.data_dir)
        return OperatorSets(self._settings.config_dir / "keywords", of_console).names()

    def history(self, before: int | None = None, table: str = "") -> list[ConfigurationVersion]:
        """Return a page of versions, newest first; with ``table`` those that changed it."""
        return self._versions.page(PAGE_SIZE, before, table)

    def version(self, number: int) -> ConfigurationVersion:
        """Return a version; 0 is what was there before the first. Raises ``NoSuchVersion``."""
        if number == 0:
            return ConfigurationVersion(0, "", (), "", 0)
        found = self._versions.find(number)
        if found is None:
            raise NoSuchVersion(f"The console has no version {number} of the configuration.")
        return found

    def undo(self, number: int) -> ConfigurationChange:
        """Return the change that puts what a version changed as it was before.

        Raises ``NoSuchVersion``.
        """
        undone = self.version(number)
        before = tables_of(self.version(max(number - 1, 0)).content)
        tables = {table: before.get(table) for table in undone.changed}
        return ConfigurationChange(tables, self._newest_number())

    def revert(self, table: str) -> ConfigurationChange:
        """Return the change after which the file alone says what a table has."""
        return ConfigurationChange({table: None}, self._newest_number())

    def remove_program(self, name: str, successor: str) -> ConfigurationChange:
        """Return the change that removes a program of the console.

        Its opt-outs go on to the successor, which gets the name as a former one; none: ``""``.
        """
        sources = self.sources()
        tables: dict[str, Mapping[str, object] | None] = {f"programs.{name}": None}
        successor_table = f"programs.{successor}"
        values = sources.effective(successor_table) if successor else None
        if values is not None:
            removed = sources.effective(f"programs.{name}") or {}
            former = [*_texts(values.get("formerly")), *_texts(removed.get("formerly")), name]
            tables[successor_table] = sources.with_keys(
                successor_table, {"formerly": list(dict.fromkeys(former))}
            )
        return ConfigurationChange(tables, sources.version)

    def check(
        self, change: ConfigurationChange, secrets: Mapping[str, str] | None = None
    ) -> ConfigurationDraft:
        """Say what a change would do, and all that is wrong with it; nothing is saved.

        ``secrets`` are new values of variables. A store that is away is a fault too: nobody can
        tell whether numbers have opted out of a program that would go.
        """
        sources = self.sources()
        changed = sources.with_change(change)
        after, faults = self._tried(sources, change, secrets or {})
        warnings = [*_warnings(self.settings(), after)] if after else []
        before_text, after_text = (
            tables_text(
                {
                    table: _without_secrets(table, values)
                    for table in change.tables
                    if (values := one.effective(table)) is not None
                }
            )
            for one in (sources, changed)
        )
        return ConfigurationDraft(
            faults,
            warnings,
            compare_texts(before_text, after_text),
            self._conflict(change, sources),
            sources.version,
        )

    def save(
        self,
        change: ConfigurationChange,
        author: str,
        note: str = "",
        secrets: Mapping[str, str] | None = None,
    ) -> ConfigurationVersion:
        """Make a change the newest version, and keep new values of variables as files.

        Raises ``ConfigurationChanged``, ``ConfigurationError`` with every fault, ``SecretRefused``
        and ``Unfit``; nothing is saved then.
        """
        secrets = secrets or {}
        for attempt in range(_TRIES):
            sources = self.sources()
            if conflict := self._conflict(change, sources):
                raise ConfigurationChanged(conflict_text(conflict))
            changed = sources.with_change(change)
            _, faults = self._tried(sources, change, secrets)
            if faults:
                raise ConfigurationError(faults)
            newest = self._versions.newest()
            if (newest.version if newest else 0) != sources.version:
                continue  # another program or account was saved just now: check with that
            saved = next_version(newest, changed.tables, author, note)
            if not saved.changed and not secrets:
                raise Unfit("Nothing has changed, so there is nothing to save.")
            # A new secret alone changes no table; its account is named all the same.
            saved = replace(saved, changed=saved.changed or tuple(change.tables))
            try:
                with self.secrets.written(secrets):
                    self._versions.save(saved)
            except ConfigurationChanged:
                if attempt + 1 == _TRIES:
                    raise
            else:
                return saved
        raise ConfigurationChanged("Others save changes all the time: try again.")

    def _newest_number(self) -> int:
        newest = self._versions.newest()
        return newest.version if newest else 0

    def _removed(self, table: str) -> Mapping[str, object] | None:
        """Return what a table had when its newest change removed it; None where it did not."""
        newest = next(iter(self._versions.page(1, table=table)), None)
        if newest is None or table in tables_of(newest.content):
            return None
        return tables_of(self.version(newest.version - 1).content).get(table)

    def _conflict(
        self, change: ConfigurationChange, sources: ConfigurationSources
    ) -> ConfigurationVersion | None:
        """Return the newest version that set one of the tables after its author saw it."""
        if change.base >= sources.version:
            return None
        for table in change.tables:
            newest = next(iter(self._versions.page(1, table=table)), None)
            if newest is not None and newest.version > change.base:
                return newest
        return None

    def _tried(
        self,
        sources: ConfigurationSources,
        change: ConfigurationChange,
        secrets: Mapping[str, str],
    ) -> tuple[Settings | None, list[Fault]]:
        """Return the settings with the change in them, or all its faults."""
        changed = sources.with_change(change)
        faults = [fault for table in change.tables for fault in _unfit(table, changed)]
        for table in change.tables:
            removed = self._removed(table)
            faults += secret_faults(table, sources, changed, secrets, self.secrets, removed)
        size = len(tables_text(changed.tables).encode()) if not faults else 0
        if size > MAX_BYTES:
            problem = f"has {size:,} bytes, and the console keeps {MAX_BYTES:,}: use the file"
            faults.append(Fault(PLACE, "configuration", problem))
        if faults:
            return None, faults
        try:
            found = load_configuration({**self._environ, **secrets}, changed.tables)
            refuse_dropped(found.settings, self._store)
        except ConfigurationError as error:
            return None, list(error.faults)
        except (StoreUnavailable, StoreNotReady) as error:
            return None, [Fault(PLACE, "programs", f"cannot be saved now: {error}")]
        return found.settings, []


def conflict_text(conflict: ConfigurationVersion) -> str:
    """Return the sentence for the author of a change that somebody else was faster than."""
    return (
        f"{conflict.author} saved version {conflict.version} of it while you worked: review the "
        "differences, then save again."
    )


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _unfit(table: str, changed: ConfigurationSources) -> Iterator[Fault]:
    """Yield what the console may not set, whatever the file may."""
    heading = table.partition(".")[0]
    values = changed.tables.get(table, {})
    if not _TABLE.fullmatch(table):
        problem = "is no fit name: use a-z, 0-9, - and _, such as alerts"
        yield Fault(PLACE, table, problem)
        return
    secret = secret_keys_of(table, changed.effective(table) or {})
    known = ALERT_KEYS.get(table, PROGRAM_KEYS)
    if heading == "accounts":
        provider = str((changed.effective(table) or {}).get("provider", ""))
        every = PROVIDERS.values() if provider not in PROVIDERS else [PROVIDERS[provider]]
        known = ACCOUNT_KEYS | {field.name for one in every for field in one.fields}
    for key, value in values.items():
        if key not in known:
            yield Fault(PLACE, f"{table}.{key}", "can only be set in the file")
        elif heading == "alerts" and value == "":
            continue
        elif key in secret and value != f"${{{variable_of_table(table, key)}}}":
            problem = "is a secret, and those are kept as files: enter it in its form"
            yield Fault(PLACE, f"{table}.{key}", problem)
        elif key not in secret:
            yield from _references(f"{table}.{key}", value)


def _references(key: str, value: object) -> Iterator[Fault]:
    """Yield texts that name a variable: its value, maybe a secret, would be seen in a page."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _references(f"{key}.{name}", below)
    elif isinstance(value, list):
        for below in value:
            yield from _references(key, below)
    elif isinstance(value, str) and "${" in value:
        yield Fault(PLACE, key, "names a variable, which only the file may: write the value itself")


def _without_secrets(table: str, values: Mapping[str, object]) -> dict[str, object]:
    """Return the keys that may be seen; those of the file may hold secrets as they are."""
    if table.startswith("programs."):
        return {key: value for key, value in values.items() if key in PROGRAM_KEYS}
    secret = secret_keys_of(table, values)
    return {
        key: shown(value, hide=True).strip('"') if key in secret else value
        for key, value in values.items()
    }


def _warnings(before: Settings, after: Settings) -> Iterator[str]:
    """Yield what a change does that its author may not expect."""
    for program in after.programs:
        old = before.programs.get(program.name)
        if old is not None:
            yield from _program_warnings(old, program)
    if before.alerts != Alerts() and after.alerts == Alerts():
        yield "Alerts: no destination is left, so no one is notified when something fails."
    for gone in before.programs:
        if gone.name not in after.programs and gone.name not in after.programs.renamed:
            yield (
                f"{gone.title} is removed. Texts to its senders are recorded as unrouted, and "
                f"checks for {gone.name} will return an error."
            )


def _program_warnings(old: Program, new: Program) -> Iterator[str]:
    title = new.title
    if old.scope != new.scope and new.scope == "all":
        yield (
            f"Scope: from now on a STOP to {title} ends every program. Opt-outs until now stay as "
            f"they are: numbers that left only {title} may still be texted by the others."
        )
    elif old.scope != new.scope:
        yield (
            f"Scope: from now on a STOP to {title} ends {title} alone, and the other programs may "
            "go on texting the number. Numbers that left every program until now stay opted out "
            "of all of them."
        )
    if old.kind != new.kind and new.kind == "service":
        yield f"Kind: {title} may from now on text a number while a text of it waits in Review."
    if new.require_consent and not old.require_consent:
        yield f"Consent: {title} may no longer text numbers without a consent on record."
    if new.confirm == "never" and old.confirm != "never":
        yield f"Confirmation: nobody who leaves {title} gets a reply from us."
    dropped = [one for one in old.senders if one not in new.senders and old.account == new.account]
    if dropped and "*" not in new.senders:
        yield (
            f"Senders: texts to {', '.join(dropped)} no longer reach {title}. Unless another "
            "program has these senders, a STOP to them is recorded as unrouted and blocks nothing."
        )
    if old.account != new.account:
        yield f"Account: {title} gets its texts by {new.account} and replies by it."
