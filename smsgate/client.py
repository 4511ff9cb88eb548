"""The gate over HTTP, for programs that have no way to Redis.

    gate = SmsGate("https://sms.example.com", key=os.environ["SMSGATE_KEY"])
    if gate.allows("+14155550123", program="alerts"):
        ...

It fails closed like the gate itself: whatever is no clear answer raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

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
_RETRIES = Retry(connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.1)
"""Again only where no connection came about; an answer that is late is no answer."""


class _Bearer(AuthBase):
    """The key as an auth object: a plain header would give way to the ``.netrc`` of a user."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate says of one number; see ``smsgate.pipeline.gate.Answer``."""

    number: str
    allowed: bool | None
    reason: str = ""
    since: str | None = None


@dataclass(frozen=True)
class SmsGate:
    """Asks ``POST /v1/check``. One may be shared by threads as far as ``requests.Session`` may."""

    url: str
    """The URL of smsgate's web process, such as ``https://sms.example.com``."""
    key: str = field(repr=False)
    """A key for ``/v1`` that may check."""
    timeout_s: tuple[float, float] = (2.0, 5.0)
    """For connecting, and for the answer."""
    _session: requests.Session = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Open nothing yet."""
        session = requests.Session()
        session.mount("https://", HTTPAdapter(max_retries=_RETRIES))
        session.mount("http://", HTTPAdapter(max_retries=_RETRIES))
        object.__setattr__(self, "_session", session)

    def allows(self, number: str, *, program: str) -> bool:
        """Whether the program may text the number.

        Raises ``InvalidNumber``, and what ``check`` raises.
        """
        answer = self.check([number], program=program)[0]
        if answer.allowed is None:
            raise _no_number(answer)
        return answer.allowed

    def check(self, numbers: Sequence[str], *, program: str) -> list[Answer]:
        """What the gate says of each number, in the order asked.

        Raises ``UnknownProgram``, ``Unauthorized``, ``StoreUnavailable``, ``StoreNotReady``, and
        ``GateUnreachable`` for everything else that is no answer. A single number instead of a
        list is a ``TypeError``.
        """
        return [*self._answers(numbers, program, sending=False)]

    def require(self, numbers: Sequence[str], *, program: str, by: str = "api") -> None:  # noqa: ARG002
        """Return where the program may text every one of the numbers; for use just before a send.

        A send that is stopped is counted at the other end (as ``api``, whatever ``by`` says).
        Raises ``InvalidNumber`` for the first that is no phone number, else ``Suppressed`` where
        one may not be texted; and what ``check`` raises.
        """
        answers = [*self._answers(numbers, program, sending=True)]
        for answer in answers:
            if answer.allowed is None:
                raise _no_number(answer)
        refused = {answer.number: answer.reason for answer in answers if answer.allowed is not True}
        if refused:
            raise Suppressed(program, refused)

    def _answers(self, numbers: Sequence[str], program: str, sending: bool) -> Iterator[Answer]:
        if isinstance(numbers, str):  # of "" every letter may be texted
            raise TypeError("numbers is a list: write [number], or ask allows(number, …).")
        chunks = [numbers[at : at + CHUNK] for at in range(0, len(numbers), CHUNK)] or [[]]
        for chunk in chunks:
            asked = {"program": program, "numbers": [*chunk]}
            yield from _read(self._post(asked | ({"sending": True} if sending else {})), chunk)

    def _post(self, body: dict[str, object]) -> requests.Response:
        try:
            return self._session.post(
                f"{self.url.rstrip('/')}/v1/check",
                json=body,
                auth=_Bearer(self.key),
                timeout=self.timeout_s,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            name = type(error).__name__
            raise GateUnreachable(f"{self.url} did not answer ({name}); text nobody") from error


def _no_number(answer: Answer) -> InvalidNumber:
    return InvalidNumber(f"{answer.number!r} is no phone number: write it as +14155550123.")


def _read(response: requests.Response, asked: Sequence[str]) -> list[Answer]:
    """The answers to exactly what was asked; anything else is none."""
    found = _json(response)
    if response.status_code != 200:
        said = str(found.get("detail") or f"the gate answered {response.status_code}")
        if found.get("reason") == "too_many_calls":
            raise TooManyCalls(said, float(response.headers.get("Retry-After") or 1))
        raise _ERRORS.get(str(found.get("reason")), GateUnreachable)(said)
    try:
        answers = [
            Answer(str(one["number"]), _allowed(one["allowed"]), str(one["reason"]), one["since"])
            for one in found["results"]
        ]
    except (LookupError, TypeError) as error:
        raise GateUnreachable("what answered does not speak as the gate does") from error
    if [answer.number for answer in answers] != [*asked]:
        raise GateUnreachable("the gate answered something else than was asked")
    return answers


def _allowed(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise TypeError("allowed is true, false or null")


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
