"""The console's pages about numbers: the search, a number's page, and what operators do to it.

A number that somebody typed is posted in a form, not in the path, so that it stands in no log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from werkzeug import Response
from werkzeug.routing import BaseConverter

from smsgate import decision_text, event_text
from smsgate.consent.actions import CONSENT, EVIDENCE
from smsgate.consent.events import Event
from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded
from smsgate.domain.signed_times import time_of
from smsgate.domain.time_zones import day_start_us
from smsgate.features.numbers.changes import lock, record_consent, restore, suppress, unlock
from smsgate.features.numbers.operations import forget_texts
from smsgate.features.numbers.search import NumberCandidate, find_numbers, words_of
from smsgate.features.numbers.story import StoryReader
from smsgate.interface.operation import Operation
from smsgate.interface.parts import Parts
from smsgate.interface.schemas import MEDIA
from smsgate.interface.values import ZONE, read_values, typed_zone
from smsgate.pipeline.gate import Gate
from smsgate.records import HistoryPlace, Records
from smsgate.records.reader import SEARCHED
from smsgate.settings import Settings
from smsgate.store.store import Store
from smsgate.web.console.auth import context, needs, operator_zone
from smsgate.web.console.template_filters import exact

_NEWEST, _UNROUTED = 20, 10
TEXTS = 50
"""Texts in one page of a search."""
_PLACE = re.compile(r"([0-9]{1,17})-([0-9]{1,17})", re.ASCII)
_EARLIEST_YEAR = 1990
Action = Operation[Any, Any]


class RecordedNumber(BaseConverter):
    """A number as it was recorded: what is no phone number may have any character in it."""

    regex = r"[\s\S]{1,600}?"
    part_isolating = False


def register(
    console: Flask,
    parts: Parts,
    settings: Settings,
    store: Store,
    records: Records,
    gate: Gate,
) -> None:
    """Add the routes."""
    console.url_map.converters["recorded"] = RecordedNumber
    stories = StoryReader(settings, store, records, gate)

    @console.get("/console/numbers")
    @needs("viewer")
    def numbers() -> str:
        """The search, and the newest events."""
        return _search_page(records)

    @console.post("/console/numbers")
    @needs("viewer")
    def find_number() -> Response | str:
        """Lead to the number that was typed; ask which one where it may be several.

        What is no number is searched for in the texts on record. To find nothing is no fault, so
        it is no answer that browsers complain of.
        """
        typed = request.form.get("number", "")[:MAX_SENDER_CHARS].replace("\0", "")
        regions = [*dict.fromkeys(one.region for one in settings.programs if one.region)]
        found = find_numbers(records, typed, regions)
        if len(found) == 1:
            return redirect(url_for("number", number=found[0].number), 303)
        return _search_page(records, typed, found)

    @console.get("/console/numbers/<recorded:number>", merge_slashes=False)
    @needs("viewer")
    def number(number: str) -> Response | str | tuple[str, int]:
        """The page of a number, or the part of it that changes while something is applied."""
        known = as_recorded(number)
        if known != number:
            return redirect(url_for("number", number=known), 302)
        if request.headers.get("HX-Request") and request.args.get("part") == "story":
            return render_template("part_story.html", **_number_values(settings, stories, number))
        return _number_page(settings, stories, number)

    for name, (action, done) in _ACTIONS.items():
        view = needs(action.role, again=action.asks_again)(_action_view(parts, action, done))
        console.post(f"/console/numbers/{name}", endpoint=f"number_{name}")(view)


def _search_page(records: Records, typed: str = "", found: Sequence[NumberCandidate] = ()) -> str:
    words = words_of(typed)
    newest: list[Event] = []
    unrouted: list[Event] = []
    texts, problem = None, ""
    try:
        if words and not found:
            place = _PLACE.fullmatch(request.form.get("before", ""))
            behind = HistoryPlace(int(place[1]), int(place[2])) if place else None
            texts = records.reader.search(words, behind, TEXTS)
        elif not found:
            newest = [one.event for one in records.reader.newest(_NEWEST)]
            unrouted = [one.event for one in records.reader.newest(_UNROUTED, "unrouted")]
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


def _number_page(settings: Settings, stories: StoryReader, number: str) -> tuple[str, int]:
    """The whole page, and its status."""
    if len(number) > MAX_SENDER_CHARS:
        abort(404, f"Nothing longer than {MAX_SENDER_CHARS} characters is ever recorded.")
    values = _number_values(settings, stories, number)
    page = values["page"]
    is_known = page.phone or page.items or page.problems
    return render_template("number.html", media=MEDIA, **values), 200 if is_known else 404


def _number_values(settings: Settings, stories: StoryReader, number: str) -> dict[str, Any]:
    place = _PLACE.fullmatch(request.args.get("before", ""))
    before = HistoryPlace(int(place[1]), int(place[2])) if place else None
    page = stories.read(number, before)
    titles = {one.name: one.title for one in settings.programs}
    return {
        "number": number,
        "page": page,
        "before": before,
        "titles": titles,
        "scopes": [(ALL, "All programs"), *titles.items()],
        "event_text": event_text,
        "decision_text": decision_text,
        "local_time": lambda at_us: exact(at_us, operator_zone()),
    }


def _action_view(parts: Parts, action: Action, done: str) -> Callable[[], Response]:
    """Do it and show the number's page."""
    run = parts.bind(action.run, 2)

    def view() -> Response:
        number = _typed_number()
        values: dict[str, str] = {
            name: text
            for name in action.fields
            if (text := request.form.get(name, "").strip()) and name != "actor"
        }
        if action is restore:
            _check_basis(values)
        if "given" in values:
            values["given"] = _given().isoformat()
        if action is forget_texts:
            if request.form.get("digits", "").strip() != number[-4:]:
                raise Unfit("Enter the last four characters of this number.", field="digits")
            values["yes"] = "true"
        asked = read_values(action, {**values, "number": number})
        result = run(context(), asked)
        flash(done or action.sentence(asked, result), "good")
        return redirect(url_for("number", number=number), 303)

    return view


def _typed_number() -> str:
    number = as_recorded(request.form.get("number", "").strip()[: 2 * MAX_SENDER_CHARS])
    if not number:
        raise Unfit("This form has no number: open it from the page of the number.")
    return number


def _check_basis(values: dict[str, str]) -> None:
    """Leave only the fields of the basis that was chosen: the form has those of each."""
    if "basis" not in values:
        raise Unfit("Say what allows it: choose a basis.", field="basis")
    fields = {CONSENT: ("words", "medium", "given", "source"), EVIDENCE: ("evidence",)}
    for basis, names in fields.items():
        for name in names if basis != values["basis"] else ():
            values.pop(name, None)
    for name in fields[CONSENT] if values["basis"] == CONSENT else ():
        if name not in values:
            raise Unfit("Fill this in: the basis that you chose needs it.", field=name)


def _given() -> datetime:
    """The time in the form; where it has a day only, its beginning, so that none is too new."""
    zone = typed_zone(request.form.get(ZONE, "").strip(), operator_zone())
    try:
        day = date.fromisoformat(request.form.get("given", "").strip())
        at = time.fromisoformat(request.form.get("at", "").strip() or "00:00").replace(tzinfo=None)
    except ValueError:
        raise Unfit("Say on which day it was given, such as 2026-05-03.", field="given") from None
    if not request.form.get("at", "").strip() or day.year < _EARLIEST_YEAR:
        return time_of(day_start_us(day, zone))
    return datetime.combine(day, at, zone)


_ACTIONS: dict[str, tuple[Action, str]] = {
    "opt-out": (suppress, "Opted out. The number is blocked from now on."),
    "restore": (restore, "Restore saved. The status below updates once it is applied."),
    "lock": (lock, "Locked: no program can text it, even after START."),
    "unlock": (
        unlock,
        "Unlocked. The number stays opted out until it texts START or is restored.",
    ),
    "consent": (record_consent, "Consent recorded. Opt-outs of this number still hold."),
    "forget": (forget_texts, ""),
}
