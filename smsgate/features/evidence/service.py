"""Evidence: one number's whole story, with the proof that nothing of it was changed since.

One self-contained page that a lawyer can read, in a browser or printed.
47 CFR 64.1200(d) and 16 CFR 310.5(a)(8) ask for such records.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from smsgate import __version__
from smsgate.consent import event_text
from smsgate.consent.event_text import moment, program_title
from smsgate.consent.events import Event
from smsgate.domain.errors import SmsGateError, Unfit
from smsgate.domain.time_zones import day_end_us, day_start_us, zone_name
from smsgate.pipeline.services import Services
from smsgate.records import ChainLink, Recorded, Records, chain_digest
from smsgate.records.writer import FIRST
from smsgate.store.keys import partition_of
from smsgate.store.refusals import RefusedHour

MAX_COVER_CHARS = 200


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """What the cover says, and of which days (both included) the events are."""

    company: str = ""
    requested_by: str = ""
    since: date | None = None
    until: date | None = None
    zone: tzinfo = UTC
    """In which the days begin and end."""

    @property
    def period(self) -> str:
        """The period in words."""
        name, first, last = zone_name(self.zone).replace("_", " "), "", ""
        if name != "UTC":
            first = f", from {moment(self._first_us)}" if self.since else ""
            last = f", to {moment(self._end_us)}" if self.until else ""
        if self.since and self.until:
            return f"{self.since} to {self.until} ({name}, both days included{first}{last})"
        if self.since:
            return f"from {self.since} ({name}{first}) to the time of this file"
        if self.until:
            return f"everything recorded until {self.until} ({name}, that day included{last})"
        return "everything recorded until the time of this file"

    @property
    def _first_us(self) -> int:
        return day_start_us(self.since, self.zone) if self.since else 0

    @property
    def _end_us(self) -> int:
        return day_end_us(self.until, self.zone) if self.until else sys.maxsize

    def holds(self, at_us: int) -> bool:
        """Whether something of that time is of the period."""
        return self._first_us <= at_us < self._end_us


def request_of(
    company: str = "",
    requested_by: str = "",
    since: str = "",
    until: str = "",
    zone: tzinfo = UTC,
) -> EvidenceRequest:
    """The request that was typed. Raises ``Unfit`` with the field that is wrong."""
    for name, text in (("company", company), ("requested_by", requested_by)):
        if len(text) > MAX_COVER_CHARS:
            raise Unfit(f"At most {MAX_COVER_CHARS} characters fit on the cover.", field=name)
    first, last = _day(since, "since"), _day(until, "until")
    if first and last and first > last:
        raise Unfit("The first day is after the last. Swap them.", field="until")
    return EvidenceRequest(company.strip(), requested_by.strip(), first, last, zone)


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        message = f"{text.strip()[:40]!r} is not a date. Use 2026-11-24."
        raise Unfit(message, field=field) from None


def evidence(
    records: Records,
    number: str,
    state: Mapping[str, str],
    now_us: int,
    request: EvidenceRequest = EvidenceRequest(),
    titles: Mapping[str, str] | None = None,
    refused: Sequence[RefusedHour] = (),
) -> dict[str, Any]:
    """What is recorded of a number (E.164) in the period, with its links in the chain.

    ``state``: by program what the gate says of it now. ``titles``: by program its name for
    subscribers. ``refused``: the sends that the gate refused after an opt-out. Raises
    ``RecordsUnavailable``.
    """
    partition = partition_of(number)
    reader = records.reader
    every = reader.of_number(number)
    kept = [one for one in every if request.holds(one.event.received_us or one.event.applied_us)]
    found = reader.links_of(number)
    before = reader.links_at(partition, [one.seq - 1 for one in kept])
    heads = {at: head for at, head in reader.heads().items() if at == partition}
    refused = [one for one in refused if request.holds(one.from_us)]
    named = {one.event.program for one in kept} | {*state} - {""} | {one.program for one in refused}
    return {
        "number": number,
        "made_at": moment(now_us),
        "software": f"smsgate {__version__}",
        "request": request,
        "left_out": len(every) - len(kept),
        "programs": {name: title for name, title in (titles or {}).items() if name in named},
        "state": dict(state),
        "problems": [str(one) for one in records.verifier.verify_partition(partition)],
        "chains": {
            str(at): {"links": head.seq, "hash": head.hash.hex()} for at, head in heads.items()
        },
        "digest": chain_digest(heads),
        "refused_sends": refused,
        "events": [_event_view(found, before, one, titles or {}) for one in kept],
    }


def collect_evidence(
    services: Services,
    number: str,
    request: EvidenceRequest = EvidenceRequest(),
) -> dict[str, Any]:
    """The evidence of a number with everything that happened until now, and how it stands.

    Raises as ``evidence``, ``RecordsDiffer``, ``StoreUnavailable`` and ``StoreNotReady``.
    """
    services.archiver.move_all()
    now_us = services.store.health.now_us()
    titles = {one.name: one.title for one in services.settings.programs}
    refused = services.store.refusals.after_opt_out(number)
    state = _state(services, number)
    return evidence(services.records, number, state, now_us, request, titles, refused)


def _state(services: Services, number: str) -> dict[str, str]:
    """What the gate says now; that it cannot tell is part of the evidence too."""
    try:
        answers = services.gate.check_programs(number, services.settings.programs)
    except SmsGateError as error:
        return {"": f"could not tell: {error}"}
    return {
        name: "may be texted"
        if answer.allowed
        else f"must not be texted: {event_text.reason(answer.reason)}"
        for name, answer in answers.items()
    }


def page(found: Mapping[str, Any]) -> str:
    """The evidence as HTML that needs nothing else."""
    return _template().render(
        found,
        title_of=lambda name: program_title(name, found["programs"]),
        reason_in_words=event_text.reason,
        moment=moment,
    )


@functools.cache
def _template() -> Template:
    loader = PackageLoader("smsgate.features.evidence")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(
        "evidence.html"
    )


def _event_view(
    links: Mapping[str, ChainLink],
    before: Mapping[int, ChainLink],
    one: Recorded,
    titles: Mapping[str, str],
) -> dict[str, Any]:
    event = one.event
    link = links.get(event.id, ChainLink(one.partition, one.seq, event.id, b"", b""))
    previous = before.get(link.seq - 1)
    entry, reply = event.entry, event.reply
    return {
        "what": f"reply to {reply.kind}" if reply else event.kind,
        "title": event_text.sentence(event, titles),
        "sentences": event_text.details(event, erased=one.erased),
        "times": _times(event),
        "our_number": reply.sender if reply else entry.sender if entry else "",
        "message_id": event.provider_id if reply else entry.message_id if entry else "",
        "program": event.program,
        "outcome": event.outcome,
        "why": _why(event),
        "proof": _proof(link, previous.hash if previous else FIRST if link.seq == 1 else b""),
    }


def _times(event: Event) -> dict[str, str]:
    """The event's times, by what they are."""
    if event.reply is not None:
        return {"Settled": moment(event.applied_us)}
    named = {
        "Sent": event.event_time_us,
        "Received": event.received_us,
        "Applied": event.applied_us,
    }
    return {name: moment(at_us) for name, at_us in named.items() if at_us}


def _proof(link: ChainLink, previous: bytes) -> dict[str, Any]:
    return {
        "partition": link.partition,
        "seq": link.seq,
        "event": link.event_id,
        "previous": previous.hex(),
        "content": link.content_hash.hex(),
        "hash": link.hash.hex(),
    }


def _why(event: Event) -> str:
    """The actor, and the rule that decided."""
    parts: list[str] = []
    if event.entry is not None:
        decision = event.entry.decision
        parts += [f"by {event.entry.actor}", f"rule {decision.rule}"]
        parts += [f"“{decision.keyword}” ({decision.language})"] if decision.keyword else []
        if decision.confidence is not None:
            parts.append(f"confidence {decision.confidence:.1%}")
        elif decision.score is not None:  # by a release that did not calibrate it
            parts.append(f"model score {decision.score:+.1f}")
        parts += [f"keyword sets {decision.version}"] if decision.version else []
        parts += [decision.note] if decision.note else []
    return ", ".join(parts) or "—"
