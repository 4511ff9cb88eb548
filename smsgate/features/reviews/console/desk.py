"""The desk: the text that is next, the conversation around it, and what waits behind it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, redirect, render_template, request, url_for
from werkzeug import Response

from smsgate.classifier import explanation
from smsgate.consent import event_text
from smsgate.features.reviews import deadlines
from smsgate.features.reviews.conversation import conversation
from smsgate.features.reviews.decided import Decided
from smsgate.features.reviews.likes import Alike
from smsgate.features.reviews.queue import ReviewQueue
from smsgate.gateway import Gateway
from smsgate.web.console.auth import actor, needs
from smsgate.web.console.showing import spaced

PAGE = 25
_LATELY_US = 7 * 24 * 3600 * 1_000_000
_LATELY, _MORE = 10, 200
_DECIDED = {"opt_out": "Opted out", "none": "Not an opt-out", "undo": "Taken back"}
Answer = Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Said:
    """What became of the last thing that was done here."""

    sentence: str
    tone: str = "good"
    decided: Decided | None = None
    """A decision that can be taken back, and made a keyword or a test case."""
    text: str = ""
    """The text that it was about."""
    alike: Alike | None = None
    """Other texts like it, where they were looked for."""
    kept: str = ""
    """What became of it as a test case."""


def register(console: Flask, gateway: Gateway, queue: ReviewQueue) -> None:
    """Add the route."""

    @console.get("/console/review")
    @needs("viewer")
    def review() -> tuple[str, int]:
        """The desk, with the text that is next or the one that was asked for."""
        show, did = request.args.get("show", ""), request.args.get("did", "")
        return shown(gateway, queue, said_of(gateway, did) if did else None, show=show)


def shown(
    gateway: Gateway,
    queue: ReviewQueue,
    said: Said | None = None,
    *,
    show: str = "",
    status: int = 200,
) -> tuple[str, int]:
    """The desk: for htmx what changes of it, else the whole page.

    ``show``: the key of the text to show; the next one where it does not wait any more.
    """
    number = min(max(request.args.get("page", 1, int), 1), 1_000_000)
    found = queue.part(actor(), (number - 1) * PAGE, PAGE)
    turn = queue.one(actor(), show) if show else None
    if show and turn is None and said is None:
        said = Said("That text does not wait any more: it was decided, or a newer one came.", "")
    turn = turn or found.first
    made = gateway.deciding().made
    lately = made.lately(_LATELY_US, _MORE if "lately" in request.args else _LATELY)
    lines, problem = conversation(gateway.store, gateway.records, turn.case) if turn else ([], "")
    part = "part_desk.html" if request.headers.get("HX-Request") else "review.html"
    page = render_template(
        part,
        turn=turn,
        queue=found,
        at=number,
        last=-(-found.total // PAGE),
        said=said,
        lines=lines,
        problem=problem,
        lately=lately,
        undone={one.undoes for one in lately},
        texts=made.texts(lately),
        decided_words=_DECIDED,
        event_text=event_text,
        explanation=explanation,
        deadlines=deadlines,
        now_us=gateway.store.health.now_us(),
        programs=gateway.settings.programs,
    )
    return page, status


def answered(gateway: Gateway, queue: ReviewQueue, key: str) -> Answer:
    """What follows a decision: for htmx the next text at once, else the page that shows it."""
    if request.headers.get("HX-Request"):
        return shown(gateway, queue, said_of(gateway, key))
    return redirect(url_for("review", did=key), 303)


def said_of(gateway: Gateway, key: str) -> Said | None:
    """What to say of a decision that was made."""
    found = gateway.deciding().made.find(key)
    if found is None:
        return None
    number = spaced(found.entry.number)
    if found.decided != "undo":
        text = gateway.deciding().made.texts([found]).get(found.key, "")
        return Said(f"{_DECIDED[found.decided]}: {number}.", "good", found, text)
    sentence = f"Taken back: {number} waits again."
    if found.entry.action == "undo":
        sentence += " The opt-out is lifted, unless something newer was said of the number."
    return Said(sentence)
