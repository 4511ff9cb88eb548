"""The text of a decision, for people: what it leads to, and which rules were asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from smsgate.domain.languages import language_name
from smsgate.domain.messages import Decision

STAGES = (
    "Is the whole text a keyword?",
    "Is it a quoted message, or without words?",
    "Is it nearly a keyword: courtesy words, a repetition or a typo?",
    "What does the language model say?",
)
"""What the rules ask, in this order; the first that knows decides."""
_RULES = {
    "keyword": (0, "exact keyword"),
    "opt_out_word": (0, "keyword from our own messages"),
    "quotation": (1, "only quotes one of our messages"),
    "other_channel": (1, "refuses calls and asks for texts"),
    "no_channel": (1, "refuses calls and texts"),
    "self_harm": (1, "may be about self-harm, sent to review"),
    "no_words": (1, "no words in the text"),
    "instruction_echo": (2, "repeats the opt-out instruction"),
    "keyword_politely": (2, "keyword with courtesy words or a number"),
    "keyword_repeated": (2, "keyword, repeated"),
    "keyword_spelt": (2, "keyword in an unusual spelling"),
    "keyword_typo": (2, "keyword with a typo"),
    "keyword_as_question": (2, "keyword asked as a question, sent to review"),
    "keyword_in_sentence": (2, "keyword in a longer text"),
    "keyword_with_number": (2, "keyword with a number that may choose something, sent to review"),
    "keyword_with_name": (2, "keyword with a name or a thing, sent to review"),
    "keyword_with_laughter": (2, "keyword beside laughter, sent to review"),
    "stop_and_start": (2, "asks to stop and to start, sent to review"),
    "refused_start": (2, "asks to start and says no, sent to review"),
    "list_of_others": (3, "names a list of others, sent to review"),
    "how_to_leave": (3, "asks how to opt out"),
    "model": (3, "recognized by the language model"),
    "unread_script": (len(STAGES), "in a script that smsgate cannot read, sent to review"),
    "nothing_known": (len(STAGES), "nothing about consent"),
    "provider_flag": (-1, "reported by the provider"),
    "doubtful": (-1, "may be altered or out of date"),
    "unrouted": (-1, "the number that was texted belongs to no program"),
    # of 0.2 and before
    "advert": (-1, "looks like an advert or a notice"),
    "auto_reply": (-1, "automatic reply"),
    "condition": (-1, "matched wording for certain times or kinds of text only"),
    "doubt": (-1, "matched wording, but the text also speaks against it"),
    "keyword_in_capitals": (-1, "keyword in capitals at the start or end of a short text"),
    "keyword_in_capitals_alone": (-1, "keyword in capitals, sent to review"),
    "long_text": (-1, "matched wording in a long text, sent to review"),
    "phrase": (-1, "matched wording"),
    "second_reader": (-1, "recognized by the language model"),
    "second_reader_dismisses": (-1, "the language model sees no request"),
    "second_reader_doubts": (-1, "matched wording, but the language model disagrees"),
}
_NAMES_KEYWORD = frozenset({
    "keyword", "opt_out_word", "keyword_politely", "keyword_repeated", "model",
    "keyword_in_sentence", "keyword_with_number",
    "keyword_with_name", "keyword_with_laughter", "keyword_as_question",
})  # fmt: skip
_INTENTS = {
    "opt_out": "Opt-out: the program can no longer text the number",
    "opt_out_all": "Opt-out of everything: no program can text the number",
    "opt_in": "Opt-in: the program can text the number again",
    "help": "Help request: the help text is sent",
    "review": "Review: no marketing goes to the number until someone decides",
    "none": "Not about consent: nothing changes",
}


class RuleQuestion(NamedTuple):
    """One question of the rules."""

    question: str
    answer: str
    """``no``, ``decided``, or ``not asked`` where an earlier one had decided."""
    why: str = ""


def meant(intent: str) -> str:
    """What an intent leads to."""
    return _INTENTS.get(intent, intent)


def reason(rule: str, keyword: str = "") -> str:
    """What a rule found, with its keyword if that reads as people write it."""
    found = _RULES[rule][1] if rule in _RULES else rule.replace("_", " ")
    return f"{found}: {keyword}" if keyword and names_keyword(rule) else found


def names_keyword(rule: str) -> bool:
    """Whether what a rule matched is a keyword as people write it, not a pattern of ours."""
    return rule in _NAMES_KEYWORD


def because(why: str) -> str:
    """The reason that a mark of the store gives, in words; anything else as it is."""
    rule, _, keyword = why.partition(" ")
    return reason(rule, keyword) if rule in _RULES else why


def path(decision: Decision) -> list[RuleQuestion]:
    """The questions that the rules asked; none where something else decided."""
    at, why = _RULES.get(decision.rule, (-1, ""))
    if at < 0:
        return []
    return [
        RuleQuestion(question, "no" if place < at else "decided", why if place == at else "")
        if place <= at
        else RuleQuestion(question, "not asked")
        for place, question in enumerate(STAGES)
    ]


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
