"""What the console changes of accounts, programs and alerts, over ``smsgate.toml``. Pure.

The console sets single keys of a table, such as ``contact`` of a program; the other keys stay those
of the file. A program, an account or a destination of alerts that the file does not have stands in
the console as a whole.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from smsgate.domain.errors import Fault

ConsoleTables = Mapping[str, Mapping[str, object]]
"""By table, such as ``programs.alerts``, the keys that the console sets."""
SecretKeys = Callable[[str], frozenset[str]]
HEADINGS = ("accounts", "alerts", "programs")
PLACE = "the console"
"""Where faults stand that are in what the console sets."""
_NEEDED = {
    "accounts": frozenset({"provider"}),
    "programs": frozenset({"name", "account", "senders", "keywords"}),
    "alerts.webhook": frozenset({"url"}),
    "alerts.email": frozenset({"host", "from", "to"}),
    "alerts.text": frozenset({"account", "from", "to"}),
}
"""Without these keys a table only changes one of the file."""
ALERT_SECRETS: Mapping[str, frozenset[str]] = {
    "alerts.webhook": frozenset({"url"}),
    "alerts.email": frozenset({"password"}),
}
"""By table of ``[alerts]``, the keys that hold secrets."""
_WEBHOOK = "alerts.webhook"
"""A text in the file, and a table with the key ``url`` in the console."""
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


@dataclass(frozen=True, slots=True)
class ConsoleOverride:
    """A key in which console and file differ; the console's value is in force."""

    key: str
    """Such as ``programs.alerts.contact``, or ``programs.alerts``, which the file does not have."""
    file: str
    """As JSON, which reads like TOML; empty where the file does not have the key."""
    console: str
    """Likewise; empty where the whole table is the console's."""


def parse_tables(content: str) -> dict[str, dict[str, object]]:
    """Return the tables of a TOML document. Raises ``ValueError`` where it is no such document."""
    found: dict[str, dict[str, object]] = {}
    for heading, tables in tomllib.loads(content).items():
        if heading not in HEADINGS or not isinstance(tables, dict):
            raise ValueError(f"{heading} is no table of programs, accounts or alerts")
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise ValueError(f"{heading}.{name} is no table")  # noqa: TRY004 - as the others
            found[f"{heading}.{name}"] = table
    return found


def file_table(document: Mapping[str, object], table: str) -> dict[str, object] | None:
    """Return a table of the file, such as ``programs.alerts``; None where there is none."""
    heading, _, name = table.partition(".")
    below = document.get(heading)
    found = below.get(name) if isinstance(below, dict) else None
    if table == _WEBHOOK and found and isinstance(found, str):
        return {"url": found}
    return dict(found) if isinstance(found, dict) else None


def is_whole(table: str, values: Mapping[str, object]) -> bool:
    """Whether the console's keys make a program, an account or a destination without the file."""
    heading = table.partition(".")[0]
    needed = _NEEDED.get(table) if heading == "alerts" else _NEEDED[heading]
    return needed is not None and needed <= values.keys()


def in_document(table: str, values: Mapping[str, object]) -> object:
    """Return what a table of the console is in the file's document."""
    return values["url"] if table == _WEBHOOK else dict(values)


def lay_over(
    document: Mapping[str, object], console: ConsoleTables
) -> tuple[dict[str, object], list[Fault]]:
    """Return the document with the console's keys in it, and faults.

    A table of the console whose counterpart is gone from the file is a fault, and is left out.
    """
    merged = dict(document)
    faults = []
    for table, values in console.items():
        heading, _, name = table.partition(".")
        below = merged.get(heading, {})
        if not isinstance(below, dict):
            continue  # which is a fault of the file
        before = file_table(document, table)
        is_empty_webhook = table == _WEBHOOK and below.get(name) == ""
        if before is None and name in below and not is_empty_webhook:
            continue  # likewise
        if before is None and not is_whole(table, values):
            problem = (
                f"is gone from the file, and the console changes some of its keys: put it back, or "
                f"run `smsgate config revert {table}`"
            )
            faults.append(Fault(PLACE, table, problem))
            continue
        merged[heading] = {**below, name: in_document(table, {**(before or {}), **values})}
    return merged, faults


def overrides_of(
    document: Mapping[str, object], console: ConsoleTables, secret_keys: SecretKeys
) -> tuple[ConsoleOverride, ...]:
    """Return where console and file differ. No secret of the file is in it."""
    found = []
    for table, values in console.items():
        before = file_table(document, table)
        if before is None:
            found.append(ConsoleOverride(table, "", ""))
            continue
        hidden = ALERT_SECRETS.get(table, frozenset())
        if table.startswith("accounts."):
            hidden = secret_keys(str({**before, **values}.get("provider", "")))
        found += [
            ConsoleOverride(
                f"{table}.{key}",
                shown(before[key], hide=key in hidden) if key in before else "",
                shown(value, hide=key in hidden),
            )
            for key, value in values.items()
            if key not in before or before[key] != value
        ]
    return tuple(found)


def shown(value: object, *, hide: bool = False) -> str:
    """Return a value as a file has it; of a secret only which variable holds it."""
    if hide and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
        return "a secret"
    return json.dumps(value, ensure_ascii=False, default=str)


def placed(faults: Iterable[Fault], console: ConsoleTables, file: str) -> list[Fault]:
    """Return the faults; those of keys that the console sets have the console as their place."""
    return [
        replace(one, place=PLACE) if one.place == file and _is_set(one.key, console) else one
        for one in faults
    ]


def _is_set(key: str, console: ConsoleTables) -> bool:
    table = ".".join(key.split(".")[:2])
    values = console.get(table, {})
    if key == table:
        return is_whole(table, values) if values else False
    return key.split(".")[2] in values
