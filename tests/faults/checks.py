"""Compares what smsgate recorded and says with the model. Each check yields what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.faults.ledger import Record, Records
from tests.faults.model import EFFECTS, Message, Model, Number, Refusal

STATUSES = (-1, 0, 503)
"""What an answer that is no acknowledgement may be: none, or "try again"."""
CLOCK_S = 0.05
"""Redis and the harness read the same clock, a little apart."""


def add_refusals(model: Model, records: Records) -> None:
    """Opt-outs that came from the provider are messages too; ``checks_calls`` sees to them."""
    for number in model.numbers:
        for record in records.by_number.get(number.number, []):
            if record.by_provider:
                number.refusals.append(Refusal(record.event_time))


def check_answers(model: Model) -> Iterator[str]:
    for message in model.messages:
        for attempt in message.attempts:
            if not attempt.acknowledged and attempt.status not in STATUSES:
                yield f"{_named(message)} was answered {attempt.status}"


def check_events(model: Model, records: Records) -> Iterator[str]:
    """One event for each message that was acknowledged or kept, one at most for the others."""
    for message in model.messages:
        events = records.by_message.get(message.id, [])
        least = 1 if message.must_exist and message.kind in EFFECTS else 0
        most = 1 if message.kind in EFFECTS else 0
        if not least <= len(events) <= most:
            how = "acknowledged" if message.acknowledged else "kept" if message.kept else "unsure"
            yield f"{_named(message)}, {how}, has {len(events)} events ({_when(message)})"
        for record in events:
            yield from _event_fits(message, record, model)


def _event_fits(message: Message, record: Record, model: Model) -> Iterator[str]:
    if (record.kind, record.event.number) != (message.kind, message.number):
        yield f"{_named(message)} is recorded as {record.event.kind} of {record.event.number}"
    early, late = message.earliest - CLOCK_S, message.latest(model.pauses) + CLOCK_S
    if not early <= record.event_time <= late:
        when = f"{record.event_time:.3f} is not in {early:.3f}…{late:.3f}"
        yield f"{_named(message)}: its event time {when}"


def check_order(model: Model, records: Records) -> Iterator[str]:
    """Walk through each number's events and decide again what each of them had to do."""
    for number in model.numbers:
        walk = _Walk()
        for record in records.by_number.get(number.number, []):
            expected = walk.step(record)
            if record.event.outcome != expected:
                yield (
                    f"{number.number}: {record.kind} {record.message_id[-6:]} was "
                    f"{record.event.outcome}, expected {expected}"
                )


class _Walk:
    """In order, per number: for one program of scope ``all``."""

    def __init__(self) -> None:
        self.blocked = False
        self._stop: Record | None = None
        """The one that came into the inbox last."""
        self._stopped = self._started = -1.0

    def step(self, record: Record) -> str:
        if record.kind == "help":
            return "recorded"
        return self._on_stop(record) if record.kind == "stop" else self._on_start(record)

    def _on_stop(self, record: Record) -> str:
        was = self.blocked
        if record.event_time <= self._stopped:
            return "repeat" if was else "stale"
        self._stop, self._stopped = record, record.event_time
        if not was and record.event_time < self._started:
            return "stale"
        self.blocked = True
        return "repeat" if was else "applied"

    def _on_start(self, record: Record) -> str:
        if record.event_time < self._stopped or self._since_outage(record):
            return "stale"
        if record.event_time == self._stopped:
            return "tie"
        was, self.blocked = self.blocked, False
        self._started = max(self._started, record.event_time)
        return "applied" if was else "repeat"

    def _since_outage(self, record: Record) -> bool:
        """Against a spooled opt-in every opt-out stored since the outage began is newer."""
        began_us = record.event.entry.outage_us if record.event.entry else 0
        if not began_us or self._stop is None or self._stop.event.entry is None:
            return False
        stored_us = int(self._stop.inbox_id.partition("-")[0]) * 1000
        return not self._stop.event.entry.outage_us and stored_us >= began_us


def check_states(model: Model, records: Records, states: Mapping[str, str]) -> Iterator[str]:
    """What the gate says at the end, against the model and against the recorded event times."""
    for number in model.numbers:
        said = states[number.number]
        acceptable = number.acceptable(model.pauses)
        if said not in acceptable:
            yield (
                f"{number.number} ends {said}, acceptable is {' or '.join(sorted(acceptable))}: "
                f"{_tail(number)}"
            )
        walk = _Walk()
        for record in records.by_number.get(number.number, []):
            walk.step(record)
        recorded = "blocked" if walk.blocked else "allowed"
        if said != recorded:
            yield f"{number.number} ends {said}, its recorded event times say {recorded}"


def _named(message: Message) -> str:
    return f"{message.kind} {message.id[-6:]} of {message.number}"


def _when(message: Message) -> str:
    return ", ".join(f"{one.sent:.3f}…{one.done:.3f}: {one.status}" for one in message.attempts)


def _tail(number: Number) -> str:
    known = number.of("stop", "start")[-4:]
    return "; ".join(f"{one.kind} {one.id[-6:]} ({_when(one)})" for one in known)
