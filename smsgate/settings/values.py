"""What the settings are once they are read: frozen, and safe to print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from smsgate.settings.applications import Application, Feed, Secret

ANY_SENDER = "*"
"""As a program's sender: whatever no other program of the account names."""


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials at one provider; ``name`` is part of the webhook's URL."""

    name: str
    provider: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The provider's own keys that are not secret; an unset ``${NAME}`` is empty there."""
    secrets: Mapping[str, tuple[Secret, ...]] = field(default_factory=dict)
    """The provider's secret keys, newest secret first; ``()`` where the variable is unset."""
    public_url: str = ""
    """What the provider calls, without trailing slash; ``""`` where nothing was configured."""
    api_url: str = ""
    """Where to call the provider; ``""`` is the provider's own address."""
    rate: float = 0.0
    """Texts a second that each of our senders may send; 0 is no limit."""
    simulated: bool = False
    silent_hours: float = 0.0
    """After how many hours without a request an alert is due; 0 is never."""
    opt_out_list: bool = False
    """Whether opt-outs are compared with the provider's own list of them."""
    unset: Mapping[str, str] = field(default_factory=dict)
    """By provider's key, what the file says where it names a variable that is not set."""

    def values_of(self, key: str) -> list[str]:
        """Return the secrets under ``key``, newest first, without empty ones."""
        return [one.value for one in self.secrets.get(key, ()) if one.value]

    def newest_secret(self, key: str) -> str:
        """Return the secret under ``key`` that signs and authorizes; the account must have one."""
        return self.secrets[key][0].value


@dataclass(frozen=True, slots=True)
class Program:
    """What a subscriber is subscribed to: senders, keywords, replies, kind and scope."""

    name: str
    title: str
    account: str
    senders: tuple[str, ...]
    keywords: tuple[str, ...]
    kind: Literal["marketing", "service"] = "marketing"
    scope: Literal["all", "program"] = "all"
    region: str = ""
    confirm: Literal["auto", "always", "never"] = "auto"
    replies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By language the operator's own wording of ``opt_out``, ``opt_in``, ``help`` and ``question``,
    and the ``opt_out_line`` under texts."""
    formerly: tuple[str, ...] = ()
    opt_out_words: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    contact: str = ""
    require_consent: bool = False
    """Whether the gate lets it text only numbers with a consent on record."""
    double_opt_in: bool = False
    """Whether an opt-in by text is asked back: "Reply YES to confirm"."""
    feed: Feed | None = None
    forward: Application | None = None


class Programs:
    """All programs, in the order of the file, and the way from a sender to its program."""

    __slots__ = ("_by_name", "_by_sender", "_of_any_account")

    def __init__(self, programs: Iterable[Program] = ()) -> None:
        """Index the programs; where two claim one sender the first one has it."""
        self._by_name = MappingProxyType({program.name: program for program in programs})
        self._by_sender: dict[tuple[str, str], Program] = {}
        self._of_any_account: dict[str, Program] = {}
        for program in self._by_name.values():
            for sender in program.senders:
                self._by_sender.setdefault((program.account, sender), program)
                self._of_any_account.setdefault(sender, program)

    def __iter__(self) -> Iterator[Program]:
        """Yield each program, in the order of the file."""
        return iter(self._by_name.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        """Whether there is a program of that name."""
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
        for claimed in (sender, service, ANY_SENDER):
            if account.simulated:
                found = self._of_any_account.get(claimed)
            else:
                found = self._by_sender.get((account.name, claimed))
            if found is not None:
                return found
        return None
