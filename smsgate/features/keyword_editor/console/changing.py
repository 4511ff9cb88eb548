"""A set changed: checked while it is typed, tried on what was received, saved, undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, Response, flash, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import (
    ConfigurationError,
    KeywordSetChanged,
    KeywordSetOwned,
    KeywordSetUnfit,
    StoreUnavailable,
)
from smsgate.features.keyword_editor.comparison import changed as differing
from smsgate.features.keyword_editor.console.applying import put_in_force
from smsgate.features.keyword_editor.console.sets import SETS
from smsgate.features.keyword_editor.diffs import difference
from smsgate.features.keyword_editor.editing import About, Editing
from smsgate.features.keyword_editor.entries import Row, changed
from smsgate.features.keyword_editor.received_texts import place_of
from smsgate.features.keyword_editor.replay import SHOWN, Replay, too_many
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import actor, needs

SLICE_S = 0.7
"""How long texts are tried in one request; where scripts run, the page asks for more by itself."""
_MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants to save."""

    about: About
    content: str
    base: int
    """The version that they saw."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Counts of a replay, over all requests that it took."""

    looked: int
    differ: int
    stops: int
    frees: int
    listed: int

    @property
    def alarming(self) -> bool:
        """Whether it looks like a mistake."""
        return too_many(self.stops, self.looked)


def register(console: Flask, services: Services, editing: Editing) -> None:
    """Add the routes."""
    page = _Page(services, editing)
    admin = needs("admin")
    for path, view in (
        ("soon", page.soon),
        ("check", page.check),
        ("replay", page.replay),
        ("save", page.save),
        ("undo", page.undo),
        ("file", page.file),
    ):
        console.post(f"{SETS}/<name>/{path}", endpoint=f"keyword_{path}")(admin(view))


class _Page:
    """The views, with what they ask."""

    def __init__(self, services: Services, editing: Editing) -> None:
        self._services = services
        self._editing = editing

    def soon(self, name: str) -> str:
        """The faults of what is in the form, while it is typed."""
        try:
            change = self._change(name)
            faults = self._editing.draft(name, change.content).soon()
        except KeywordSetUnfit as error:
            return render_template("part_faults.html", problem=str(error), faults=[])
        return render_template("part_faults.html", problem="", faults=faults)

    def check(self, name: str) -> Answer:
        """Everything that the change would do, before it is saved."""
        return checked(self._services, self._editing, self._change(name))

    def replay(self, name: str) -> str | Answer:
        """One slice of the texts that were received."""
        change = self._change(name)
        draft = self._editing.draft(name, change.content)
        try:
            if draft.faults():
                return render_template("part_replay.html", problem="Mend the conflicts first.")
            found = self._editing.replay(draft, place_of(_given("place")), SLICE_S)
        except StoreUnavailable as error:
            return render_template("part_replay.html", problem=str(error))
        tried = _summed(found)
        left = max(0, SHOWN - (tried.listed - len(found.changes)))
        said = {
            "replay": found,
            "tried": tried,
            "name": name,
            "shown": SHOWN,
            "changes": [*found.changes.items()][:left],
        }
        if request.headers.get("HX-Request"):
            return render_template("part_replay.html", **said)
        return checked(self._services, self._editing, change, said=said)

    def save(self, name: str) -> Answer:
        """Make it the newest version, and let every process take it over."""
        change = Change(self._editing.about(name), _given("content"), _base())
        return self._saved(change, _given("note"))

    def undo(self, name: str) -> Answer:
        """Make an older version the newest one; what was there stays in the history."""
        number = request.form.get("version", 0, type=int)
        older = self._editing.version(name, number)
        note = f"undone: version {number} again" if number else "given up: as shipped"
        return self._saved(Change(self._editing.about(name), older.content, _base()), note)

    def file(self, name: str) -> Response:
        """The changed set as a file, to put in its place."""
        about = self._editing.about(name)
        return Response(
            _given("content"),
            content_type="application/toml; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{about.name}.toml"'},
        )

    def _change(self, name: str) -> Change:
        """What is in the form: rows, or the text of the set itself. Raises ``KeywordSetUnfit``."""
        about, base = self._editing.about(name), _base()
        if "content" in request.form:
            return Change(about, _given("content"), base)
        seen = about.editable
        if base != about.version and about.owner != "file":
            # Rows count from what their author saw; so nothing of theirs is lost.
            seen = self._editing.version(name, base).content or seen
        return Change(about, changed(seen, _rows(), _given("without")), base)

    def _saved(self, change: Change, note: str) -> Answer:
        about = change.about
        try:
            made = self._editing.save(
                about.name, change.content, change.base, actor(), note, sure="sure" in request.form
            )
        except (KeywordSetChanged, KeywordSetUnfit, KeywordSetOwned) as error:
            return checked(self._services, self._editing, change, str(error), error.status)
        except ConfigurationError:
            problem = "Nothing was saved: these conflicts have to be mended first."
            return checked(self._services, self._editing, change, problem, 422)
        applied, problem = put_in_force(self._services, actor())
        flash(f"Saved as version {made.version}.", "good")
        if problem:
            flash(f"It is saved, and not in force yet: {problem}", "bad")
        to = f"{SETS}/{about.name}" + (f"?applied={applied}" if applied else "")
        return redirect(to, 303)


def checked(
    services: Services,
    editing: Editing,
    change: Change,
    problem: str = "",
    status: int = 200,
    said: Mapping[str, object] | None = None,
) -> Answer:
    """The page that shows a change before it is saved."""
    about = change.about
    faults: list[object] = []
    words: list[object] = []
    unreadable = ""
    try:
        draft = editing.draft(about.name, change.content)
        faults = [*draft.faults()]
        if not faults:
            words = [
                (program.name, differing(services.classifiers[program.name],
                                         draft.classifier(program.name)))
                for program in draft.programs if program.name in services.classifiers
            ]  # fmt: skip
    except KeywordSetUnfit as error:
        unreadable = str(error)
    page = render_template(
        "keyword_check.html",
        about=about,
        content=change.content,
        stale=change.base != about.version and about.owner != "file",
        lines=difference(about.content, change.content),
        faults=faults,
        words=words,
        problem=problem,
        unreadable=unreadable,
        **(said or {}),
    )
    return Response(page, status)


def _rows() -> list[Row]:
    form = request.form
    columns = [form.getlist(name) for name in ("words", "intent", "match", "risk", "note", "place")]
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > _MOST_ROWS:
        raise KeywordSetUnfit("the form did not come whole: load the page anew")
    gone = set(form.getlist("gone"))
    return [
        Row("" if place in gone else words, intent, match, risk, note, _number(place))
        for words, intent, match, risk, note, place in zip(*columns, strict=True)
    ]


def _summed(found: Replay) -> Tried:
    """With what earlier requests of the same replay counted, as the form says."""
    before = {name: max(0, request.form.get(name, 0, type=int)) for name in Tried.__slots__}
    return Tried(
        looked=before["looked"] + found.looked,
        differ=before["differ"] + found.differ,
        stops=before["stops"] + found.stops,
        frees=before["frees"] + found.frees,
        listed=before["listed"] + len(found.changes),
    )


def _base() -> int:
    return request.form.get("base", 0, type=int)


def _given(name: str) -> str:
    """A field; browsers end the lines of texts with two characters."""
    return request.form.get(name, "").replace("\r\n", "\n")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else -1
