"""Events in words, for people. Pure."""

from __future__ import annotations

from smsgate.consent.events import DeadLetter, Event
from smsgate.consent.reviews import REOPENED
from smsgate.consent.transitions import REVIEWED
from smsgate.domain.messages import ALL, Entry, Reply

_TITLES = {
    "opt_out": "Opted out",
    "opt_out_all": "Opted out of everything",
    "opt_in": "Opted in",
    "restored": "Restored",
    "help": "Asked for help",
    "review": "Text for a person to decide",
    "reviewed": "Decided: not an opt-out",
    "lock": "Locked",
    "unlock": "Unlocked",
    "consent": "Consent put on record",
    "import": "In an imported list",
    "import_undone": "Import undone",
    "unrouted": "Text to a number that no program has",
    "unreachable": "The provider could not deliver a text of ours",
    "reply": "Reply of ours",
    "text": "Ordinary text",
    "forward": "Message for the application",
    "forgotten": "Texts erased",
    "receipt": "What became of a reply of ours",
    "rebuilt": "Settled anew when the store was rebuilt",
}
_BY_RULE = {
    REOPENED: {
        "review": "Decision taken back: it waits again",
        "undo": "Decision taken back: the opt-out is lifted, it waits again",
    },
    REVIEWED: {"opt_out": "Decided: an opt-out"},
}
"""What a person did about a text that waited."""
_ASKED = {
    "opt_out": "Asked to opt out",
    "opt_out_all": "Asked to opt out of everything",
    "opt_in": "Asked to opt in",
    "restored": "Asked to restore",
    "import_undone": "Asked to undo an import",
}
_OUTCOMES = {
    "applied": "done",
    "repeat": "changed nothing, it was so already",
    "stale": "came late: something newer holds",
    "tie": "same time as an opt-out: on a tie the opt-out holds",
    "asked": "asked back: “Reply YES to confirm”",
    "refused": "refused",
    "kept": "kept: something newer was said or done since the list",
    "recorded": "noted",
    "sampled": "no effect",
    "taken": "the application has it",
    "given_up": "given up after a day",
}
_SENT = {
    "sent": "sent",
    "late": "not sent: its five minutes were over",
    "superseded": "not sent: the number's state changed before it could leave",
    "refused": "refused by the provider",
    "unknown": "perhaps sent: the provider's answer was lost, so it was not sent again",
    "opted_out": "not sent: the provider has an opt-out of its own",
    "retried": "put back to be sent again",
    "dismissed": "dismissed by a person",
    "blocked": "not sent: the gate refused it",
}
_FATES = {
    "delivered": "delivered",
    "undelivered": "not delivered",
    "failed": "not delivered: it did not leave the provider",
}
_TONES = {
    "opt_out": "bad", "opt_out_all": "bad", "lock": "bad", "opt_in": "good", "unlock": "good",
    "consent": "good", "restored": "good", "review": "warn", "undo": "warn", "unreachable": "warn",
    "unrouted": "warn",
}  # fmt: skip
_REPLIES = {
    "opt_out": "Confirmation",
    "opt_in": "Welcome",
    "help": "Help text",
    "question": "Our question",
    "app": "Text of the application",
}
_BASES = {
    "consent": "a newer consent of the subscriber",
    "mistake": "the opt-out was a mistake of ours",
    "evidence": "evidence that an admin named",
}
"""What allowed a restore."""
_REASONS = {
    "": "may be texted",
    "locked": "locked: nobody may text it, whatever it texts us",
    "opted_out": "opted out of this program",
    "opted_out_all": "opted out of everything",
    "hold": "an opt-out is being applied; it blocks already",
    "review": "a text waits for a person; no marketing until it is decided",
    "no_consent": "no consent on record, and this program needs one",
    "invalid": "no phone number",
}
_SOURCES = {
    "text": "the subscriber's text",
    "operator": "by hand",
    "provider": "the provider",
    "link": "an opt-out link",
    "api": "the API",
    "import": "an imported list",
}
_STEPS = {
    "cut": "only its beginning and end were read, for it is very long",
    "mojibake": "broken accents were repaired",
    "marks": "piled-up accents were thinned out",
    "width": "letter variants (wide, bold, script) became plain letters",
    "edge punctuation": "punctuation around it was left out",
    "case": "capital letters count as small ones",
    "quotation": "what it quotes was left out",
    "politeness": "polite words were left out",
    "numbers": "numbers were left out",
    "repetition": "a repetition counts once",
    "typo": "a slip of the finger was corrected",
    "joined words": "words written together were parted",
    "spaced letters": "single letters were read as a word",
    "letters for signs": "signs were read as the letters they look like",
    "letters for digits": "digits were read as the letters they look like",
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
    """What came of it."""
    if event.reply is not None:
        return _SENT.get(event.outcome, event.outcome)
    if event.kind == "receipt":
        return _FATES.get(event.outcome, event.outcome)
    return _OUTCOMES.get(event.outcome, event.outcome)


def tone(event: Event) -> str:
    """Of what the page shows: good, warn, bad or nothing."""
    return _TONES.get(event.kind, "") if event.outcome in ("applied", "recorded") else ""


def basis(entry: Entry | None) -> str:
    """What allowed a restore; empty for any other event."""
    if entry is None or entry.restore is None:
        return ""
    said = _BASES.get(entry.restore.basis, entry.restore.basis)
    return f"{said}: {entry.restore.evidence}" if entry.restore.evidence else said


def scope(event: Event) -> str:
    """Where an opt-out held, or is lifted."""
    if event.kind == "restored":
        return "for every program" if event.program == ALL else f"for {event.program} only"
    if not event.scope:
        return ""
    return "every program" if event.scope == ALL else f"only {event.scope}"


def source(name: str) -> str:
    """Who spoke."""
    return _SOURCES.get(name, name)


def steps(names: tuple[str, ...]) -> list[str]:
    """What was done to a text before it was understood."""
    return [_STEPS.get(name, name) for name in names]


def reason(name: str) -> str:
    """Why a program may not text a number, or that it may."""
    return _REASONS.get(name, name)


def reply_title(kind: str) -> str:
    """What a reply is."""
    return _REPLIES.get(kind, _TITLES["reply"])


def unsettled(reply: Reply | DeadLetter) -> str:
    """Where a reply is that no event tells of yet."""
    if isinstance(reply, DeadLetter):
        return f"given up ({reply.outcome}): {reply.note}"
    return "waits to be sent"
