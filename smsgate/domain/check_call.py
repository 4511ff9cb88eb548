"""A call of ``POST /v1/check``: what is sent, and how its answer is read; without any client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from smsgate.domain.errors import (
    Forbidden,
    GateUnreachable,
    InvalidNumber,
    SmsGateError,
    StoreNotReady,
    StoreUnavailable,
    Suppressed,
    TooManyCalls,
    Unauthorized,
    UnknownProgram,
)

CHUNK = 10_000
"""Numbers in one call; more are asked about in several."""
_ERRORS: dict[str, type[SmsGateError]] = {
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
    "too_many_calls": TooManyCalls,
    "unknown_program": UnknownProgram,
    "store_unavailable": StoreUnavailable,
    "store_not_ready": StoreNotReady,
}
"""By the ``reason`` of a problem (docs/api.md)."""
PATH = "/v1/check"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate says of one number; as ``smsgate.Gate`` does."""

    number: str
    allowed: bool | None
    reason: str = ""
    since: str | None = None


@dataclass(frozen=True, slots=True)
class CheckCall:
    """One call about numbers of a list."""

    numbers: Sequence[str]
    body: dict[str, object]
    """As JSON."""


def check_calls(numbers: Sequence[str], program: str, *, sending: bool) -> Iterator[CheckCall]:
    """The calls about a list; one where it is empty.

    Raises ``TypeError`` for a single number instead of a list.
    """
    if isinstance(numbers, str):  # of "" every letter may be texted
        raise TypeError("numbers is a list: write [number], or ask allows(number, …).")
    for at in range(0, max(len(numbers), 1), CHUNK):
        some = numbers[at : at + CHUNK]
        body: dict[str, object] = {"program": program, "numbers": [*some]}
        yield CheckCall(some, body | ({"sending": True} if sending else {}))


def read_answers(
    call: CheckCall, status: int, body: bytes, retry_after: str | None
) -> list[Answer]:
    """The answers to exactly what was asked. Raises ``GateUnreachable`` for anything else.

    ``retry_after`` is the header of that name. Raises the gate's own error where it gave one.
    """
    found = _object(body)
    if status != 200:
        said = str(found.get("detail") or f"the gate answered {status}")
        if found.get("reason") == "too_many_calls":
            raise TooManyCalls(said, _seconds(retry_after or ""))
        raise _ERRORS.get(str(found.get("reason")), GateUnreachable)(said)
    try:
        answers = [
            Answer(str(one["number"]), _allowed(one["allowed"]), str(one["reason"]), one["since"])
            for one in found["results"]
        ]
    except (LookupError, TypeError) as error:
        raise GateUnreachable("what answered does not speak as the gate does") from error
    if [answer.number for answer in answers] != [*call.numbers]:
        raise GateUnreachable("the gate answered something else than was asked")
    return answers


def is_allowed(answer: Answer) -> bool:
    """Whether the number may be texted. Raises ``InvalidNumber`` if it is no phone number."""
    if answer.allowed is None:
        raise InvalidNumber(f"{answer.number!r} is no phone number: write it as +14155550123.")
    return answer.allowed


def refuse_stopped(answers: Sequence[Answer], program: str) -> None:
    """Raise where one of the numbers may not be texted.

    ``InvalidNumber`` for the first that is no phone number, else ``Suppressed``.
    """
    refused = {answer.number: answer.reason for answer in answers if not is_allowed(answer)}
    if refused:
        raise Suppressed(program, refused)


def _seconds(retry_after: str) -> float:
    """How long to wait by a ``Retry-After``, which has seconds or a date; 1 by any other text."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 7:
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        return max((until - datetime.now(until.tzinfo)).total_seconds(), 0.0)
    except (ValueError, OverflowError):
        return 1.0


def _allowed(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise TypeError("allowed is true, false or null")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
