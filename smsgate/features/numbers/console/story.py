"""A number's page: how it stands, what may be done, and what happened, newest first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask, abort, redirect, render_template, request, url_for
from werkzeug import Response

from smsgate.classifier import explanation
from smsgate.consent import event_text
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded
from smsgate.features.numbers.state import state_of
from smsgate.features.numbers.timeline import timeline
from smsgate.gateway import Gateway
from smsgate.pipeline.manual_input import MEDIA
from smsgate.records import Place
from smsgate.web.console.auth import needs

_PLACE = re.compile(r"([0-9]{1,17})-([0-9]{1,17})", re.ASCII)
_DAY_US = 24 * 3600 * 1_000_000
NOTHING: Mapping[str, str] = {}


def register(console: Flask, gateway: Gateway) -> None:
    """Add the route."""

    @console.get("/console/numbers/<recorded:number>", merge_slashes=False)
    @needs("viewer")
    def number(number: str) -> Response | str | tuple[str, int]:
        """The page of a number, or the part of it that changes while something is applied."""
        known = as_recorded(number)
        if known != number:
            return redirect(url_for("number", number=known), 302)
        if request.headers.get("HX-Request") and request.args.get("part") == "story":
            return render_template("part_story.html", **_story(gateway, number))
        return page(gateway, number)


def page(
    gateway: Gateway,
    number: str,
    wrong: Mapping[str, str] = NOTHING,
    status: int = 200,
) -> tuple[str, int]:
    """The whole page. ``wrong``: by the name of a form what is wrong with what it brought."""
    if len(number) > MAX_SENDER_CHARS:
        abort(404, f"Nothing that is longer than {MAX_SENDER_CHARS} characters was ever recorded.")
    told = _story(gateway, number)
    happened = told["page"]
    if not told["state"].phone and not (happened.items or happened.problems):
        status = 404
    return render_template("number.html", wrong=wrong, media=MEDIA, **told), status


def _story(gateway: Gateway, number: str) -> dict[str, Any]:
    before = _place(request.args.get("before", ""))
    state = state_of(gateway, number)
    kept_us = gateway.settings.retention.kinds_us.get("ordinary")
    return {
        "number": number,
        "state": state,
        "page": timeline(gateway, number, before, is_store_away=state.is_store_away),
        "before": before,
        "programs": [*gateway.settings.programs],
        "forwarding": any(one.forward for one in gateway.settings.programs),
        "forwarded_days": kept_us // _DAY_US if kept_us else 0,
        "event_text": event_text,
        "explanation": explanation,
    }


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    return Place(int(found[1]), int(found[2])) if found else None
