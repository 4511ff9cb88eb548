"""The gate: may I text this number? Every sender asks here before it texts.

The gate fails closed: where it cannot tell (the store away, flushed, evicting, half loaded; the
program unknown) it raises, and never says "allowed".

    gate = Gate.from_url("redis://127.0.0.1:6379/0")
    if gate.allows("+14155550123", program="alerts"):
        ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from smsgate.consent import Mark, Published
from smsgate.errors import InvalidNumber
from smsgate.messages import ALL
from smsgate.phone import e164
from smsgate.store.connection import TIMEOUT_S, open_redis
from smsgate.store.health import Health
from smsgate.store.looks import Look, Looks


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate says of one number.

    ``allowed`` is None where ``number`` is no phone number. ``reason`` is empty or one of
    ``locked``, ``opted_out``, ``opted_out_all``, ``hold``, ``review``, ``no_consent``, ``invalid``.
    ``since`` (ISO 8601, UTC) and ``why`` are known for 48 hours; after that the records have them.
    """

    number: str
    allowed: bool | None
    reason: str = ""
    since: str | None = None
    why: str = ""


class Gate:
    """Answers from the store, one look at a lane for each number."""

    def __init__(self, looks: Looks, health: Health) -> None:
        """Use these parts of a store."""
        self._looks = looks
        self._health = health

    @classmethod
    def from_url(cls, url: str, timeout: float = TIMEOUT_S) -> Gate:
        """A gate on the store at that Redis URL. ``timeout`` in seconds, for each round trip."""
        client = open_redis(url, timeout)
        return cls(Looks(client), Health(client))

    def allows(self, number: str, *, program: str) -> bool:
        """Whether the program may text the number.

        Raises ``InvalidNumber`` where it is none, ``UnknownProgram``, and ``StoreUnavailable``
        or ``StoreNotReady`` where the gate cannot tell.
        """
        answer = self.check([number], program=program)[0]
        if answer.allowed is None:
            raise InvalidNumber(answer.why)
        return answer.allowed

    def check(self, numbers: Sequence[str], *, program: str) -> list[Answer]:
        """What the gate says of each number, in the order asked.

        Numbers are read as E.164, with or without blanks and punctuation; what is none gets the
        reason ``invalid``. Raises ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``.
        """
        self._health.refuse_eviction()
        read = [_read(number) for number in numbers]
        valid = [number for number, _ in read if number]
        published, looks = self._looks.numbers(valid, program)
        known = dict(zip(valid, looks, strict=True))
        return [
            _answer(asked, known[number], program, published)
            if number
            else Answer(asked, None, "invalid", why=problem)
            for asked, (number, problem) in zip(numbers, read, strict=True)
        ]


def _read(number: str) -> tuple[str, str]:
    """The number in E.164, or nothing and the problem."""
    try:
        return e164(number), ""
    except InvalidNumber as error:
        return "", str(error)


def _answer(asked: str, look: Look, program: str, published: Published) -> Answer:
    """The most binding reason first: sets, then holds, then reviews."""
    standing = look.standing
    if standing.locked:
        return Answer(asked, False, "locked", why="locked by hand: never to be texted again")
    if program in standing.own:
        return _blocked(asked, "opted_out", standing.state.marks.get(program))
    if standing.blocked(program):
        return _blocked(asked, "opted_out_all", standing.state.marks.get(ALL))
    if look.held:
        return Answer(asked, False, "hold", why=f"an opt-out ({look.held}) is being applied")
    if look.review and published.kind == "marketing":
        return Answer(asked, False, "review", why="a text waits for a person's decision")
    if published.require_consent and program not in standing.consents:
        return Answer(asked, False, "no_consent", why="no consent of this number is on record")
    return Answer(asked, True)


def _blocked(asked: str, reason: str, mark: Mark | None) -> Answer:
    if mark is None or not mark.stops:
        return Answer(asked, False, reason)
    since = datetime.fromtimestamp(mark.since_us / 1_000_000, UTC).isoformat(timespec="seconds")
    return Answer(asked, False, reason, since.replace("+00:00", "Z"), mark.why)
