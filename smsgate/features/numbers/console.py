"""The console's pages about numbers: the search, a number's page, and what operators do to it.

A number that somebody typed is posted in a form, not in the path, so that it stands in no log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from werkzeug import Response
from werkzeug.routing import BaseConverter

from smsgate.classifier import explanation
from smsgate.consent import event_text
from smsgate.consent.restore import CONSENT, EVIDENCE
from smsgate.domain.errors import (
    InvalidNumber,
    RecordsNotReady,
    RecordsUnavailable,
    SmsGateError,
    Unfit,
)
from smsgate.domain.messages import Consent
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded, is_e164
from smsgate.features.numbers import number_search
from smsgate.features.numbers.number_search import Candidate
from smsgate.features.numbers.state import state_of
from smsgate.features.numbers.timeline import timeline
from smsgate.pipeline.forgetting import forget_number
from smsgate.pipeline.manual import RestoreRequest
from smsgate.pipeline.manual_input import MEDIA, consent_of, earliest_us, evidence_of, reason_of
from smsgate.pipeline.services import Services
from smsgate.records import HistoryPlace
from smsgate.web.console.auth import actor, needs, operator

_NEWEST, _UNROUTED = 20, 10


def register_search(console: Flask, services: Services) -> None:
    """Add the routes."""

    @console.get("/console/numbers")
    @needs("viewer")
    def numbers() -> str:
        """The search, and what happened last."""
        return _shown(services)

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
            return _shown(services, typed=typed, wrong=str(error))
        if len(found) == 1:
            return redirect(url_for("number", number=found[0].number), 303)
        return _shown(services, typed=typed, found=found)


def _shown(
    services: Services, typed: str = "", wrong: str = "", found: list[Candidate] | None = None
) -> str:
    lately: dict[str, Any] = {"newest": [], "unrouted": [], "problem": ""}
    if not (wrong or found):
        stories = services.records.history
        try:
            lately["newest"] = [one.event for one in stories.newest(_NEWEST)]
            lately["unrouted"] = [one.event for one in stories.newest(_UNROUTED, "unrouted")]
        except (RecordsUnavailable, RecordsNotReady) as error:
            lately["problem"] = f"What happened last cannot be shown: {error}."
    typed = typed[:MAX_SENDER_CHARS]
    return render_template(
        "numbers.html", typed=typed, wrong=wrong, found=found or [], event_text=event_text, **lately
    )


_PLACE = re.compile(r"([0-9]{1,17})-([0-9]{1,17})", re.ASCII)
_DAY_US = 24 * 3600 * 1_000_000
NOTHING: Mapping[str, str] = {}


def register_story(console: Flask, services: Services) -> None:
    """Add the route."""

    @console.get("/console/numbers/<recorded:number>", merge_slashes=False)
    @needs("viewer")
    def number(number: str) -> Response | str | tuple[str, int]:
        """The page of a number, or the part of it that changes while something is applied."""
        known = as_recorded(number)
        if known != number:
            return redirect(url_for("number", number=known), 302)
        if request.headers.get("HX-Request") and request.args.get("part") == "story":
            return render_template("part_story.html", **_story(services, number))
        return page(services, number)


def page(
    services: Services,
    number: str,
    wrong: Mapping[str, str] = NOTHING,
    status: int = 200,
) -> tuple[str, int]:
    """The whole page. ``wrong``: by the name of a form what is wrong with what it brought."""
    if len(number) > MAX_SENDER_CHARS:
        abort(404, f"Nothing that is longer than {MAX_SENDER_CHARS} characters was ever recorded.")
    told = _story(services, number)
    happened = told["page"]
    if not told["state"].phone and not (happened.items or happened.problems):
        status = 404
    return render_template("number.html", wrong=wrong, media=MEDIA, **told), status


def _story(services: Services, number: str) -> dict[str, Any]:
    before = _place(request.args.get("before", ""))
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


def _place(text: str) -> HistoryPlace | None:
    found = _PLACE.fullmatch(text)
    return HistoryPlace(int(found[1]), int(found[2])) if found else None


Answer = Response | tuple[str, int]
Act = Callable[[Services, str], str]
"""Does something to a number; gives the sentence that says so."""


def register_actions(console: Flask, services: Services) -> None:
    """Add the routes."""
    for name, act in _ACTS.items():
        view = needs("agent")(_view(services, name, act))
        console.post(f"/console/numbers/{name}", endpoint=f"number_{name}")(view)
    view = needs("admin", again=True)(_view(services, "forget", _forget))
    console.post("/console/numbers/forget", endpoint="number_forget")(view)


def _view(services: Services, name: str, act: Act) -> Callable[[], Answer]:
    """Do it and show the number's page; what was wrong stands in its form, with what it had."""

    def view() -> Answer:
        number = as_recorded(request.form.get("number", "").strip()[: 2 * MAX_SENDER_CHARS])
        if not number:
            raise Unfit("The form has no number in it: go back to the number's page.")
        try:
            flash(act(services, number), "good")
        except SmsGateError as error:
            if not is_e164(number):
                raise  # its page has no forms
            return page(services, number, {name: str(error)}, error.status)
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
        raise Unfit("Type the last four characters of the number, so that it is the right one.")
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


_ACTS: dict[str, Act] = {
    "opt-out": _opt_out,
    "restore": _restore,
    "lock": _lock,
    "unlock": _unlock,
    "consent": _record_consent,
}


class _Recorded(BaseConverter):
    """A number as it was recorded: what is no phone number may have any character in it."""

    regex = r"[\s\S]{1,600}?"
    part_isolating = False


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    console.url_map.converters["recorded"] = _Recorded
    register_search(console, services)
    register_story(console, services)
    register_actions(console, services)
