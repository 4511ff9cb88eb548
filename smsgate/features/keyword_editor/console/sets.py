"""The sets: who owns which, what they say, their versions, and how far a change has come."""

from __future__ import annotations

from flask import Flask, render_template, request

from smsgate.domain.errors import KeywordSetUnfit, RecordsNotReady, RecordsUnavailable
from smsgate.features.keyword_editor.diffs import difference
from smsgate.features.keyword_editor.drafts import MOST_BYTES
from smsgate.features.keyword_editor.editing import PAGE, About, Editing
from smsgate.features.keyword_editor.entries import INTENTS, MATCHES, RISKS, Row, read, rows_of
from smsgate.pipeline.configuration_progress import spread_of
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs

SETS = "/console/keywords/sets"
_EMPTY_ROWS = 3


def register(console: Flask, services: Services, editing: Editing) -> None:
    """Add the routes."""

    @console.get(SETS)
    @needs("viewer")
    def keyword_sets() -> str:
        """All of them."""
        try:
            found, problem = editing.sets(), ""
        except (RecordsUnavailable, RecordsNotReady) as error:
            found, problem = [], str(error)
        return render_template("keyword_sets.html", sets=found, problem=problem)

    @console.get(f"{SETS}/<name>")
    @needs("viewer")
    def keyword_set(name: str) -> str:
        """One of them, with the forms to change it."""
        about = editing.about(name)
        before = request.args.get("before", type=int)
        history = editing.history(name, before)
        return render_template(
            "keyword_set.html",
            about=about,
            history=history,
            older=history[-1].version if len(history) == PAGE and history[-1].version > 1 else 0,
            applied=request.args.get("applied", ""),
            **form_of(about),
        )

    @console.get(f"{SETS}/<name>/versions/<int:number>")
    @needs("viewer")
    def keyword_version(name: str, number: int) -> str:
        """One version, and what it changed."""
        about, version = editing.about(name), editing.version(name, number)
        before = editing.version(name, number - 1) if number else version
        return render_template(
            "keyword_version.html",
            about=about,
            version=version,
            lines=difference(before.content, version.content),
        )

    @console.get("/console/keywords/applied/<id_>")
    @needs("viewer")
    def applied(id_: str) -> str:
        """How far a configuration has come; asks again by itself until all have it."""
        part = request.headers.get("HX-Request")
        return render_template(
            "part_applied.html" if part else "keyword_applied.html",
            id=id_,
            spread=spread_of(services.store, id_),
            tries=_tries(),
        )


def form_of(about: About) -> dict[str, object]:
    """What the form of a set needs; without rows where the set cannot be read as one."""
    try:
        rows, without, wrong = rows_of(about.editable), read(about.editable).without, ""
    except KeywordSetUnfit as error:
        rows, without, wrong = [], "", str(error)
    return {
        "rows": [*rows, *[Row("", "opt_out")] * _EMPTY_ROWS],
        "without": without,
        "wrong": wrong,
        "too_large": len(about.editable.encode()) > MOST_BYTES,
        "intents": INTENTS,
        "matches": MATCHES,
        "risks": RISKS,
    }


def _tries() -> int:
    return min(100, max(0, request.args.get("tries", 0, type=int)))
