"""Deciding, putting off, taking back: each answers with the next text at once."""

from __future__ import annotations

from flask import Flask, redirect, request, url_for

from smsgate.domain.errors import NoSuchReview, ReviewChanged, Unfit
from smsgate.features.reviews.console.desk import Answer, Said, answered, shown
from smsgate.features.reviews.queue import ReviewQueue
from smsgate.gateway import Gateway
from smsgate.web.console.auth import actor, needs
from smsgate.web.console.showing import ago, spaced

_DECISIONS = {"opt_out": "an opt-out", "none": "not an opt-out"}


def register(console: Flask, gateway: Gateway, queue: ReviewQueue) -> None:
    """Add the routes."""

    @console.post("/console/review/decide")
    @needs("agent")
    def decide_review() -> Answer:
        """Decide the text that was shown; it must be the newest of its number."""
        key, decided = request.form.get("key", ""), request.form.get("decided", "")
        if decided == "later":
            return _put_off(gateway, queue, key)
        if decided not in _DECISIONS:
            raise Unfit("Decide: opt out, not an opt-out, or later.")
        turn = queue.one(actor(), key)
        if turn is None:
            return _too_late(gateway, queue, key)
        one = turn.case.open
        try:
            made = gateway.deciding().decide(decided, one.number, one.program, actor(), key)
        except (NoSuchReview, ReviewChanged):
            return _too_late(gateway, queue, key)
        return answered(gateway, queue, made)

    @console.post("/console/review/undo")
    @needs("agent")
    def undo_review() -> Answer:
        """Take a decision back: its text waits again."""
        try:
            made = gateway.deciding().undo(request.form.get("decision", ""), actor())
        except (NoSuchReview, ReviewChanged) as error:
            said = Said(f"Nothing was taken back: {error}.", "warn")
            return shown(gateway, queue, said, status=error.status)
        return answered(gateway, queue, made)


def _put_off(gateway: Gateway, queue: ReviewQueue, key: str) -> Answer:
    """Show it last to this operator; it goes on waiting, and holding."""
    if queue.one(actor(), key) is None:
        return _too_late(gateway, queue, key)
    gateway.store.laters.put_off(actor(), key, gateway.store.health.now_us())
    if request.headers.get("HX-Request"):
        return shown(gateway, queue, Said("Put off: it comes last for you, and goes on waiting."))
    return redirect(url_for("review"), 303)


def _too_late(gateway: Gateway, queue: ReviewQueue, key: str) -> Answer:
    """Say who decided, or that there is a newer text, and show what is to be looked at now."""
    made = gateway.deciding().made.about(key)
    if made is not None:
        sentence = (
            f"{made.entry.actor} decided this already, {ago(made.at_us)}: "
            f"{_DECISIONS[made.decided]} ({spaced(made.entry.number)}). Nothing was changed."
        )
        text = gateway.deciding().made.texts([made]).get(made.key, "")
        return shown(gateway, queue, Said(sentence, "warn", made, text), status=409)
    newer = queue.newer(key)
    said = (
        Said("A newer text of this number came meanwhile. Look at it too, then decide.", "warn")
        if newer
        else Said("That text does not wait any more. Nothing was changed.", "warn")
    )
    return shown(gateway, queue, said, show=newer, status=409)
