"""The pages of keywords: those in force, a text to try, the sets and their versions."""

from __future__ import annotations

from functools import partial

from flask import Flask, render_template, request

from smsgate.classifier import reply_text
from smsgate.consent import decision_text
from smsgate.domain.errors import RecordsUnavailable, SmsGateError, UnknownProgram
from smsgate.domain.line_diff import compare_texts
from smsgate.domain.phone import e164
from smsgate.features.keyword_editor.comparison import SOURCES, KeywordFilter, KeywordList
from smsgate.features.keyword_editor.errors import KeywordSetUnfit
from smsgate.features.keyword_editor.service import (
    MAX_BYTES,
    PAGE_SIZE,
    KeywordEditor,
    KeywordSetInfo,
)
from smsgate.features.keyword_editor.set_text import (
    INTENTS,
    MATCHES,
    RISKS,
    KeywordRow,
    parse_rows,
    parse_set,
)
from smsgate.pipeline.services import Services
from smsgate.settings import Program
from smsgate.web.console.auth import needs

KEYWORDS = "/console/keywords"
SETS = f"{KEYWORDS}/sets"
MAX_TEXT_CHARACTERS = 2_000
"""Of a text that is tried: no more of one is ever read than its ends."""
_ROWS_PER_PAGE = 100
_EMPTY_ROWS = 3


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = _KeywordPages(services)
    viewer = needs("viewer")
    for path, endpoint, view in (
        (KEYWORDS, "keywords", pages.show_keywords),
        (SETS, "keyword_sets", pages.show_sets),
        (f"{SETS}/<name>", "keyword_set", pages.show_set),
        (f"{SETS}/<name>/versions/<int:number>", "keyword_version", pages.show_version),
    ):
        console.add_url_rule(path, endpoint, viewer(view))
    console.post(f"{KEYWORDS}/try", endpoint="tried")(viewer(pages.try_text))


class _KeywordPages:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._editor = KeywordEditor(services)
        self._list = KeywordList()

    def show_keywords(self) -> str:
        """Show a program's keywords that match the filter."""
        return self._keywords({})

    def try_text(self) -> str:
        """Show what a text is understood as."""
        form = request.form
        text, number = form.get("text", "")[:MAX_TEXT_CHARACTERS], form.get("number", "").strip()
        program = find_program(self._services, form.get("program", ""))
        values: dict[str, object] = {"text": text, "number": number, "program": program}
        classifier = self._services.content.value.classifiers.get(program.name)
        if text.strip() and classifier is not None:
            try:
                number = e164(number, program.region) if number else ""
                decision = classifier.classify(text, number)
                values |= {
                    "decision": decision,
                    "meant": decision_text.meant(decision.intent.value),
                    "why": decision_text.reason(decision.rule, decision.keyword),
                    "path": decision_text.path(decision),
                    "facts": list(decision_text.facts(decision, partial(reply_text, program))),
                }
            except SmsGateError as error:
                values["problem"] = str(error)
        if request.headers.get("HX-Request"):
            return render_template("part_tried.html", **values)
        return self._keywords(values)

    def _keywords(self, tried: dict[str, object]) -> str:
        program = find_program(self._services, request.values.get("program", ""))
        content = self._services.content.value
        names = ("q", "language", "intent", "source")
        wanted = KeywordFilter(*(request.args.get(name, "") for name in names))
        every = self._list.of(program.name, content) if program.name in content.classifiers else ()
        found = [one for one in every if wanted.matches(one)]
        page = max(1, request.args.get("page", 1, type=int))
        values = {
            "programs": self._services.settings.programs,
            "program": program,
            "wanted": wanted,
            "rows": found[(page - 1) * _ROWS_PER_PAGE : page * _ROWS_PER_PAGE],
            "count": len(found),
            "page": page,
            "pages_of_list": max(1, -(-len(found) // _ROWS_PER_PAGE)),
            "languages": sorted({one.language for one in every}),
            "intents": INTENTS,
            "sources": SOURCES,
        }
        return render_template("keywords.html", **(values | tried))

    def show_sets(self) -> str:
        """Show every keyword set."""
        try:
            found, problem = self._editor.sets(), ""
        except RecordsUnavailable as error:
            found, problem = [], str(error)
        return render_template("keyword_sets.html", sets=found, problem=problem)

    def show_set(self, name: str) -> str:
        """Show one set with its versions and the forms to change it."""
        info = self._editor.find(name)
        history = self._editor.history(name, request.args.get("before", type=int))
        more = len(history) == PAGE_SIZE and history[-1].version > 1
        return render_template(
            "keyword_set.html",
            about=info,
            history=history,
            older=history[-1].version if more else 0,
            **_form_values(info),
        )

    def show_version(self, name: str, number: int) -> str:
        """Show one version, and what it changed."""
        info, version = self._editor.find(name), self._editor.version(name, number)
        before = self._editor.version(name, number - 1) if number else version
        return render_template(
            "keyword_version.html",
            about=info,
            version=version,
            lines=compare_texts(before.content, version.content),
        )


def _form_values(info: KeywordSetInfo) -> dict[str, object]:
    """Return what the form of a set shows; no rows where the set cannot be read as one."""
    rows: list[KeywordRow] = []
    without = problem = ""
    try:
        rows, without = parse_rows(info.editable), parse_set(info.editable).without
    except KeywordSetUnfit as error:
        problem = str(error)
    return {
        "rows": [*rows, *[KeywordRow("", "opt_out")] * _EMPTY_ROWS],
        "without": without,
        "wrong": problem,
        "too_large": len(info.editable.encode()) > MAX_BYTES,
        "intents": INTENTS,
        "matches": MATCHES,
        "risks": RISKS,
    }


def find_program(services: Services, name: str) -> Program:
    """Return the program; the first where no name is given. Raises ``UnknownProgram``."""
    programs = services.settings.programs
    found = programs.get(name) if name else next(iter(programs), None)
    if found is None:
        known = ", ".join(one.name for one in programs) or "none"
        raise UnknownProgram(f"there is no program {name[:40]!r}; there are: {known}")
    return found
