"""The page that searches in texts. What is typed is posted, so that it stands in no log."""

from __future__ import annotations

import re

from flask import Flask, render_template, request

from smsgate.consent import event_text
from smsgate.features.numbers.text_search import SCANNED, TextSearch, TextSearchPage, words_of
from smsgate.pipeline.services import Services
from smsgate.records.history import TextPlace
from smsgate.web.console.auth import needs

TEXTS = "/console/texts"
PAGE_SIZE = 50
MAX_CHARS = 200
_PLACE = re.compile(r"([0-9]{1,17})\.([0-9A-Za-z-]{1,64})")


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    search = TextSearch(services.records.database)

    @console.get(TEXTS)
    @needs("viewer")
    def texts() -> str:
        """Show the form."""
        return _page("", None)

    @console.post(TEXTS)
    @needs("viewer")
    def search_texts() -> str:
        """Show a page of the texts that contain what was typed."""
        typed = request.form.get("words", "")[:MAX_CHARS].replace("\0", "")
        words = words_of(typed)
        place = _PLACE.fullmatch(request.form.get("before", ""))
        behind = TextPlace(int(place[1]), place[2]) if place else None
        return _page(typed, search.page(words, behind, PAGE_SIZE) if words else None)


def _page(typed: str, page: TextSearchPage | None) -> str:
    return render_template(
        "texts.html",
        typed=typed,
        page=page,
        was_asked=request.method == "POST",
        scanned=SCANNED,
        max_chars=MAX_CHARS,
        event_text=event_text,
    )
