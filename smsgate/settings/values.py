"""Accounts, and the way from a sender to its program: what every webhook asks of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import ConfigDict, Field, StrictBool

from smsgate.settings import rules
from smsgate.settings.rules import Filled, ReadOnly

if TYPE_CHECKING:
    from smsgate.settings import Program

ANY_SENDER = "*"
"""As a program's sender: whatever no other program of the account names."""


class Table:
    """Base of what is read from a table: a key that is not among the fields is a fault."""

    __slots__ = ()
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
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
        return [one.value for one in self.secrets.get(key, ()) if one.value]

    def newest_secret(self, key: str) -> str:
        """Return the secret under ``key`` that signs and authorizes; the account must have one."""
        return self.secrets[key][0].value


class Programs:
    """All programs, in the order of the file, and the way from a sender to its program."""

    __slots__ = ("_by_name", "_by_sender")

    def __init__(self, programs: Iterable[Program] = ()) -> None:
        """Index the programs; where two claim one sender the first one has it."""
        self._by_name = {program.name: program for program in programs}
        self._by_sender: dict[tuple[str | None, str], Program] = {}
        for program in self:
            for sender in program.senders:
                self._by_sender.setdefault((program.account, sender), program)
                self._by_sender.setdefault((None, sender), program)

    def __iter__(self) -> Iterator[Program]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def renamed(self) -> dict[str, str]:
        """By former name the name of the program now."""
        return {old: one.name for one in self for old in one.formerly}

    def get(self, name: str) -> Program | None:
        """Return the program of that name, or nothing."""
        return self._by_name.get(name)

    def route(self, account: Account, sender: str, service: str = "") -> Program | None:
        """Return the program that was texted, or nothing where no program claims the sender.

        The sender itself decides before the service that it belongs to, and both before ``*``.
        A simulated account reaches the programs of every account.
        """
        name = None if account.simulated else account.name
        for claimed in (sender, service, ANY_SENDER):
            if found := self._by_sender.get((name, claimed)):
                return found
        return None
