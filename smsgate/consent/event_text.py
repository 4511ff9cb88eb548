"""The text of events as people read them. Pure."""

from __future__ import annotations

from smsgate.consent.events import DeadLetter, Event
from smsgate.consent.reviews import REOPENED
from smsgate.consent.transitions import REVIEWED
from smsgate.domain.messages import Entry, Reply

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
    "recorded": "recorded",
    "sampled": "no effect",
    "taken": "delivered to your application",
    "given_up": "failed after a day",
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
_STEPS = {
    "cut": "very long: only its start and end were read",
    "mojibake": "broken accents repaired",
    "marks": "stacked accents removed",
    "width": "styled or wide letters changed to plain ones",
    "edge punctuation": "surrounding punctuation ignored",
    "case": "capitals ignored",
    "quotation": "quoted text ignored",
    "politeness": "courtesy words ignored",
    "numbers": "numbers ignored",
    "repetition": "repetition ignored",
    "typo": "typo corrected",
    "joined words": "joined words separated",
    "spaced letters": "spaced letters joined",
    "letters for signs": "symbols read as letters",
    "letters for digits": "digits read as letters",
}


def title(event: Event) -> str:
    """What happened, in a few words."""
    entry = event.entry
    rule = entry.decision.rule if entry is not None else ""
    if rule in _BY_RULE and event.kind in _BY_RULE[rule]:
        return _BY_RULE[rule][event.kind]
    if event.reply is not None:
        return _REPLIES.get(event.reply.kind, _TITLES["reply"])
    if event.outcome not in ("applied", "repeat") and event.kind in _ASKED:
        return _ASKED[event.kind]
    return _TITLES.get(event.kind, event.kind.replace("_", " ").capitalize())


def outcome(event: Event) -> str:
    """What came of an event."""
    if event.reply is not None:
        return sent(event.outcome)
    if event.kind == "receipt":
        return _FATES.get(event.outcome, event.outcome)
    return _OUTCOMES.get(event.outcome, event.outcome)


def tone(event: Event) -> str:
    """The tone in which a page shows an event: good, warn, bad or nothing."""
    return _TONES.get(event.kind, "") if event.outcome in ("applied", "recorded") else ""


def basis(entry: Entry | None) -> str:
    """What allowed a restore; empty for any other event."""
    if entry is None or entry.restore is None:
        return ""
    said = _BASES.get(entry.restore.basis, entry.restore.basis)
    return f"{said}: {entry.restore.evidence}" if entry.restore.evidence else said


def scope(event: Event) -> str:
    """The scope of an opt-out, or of its restore: a program or ``all``; empty for other events."""
    return event.program if event.kind == "restored" else event.scope


def source(name: str) -> str:
    """Where a request came from."""
    return _SOURCES.get(name, name)


def entry_source(entry: Entry) -> str:
    """Where an entry came from; what a list says of it is marked as such: ``imported: Klaviyo``."""
    if entry.external_source:
        return f"imported: {entry.external_source}"
    return source(entry.source)


def note(entry: Entry) -> str:
    """What a person or the provider noted; empty for what a rule noted for its authors."""
    is_of_a_rule = entry.source == "text" and entry.decision.rule not in _NOTED_BY_PROVIDERS
    return "" if is_of_a_rule else entry.decision.note


def steps(names: tuple[str, ...]) -> list[str]:
    """What was done to a text before it was understood."""
    return [_STEPS.get(name, name) for name in names]


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
