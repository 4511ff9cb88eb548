"""The console's pages about numbers: the search, a number's page, and what operators do to it.

A number that somebody typed is posted in a form, not in the path, so that it stands in no log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from werkzeug import Response
from werkzeug.routing import BaseConverter

from smsgate.classifier import explanation
from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.consent.restore import CONSENT, EVIDENCE
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import (
    InvalidNumber,
    RecordsNotReady,
    RecordsUnavailable,
    SmsGateError,
    Unfit,
)
from smsgate.domain.phone import is_e164
from smsgate.domain.phone_input import MAX_SENDER_CHARS, as_recorded
from smsgate.features.numbers import number_search
from smsgate.features.numbers.number_search import NumberCandidate
from smsgate.features.numbers.state import state_of
from smsgate.features.numbers.timeline import timeline
from smsgate.pipeline.forgetting import forget_number
from smsgate.pipeline.manual import RestoreRequest
from smsgate.pipeline.manual_input import MEDIA, consent_of, earliest_us, evidence_of, reason_of
from smsgate.pipeline.services import Services
from smsgate.records import HistoryPlace
from smsgate.web.console.auth import actor, needs, operator

_NEWEST, _UNROUTED = 20, 10
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
        """The search, and what happened last."""
        return _search_page(services)

    @console.post("/console/numbers")
    @needs("viewer")
    def find_number() -> Response | str:
        """Lead to the number that was typed; ask which one where it may be several.

        To find nothing is no fault, so it is no answer that browsers complain of.
        """
        typed = request.form.get("number", "")
        regions = [*dict.fromkeys(one.region for one in services.settings.programs if one.region)]
        try:
            found = number_search.search(services.records, typed, regions)
        except InvalidNumber as error:
            return _search_page(services, typed=typed, wrong=str(error))
        if len(found) == 1:
            return redirect(url_for("number", number=found[0].number), 303)
        return _search_page(services, typed=typed, found=found)

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
        view = needs("agent")(_action_view(services, name, action))
        console.post(f"/console/numbers/{name}", endpoint=f"number_{name}")(view)
    view = needs("admin", again=True)(_action_view(services, "forget", _forget))
    console.post("/console/numbers/forget", endpoint="number_forget")(view)


def _search_page(
    services: Services,
    typed: str = "",
    wrong: str = "",
    found: Sequence[NumberCandidate] = (),
) -> str:
    newest: list[Event] = []
    unrouted: list[Event] = []
    problem = ""
    if not (wrong or found):
        history = services.records.history
        try:
            newest = [one.event for one in history.newest(_NEWEST)]
            unrouted = [one.event for one in history.newest(_UNROUTED, "unrouted")]
        except (RecordsUnavailable, RecordsNotReady) as error:
            problem = f"What happened last cannot be shown: {error}."
    return render_template(
        "numbers.html",
        typed=typed[:MAX_SENDER_CHARS],
        wrong=wrong,
        found=found,
        event_text=event_text,
        newest=newest,
        unrouted=unrouted,
        problem=problem,
    )


def _number_page(
    services: Services, number: str, wrong: Mapping[str, str] | None = None, status: int = 200
) -> tuple[str, int]:
    """The whole page. ``wrong``: by the name of a form what is wrong with what it brought."""
    if len(number) > MAX_SENDER_CHARS:
        abort(404, f"Nothing that is longer than {MAX_SENDER_CHARS} characters was ever recorded.")
    values = _number_values(services, number)
    timeline_page = values["page"]
    if not values["state"].phone and not (timeline_page.items or timeline_page.problems):
        status = 404
    return render_template("number.html", wrong=wrong or {}, media=MEDIA, **values), status


def _number_values(services: Services, number: str) -> dict[str, Any]:
    place = _PLACE.fullmatch(request.args.get("before", ""))
    before = HistoryPlace(int(place[1]), int(place[2])) if place else None
    state = state_of(services, number)
    kept_us = services.settings.retention.kinds_us.get("ordinary")
    return {
        "number": number,
        "state": state,
        "page": timeline(services, number, before, is_store_away=state.is_store_away),
        "before": before,
        "programs": [*services.settings.programs],
        "forwarding": any(one.forward for one in services.settings.programs),
        "forwarded_days": kept_us // _DAY_US if kept_us else 0,
        "event_text": event_text,
        "explanation": explanation,
    }


def _action_view(
    services: Services, name: str, action: Action
) -> Callable[[], Response | tuple[str, int]]:
    """Do it and show the number's page; what was wrong stands in its form, with what it had."""

    def view() -> Response | tuple[str, int]:
        number = as_recorded(request.form.get("number", "").strip()[: 2 * MAX_SENDER_CHARS])
        if not number:
            raise Unfit("The form has no number in it: go back to the number's page.")
        try:
            flash(action(services, number), "good")
        except SmsGateError as error:
            if not is_e164(number):
                raise  # its page has no forms
            return _number_page(services, number, {name: str(error)}, error.status)
        return redirect(url_for("number", number=number), 303)

    return view


def _opt_out(services: Services, number: str) -> str:
    services.manual.opt_out(number, request.form.get("scope", ""), actor(), _reason())
    return "Opted out. It blocks from now on."


def _restore(services: Services, number: str) -> str:
    form, found = request.form, operator()
    basis = form.get("basis", "")
    services.manual.restore(
        RestoreRequest(
            number=number,
            scope=form.get("scope", ""),
            actor=actor(),
            reason=_reason(),
            basis=basis,
            consent=_consent() if basis == CONSENT else None,
            earliest_given_us=earliest_us(_given(), datetime.now(UTC)),
            evidence=evidence_of(form.get("evidence", "")) if basis == EVIDENCE else "",
            is_admin=found is not None and found.may("admin"),
        )
    )
    return "The restore is stored. How the number stands is shown below once it is applied."


def _lock(services: Services, number: str) -> str:
    services.manual.lock(number, actor(), _reason())
    return "Locked: no program may text it, and no START of its own changes that."


def _unlock(services: Services, number: str) -> str:
    services.manual.lock(number, actor(), _reason(), locked=False)
    return "Unlocked. It stays opted out until it texts START, or is restored."


def _record_consent(services: Services, number: str) -> str:
    program = request.form.get("program", "")
    services.manual.record_consent(number, program, _consent(), "operator", actor())
    return "The consent is on record. Where the number opted out, that stays."


def _forget(services: Services, number: str) -> str:
    if request.form.get("digits", "").strip() != number[-4:]:
        raise Unfit(
            "Type the last four characters of the number, so that it is the right one.",
            field="digits",
        )
    done = forget_number(services, number, actor(), _reason())
    cases = f" {done.cases:,} test cases of keyword sets are gone too." if done.cases else ""
    return (
        f"The texts of {done.records:,} records and {done.trail:,} ordinary texts are erased."
        f"{cases} The number is suppressed where it was."
    )


def _reason() -> str:
    return reason_of(request.form.get("reason", ""))


def _given() -> str:
    """A day, or a moment where the form has its time."""
    day, at = (request.form.get(name, "").strip() for name in ("given", "at"))
    return f"{day}T{at}" if day and at else day


def _consent() -> Consent:
    words, medium, source = (request.form.get(name, "") for name in ("words", "medium", "source"))
    return consent_of(words, medium, source, _given())


_ACTIONS: dict[str, Action] = {
    "opt-out": _opt_out,
    "restore": _restore,
    "lock": _lock,
    "unlock": _unlock,
    "consent": _record_consent,
}
