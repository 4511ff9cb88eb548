"""The page on which the replies of a program are worded, and its versions."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from smsgate.classifier.sets import ANY_LANGUAGE
from smsgate.classifier.wording import FALLBACK, languages_of
from smsgate.content_versions import ContentChanged, DiffLine, compare_texts, read_history
from smsgate.domain.errors import ConfigurationError, Unfit
from smsgate.domain.languages import NAMES, language_name
from smsgate.features.reply_wording.service import (
    KINDS,
    ReplyWording,
    WordingEditor,
    by_kind,
    previews,
)
from smsgate.settings import Program
from smsgate.web.console.auth import actor, needs

_REPLIES = "/console/setup/programs/<name>/replies"


def register(console: Flask, editor: WordingEditor) -> None:
    """Add the routes."""
    pages = _WordingPages(editor)
    see, change = needs("viewer"), needs("admin")
    console.get(_REPLIES, endpoint="reply_wording")(see(pages.show))
    console.post(_REPLIES, endpoint="save_replies")(change(pages.save))
    console.post(f"{_REPLIES}/preview", endpoint="preview_replies")(change(pages.preview))
    console.post(f"{_REPLIES}/undo", endpoint="undo_replies")(change(pages.undo))


class _WordingPages:
    def __init__(self, editor: WordingEditor) -> None:
        self._editor, self._versions = editor, editor.versions

    def show(self, name: str) -> Response:
        """Show the texts of a language, and the versions."""
        wording = self._editor.find(name)
        language = request.args.get("language", "").strip()
        language = language or next(iter(languages_of(wording.program)), FALLBACK)
        return self._page(wording, language, wording.texts(language))

    def preview(self, name: str) -> str:
        """Show the texts as a phone does, with their segments, while they are typed."""
        language = request.form.get("language", "")
        shown = previews(self._editor.find(name), language, _typed())
        return render_template(
            "part_reply_preview.html", language=language, wordings=shown, kinds=KINDS
        )

    def save(self, name: str) -> Response:
        """Save the texts of a language, or show what is wrong at each of them."""
        wording, texts, form = self._editor.find(name), _typed(), request.form
        language, base = form.get("language", ""), form.get("base", 0, type=int)
        if "show" in form:  # without scripts a button shows the preview
            return self._page(wording, language, texts, base=base)
        content = wording.with_texts(language, texts)
        try:
            self._save(name, content, form.get("note", ""))
        except ConfigurationError as error:
            problems = by_kind(error.faults, language)
            return self._page(wording, language, texts, problems, base=base, status=422)
        except ContentChanged as error:
            lines = compare_texts(wording.content, content)
            return self._page(wording, language, texts, {"": str(error)}, lines, status=409)
        return redirect(url_for("reply_wording", name=name, language=language), 303)

    def undo(self, name: str) -> Response:
        """Save an older version as the newest one; 0 reverts to the file."""
        number = max(0, request.form.get("version", 0, type=int))
        content = self._versions.content_of(name, number)
        note = f"restored version {number}" if number else "reverted"
        try:
            self._save(name, content, note)
        except (ConfigurationError, ContentChanged) as error:
            flash(str(error), "warn")
        return redirect(url_for("reply_wording", name=name), 303)

    def _save(self, name: str, content: str, note: str) -> None:
        """Save a content; the next page says so."""
        base = request.form.get("base", 0, type=int)
        try:
            saved = self._editor.save(name, content, base, actor(), note)
        except Unfit as error:
            flash(str(error), "warn")
        else:
            flash(f"Saved as version {saved.version}. It is active within a few seconds.", "good")

    def _page(
        self,
        wording: ReplyWording,
        language: str,
        texts: Mapping[str, str],
        problems: Mapping[str, str] | None = None,
        lines: list[DiffLine] | None = None,
        *,
        base: int | None = None,
        status: int = 200,
    ) -> Response:
        name = wording.program.name
        in_file = self._editor.settings.programs.get(name)
        page = render_template(
            "reply_wording.html",
            wording=wording,
            program=wording.program,
            has_file=bool(in_file and in_file.replies),
            language=language,
            languages=_languages(wording.program, language),
            kinds=KINDS,
            wordings=previews(wording, language, texts),
            problems=problems or {},
            lines=lines,
            base=wording.version if base is None else base,
            history=read_history(self._versions, name),
        )
        return Response(page, status, content_type="text/html; charset=utf-8")


def _typed() -> dict[str, str]:
    """Return the texts of the form, without empty ones; browsers end lines with two characters."""
    typed = {kind: request.form.get(kind, "").replace("\r\n", "\n").strip() for kind in KINDS}
    return {kind: text for kind, text in typed.items() if text}


def _languages(program: Program, shown: str) -> list[tuple[str, str]]:
    """Return the languages that replies can be in, each with its name: the program's own first."""
    own = dict.fromkeys([*languages_of(program), shown])
    others = [code for code in NAMES if code not in own and code != ANY_LANGUAGE]
    return [(code, language_name(code)) for code in [*own, *sorted(others, key=language_name)]]
