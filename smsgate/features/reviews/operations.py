"""Texts that need a person's decision.

Until they are decided, programs of kind marketing may not text their numbers.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from smsgate.features.reviews.reader import ReviewReader
from smsgate.features.reviews.service import ReviewService
from smsgate.interface.operation import Actor, Column, Context, operation
from smsgate.interface.schemas import AcceptedChange, NoFields, Number, ProgramName, moment


class Review(msgspec.Struct, frozen=True):
    """A text that waits; until it is decided, marketing programs may not text its number."""

    since: str | None
    number: str
    program: str
    text: Annotated[str, Column(kind="words")]
    why: Annotated[str, Column("Reason")]
    """What made the classifier hesitate, in words."""
    key: str
    """The same for all texts of a number to a program: what a decision has seen."""


class Reviews(msgspec.Struct, frozen=True):
    """Everything that waits, oldest first."""

    reviews: list[Review]


class Decided(msgspec.Struct, forbid_unknown_fields=True):
    """What the person decided."""

    program: ProgramName
    number: Number
    decision: Annotated[
        Literal["opt_out", "none", "undo"],
        msgspec.Meta(
            description="Opt the number out; release it, since it asked for nothing; or undo the "
            "newest decision of the last 48 hours: its text waits again."
        ),
    ]
    seen: Annotated[
        str,
        msgspec.Meta(
            description="The key that was listed; needed for `none`, and where several texts wait."
        ),
    ] = ""
    actor: Actor = ""


@operation(
    "GET /reviews",
    command="review list",
    role="viewer",
    scope="admin",
    by_program=True,
    empty="No texts in review.",
)
def list_reviews(context: Context, _: NoFields, reader: ReviewReader) -> Reviews:
    """List the texts that wait for a person, oldest first, and why each is unclear."""
    return Reviews(
        [
            Review(moment(one.received_us), one.number, one.program, one.text, one.reason, one.key)
            for one in reader.all()
            if context.caller.may(one.program)
        ]
    )


@operation(
    "POST /reviews/<program>/<number>",
    command="review decide <number>",
    role="agent",
    status=202,
    by_program=True,
    example={"program": "alerts", "number": "+14155550123", "decision": "opt_out"},
    done="{number}, {program}: {decision}.",
    problems={
        404: "No text of that number to that program waits, or there is nothing to undo.",
        409: "It was decided a moment ago, or another text has come in since.",
    },
)
def decide_review(context: Context, request: Decided, reviews: ReviewService) -> AcceptedChange:
    """Settle a number's texts in review.

    The decision applies to the texts that were listed: if a newer one has arrived, it is refused.
    """
    context.caller.require_program(request.program)
    id_ = reviews.decide(
        request.decision,
        request.number,
        request.program,
        context.actor(request.actor),
        request.seen,
    )
    return AcceptedChange(id_.partition("-")[2])


OPERATIONS = (list_reviews, decide_review)
