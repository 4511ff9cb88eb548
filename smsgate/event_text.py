"""The text of events as people read them, wherever one is shown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from smsgate import decision_text
from smsgate.consent.events import DeadLetter, Event
from smsgate.consent.reviews import REOPENED
from smsgate.consent.rules import REVIEWED
from smsgate.domain.languages import language_name
from smsgate.domain.messages import ALL, Entry, Reply

ERASED = "[the words of this text were erased since]"
NO_TITLES: Mapping[str, str] = MappingProxyType({})
_NEAR_US = 1_000_000
"""A list without times of its own counts as of its import, to the millisecond."""
_TITLES = {
    "opt_out": "Opted out",
    "opt_out_all": "Opted out of everything",
    "opt_in": "Opted in",
    "restored": "Restored",
    "help": "Asked for help",
    "review": "Sent to review",
    "reviewed": "Reviewed: not an opt-out",
    "lock": "Locked",
    "unlock": "Unlocked",
    "consent": "Consent recorded",
    "import": "Imported",
    "import_undone": "Import undone",
    "import_file": "Imported a list",
    "unrouted": "Text to a number without a program",
    "unreachable": "Delivery failed",
    "reply": "Reply",
    "text": "Ordinary text",
    "forward": "Forwarded to your application",
    "forgotten": "Texts erased",
    "receipt": "Delivery status",
    "rebuilt": "Reapplied after a rebuild",
    "adopted": "Older copy of the records accepted",
    "spool_forgotten": "Lost spool discarded",
    "retention": "Old records removed",
    "damaged": "Unreadable record",
}
_BY_RULE = {
    REOPENED: {
        "review": "Review decision undone",
        "undo": "Review decision undone, opt-out lifted",
    },
    REVIEWED: {"opt_out": "Reviewed: opt-out"},
}
"""What a person did about a text in review."""
_ASKED = {
    "opt_out": "Asked to opt out",
    "opt_out_all": "Asked to opt out of everything",
    "opt_in": "Asked to opt in",
    "restored": "Restore requested",
    "import_undone": "Undo of an import requested",
}
_OUTCOMES = {
    "applied": "applied",
    "repeat": "no change",
    "stale": "arrived late, a newer request holds",
    "tie": "same time as an opt-out, the opt-out holds",
    "asked": "asked “Reply YES to confirm”",
    "refused": "refused",
    "kept": "kept, changed since the import",
    "undone": "applied",
    "recorded": "recorded",
    "sampled": "no effect",
    "taken": "delivered to your application",
}
_SENT = {
    "sent": "sent",
    "late": "not sent, over five minutes late",
    "superseded": "not sent, the number changed before it left",
    "refused": "refused by the provider",
    "unknown": "possibly sent, the provider's answer was lost",
    "opted_out": "not sent, the provider has an opt-out of its own",
    "retried": "queued again",
    "dismissed": "dismissed",
    "blocked": "not sent, the number may not be texted",
}
_FATES = {
    "delivered": "delivered",
    "undelivered": "not delivered",
    "failed": "not delivered, it never left the provider",
}
_TONES = {
    "opt_out": "bad", "opt_out_all": "bad", "lock": "bad", "opt_in": "good", "unlock": "good",
    "consent": "good", "restored": "good", "review": "warn", "undo": "warn", "unreachable": "warn",
    "unrouted": "warn",
}  # fmt: skip
_REPLIES = {
    "opt_out": "Opt-out confirmation",
    "opt_in": "Welcome message",
    "help": "Help message",
    "question": "Confirmation question",
    "app": "Message from your application",
}
_BASES = {
    "consent": "a newer consent of the subscriber",
    "mistake": "the opt-out was our mistake",
    "evidence": "evidence from an admin",
}
"""What allowed a restore."""
_REASONS = {
    "": "may be texted",
    "locked": "locked: no program may text it, whatever it texts us",
    "opted_out": "opted out of this program",
    "opted_out_all": "opted out of everything",
    "hold": "opt-out being applied, already blocking",
    "review": "in review: no marketing until someone decides",
    "no_consent": "no consent on record, and this program requires one",
    "invalid": "not a phone number",
}
_SOURCES = {
    "text": "text message",
    "operator": "manual",
    "provider": "provider",
    "link": "opt-out link",
    "api": "API",
    "import": "import",
}
_NOTED_BY_PROVIDERS = frozenset({"provider_flag", "doubtful"})


def sentence(event: Event, titles: Mapping[str, str] = NO_TITLES) -> str:
    """What happened and what came of it: ``Opted out for Acme Alerts (alerts); applied``.

    ``titles``: by program its name for subscribers.
    """
    parts = [headline(event, titles), outcome(event)]
    return (": " if event.reply is not None else "; ").join(filter(None, parts))


def headline(event: Event, titles: Mapping[str, str] = NO_TITLES) -> str:
    """What happened and for which program: ``Opted out for Acme Alerts (alerts)``."""
    where = event.program if event.kind == "restored" else event.scope or event.program
    if event.kind == "opt_out_all":
        where = ""
    return title(event) + (f" for {program_title(where, titles)}" if where else "")


def details(event: Event, *, erased: bool = False) -> list[str]:
    """What was received or sent, how it was decided, and what followed, each as a sentence.

    ``erased``: whether the texts of the event were erased.
    """
    if event.reply is not None:
        reply = event.reply
        words = f"“{reply.text}”" if reply.text else ERASED
        sender = f" from {reply.sender}" if reply.sender else ""
        found = [f"{reply_title(reply.kind)}{sender} to the number: {_ended(words)}"]
        if event.provider_id:
            found.append(f"The provider's id of this message is {event.provider_id}.")
        return [*found, *notes(event)]
    found = [_origin(event.entry, erased), *reasons(event.entry)] if event.entry else []
    if event.kind == "import" and abs(event.event_time_us - event.received_us) >= _NEAR_US:
        found.append(f"Since {moment(event.event_time_us)}, as the list says.")
    return [*found, *filter(None, [change(event)]), *notes(event)]


def change(event: Event) -> str:
    """Whether its program could text the number before and after; empty if that is the same."""
    if event.before == event.after or not event.after:
        return ""
    state = {"blocked": "may not be texted", "allowed": "may be texted"}
    after, before = (state.get(one, one or "unknown") for one in (event.after, event.before))
    return f"Before: {before}. From then on: {after}."


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
    called = titles.get(name, "")
    return f"{called} ({name})" if called and called != name else name


def _origin(entry: Entry, erased: bool) -> str:
    """What was received: a text, or what somebody entered."""
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
    by = entry.actor or "An unnamed person"
    means = {"operator": "entered this", "api": "sent this through the API", "import": "imported"}
    what = means.get(entry.source, f"({source(entry.source)})")
    if entry.source == "import":
        what = "imported a list that has this number"
        if entry.external_source:
            what += f" and names as its source “{entry.external_source}”, outside smsgate"
    return f"{by} {what}." + (f" In reply to: {_ended(words)}" if words else "")


def reasons(entry: Entry, at: Callable[[int], str] = moment, *, has_note: bool = True) -> list[str]:
    """How it was decided and on what basis, perhaps with the note. ``at`` writes a time."""
    decision, consent = entry.decision, entry.consent
    found = []
    if entry.source == "text" and decision.rule:
        why = decision_text.reason(decision.rule, decision.keyword)
        language = f" ({language_name(decision.language)})" if decision.language else ""
        found.append(f"Reason for the decision: {why}{language}.")
    if consent is not None:
        where = ", ".join(part for part in (consent.medium, consent.source) if part)
        found.append(
            f"The subscriber agreed on {at(consent.given_us)} ({where}) to: “{consent.words}”."
        )
    if because := basis(entry):
        found.append(f"Basis: {because}.")
    if has_note and (noted := note(entry)):
        found.append(f"Note: {noted.rstrip('.')}.")
    return found


def notes(event: Event) -> list[str]:
    """Why there was no reply, or what the provider said of one."""
    if not event.note:
        return []
    has_answer = event.kind.startswith("opt_") or event.kind == "help"
    said = f"No reply from us: {event.note}" if has_answer else event.note
    return [f"{said[:1].upper()}{said[1:].rstrip('.')}."]


def _ended(quoted: str) -> str:
    """A quotation with the full stop of the sentence around it, unless it ends one itself."""
    return quoted if quoted[-2:] in (".”", "!”", "?”") else f"{quoted}."


def title(event: Event) -> str:
    """What happened, in a few words."""
    entry = event.entry
    rule = entry.decision.rule if entry is not None else ""
    if rule in _BY_RULE and event.kind in _BY_RULE[rule]:
        return _BY_RULE[rule][event.kind]
    if event.reply is not None:
        return _REPLIES.get(event.reply.kind, _TITLES["reply"])
    if event.kind == "import_file" and event.outcome == "undone":
        return "Undid an import"
    if event.outcome not in ("applied", "repeat") and event.kind in _ASKED:
        return _ASKED[event.kind]
    return _TITLES.get(event.kind, event.kind.replace("_", " ").capitalize())


def outcome(event: Event) -> str:
    """What came of an event."""
    if event.reply is not None:
        return sent(event.outcome)
    if event.kind == "receipt":
        return _FATES.get(event.outcome, event.outcome)
    return _OUTCOMES.get(event.outcome) or sent(event.outcome)


def tone(event: Event) -> str:
    """The tone in which a page shows an event: good, warn, bad or nothing."""
    return _TONES.get(event.kind, "") if event.outcome in ("applied", "recorded") else ""


def basis(entry: Entry | None) -> str:
    """What allowed a restore; empty for any other event."""
    if entry is None or entry.restore is None:
        return ""
    said = _BASES.get(entry.restore.basis, entry.restore.basis)
    return f"{said}: {entry.restore.evidence}" if entry.restore.evidence else said


def source(name: str) -> str:
    """Where a request came from."""
    return _SOURCES.get(name, name)


def entry_source(entry: Entry) -> str:
    """Where an entry came from; what a list says of it is marked as such: ``imported: Klaviyo``."""
    if entry.external_source:
        return f"imported: {entry.external_source}"
    return source(entry.source)


def cause(entry: Entry) -> str:
    """Who or what an entry came from, and why: ``manual: wrote to us; ana``."""
    if entry.source == "text":
        return decision_text.reason(entry.decision.rule, entry.decision.keyword)
    why, actor = note(entry), entry.actor
    by = f"; {actor}" if actor not in ("subscriber", "provider", "") else ""
    return entry_source(entry) + (f": {why}" if why else "") + by


def note(entry: Entry) -> str:
    """What a person or the provider noted; empty for what a rule noted for its authors."""
    is_of_a_rule = entry.source == "text" and entry.decision.rule not in _NOTED_BY_PROVIDERS
    return "" if is_of_a_rule else entry.decision.note


def reason(name: str) -> str:
    """Why a program may not text a number, or that it may."""
    return _REASONS.get(name, name)


def reply_title(kind: str) -> str:
    """What a reply is."""
    return _REPLIES.get(kind, _TITLES["reply"])


def sent(outcome: str) -> str:
    """What came of a reply."""
    return _SENT.get(outcome, outcome)


def unsettled(reply: Reply | DeadLetter) -> str:
    """The status of a reply that has no event yet."""
    if isinstance(reply, DeadLetter):
        return f"failed ({sent(reply.outcome)}): {reply.note}"
    return "is queued"
