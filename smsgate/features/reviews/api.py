"""``/v1/reviews``: texts that wait for a person, and the person's decision."""

from __future__ import annotations

from typing import Literal

import msgspec

from smsgate.features.reviews.service import ReviewService
from smsgate.pipeline.reviews import list_waiting_texts
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.schemas import AcceptedChange, Actor, moment


class Review(msgspec.Struct, frozen=True):
    """A text that waits; until it is decided, marketing programs may not text its number."""

    program: str
    number: str
    since: str | None
    text: str
    why: str
    """What made the classifier hesitate."""
    key: str
    """The same for all texts of a number to a program: what a decision has seen."""


class Reviews(msgspec.Struct, frozen=True):
    """Everything that waits, oldest first."""

    reviews: list[Review]


class Decided(msgspec.Struct, forbid_unknown_fields=True):
    """What the person decided."""

    decision: Literal["opt_out", "none", "undo"]
    """``none``: it asked for nothing. ``undo`` of the newest decision: its text waits again."""
    seen: str = ""
    """The key that was listed; needed where several texts of the number wait."""
    actor: Actor = ""


def list_reviews(call: Call) -> Outcome:
    """List the texts that wait for a person."""
    return 200, Reviews(
        [
            Review(one.program, one.number, moment(one.since_us), one.text, one.why, one.key)
            for one in list_waiting_texts(call.services.store, call.services.records)
            if call.caller.may(one.program)
        ]
    )


def decide_review(call: Call) -> Outcome:
    """Settle a text that waits."""
    path, decided = call.path, call.body
    call.caller.require_program(path["program"])
    id_ = ReviewService(call.services).decide(
        decided.decision, path["number"], path["program"], call.actor(decided.actor), decided.seen
    )
    return 202, AcceptedChange(id_.partition("-")[2])


OPERATIONS = (
    Operation(
        method="GET",
        path="/reviews",
        scope="admin",
        summary="Texts in review",
        run=list_reviews,
        answers={200: Reviews},
        by_program=True,
    ),
    Operation(
        method="POST",
        path="/reviews/<program>/<number>",
        scope="admin",
        summary="Decide a text that waits",
        run=decide_review,
        body=Decided,
        answers={202: AcceptedChange},
        by_program=True,
        also={
            404: "No text of that number to that program waits, or there is nothing to undo.",
            409: "It was decided a moment ago, or another text has come in since.",
        },
    ),
)
