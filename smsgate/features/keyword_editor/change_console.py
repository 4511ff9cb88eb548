"""Changing a keyword set: checked while it is typed, tried on received texts, saved, undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from smsgate.domain.errors import (
    ConfigurationError,
    ContentChanged,
    StoreUnavailable,
)
from smsgate.domain.line_diff import compare_texts
from smsgate.features.keyword_editor.comparison import compare_keywords
from smsgate.features.keyword_editor.console import (
    KEYWORDS,
    MAX_TEXT_CHARACTERS,
    SETS,
    find_program,
)
from smsgate.features.keyword_editor.errors import KeywordSetUnfit
from smsgate.features.keyword_editor.replay import MAX_LISTED, is_alarming, parse_position
from smsgate.features.keyword_editor.service import KeywordEditor, KeywordSetInfo
from smsgate.features.keyword_editor.set_text import (
    INTENTS,
    MATCHES,
    KeywordRow,
    edit_set,
    parse_rows,
    parse_set,
)
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import actor, needs

NEW = f"{KEYWORDS}/new"
SLICE_S = 0.7
"""How long texts are tried in one request; where scripts run, the page asks for more by itself."""
_MAX_ROWS = 400
_LONG_WORDS = 6
"""Words above which hardly anybody texts a keyword as a whole again."""
_COUNTS = ("looked", "differ", "stops", "frees", "listed")
"""What a replay counts, over all requests that it takes."""


@dataclass(frozen=True, slots=True)
class KeywordSetChange:
    """What an operator wants to save."""

    info: KeywordSetInfo
    content: str
    base: int
    """The version that the operator saw."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = _ChangePages(services)
    admin = needs("admin")
    console.get(NEW, endpoint="new_keyword")(admin(pages.show_new))
    console.post(NEW, endpoint="new_keyword_check")(admin(pages.check_new))
    console.post(f"{NEW}/soon", endpoint="new_keyword_soon")(admin(pages.find_faults))
    for path, view in (
        ("soon", pages.find_faults),
        ("check", pages.check),
        ("replay", pages.replay),
        ("save", pages.save),
        ("undo", pages.undo),
    ):
        console.post(f"{SETS}/<name>/{path}", endpoint=f"keyword_{path}")(admin(view))


class _ChangePages:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._editor = KeywordEditor(services)

    def show_new(self) -> str:
        """Show the form for a new keyword, with what a link brings."""
        text, intent = request.args.get("text", ""), request.args.get("intent", "")
        program = find_program(self._services, request.args.get("program", ""))
        word = " ".join(text[:MAX_TEXT_CHARACTERS].replace(",", " ").split())
        sets = [one for one in self._editor.sets() if program.name in one.programs]
        names = [one.name for one in sets]
        # The set that the text most likely belongs to.
        classifier = self._services.content.value.classifiers.get(program.name)
        language = classifier.classify(word).language if classifier else ""
        likely = [language, *program.keywords, "en", *names]
        return render_template(
            "keyword_new.html",
            program=program,
            word=word,
            long=len(word.split()) > _LONG_WORDS,
            intent=intent if intent in INTENTS else "opt_out",
            intents=INTENTS,
            matches=MATCHES,
            sets=sets,
            chosen=next((name for name in likely if name in names), ""),
        )

    def check_new(self) -> Response:
        """Show what a new keyword would do, before it is saved."""
        return self._change_page(self._change_by_new_keyword())

    def find_faults(self, name: str = "") -> str:
        """Show the faults of what is in the form, while it is typed."""
        faults, problem = [], ""
        try:
            change = self._change(name) if name else self._change_by_new_keyword()
            faults = self._editor.draft(change.info.name, change.content).quick_faults()
        except KeywordSetUnfit as error:
            problem = str(error)
        return render_template("part_faults.html", problem=problem, faults=faults)

    def check(self, name: str) -> Response:
        """Show everything that the change would do, before it is saved."""
        return self._change_page(self._change(name))

    def replay(self, name: str) -> str | Response:
        """Decide a slice of the received texts again, and show the counts of all slices."""
        change = self._change(name)
        draft = self._editor.draft(name, change.content)
        try:
            if draft.faults():
                return render_template("part_replay.html", problem="Fix the conflicts first.")
            result = self._editor.replay(draft, parse_position(_text("place")), SLICE_S)
        except StoreUnavailable as error:
            return render_template("part_replay.html", problem=str(error))
        before = {name: max(0, request.form.get(name, 0, type=int)) for name in _COUNTS}
        counts = {name: before[name] + getattr(result, name) for name in _COUNTS}
        values = {
            "replay": result,
            "counts": counts,
            "alarming": is_alarming(counts["stops"], counts["looked"]),
            "name": name,
            "shown": MAX_LISTED,
            "changes": [*result.changes.items()][: max(0, MAX_LISTED - before["listed"])],
        }
        if request.headers.get("HX-Request"):
            return render_template("part_replay.html", **values)
        return self._change_page(change, values=values)

    def save(self, name: str) -> Response:
        """Save a new version, and let every process use it."""
        change = KeywordSetChange(self._editor.find(name), _text("content"), _base())
        return self._save(change, _text("note"))

    def undo(self, name: str) -> Response:
        """Save an older version as the newest one; what was there stays in the history."""
        number = request.form.get("version", 0, type=int)
        older = self._editor.version(name, number)
        note = f"restored version {number}" if number else "reverted"
        return self._save(KeywordSetChange(self._editor.find(name), older.content, _base()), note)

    def _change_by_new_keyword(self) -> KeywordSetChange:
        """Return the chosen set with the keyword of the form. Raises ``KeywordSetUnfit``."""
        form = request.form
        info = self._editor.find(form.get("set", ""))
        word, note = form.get("words", "").strip(), form.get("note", "")
        if not word:
            raise KeywordSetUnfit("Enter the keyword as people text it.", field="words")
        row = KeywordRow(word, form.get("intent", ""), form.get("match", "polite"), note=note)
        before = info.editable
        content = edit_set(before, [*parse_rows(before), row], parse_set(before).without)
        return KeywordSetChange(info, content, info.version)

    def _change(self, name: str) -> KeywordSetChange:
        """Return the form's rows, or its text of the set itself. Raises ``KeywordSetUnfit``."""
        info, base = self._editor.find(name), _base()
        if "content" in request.form:
            return KeywordSetChange(info, _text("content"), base)
        seen = info.editable
        if base != info.version:
            # Rows count from what their author saw; so nothing of theirs is lost.
            seen = self._editor.version(name, base).content or seen
        return KeywordSetChange(info, edit_set(seen, _rows(), _text("without")), base)

    def _save(self, change: KeywordSetChange, note: str) -> Response:
        name, sure = change.info.name, "sure" in request.form
        try:
            saved = self._editor.save(name, change.content, change.base, actor(), note, sure=sure)
        except (ContentChanged, KeywordSetUnfit) as error:
            return self._change_page(change, str(error), error.status)
        except ConfigurationError:
            problem = "Not saved: fix these conflicts first."
            return self._change_page(change, problem, 422)
        flash(f"Saved as version {saved.version}. It is active within a few seconds.", "good")
        return redirect(f"{SETS}/{name}", 303)

    def _change_page(
        self,
        change: KeywordSetChange,
        problem: str = "",
        status: int = 200,
        values: Mapping[str, object] | None = None,
    ) -> Response:
        """Return the page that shows a change before it is saved."""
        info, active = change.info, self._services.content.value.classifiers
        faults: list[object] = []
        words: list[object] = []
        unreadable = ""
        try:
            draft = self._editor.draft(info.name, change.content)
            faults = [*draft.faults()]
            names = [one.name for one in draft.programs if one.name in active]
            if not faults:
                words = [
                    (name, compare_keywords(active[name], draft.classifier(name))) for name in names
                ]
        except KeywordSetUnfit as error:
            unreadable = str(error)
        page = render_template(
            "keyword_check.html",
            about=info,
            content=change.content,
            stale=change.base != info.version,
            lines=compare_texts(info.content, change.content),
            faults=faults,
            words=words,
            problem=problem,
            unreadable=unreadable,
            **(values or {}),
        )
        return Response(page, status, content_type="text/html; charset=utf-8")


def _rows() -> list[KeywordRow]:
    form = request.form
    columns = [form.getlist(name) for name in ("words", "intent", "match", "risk", "note", "place")]
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > _MAX_ROWS:
        raise KeywordSetUnfit("The form arrived incomplete: reload the page.")
    removed = set(form.getlist("gone"))
    rows = []
    for words, intent, match, risk, note, place in zip(*columns, strict=True):
        index = int(place) if place.isascii() and place.isdecimal() else -1
        kept = "" if place in removed else words
        rows.append(KeywordRow(kept, intent, match, risk, note, index))
    return rows


def _base() -> int:
    return request.form.get("base", 0, type=int)


def _text(name: str) -> str:
    """Return a field of the form; browsers end lines with two characters."""
    return request.form.get(name, "").replace("\r\n", "\n")
