"""The way to a number: what somebody typed is posted, so that it stands in no log."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template, request, url_for
from werkzeug import Response

from smsgate.consent import event_text
from smsgate.domain.errors import InvalidNumber, RecordsNotReady, RecordsUnavailable
from smsgate.domain.phone import MAX_SENDER_CHARS
from smsgate.features.numbers import number_search
from smsgate.features.numbers.number_search import Candidate
from smsgate.gateway import Gateway
from smsgate.web.console.auth import needs

_NEWEST, _UNROUTED = 20, 10


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""

    @console.get("/console/numbers")
    @needs("viewer")
    def numbers() -> str:
        """The search, and what happened last."""
        return _shown(gateway)

    @console.post("/console/numbers")
    @needs("viewer")
    def find_number() -> Response | str:
        """Lead to the number that was typed; ask which one where it may be several.

        To find nothing is no fault, so it is no answer that browsers complain of.
        """
        typed = request.form.get("number", "")
        regions = [*dict.fromkeys(one.region for one in gateway.settings.programs if one.region)]
        try:
            found = number_search.search(gateway.records, typed, regions)
        except InvalidNumber as error:
            return _shown(gateway, typed=typed, wrong=str(error))
        if len(found) == 1:
            return redirect(url_for("number", number=found[0].number), 303)
        return _shown(gateway, typed=typed, found=found)


def _shown(
    gateway: Gateway, typed: str = "", wrong: str = "", found: list[Candidate] | None = None
) -> str:
    lately: dict[str, Any] = {"newest": [], "unrouted": [], "problem": ""}
    if not (wrong or found):
        stories = gateway.records.stories
        try:
            lately["newest"] = [one.event for one in stories.newest(_NEWEST)]
            lately["unrouted"] = [one.event for one in stories.newest(_UNROUTED, "unrouted")]
        except (RecordsUnavailable, RecordsNotReady) as error:
            lately["problem"] = f"What happened last cannot be shown: {error}."
    typed = typed[:MAX_SENDER_CHARS]
    return render_template(
        "numbers.html", typed=typed, wrong=wrong, found=found or [], event_text=event_text, **lately
    )
