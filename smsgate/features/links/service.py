"""Opt-outs by link: inbox entries, so that they block at once and keep their order."""

from __future__ import annotations

import time
from dataclasses import dataclass

from smsgate.consent.transitions import scope_of
from smsgate.domain.errors import UnknownProgram
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.domain.opt_out_links import Links, OptOutLink, program_id, read_token
from smsgate.domain.phone import e164
from smsgate.pipeline.services import Services
from smsgate.settings import Program


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A valid link, and the program that sent it."""

    link: OptOutLink
    program: Program | None
    """None if that program is no longer configured."""


class LinkService:
    """Makes, reads and honours links."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._manual = services.manual
        self._secrets = [one.get_secret_value() for one in services.settings.secret_keys]

    def make(self, number: str, program: str, local_url: str = "") -> str:
        """The link for a number, which is read as the program's region writes it.

        ``local_url`` is where it leads while no public URL is set. Raises ``InvalidNumber``,
        ``UnknownProgram``, ``LinksNotReady``.
        """
        number = e164(number, self._program(program).region)
        links = Links(self._settings.public_url or local_url, self._secrets)
        return links.make(number, program, now_s=time.time())

    def open(self, token: str) -> OpenedLink:
        """What a token says; changes nothing. Raises ``LinkBroken``, ``LinkExpired``."""
        link = read_token(token, self._secrets, now_s=time.time())
        programs = [
            program
            for program in self._settings.programs
            if link.program_id in map(program_id, (program.name, *program.formerly))
        ]
        return OpenedLink(link, programs[0] if len(programs) == 1 else None)

    def opt_out(self, opened: OpenedLink, choice: str, language: str) -> str:
        """Opt the link's number out, and return the scope; from here on the number is blocked.

        ``choice`` is ``all`` or a program; if empty, the scope is that of a STOP to the link's
        program. Raises ``UnknownProgram``, ``StoreUnavailable``.
        """
        program = self._program(choice) if choice and choice != ALL else opened.program
        is_for_all = choice == ALL or program is None
        decision = Decision(
            Intent.OPT_OUT,
            rule="link",
            language=language,
            scope=ALL if is_for_all else "program" if choice else "",
            note=f"chose {choice} on the page" if choice else "stopped by the link itself",
        )
        entry = Entry(
            number=opened.link.number,
            program=program.name if program else ALL,
            decision=decision,
            scope=scope_of(decision, program) if program else ALL,
            source="link",
        )
        self._manual.add(entry)
        return entry.scope

    def _program(self, name: str) -> Program:
        found = self._settings.programs.get(name)
        if found is None:
            names = ", ".join(program.name for program in self._settings.programs)
            raise UnknownProgram(f"no program is called {name!r}; there are: {names}")
        return found
