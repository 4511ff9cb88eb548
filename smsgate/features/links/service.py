"""Opt-outs by link: entries like any other, so that they block at once and keep their order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from smsgate.consent.transitions import scope_of
from smsgate.domain.errors import UnknownProgram
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.domain.opt_out_links import Link, Links, program_id, read_token
from smsgate.domain.phone import e164
from smsgate.pipeline.services import Services
from smsgate.settings import Program, Settings


@dataclass(frozen=True, slots=True)
class Opened:
    """A true link: whose it is, and which program sent it."""

    link: Link
    program: Program | None
    """Nothing where that program is not configured any more."""


@dataclass(frozen=True)
class Linking:
    """Makes, reads and honours links. ``enter`` puts an entry into the inbox and gives its id."""

    settings: Settings
    enter: Callable[[Entry], str]

    @classmethod
    def of(cls, services: Services) -> Linking:
        """Links of these services."""
        return cls(services.settings, services.manual.add)

    @cached_property
    def _secrets(self) -> list[str]:
        return [one.value for one in self.settings.secret_keys]

    def make(self, number: str, program: str, local_url: str = "") -> str:
        """The link for a number, read as the program's region writes it.

        ``local_url`` is where it leads while no public URL is set. Raises ``InvalidNumber``,
        ``UnknownProgram``, ``LinksNotReady``.
        """
        known = e164(number, self._program(program).region)
        links = Links(self.settings.public_url or local_url, self._secrets)
        return links.make(known, program, now_s=time.time())

    def open(self, token: str) -> Opened:
        """What a token says; changes nothing. Raises ``LinkBroken``, ``LinkExpired``."""
        link = read_token(token, self._secrets, now_s=time.time())
        named = [
            program
            for program in self.settings.programs
            if link.program_id in map(program_id, (program.name, *program.formerly))
        ]
        return Opened(link, named[0] if len(named) == 1 else None)

    def opt_out(self, opened: Opened, choice: str, language: str) -> str:
        """Opt the link's number out, and give the scope in which that holds.

        ``choice`` is ``all`` or a program, or empty: then the scope is the one that a STOP to the
        link's program has. From here on the number is blocked. Raises ``UnknownProgram``,
        ``StoreUnavailable``.
        """
        entry = self._entry(opened, choice, language)
        self.enter(entry)
        return entry.scope

    def _entry(self, opened: Opened, choice: str, language: str) -> Entry:
        asking = opened.program
        if choice and choice != ALL:
            asking = self._program(choice)
        everywhere = choice == ALL or asking is None
        decision = Decision(
            Intent.OPT_OUT,
            rule="link",
            language=language,
            scope=ALL if everywhere else "program" if choice else "",
            note=f"chose {choice} on the page" if choice else "stopped by the link itself",
        )
        return Entry(
            number=opened.link.number,
            program=asking.name if asking else ALL,
            decision=decision,
            scope=scope_of(decision, asking) if asking else ALL,
            source="link",
        )

    def _program(self, name: str) -> Program:
        found = self.settings.programs.get(name)
        if found is None:
            names = ", ".join(program.name for program in self.settings.programs)
            raise UnknownProgram(f"no program is called {name!r}; there are: {names}")
        return found
