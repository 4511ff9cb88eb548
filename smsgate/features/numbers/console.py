"""The console's pages about numbers: the search, a number's page, and what operators do to it.

A number that somebody typed is posted in a form, not in the path, so that it stands in no log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from werkzeug import Response
from werkzeug.routing import BaseConverter

from smsgate.consent import decision_text, event_text
from smsgate.consent.events import Event
from smsgate.consent.restore import BASES, CONSENT, EVIDENCE
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded
from smsgate.features.numbers.search import NumberCandidate, find_numbers, words_of
from smsgate.features.numbers.state import state_of
from smsgate.features.numbers.timeline import spoken_texts, timeline
from smsgate.pipeline.forgetting import forget_number
from smsgate.pipeline.manual import RestoreRequest
from smsgate.pipeline.manual_input import MEDIA, consent_of, earliest_us, evidence_of, reason_of
from smsgate.pipeline.services import Services
from smsgate.records import HistoryPlace
from smsgate.records.history import SEARCHED, TextPlace
from smsgate.web.console.auth import actor, needs, operator, operator_zone
from smsgate.web.console.template_filters import exact
from smsgate.web.console.zones import typed_zone

_NEWEST, _UNROUTED = 20, 10
TEXTS = 50
"""Texts in one page of a search."""
_TEXT_PLACE = re.compile(r"([0-9]{1,17})\.([0-9A-Za-z-]{1,64})")
_PLACE = re.compile(r"([0-9]{1,17})-([0-9]{1,17})", re.ASCII)
_DAY_US = 24 * 3600 * 1_000_000
Action = Callable[[Services, str], str]
"""Does something to a number; gives the sentence that says so."""


class RecordedNumber(BaseConverter):
    """A number as it was recorded: what is no phone number may have any character in it."""

    regex = r"[\s\S]{1,600}?"
    part_isolating = False


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    console.url_map.converters["recorded"] = RecordedNumber

    @console.get("/console/numbers")
    @needs("viewer")
    def numbers() -> str:
        """The search, and the newest events."""
        return _search_page(services)

    @console.post("/console/numbers")
    @needs("viewer")
    def find_number() -> Response | str:
        """Lead to the number that was typed; ask which one where it may be several.

        What is no number is searched for in the texts on record. To find nothing is no fault, so
        it is no answer that browsers complain of.
        """
        typed = request.form.get("number", "")[:MAX_SENDER_CHARS].replace("\0", "")
        regions = [*dict.fromkeys(one.region for one in services.settings.programs if one.region)]
        found = find_numbers(services.records, typed, regions)
        if len(found) == 1:
            return redirect(url_for("number", number=found[0].number), 303)
        return _search_page(services, typed, found)

    @console.get("/console/numbers/<recorded:number>", merge_slashes=False)
    @needs("viewer")
    def number(number: str) -> Response | str | tuple[str, int]:
        """The page of a number, or the part of it that changes while something is applied."""
        known = as_recorded(number)
        if known != number:
            return redirect(url_for("number", number=known), 302)
        if request.headers.get("HX-Request") and request.args.get("part") == "story":
            return render_template("part_story.html", **_number_values(services, number))
        return _number_page(services, number)

    for name, action in _ACTIONS.items():
        view = needs("agent")(_action_view(services, action))
        console.post(f"/console/numbers/{name}", endpoint=f"number_{name}")(view)
    view = needs("admin", again=True)(_action_view(services, _forget))
    console.post("/console/numbers/forget", endpoint="number_forget")(view)


def _search_page(services: Services, typed: str = "", found: Sequence[NumberCandidate] = ()) -> str:
    records, words = services.records, words_of(typed)
    newest: list[Event] = []
    unrouted: list[Event] = []
    texts, problem = None, ""
    try:
        if words and not found:
            place = _TEXT_PLACE.fullmatch(request.form.get("before", ""))
            behind = TextPlace(int(place[1]), place[2]) if place else None
            texts = records.received_texts.search(words, behind, TEXTS)
        elif not found:
            newest = [one.event for one in records.history.newest(_NEWEST)]
            unrouted = [one.event for one in records.history.newest(_UNROUTED, "unrouted")]
    except RecordsUnavailable as error:
        problem = f"What is on record cannot be shown: {error}."
    return render_template(
        "numbers.html",
        typed=typed,
        max_chars=MAX_SENDER_CHARS,
        found=found,
        texts=texts,
        searched=SEARCHED,
        event_text=event_text,
        newest=newest,
        unrouted=unrouted,
        problem=problem,
    )


def _number_page(services: Services, number: str) -> tuple[str, int]:
    """The whole page, and its status."""
    if len(number) > MAX_SENDER_CHARS:
        abort(404, f"Nothing longer than {MAX_SENDER_CHARS} characters is ever recorded.")
    values = _number_values(services, number)
    timeline_page = values["page"]
    is_known = values["state"].phone or timeline_page.items or timeline_page.problems
    return render_template("number.html", media=MEDIA, **values), 200 if is_known else 404


def _number_values(services: Services, number: str) -> dict[str, Any]:
    place = _PLACE.fullmatch(request.args.get("before", ""))
    before = HistoryPlace(int(place[1]), int(place[2])) if place else None
    state = state_of(services, number)
    kept_us = services.settings.retention.ordinary_us
    page = timeline(services, number, before, is_store_away=state.is_store_away)
    # A part of the page is asked for with the page's own address in a header.
    asked = (request.args.get("view", ""), request.headers.get("HX-Current-URL", ""))
    is_conversation = asked[0] == "texts" or "view=texts" in asked[1]
    return {
        "number": number,
        "state": state,
        "page": page,
        "spoken": spoken_texts(page) if is_conversation else None,
        "before": before,
        "scopes": [
            (ALL, "All programs"),
            *((one.name, one.title) for one in services.settings.programs),
        ],
        "forwarding": any(one.forward for one in services.settings.programs),
        "forwarded_days": kept_us // _DAY_US if kept_us else 0,
        "event_text": event_text,
        "decision_text": decision_text,
        "local_time": lambda at_us: exact(at_us, operator_zone()),
    }


def _action_view(services: Services, action: Action) -> Callable[[], Response]:
    """Do it and show the number's page."""

    def view() -> Response:
        number = as_recorded(request.form.get("number", "").strip()[: 2 * MAX_SENDER_CHARS])
        if not number:
            raise Unfit("This form has no number: open it from the page of the number.")
        flash(action(services, number), "good")
        return redirect(url_for("number", number=number), 303)

    return view


def _opt_out(services: Services, number: str) -> str:
    services.manual.opt_out(number, request.form.get("scope", ""), actor(), _reason())
    return "Opted out. The number is blocked from now on."


def _restore(services: Services, number: str) -> str:
    form, found = request.form, operator()
    basis = form.get("basis", "")
    if basis == CONSENT and not form.get("source", "").strip():
        raise Unfit("Say where exactly they agreed: the page, form or file.", field="source")
    if basis not in BASES:
        raise Unfit("Say what allows it: choose a basis.", field="basis")
    services.manual.restore(
        RestoreRequest(
            number=number,
            scope=form.get("scope", ""),
            actor=actor(),
            reason=_reason(),
            basis=basis,
            consent=_consent() if basis == CONSENT else None,
            earliest_given_us=earliest_us(_given(), datetime.now(UTC), typed_zone()),
            evidence=evidence_of(form.get("evidence", "")) if basis == EVIDENCE else "",
            is_admin=found is not None and found.may("admin"),
        )
    )
    return "Restore saved. The status below updates once it is applied."


def _lock(services: Services, number: str) -> str:
    services.manual.lock(number, actor(), _reason())
    return "Locked: no program can text it, even after START."


def _unlock(services: Services, number: str) -> str:
    services.manual.lock(number, actor(), _reason(), locked=False)
    return "Unlocked. The number stays opted out until it texts START or is restored."


def _record_consent(services: Services, number: str) -> str:
    program = request.form.get("program", "")
    services.manual.record_consent(number, program, _consent(), "operator", actor())
    return "Consent recorded. Opt-outs of this number still hold."


def _forget(services: Services, number: str) -> str:
    if request.form.get("digits", "").strip() != number[-4:]:
        raise Unfit(
            "Enter the last four characters of this number.",
            field="digits",
        )
    done = forget_number(services, number, actor(), _reason())
    cases = f" {done.cases:,} test cases of keyword sets were removed too." if done.cases else ""
    return (
        f"Erased the texts of {done.records:,} records and {done.ordinary_texts:,} ordinary texts."
        f"{cases} The number is still suppressed where it was."
    )


def _reason() -> str:
    return reason_of(request.form.get("reason", ""))


def _given() -> str:
    """A day, or a moment where the form has its time."""
    day, at = (request.form.get(name, "").strip() for name in ("given", "at"))
    return f"{day}T{at}" if day and at else day


def _consent() -> Consent:
    words, medium, source = (request.form.get(name, "") for name in ("words", "medium", "source"))
    return consent_of(words, medium, source, _given(), typed_zone())


_ACTIONS: dict[str, Action] = {
    "opt-out": _opt_out,
    "restore": _restore,
    "lock": _lock,
    "unlock": _unlock,
    "consent": _record_consent,
}
