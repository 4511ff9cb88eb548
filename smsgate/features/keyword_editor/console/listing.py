"""The list of keywords in force, and a text that is tried while it is typed."""

from __future__ import annotations

from flask import Flask, render_template, request

from smsgate.classifier import explanation
from smsgate.domain.errors import SmsGateError, UnknownProgram
from smsgate.domain.phone import e164
from smsgate.features.keyword_editor.editing import Editing
from smsgate.features.keyword_editor.entries import INTENTS
from smsgate.features.keyword_editor.listing import SOURCES, Listing, Wanted
from smsgate.pipeline.services import Services
from smsgate.settings import Program
from smsgate.web.console.auth import needs

PAGE = 100
LONGEST = 2_000
"""Characters of a text that is tried: no more of one is ever read than its ends."""


def register(console: Flask, services: Services, editing: Editing) -> None:
    """Add the routes."""
    page = _Page(services, editing)
    console.get("/console/keywords")(needs("viewer")(page.keywords))
    console.post("/console/keywords/try")(needs("viewer")(page.tried))


class _Page:
    """The views, with what they ask."""

    def __init__(self, services: Services, editing: Editing) -> None:
        self._services = services
        self._classifiers = services.classifiers
        self._editing = editing
        self._listing = Listing(services.classifiers)

    def keywords(self) -> str:
        """A program's keywords, those that are asked for."""
        return self._shown({})

    def tried(self) -> str:
        """What a text would be understood as; a part where a script asks."""
        tried = self._try()
        if request.headers.get("HX-Request"):
            return render_template("part_tried.html", **tried)
        return self._shown(tried)

    def _shown(self, tried: dict[str, object]) -> str:
        given = request.args
        program = program_of(self._services, request.values.get("program", ""))
        own, warnings = self._editing.in_force()
        wanted = Wanted(*(given.get(name, "") for name in ("q", "language", "intent", "source")))
        every = self._listing.of(program.name, own) if program.name in self._classifiers else ()
        found = [one for one in every if wanted.fits(one)]
        at = max(1, given.get("page", 1, type=int))
        said = {"program": program} | tried
        return render_template(
            "keywords.html",
            programs=self._services.settings.programs,
            wanted=wanted,
            rows=found[(at - 1) * PAGE : at * PAGE],
            count=len(found),
            page=at,
            pages_of_list=max(1, -(-len(found) // PAGE)),
            languages=sorted({one.language for one in every}),
            intents=INTENTS,
            sources=SOURCES,
            warnings=warnings,
            **said,
        )

    def _try(self) -> dict[str, object]:
        text, number = (
            request.form.get("text", "")[:LONGEST],
            request.form.get("number", "").strip(),
        )
        program = program_of(self._services, request.form.get("program", ""))
        said: dict[str, object] = {"text": text, "number": number, "program": program}
        if not text.strip() or program.name not in self._classifiers:
            return said
        try:
            number = e164(number, program.region) if number else ""
        except SmsGateError as error:
            return said | {"problem": str(error)}
        decision = self._classifiers[program.name].classify(text, number)
        return said | {
            "decision": decision,
            "meant": explanation.meant(decision.intent.value),
            "why": explanation.reason(decision.rule),
            "path": explanation.path(decision),
            "facts": list(explanation.facts(decision, program)),
        }


def program_of(services: Services, name: str) -> Program:
    """The program of that name; the first where none is named. Raises ``UnknownProgram``."""
    programs = services.settings.programs
    found = programs.get(name) if name else next(iter(programs), None)
    if found is None:
        known = ", ".join(one.name for one in programs) or "none"
        raise UnknownProgram(f"there is no program {name[:40]!r}; there are: {known}")
    return found
