"""Presets: gateways whose fields are known, so that an account names them and little more."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from types import MappingProxyType

from smsgate.settings import Account


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a gateway."""

    options: Mapping[str, str]
    """Keys of an account."""
    needs: tuple[str, ...]
    """Keys that the account has to set itself."""


def _read() -> Mapping[str, Preset]:
    tables = tomllib.loads(files(__package__).joinpath("presets.toml").read_text("utf-8"))
    return MappingProxyType(
        {name: Preset(table, tuple(table.pop("needs"))) for name, table in tables.items()}
    )


PRESETS = _read()
_SUPERSEDES = {"to": ("to_field",), "id_field": ("id_from", "time_field")}


def with_preset(account: Account) -> Account:
    """Return the account with the keys of its preset, where it does not set them itself.

    A number of its own stands in for the preset's ``to_field``, and an id field for an id that the
    preset makes of the content.
    """
    preset = PRESETS.get(account.options.get("preset", ""))
    if preset is None:
        return account
    own = {key: value for key, value in account.options.items() if value}
    superseded = {other for key in own for other in _SUPERSEDES.get(key, ())}
    known = {key: value for key, value in preset.options.items() if key not in superseded}
    return replace(account, options=known | own)
