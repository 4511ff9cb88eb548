"""What follows a decision: others like it decided with it, and the text kept as a test case."""

from __future__ import annotations

from flask import Flask, render_template, request

from smsgate.domain.errors import NoSuchReview, Unfit
from smsgate.features.reviews.console.desk import Answer, Said, shown
from smsgate.features.reviews.decided import Decided
from smsgate.features.reviews.likes import Alike, alike
from smsgate.features.reviews.queue import ReviewQueue
from smsgate.gateway import Gateway
from smsgate.pipeline import labelled_texts
from smsgate.web.console.auth import actor, needs

MOST = 500
"""Texts that are decided at once."""


def register(console: Flask, gateway: Gateway, queue: ReviewQueue) -> None:
    """Add the routes."""

    @console.get("/console/review/alike")
    @needs("viewer")
    def review_alike() -> Answer:
        """How many others like a decided text there were lately, and which of them wait."""
        made, text = _decided(gateway, request.args.get("decision", ""))
        said = Said("", "good", made, text, _alike(gateway, made, text))
        if request.headers.get("HX-Request"):
            return render_template("part_alike.html", said=said), 200
        return shown(gateway, queue, said)

    @console.post("/console/review/alike")
    @needs("agent")
    def decide_alike() -> Answer:
        """Decide those that wait in the same words, as the one was decided."""
        made, text = _decided(gateway, request.form.get("decision", ""))
        some = _alike(gateway, made, text).waiting[:MOST]
        done = gateway.deciding().decide_each(made.decided, some, actor())
        word = "an opt-out" if made.decided == "opt_out" else "not an opt-out"
        sentence = f"{len(done)} more decided the same way: {word}. Each can be taken back below."
        return shown(gateway, queue, Said(sentence))

    @console.post("/console/review/keep")
    @needs("agent")
    def keep_review() -> Answer:
        """Keep a decided text as a test case for keyword sets."""
        made, text = _decided(gateway, request.form.get("decision", ""))
        try:
            new = labelled_texts.keep(gateway.settings.data_dir, made.decided, text, made.key)
        except Unfit as error:
            said = Said(str(error), "warn", made, text)
            return shown(gateway, queue, said, status=error.status)
        kept = "Kept as a test case." if new else "It was kept as a test case before."
        return shown(gateway, queue, Said(kept, "good", made, text, kept=kept))


def _decided(gateway: Gateway, key: str) -> tuple[Decided, str]:
    """A decision and its text. Raises ``NoSuchReview``."""
    known = gateway.deciding().made
    made = known.find(key)
    text = known.texts([made]).get(made.key, "") if made else ""
    if made is None or made.decided == "undo" or not text:
        raise NoSuchReview("There is no such decision of the last 48 hours whose text is known.")
    return made, text


def _alike(gateway: Gateway, made: Decided, text: str) -> Alike:
    entry = made.entry
    return alike(gateway.store, gateway.records, entry.number, entry.program, text)
