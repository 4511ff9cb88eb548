"""Each event of an evidence file as sentences that need no glossary. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.domain.languages import language_name
from smsgate.domain.messages import ALL, Entry
from smsgate.pipeline import decision_text

ERASED = "[the words of this text were erased since]"


def moment(at_us: int) -> str:
    """A time with its zone, such as ``2026-11-24 21:05:07.123 UTC``; a dash where it is unknown."""
    if not at_us:
        return "—"
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"


def program_title(name: str, titles: Mapping[str, str]) -> str:
    """A program as people know it: ``Acme Alerts (alerts)``."""
    if name == ALL:
        return "all programs"
    title = titles.get(name, "")
    return f"{title} ({name})" if title and title != name else name


def sentences(event: Event, erased: bool, titles: Mapping[str, str]) -> list[str]:
    """What happened, how it was decided, and what followed from it.

    ``titles``: by program its name for subscribers.
    """
    if event.reply is not None:
        return _of_reply(event)
    found = [_what_came(event.entry, erased)] if event.entry else []
    found += _decision(event.entry) if event.entry else []
    return [*found, *_effect(event, titles)]


def _of_reply(event: Event) -> list[str]:
    reply = event.reply
    if reply is None:
        return []
    words = f"“{reply.text}”" if reply.text else ERASED
    sender = f" from {reply.sender}" if reply.sender else ""
    found = [f"{event_text.reply_title(reply.kind)}{sender} to the number: {_ended(words)}"]
    found.append(f"Result: {event_text.sent(event.outcome)}.")
    found += [f"The provider's id of this message is {event.provider_id}."] * bool(
        event.provider_id
    )
    return found + [_sentence(event.note)] * bool(event.note)


def _what_came(entry: Entry, erased: bool) -> str:
    words = f"“{entry.text}”" if entry.text else ERASED if erased else ""
    if entry.source == "text":
        receiver = f" {entry.sender}" if entry.sender else " us"
        named = f" (message id {entry.message_id})" if entry.message_id else ""
        said = _ended(words or "—")
        return f"The subscriber texted{receiver} by {entry.channel.upper()}{named}: {said}"
    if entry.source == "provider":
        named = f" (id {entry.message_id})" if entry.message_id else ""
        return f"The provider of the account {entry.account} reported this{named}."
    if entry.source == "link":
        return "The subscriber used the opt-out link that they were sent."
    by = entry.actor or "an unnamed person"
    means = {"operator": "entered this", "api": "sent this through the API", "import": "imported"}
    what = means.get(entry.source, f"({event_text.source(entry.source)})")
    if entry.source == "import":
        what = "imported a list that has this number"
        if entry.external_source:
            what += f" and names as its source “{entry.external_source}”, outside smsgate"
    return f"{by[:1].upper()}{by[1:]} {what}." + (f" In reply to: {_ended(words)}" if words else "")


def _decision(entry: Entry) -> list[str]:
    decision, consent = entry.decision, entry.consent
    found = []
    if entry.source == "text" and decision.rule:
        why = decision_text.reason(decision.rule, decision.keyword)
        language = f" ({language_name(decision.language)})" if decision.language else ""
        found.append(f"Reason for the decision: {why}{language}.")
    if consent is not None:
        where = ", ".join(part for part in (consent.medium, consent.source) if part)
        found.append(
            f"The subscriber agreed on {moment(consent.given_us)} ({where}) to: “{consent.words}”."
        )
    basis = event_text.basis(entry)
    found += [f"Basis: {basis}."] * bool(basis)
    note = event_text.note(entry)
    return found + [f"Note: {_sentence(note)}"] * bool(note)


def _effect(event: Event, titles: Mapping[str, str]) -> list[str]:
    scope = event_text.scope(event) or event.program
    where = f" for {program_title(scope, titles)}" if scope else ""
    found = [f"Effect: {event_text.title(event)}{where}; {event_text.outcome(event)}."]
    if event.before != event.after and event.after:
        state = {"blocked": "may not be texted", "allowed": "may be texted"}
        after, before = (state.get(one, one or "unknown") for one in (event.after, event.before))
        found.append(f"Before: {before}. From then on: {after}.")
    has_answer = event.kind.startswith("opt_") or event.kind == "help"
    note = f"No reply from us: {event.note}" if has_answer else event.note
    return found + [_sentence(note)] * bool(event.note)


def _ended(quoted: str) -> str:
    """A quotation with the full stop of the sentence around it, unless it ends one itself."""
    return quoted if quoted[-2:] in (".”", "!”", "?”") else f"{quoted}."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
