"""Evidence: one number's whole story, with the proof that nothing of it was changed since.

The same contents as JSON, for machines, and as one self-contained page that a lawyer can read.
47 CFR 64.1200(d) and 16 CFR 310.5(a)(8) ask for such records.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from smsgate import __version__
from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.domain.errors import SmsGateError
from smsgate.pipeline.services import Services
from smsgate.records import ChainLink, Recorded, Records
from smsgate.store.keys import partition_of

_NONE = "—"


def evidence(
    records: Records, number: str, state: Mapping[str, str], now_us: int
) -> dict[str, Any]:
    """All that is recorded of a number (E.164), with its links in the chain.

    ``state``: by program what the gate says of it now. Raises ``RecordsUnavailable``,
    ``RecordsNotReady``.
    """
    found = records.reader.links_of(number)
    return {
        "number": number,
        "made": _moment(now_us),
        "software": f"smsgate {__version__}",
        "state": dict(state),
        "problems": [str(one) for one in records.verifier.verify_partition(partition_of(number))],
        "chains": {
            str(partition): {"links": head.seq, "hash": head.hash.hex()}
            for partition, head in records.reader.heads().items()
        },
        "events": [_event_view(found, one) for one in records.reader.of_number(number)],
    }


def collect_evidence(services: Services, number: str) -> dict[str, Any]:
    """The evidence of a number with everything that happened until now, and how it stands.

    Raises as ``evidence``, ``RecordsDiffer``, ``StoreUnavailable`` and ``StoreNotReady``.
    """
    services.archiver.move_all()
    now_us = services.store.health.now_us()
    return evidence(services.records, number, _state(services, number), now_us)


def as_json(found: Mapping[str, Any]) -> bytes:
    """The evidence for machines, readable for people too."""
    return msgspec.json.format(msgspec.json.encode(found))


def _state(services: Services, number: str) -> dict[str, str]:
    """What the gate says now; that it cannot tell is part of the evidence too."""
    try:
        answers = services.gate.check_programs(number, services.settings.programs)
    except SmsGateError as error:
        return {"": f"could not tell: {error}"}
    return {
        name: "may be texted" if answer.allowed else f"must not be texted: {answer.reason}"
        for name, answer in answers.items()
    }


def page(found: Mapping[str, Any]) -> str:
    """The evidence as HTML that needs nothing else."""
    return _template().render(found)


@functools.cache
def _template() -> Template:
    loader = PackageLoader("smsgate.features.evidence")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(
        "evidence.html"
    )


def _event_view(links: Mapping[str, ChainLink], one: Recorded) -> dict[str, Any]:
    event = one.event
    link = links.get(event.id, ChainLink(one.partition, one.seq, event.id, b"", b""))
    return {
        "received": _moment(event.received_us),
        "applied": _moment(event.applied_us),
        "what": f"reply to {event.reply.kind}" if event.reply else event.kind,
        "outcome": event.outcome,
        "before": event.before,
        "after": event.after,
        "words": _words(event),
        "why": _why(event),
        "erased": one.erased,
        "proof": _proof(link),
        "record": {"program": "", **msgspec.to_builtins(event)},
    }


def _proof(link: ChainLink) -> dict[str, Any]:
    return {
        "lane": link.partition,
        "seq": link.seq,
        "event": link.event_id,
        "content": link.content_hash.hex(),
        "hash": link.hash.hex(),
    }


def _words(event: Event) -> str:
    """What was said: by us in a reply, else by the subscriber or in a consent."""
    if event.reply is not None:
        return f"we wrote: {event.reply.text}"
    if event.entry is None:
        return _NONE
    consent = event.entry.consent
    if consent is not None:
        where = " ".join(part for part in (consent.medium, consent.source) if part)
        return f"agreed {_moment(consent.given_us)} ({where}) to: {consent.words}"
    return event.entry.text or _NONE


def _why(event: Event) -> str:
    """The actor, the rule that decided, and the outcome."""
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
        basis = event_text.basis(event.entry)
        parts += [f"basis: {basis}"] if basis else []
    parts += [f"the provider's id is {event.provider_id}"] if event.provider_id else []
    parts += [event.note] if event.note else []
    return ", ".join(parts) or _NONE


def _moment(at_us: int) -> str:
    if not at_us:
        return _NONE
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")
