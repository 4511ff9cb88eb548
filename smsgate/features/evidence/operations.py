"""Evidence: one number's whole story, with the proof that nothing of it was changed since.

One self-contained page that a lawyer can read, in a browser or printed.
47 CFR 64.1200(d) and 16 CFR 310.5(a)(8) ask for such records.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from smsgate import __version__, event_text
from smsgate.consent.events import Event
from smsgate.domain.errors import CallInProgress, SmsGateError, Unfit
from smsgate.domain.phone import as_recorded
from smsgate.event_text import moment, program_title
from smsgate.interface.operation import Context, Download, operation
from smsgate.interface.schemas import Number, SinceTime, UntilTime, micros
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.records import ChainLink, Recorded, Records, chain_digest
from smsgate.records.writer import FIRST
from smsgate.settings import Settings
from smsgate.store.keys import partition_of
from smsgate.store.refusals import RefusedHour
from smsgate.store.store import Store

_turn = threading.Lock()
"""The chain of a partition is verified whole, which takes seconds; webhooks need the threads."""


class EvidenceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whose evidence, what the cover says, and the period of its events."""

    number: Number
    company: Annotated[
        str,
        msgspec.Meta(max_length=200, description="Company on the cover; empty: a line to fill in."),
    ] = ""
    requested_by: Annotated[
        str, msgspec.Meta(max_length=200, description="Who asked for it, such as a court and case.")
    ] = ""
    since: SinceTime = None
    until: UntilTime = None

    def holds(self, at_us: int) -> bool:
        """Whether something of that time is of the period."""
        return micros(self.since) <= at_us < (micros(self.until) or sys.maxsize)

    @property
    def period(self) -> str:
        """The period in words."""
        first = f"from {moment(micros(self.since))}" if self.since else "everything recorded"
        last = moment(micros(self.until)) if self.until else "the time of this file"
        return f"{first} until {last}"


def evidence(
    records: Records,
    request: EvidenceRequest,
    state: Mapping[str, str],
    now_us: int,
    titles: Mapping[str, str] | None = None,
    refused: Sequence[RefusedHour] = (),
) -> dict[str, Any]:
    """What is recorded of a number (E.164) in the period, with its links in the chain.

    ``state``: by program what the gate says of it now. ``titles``: by program its name for
    subscribers. ``refused``: the sends that the gate refused after an opt-out. Raises ``Unfit``
    and ``RecordsUnavailable``.
    """
    number, partition = request.number, partition_of(request.number)
    if request.since and request.until and micros(request.since) >= micros(request.until):
        raise Unfit("The period ends before it begins. Swap the times.", field="until")
    reader = records.reader
    every = reader.of_number(number)
    kept = [one for one in every if request.holds(one.event.received_us or one.event.applied_us)]
    found = reader.links_at(
        partition, sorted({at for one in kept for at in (one.seq - 1, one.seq)})
    )
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
        "events": [_event_view(found, one, titles or {}) for one in kept],
    }


@dataclass(frozen=True)
class EvidenceReader:
    """Collects all that is known of a number, and how it stands."""

    settings: Settings
    store: Store
    gate: Gate
    records: Records
    archiver: LedgerArchiver

    def collect(self, request: EvidenceRequest) -> dict[str, Any]:
        """The evidence of a number with everything that happened until now.

        Raises as ``evidence``, ``RecordsDiffer``, ``StoreUnavailable`` and ``StoreNotReady``.
        """
        self.archiver.move_all()
        now_us, programs = self.store.health.now_us(), self.settings.programs
        titles = {one.name: one.title for one in programs}
        refused = self.store.refusals.after_opt_out(request.number)
        try:
            answers = self.gate.check_programs(request.number, programs)
            state = {name: _answer_text(answer) for name, answer in answers.items()}
        except SmsGateError as error:  # that it cannot tell is part of the evidence too
            state = {"": f"could not tell: {error}"}
        return evidence(self.records, request, state, now_us, titles, refused)


def _answer_text(answer: GateAnswer) -> str:
    if answer.allowed:
        return "may be texted"
    return f"must not be texted: {event_text.reason(answer.reason)}"


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
    links: Mapping[int, ChainLink], one: Recorded, titles: Mapping[str, str]
) -> dict[str, Any]:
    event = one.event
    link, previous = links.get(one.seq), links.get(one.seq - 1)
    if link is None or link.event_id != event.id:  # as it was changed, or of another partition
        link, previous = ChainLink(one.partition, one.seq, event.id, b"", b""), None
    entry, reply = event.entry, event.reply
    times = {
        "Settled" if reply else "Applied": event.applied_us,
        "Received": event.received_us,
        "Sent": event.event_time_us,
    }
    return {
        "what": f"reply to {reply.kind}" if reply else event.kind,
        "title": event_text.sentence(event, titles),
        "sentences": event_text.details(event, erased=one.erased),
        "times": {name: moment(times[name]) for name in reversed(times) if times[name]},
        "our_number": reply.sender if reply else entry.sender if entry else "",
        "message_id": event.provider_id if reply else entry.message_id if entry else "",
        "program": event.program,
        "outcome": event.outcome,
        "why": _why(event),
        "proof": {
            "partition": link.partition,
            "seq": link.seq,
            "event": link.event_id,
            "previous": (previous.hash if previous else FIRST if link.seq == 1 else b"").hex(),
            "content": link.content_hash.hex(),
            "hash": link.hash.hex(),
        },
    }


def _why(event: Event) -> str:
    """The actor, and the rule that decided."""
    if event.entry is None:
        return "—"
    decision = event.entry.decision
    parts = [f"by {event.entry.actor}", f"rule {decision.rule}"]
    parts += [f"“{decision.keyword}” ({decision.language})"] if decision.keyword else []
    if decision.confidence is not None:
        parts.append(f"confidence {decision.confidence:.1%}")
    parts += [f"keyword sets {decision.version}"] if decision.version else []
    return ", ".join([*parts, *filter(None, [decision.note])])


@dataclass(frozen=True, slots=True)
class EvidencePage(Download):
    """The page."""

    is_faulty: bool = False
    """Whether the chain is broken."""


@operation(
    "GET /evidence/<number>",
    command="evidence <number>",
    role="viewer",
    scope="admin",
    example={"number": "+14155550123", "company": "Acme Inc"},
    audit="exported evidence",
    exit_code=lambda found: int(found.is_faulty),
    media_type="text/html",
    problems={409: "Another evidence page is being made."},
)
def read_evidence(_: Context, request: EvidenceRequest, reader: EvidenceReader) -> Download:
    """Write the complete record of a number, with its proofs, as a page to print.

    It has a cover, each event in words, the place of each record in the chain of hashes, and a
    declaration for the custodian to sign. To make a PDF, open it in a browser and print it. Exit
    code 1 if the chain is broken.
    """
    asked = msgspec.structs.replace(request, number=as_recorded(request.number.strip()))
    if not asked.number:
        raise Unfit("Name the number.", field="number")
    if not _turn.acquire(blocking=False):
        raise CallInProgress("Another evidence page is being made: try again in a few seconds.")
    try:
        found = reader.collect(asked)
    finally:
        _turn.release()
    name = "".join(one for one in asked.number if one.isascii() and one.isalnum())
    return EvidencePage(
        f"evidence-{name or 'number'}.html",
        "text/html; charset=utf-8",
        [page(found).encode()],
        bool(found["problems"]),
    )


OPERATIONS = (read_evidence,)
