"""Compares the calls that reached the provider with what each message deserved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from tests.fakes.twilio_api import Answer, Call
from tests.faults.ledger import Record, Records
from tests.faults.model import Message, Model

WINDOW_S = 300.0
BETWEEN_S = 3.0
"""How long after its last look at the store a call may reach the provider on a busy machine."""
HELD_BACK = ("superseded", "late", "refused", "opted_out")
CREATED = 201
OPTED_OUT = 21610


@dataclass(frozen=True, slots=True)
class Sent:
    """A call, with the time at which it came (wall clock)."""

    call: Call
    at: float

    @property
    def may_have_been_sent(self) -> bool:
        """Accepted, or such that nobody can tell: time-out, dropped, 5xx."""
        answer = self.call.answer
        return not isinstance(answer, Answer) or answer.status == CREATED or answer.status >= 500

    @property
    def opted_out(self) -> bool:
        return isinstance(self.call.answer, Answer) and self.call.answer.code == OPTED_OUT


def by_sender(calls: Sequence[Call], offset_s: float) -> dict[str, list[Sent]]:
    """Every message went to a sender of its own, and its reply comes from there."""
    found: dict[str, list[Sent]] = defaultdict(list)
    for call in calls:
        found[call.form["From"]].append(Sent(call, call.at + offset_s))
    return found


def check_replies(
    model: Model,
    records: Records,
    calls: dict[str, list[Sent]],
    stops: Sequence[tuple[float, float]] = (),
) -> Iterator[str]:
    """``stops``: when senders stood still, perhaps between their last look and the call."""
    changes = _changes(records)
    for message in model.messages:
        mine = calls.get(message.sender, [])
        events = records.by_message.get(message.id, [])
        if not events:
            if mine:
                yield f"{_named(message)} was answered although it has no event"
            continue
        yield from _counts(message, events[0], records.replies_to(events[0]), mine)
        for one in mine:
            yield from _times(message, events[0], one, stops, changes.get(message.number, []))


def _counts(
    message: Message, event: Record, replies: list[Record], mine: list[Sent]
) -> Iterator[str]:
    due = _due(event)
    if len(replies) not in due:
        yield f"{_named(message)}, {event.event.outcome}, has {len(replies)} outcomes of a reply"
    if 1 not in due and mine:
        yield f"{_named(message)}, {event.event.outcome}, was answered"
    if sum(one.may_have_been_sent for one in mine) > 1:
        yield f"{_named(message)}: {len(mine)} calls, more than one may have been sent"
    for reply in replies:
        yield from _outcome_fits(message, reply, mine)


def _due(event: Record) -> tuple[int, ...]:
    """How many replies a message with that event has."""
    if event.kind == "help":
        return (0,) if event.event.note else (1,)
    return (1,) if event.event.outcome == "applied" else (0,)


def _outcome_fits(message: Message, reply: Record, mine: list[Sent]) -> Iterator[str]:
    outcome = reply.event.outcome
    ids = [one.call.sid for one in mine if one.call.sid]
    if outcome == "sent" and ids != [reply.event.provider_id]:
        yield f"{_named(message)}: recorded as sent, the provider created {ids}"
    if outcome in HELD_BACK and any(one.may_have_been_sent for one in mine):
        yield f"{_named(message)}: recorded as {outcome}, but a call may have been sent"
    if outcome == "opted_out" and not any(one.opted_out for one in mine):
        yield f"{_named(message)}: recorded as opted_out, which the provider never said"


def _times(
    message: Message,
    event: Record,
    one: Sent,
    stops: Sequence[tuple[float, float]],
    changes: Sequence[Record],
) -> Iterator[str]:
    taken = min(message.taken_by, event.event.received_us / 1e6 or inf)
    if one.at > taken + WINDOW_S:
        yield f"{_named(message)}: answered {one.at - taken:.0f} s after it was received"
    if event.kind == "help":
        return
    overtaking = [
        later
        for later in changes
        if later.at < _last_look(one, stops) and _order(later) > _order(event)
    ]
    if overtaking:
        since = one.at - overtaking[0].at
        yield f"{_named(message)}: answered {since:.1f} s after a later change was applied"


def _last_look(one: Sent, stops: Sequence[tuple[float, float]]) -> float:
    """The earliest moment at which the sender of a call may have looked at the store."""
    earliest = one.at - BETWEEN_S
    for begin, end in sorted(stops, reverse=True):
        if begin <= one.at and end >= earliest:
            earliest = min(earliest, begin - BETWEEN_S)
    return earliest


def _changes(records: Records) -> dict[str, list[Record]]:
    return {
        number: [one for one in of_number if one.event.outcome == "applied"]
        for number, of_number in records.by_number.items()
    }


def _order(record: Record) -> tuple[int, int]:
    ms, _, seq = record.inbox_id.partition("-")
    return int(ms), int(seq)


def check_refusals(model: Model, records: Records, calls: dict[str, list[Sent]]) -> Iterator[str]:
    """A 21610 to anything but the confirmation of an opt-out suppresses, and nothing else does."""
    refused = dict(_refused(model, records, calls))
    found = Counter(
        (number, record.message_id)
        for number, of_number in records.by_number.items()
        for record in of_number
        if record.by_provider
    )
    for key, settled in refused.items():
        if found[key] > 1 or (settled and not found[key]):
            yield f"{key[0]}: {found[key]} events of the provider's refusal {key[1]}"
    for number, id_ in found.keys() - refused.keys():
        yield f"{number} was suppressed by a refusal that nobody sent: {id_}"


def _refused(
    model: Model, records: Records, calls: dict[str, list[Sent]]
) -> Iterator[tuple[tuple[str, str], bool]]:
    """Number and id of what refusals lead to, and whether it surely has to be there.

    Inbox ids, and so these too, are unique in their partition only.
    """
    for message in model.messages:
        mine = calls.get(message.sender, [])
        if message.kind == "stop" or not any(one.opted_out for one in mine):
            continue
        for event in records.by_message.get(message.id, []):
            settled = [one.event.outcome for one in records.replies_to(event)]
            yield (message.number, f"refused-{event.key}"), "opted_out" in settled


def unanswered(records: Records, calls: dict[str, list[Sent]]) -> int:
    """Confirmations that were given up although no call was ever made: allowed, but a pity."""
    count = 0
    for replies in records.replies.values():
        for one in replies:
            reply = one.event.reply
            if one.event.outcome == "unknown" and reply and not calls.get(reply.sender):
                count += 1
    return count


def _named(message: Message) -> str:
    return f"{message.kind} {message.id[-6:]} of {message.number}"
