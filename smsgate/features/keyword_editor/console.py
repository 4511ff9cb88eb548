"""The pages of keyword sets: a text tried, a new keyword, the sets, and changing one."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from smsgate.content_versions import ContentChanged, compare_texts, read_history
from smsgate.domain.errors import (
    ConfigurationError,
    Fault,
    SmsGateError,
    StoreUnavailable,
    Unfit,
)
from smsgate.features.keyword_editor.operations import INTENTS, TriedText, explain_text
from smsgate.features.keyword_editor.service import MAX_BYTES, KeywordEditor, KeywordSetInfo
from smsgate.web.console.auth import actor, needs

KEYWORDS = "/console/keywords"
SETS = f"{KEYWORDS}/sets"
MAX_TEXT_CHARACTERS = 2_000
"""Of a text that is tried: no more of one is ever read than its ends."""
REPLAY_S = 3.0
"""How long received texts are compared for a page."""
MATCHES = ("whole", "anywhere")


def register(console: Flask, editor: KeywordEditor) -> None:
    """Add the routes."""
    pages = _KeywordPages(editor)
    viewer, admin = needs("viewer"), needs("admin")
    console.post(f"{KEYWORDS}/try", endpoint="tried")(viewer(pages.try_text))
    console.get(SETS, endpoint="keyword_sets")(viewer(pages.show_sets))
    console.get(f"{SETS}/<name>", endpoint="keyword_set")(viewer(pages.show_set))
    console.get(f"{KEYWORDS}/new", endpoint="new_keyword")(admin(pages.show_new))
    console.post(f"{KEYWORDS}/new", endpoint="add_keyword")(admin(pages.preview_new))
    for action, view in (("check", pages.preview), ("save", pages.save), ("undo", pages.undo)):
        console.post(f"{SETS}/<name>/{action}", endpoint=f"keyword_{action}")(admin(view))


class _KeywordPages:
    def __init__(self, editor: KeywordEditor) -> None:
        self._editor = editor

    def try_text(self) -> str:
        """Show what a text is understood as."""
        text = request.form.get("text", "")[:MAX_TEXT_CHARACTERS]
        names = [request.form.get(name, "") for name in ("program", "number")]
        tried, problem = None, ""
        try:
            tried = explain_text(self._editor, TriedText(text, *names)) if text.strip() else None
        except SmsGateError as error:
            problem = str(error)
        part = request.headers.get("HX-Request")
        page = "part_tried.html" if part else "keyword_tried.html"
        return render_template(page, text=text, tried=tried, unclear=problem)

    def show_sets(self) -> str:
        """Show every keyword set."""
        return render_template("keyword_sets.html", sets=self._editor.sets())

    def show_set(self, name: str) -> str:
        """Show one set with its versions and the form to change it."""
        about, versions = self._editor.find(name), self._editor.versions
        return render_template(
            "keyword_set.html",
            about=about,
            too_large=len(about.editable.encode()) > MAX_BYTES,
            history=read_history(versions, name),
        )

    def show_new(self) -> str:
        """Show the form for a new keyword, with what a link brings."""
        text, intent = request.args.get("text", ""), request.args.get("intent", "")
        word = " ".join(text[:MAX_TEXT_CHARACTERS].replace(",", " ").split())
        programs, wanted = self._editor.settings.programs, request.args.get("program", "")
        program = programs.get(wanted) or next(iter(programs))
        names = [one.name for one in self._editor.sets() if program.name in one.programs]
        # The set that the text most likely belongs to.
        classifier = self._editor.active().classifiers.get(program.name)
        language = classifier.classify(word).language if classifier else ""
        likely = [language, *program.keywords, "en", *names]
        return render_template(
            "keyword_new.html",
            word=word,
            intent=intent if intent in INTENTS else "opt_out",
            intents=INTENTS,
            matches=MATCHES,
            sets=names,
            chosen=next((name for name in likely if name in names), ""),
        )

    def preview_new(self) -> Response:
        """Show what a new keyword would do, before it is saved."""
        about = self._editor.find(request.form.get("set", ""))
        names = ("intent", "words", "match", "note")
        entry = {name: request.form.get(name, "").strip() for name in names}
        if not entry["words"]:
            raise Unfit("Enter the keyword as people text it.", field="words")
        return self._preview(about, about.with_keyword(**entry), about.version)

    def preview(self, name: str) -> Response:
        """Show everything that a change would do, before it is saved."""
        content = request.form.get("content", "")
        return self._preview(self._editor.find(name), content, _number("base"))

    def save(self, name: str) -> Response:
        """Save a new version, and let every process use it."""
        form, base = request.form, _number("base")
        content, note = form.get("content", ""), form.get("note", "")
        try:
            self._editor.save(name, content, base, actor(), note, sure="sure" in form)
        except (ContentChanged, Unfit, ConfigurationError) as error:
            is_faulty = isinstance(error, ConfigurationError)
            problem = "Not saved: fix these conflicts first." if is_faulty else str(error)
            return self._preview(self._editor.find(name), content, base, problem, error.status)
        return _saved(name)

    def undo(self, name: str) -> Response:
        """Save an older version as the newest one; what was there stays in the history."""
        self._editor.restore(name, _number("version"), _number("base"), actor())
        return _saved(name)

    def _preview(
        self,
        about: KeywordSetInfo,
        content: str,
        base: int,
        problem: str = "",
        status: int = 200,
    ) -> Response:
        effect, unusable = None, ""
        faults: Sequence[Fault] = ()
        try:
            effect = self._editor.try_content(about.name, content, REPLAY_S)
        except ConfigurationError as error:
            faults = error.faults
        except (Unfit, StoreUnavailable) as error:
            unusable = str(error)
        page = render_template(
            "keyword_check.html",
            about=about,
            content=content,
            stale=base != about.version,
            lines=compare_texts(about.content, content),
            effect=effect,
            faults=faults,
            problem=problem or unusable,
        )
        return Response(page, status, content_type="text/html; charset=utf-8")


def _saved(name: str) -> Response:
    flash("Saved. It is active within a few seconds.", "good")
    return redirect(f"{SETS}/{name}", 303)


def _number(name: str) -> int:
    return max(0, request.form.get(name, 0, type=int))
