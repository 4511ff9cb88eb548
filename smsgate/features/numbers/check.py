"""``POST /v1/check``: may this program text these numbers?"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated

import msgspec

from smsgate.domain.errors import StoreUnavailable
from smsgate.interface.operation import Context, operation
from smsgate.interface.schemas import CheckResult
from smsgate.pipeline.gate import GateAnswer
from smsgate.pipeline.services import Services
from smsgate.store.refusals import Refusal

MAX_NUMBERS = 10_000


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """Numbers that a program would text."""

    program: str
    numbers: Annotated[list[str], msgspec.Meta(max_length=MAX_NUMBERS)]
    sending: bool = False
    """Whether what is not allowed here is a text that was about to leave, so that it counts."""


class Checked(msgspec.Struct, frozen=True):
    """An answer for each number, in the order asked."""

    results: list[CheckResult]


@operation(
    "POST /check",
    role="viewer",
    scope="check",
    by_program=True,
    example={"program": "alerts", "numbers": ["+14155550123"]},
)
def check_numbers(context: Context, request: Check) -> Checked:
    """Say of each number whether the program may text it, in the order asked."""
    context.caller.require_program(request.program)
    answers = context.services.gate.check(request.numbers, program=request.program)
    if request.sending:
        _count(context.services, request.program, answers)
    return Checked([CheckResult(one.number, one.allowed, one.reason, one.since) for one in answers])


def _count(services: Services, program: str, answers: Iterable[GateAnswer]) -> None:
    """Count the sends that these answers stop; what cannot be counted is stopped all the same."""
    stopped = [
        Refusal(one.number, program, one.reason, "api") for one in answers if not one.allowed
    ]
    with suppress(StoreUnavailable):
        services.store.refusals.add(stopped)


OPERATIONS = (check_numbers,)
