"""Accounts, and the way from a sender to its program: what every webhook asks of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, dataclass_transform

from pydantic import ConfigDict, Field, StrictBool

from smsgate.settings import rules
from smsgate.settings.rules import Filled, ReadOnly

if TYPE_CHECKING:
    from smsgate.settings import Program

ANY_SENDER = "*"
"""As a program's sender: whatever no other program of the account names."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Table:
    """Makes a frozen dataclass of each table; a key that is not among its fields is a fault."""

    __pydantic_config__: ClassVar = ConfigDict(
        extra="forbid", alias_generator=lambda name: name.removesuffix("_us").rstrip("_")
    )

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        dataclass(frozen=True, kw_only=kw_only)(cls)


class Account(Table):
    """``[accounts.NAME]``: credentials at one provider; ``name`` is part of the webhook's URL."""

    name: str
    provider: Filled
    options: Annotated[Mapping[str, str], ReadOnly] = field(default_factory=dict, repr=False)
    """The provider's own keys that are not secret; an unset ``${NAME}`` is empty there."""
    secrets: Annotated[Mapping[str, rules.Secrets], ReadOnly] = field(default_factory=dict)
    """The provider's secret keys, newest secret first; ``()`` where the variable is unset."""
    public_url: rules.BaseUrl = ""
    """What the provider calls, without trailing slash; ``""`` where nothing was configured."""
    api_url: rules.BaseUrl = ""
    """Where to call the provider; ``""`` is the provider's own address."""
    rate: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """Texts a second that each of our senders may send; 0 is no limit."""
    simulated: bool = False
    silent_hours: Annotated[float, Field(ge=0, le=720)] = 0.0
    """After how many hours without a request an alert is due; 0 is never."""
    opt_out_list: StrictBool = False
    """Whether opt-outs are compared with the provider's own list of them."""
    unset: Annotated[Mapping[str, str], ReadOnly] = field(default_factory=dict)
    """By provider's key, what the file says where it names a variable that is not set."""

    def values_of(self, key: str) -> list[str]:
        """Return the secrets under ``key``, newest first, without empty ones."""
        return [one.get_secret_value() for one in self.secrets.get(key, ()) if one]

    def newest_secret(self, key: str) -> str:
        """Return the secret under ``key`` that signs and authorizes; the account must have one."""
        return self.secrets[key][0].get_secret_value()


class Programs(tuple["Program", ...]):
    """All programs, in the order of the file, and the way from a sender to its program."""

    __slots__ = ()

    @property
    def renamed(self) -> dict[str, str]:
        """By former name the name of the program now."""
        return {old: one.name for one in self for old in one.formerly}

    def get(self, name: str) -> Program | None:
        """Return the program of that name, or nothing."""
        return next((one for one in self if one.name == name), None)

    def route(self, account: Account, sender: str, service: str = "") -> Program | None:
        """Return the program that was texted, or nothing where no program claims the sender.

        The sender itself decides before the service that it belongs to, and both before ``*``.
        A simulated account reaches the programs of every account.
        """
        ours = [one for one in self if account.simulated or one.account == account.name]
        claimed = (sender, service, ANY_SENDER)
        return next((one for each in claimed for one in ours if each in one.senders), None)
