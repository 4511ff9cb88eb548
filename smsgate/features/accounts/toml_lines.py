"""The lines of ``smsgate.toml`` for an account or a program, and the variables that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tomlkit
from tomlkit.items import Table

from smsgate.domain.errors import Unfit
from smsgate.providers import PROVIDERS
from smsgate.providers.fields import Field


class Variable(NamedTuple):
    """A variable of the environment that the lines name."""

    name: str
    what: str
    """What its value must be."""


class TomlLines(NamedTuple):
    """What to add to ``smsgate.toml``."""

    text: str
    variables: Sequence[Variable]


def account_lines(name: str, provider: str, options: Mapping[str, str] | None = None) -> TomlLines:
    """Return the table of an account: what is required, and what ``options`` give.

    Secrets are named by variables. Raises ``Unfit`` where there is no such provider.
    """
    _refuse_unknown(provider)
    given, table, variables = dict(options or {}), tomlkit.table(), list[Variable]()
    table["provider"] = provider
    for field in PROVIDERS[provider].fields:
        if field.secret and (field.name in given or _is_required(field, given)):
            variable = re.sub(r"[^A-Z0-9_]", "_", f"{name}_{field.name}".upper())
            table[field.name] = f"${{{variable}}}"
            table[field.name].comment(field.what)
            variables.append(Variable(variable, field.what))
            given.pop(field.name, None)
        elif not field.secret and _is_required(field, given) and field.name not in given:
            table[field.name] = ""
            table[field.name].comment(field.what)
    table.update(given)
    return TomlLines(_document("accounts", name, table), variables)


def program_lines(
    name: str, title: str, account: str, senders: Sequence[str], region: str = ""
) -> TomlLines:
    """Return the table of a program; its other keys have their defaults."""
    table = tomlkit.table()
    table.update({"name": title, "account": account, "senders": [*senders], "keywords": ["*"]})
    if region:
        table["region"] = region
    return TomlLines(_document("programs", name, table), ())


def _refuse_unknown(provider: str) -> None:
    if provider not in PROVIDERS:
        raise Unfit(f"There is no provider {provider!r}: choose one of {', '.join(PROVIDERS)}.")


def _is_required(field: Field, given: Mapping[str, str]) -> bool:
    key, value = field.only_with or ("", "")
    return field.required and given.get(key, "") == value


def _document(heading: str, name: str, table: Table) -> str:
    document = tomlkit.document()
    document[heading] = tomlkit.table(is_super_table=True)
    document[heading][name] = table
    return tomlkit.dumps(document)
