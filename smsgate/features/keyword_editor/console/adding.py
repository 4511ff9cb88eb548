"""A new keyword, from a text that somebody sent: what it would do, then saving it."""

from __future__ import annotations

from flask import Flask, render_template, request
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import KeywordSetUnfit
from smsgate.features.keyword_editor.console.changing import Change, checked
from smsgate.features.keyword_editor.console.listing import LONGEST, program_of
from smsgate.features.keyword_editor.editing import About, Editing
from smsgate.features.keyword_editor.entries import INTENTS, MATCHES, Row, changed, read, rows_of
from smsgate.pipeline.services import Services
from smsgate.settings import Program
from smsgate.web.console.auth import needs

NEW = "/console/keywords/new"
LONG = 6
"""Words from which on a keyword is rarely texted again as a whole."""


def register(console: Flask, services: Services, editing: Editing) -> None:
    """Add the routes."""
    page = _Page(services, editing)
    console.get(NEW, endpoint="new_keyword")(needs("admin")(page.new))
    console.post(NEW, endpoint="new_keyword_check")(needs("admin")(page.check))
    console.post(f"{NEW}/soon", endpoint="new_keyword_soon")(needs("admin")(page.soon))


class _Page:
    """The views, with what they ask."""

    def __init__(self, services: Services, editing: Editing) -> None:
        self._services = services
        self._editing = editing

    def new(self) -> str:
        """The form, with what a link brings."""
        return self._form(request.args.get("text", ""), request.args.get("intent", ""))

    def check(self) -> Answer | tuple[str, int]:
        """What it would do, before it is saved."""
        try:
            change = self._change()
        except KeywordSetUnfit as error:
            text, intent = request.form.get("words", ""), request.form.get("intent", "")
            return self._form(text, intent, str(error)), 422
        return checked(self._services, self._editing, change)

    def soon(self) -> str:
        """The faults of what is in the form, while it is typed."""
        try:
            change = self._change()
            faults = self._editing.draft(change.about.name, change.content).soon()
        except KeywordSetUnfit as error:
            return render_template("part_faults.html", problem=str(error), faults=[])
        return render_template("part_faults.html", problem="", faults=faults)

    def _form(self, text: str, intent: str, problem: str = "") -> str:
        program = program_of(self._services, request.values.get("program", ""))
        word = " ".join(text[:LONGEST].replace(",", " ").split())
        sets = [one for one in self._editing.sets() if program.name in one.programs]
        names = [one.name for one in sets]
        chosen = request.form.get("set") or self._language(program, word, names)
        return render_template(
            "keyword_new.html",
            program=program,
            word=word,
            long=len(word.split()) > LONG,
            intent=intent if intent in INTENTS else "opt_out",
            intents=INTENTS,
            matches=MATCHES,
            sets=sets,
            chosen=chosen,
            problem=problem,
        )

    def _language(self, program: Program, text: str, names: list[str]) -> str:
        """The set that the text most likely belongs to."""
        classifier = self._services.classifiers.get(program.name)
        found = classifier.classify(text).language if classifier else ""
        named = [name for name in program.keywords if name in names]
        likely = [found, *named, "en", *names]
        return next((name for name in likely if name in names), "")

    def _change(self) -> Change:
        """The chosen set with the keyword in it. Raises ``KeywordSetUnfit``."""
        form = request.form
        about = self._editing.about(form.get("set", ""))
        word = form.get("words", "").strip()
        if not word:
            raise KeywordSetUnfit("Write the keyword as people text it.")
        row = Row(word, form.get("intent", ""), form.get("match", "polite"),
                  note=form.get("note", ""))  # fmt: skip
        return Change(about, _with(about, row), about.version)


def _with(about: About, row: Row) -> str:
    before = about.editable
    return changed(before, [*rows_of(before), row], read(before).without)
