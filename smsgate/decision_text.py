"""The text of a decision, for people: what it leads to, and which rule decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smsgate.domain.languages import language_name
from smsgate.domain.messages import Decision

_RULES = {
    "keyword": "exact keyword",
    "opt_out_word": "keyword from our own messages",
    "quotation": "only quotes one of our messages",
    "other_channel": "refuses calls and asks for texts",
    "no_channel": "refuses calls and texts",
    "self_harm": "may be about self-harm or danger, sent to review",
    "no_words": "no words in the text",
    "instruction_echo": "repeats the opt-out instruction",
    "keyword_politely": "keyword with courtesy words or a number",
    "keyword_repeated": "keyword, repeated",
    "keyword_spelt": "keyword in an unusual spelling",
    "keyword_typo": "keyword with a typo",
    "keyword_as_question": "keyword asked as a question, sent to review",
    "keyword_in_sentence": "keyword in a longer text",
    "keyword_with_number": "keyword with a number that may choose something, sent to review",
    "keyword_with_name": "keyword with a name or a thing, sent to review",
    "keyword_with_laughter": "keyword beside laughter, sent to review",
    "stop_and_start": "asks to stop and to start, sent to review",
    "refused_start": "asks to start and says no, sent to review",
    "list_of_others": "names a list of others, sent to review",
    "how_to_leave": "asks how to opt out",
    "model": "recognized by the language model",
    "unread_script": "in a script that smsgate cannot read, sent to review",
    "nothing_known": "nothing about consent",
    "provider_flag": "reported by the provider",
    "doubtful": "may be altered or out of date",
    "unrouted": "the number that was texted belongs to no program",
}
_NAMES_KEYWORD = frozenset({
    "keyword", "opt_out_word", "keyword_politely", "keyword_repeated", "model",
    "keyword_in_sentence", "keyword_with_number",
    "keyword_with_name", "keyword_with_laughter", "keyword_as_question",
})  # fmt: skip
"""Rules whose keyword is written as people write it, and is no pattern of ours."""
_INTENTS = {
    "opt_out": "Opt-out: the program can no longer text the number",
    "opt_out_all": "Opt-out of everything: no program can text the number",
    "opt_in": "Opt-in: the program can text the number again",
    "help": "Help request: the help text is sent",
    "review": "Review: no marketing goes to the number until someone decides",
    "none": "Not about consent: nothing changes",
}


def meant(intent: str) -> str:
    """What an intent leads to."""
    return _INTENTS.get(intent, intent)


def reason(rule: str, keyword: str = "") -> str:
    """What a rule found, with its keyword if that reads as people write it."""
    found = _RULES.get(rule, rule.replace("_", " "))
    return f"{found}: {keyword}" if keyword and rule in _NAMES_KEYWORD else found


def because(why: str) -> str:
    """The reason that a mark of the store gives, in words; anything else as it is."""
    rule, _, keyword = why.partition(" ")
    return reason(rule, keyword) if rule in _RULES else why


def facts(
    decision: Decision, reply_text: Callable[[str, str], tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Yield the details of a decision and the reply that it leads to, each with its name.

    ``reply_text(kind, language)``: the text of a reply of the program, and its language.
    """
    named = {
        "matched": decision.keyword,
        "language": language_name(decision.language) if decision.language else "",
        "scope": decision.scope,
        "only if": "our question to the number is still open" if decision.condition else "",
        "normalized": ", ".join(decision.steps),
        "confidence": "" if decision.confidence is None else f"{decision.confidence:.1%}",
        "keyword sets": decision.version,
        "note": decision.note,
    }
    yield from ((name, value) for name, value in named.items() if value)
    kind = "opt_out" if decision.intent.stops else decision.intent.value
    kind = "help" if decision.wants_help else kind
    if kind in ("opt_out", "opt_in", "help"):
        reply, language = reply_text(kind, decision.language)
        yield "reply", f"{reply} ({language_name(language)})"
