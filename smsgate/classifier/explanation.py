"""A decision in words, for people: what it leads to, and which rules were asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smsgate.classifier import reply_text
from smsgate.domain.messages import Decision
from smsgate.settings import Program

STAGES = (
    "Is the whole text a keyword?",
    "Is it a reaction, a quotation, or without words?",
    "Is it a keyword with politeness, repetition or a typo around it?",
    "Do its sentences hold a wording that the sets know?",
    "What does the model make of it?",
)
"""What the rules ask, in this order; the first that knows decides."""
_RULES = {
    "keyword": (0, "the whole text is this keyword"),
    "printed": (0, "the whole text is a word that our own texts printed as their opt-out"),
    "reaction": (1, "a phone's reaction to a text, such as Liked “…”"),
    "reaction_to_keyword": (1, "a reaction to the subscriber's own keyword: a person looks at it"),
    "quotation": (1, "it only quotes one of our own texts"),
    "self_harm": (
        1,
        "it may speak of ending a life, so a person looks at it first",
    ),
    "no_words": (1, "there are no words in it"),
    "instruction_echo": (2, "it repeats the instruction of an opt-out"),
    "keyword_politely": (2, "a keyword, and politeness or a number around it"),
    "keyword_repeated": (2, "a keyword, several times"),
    "keyword_in_capitals": (2, "the keyword in capitals at one end of a short text"),
    "keyword_spelt": (2, "a keyword, spelt with signs, blanks or drawn-out letters"),
    "keyword_typo": (2, "a keyword with a typo"),
    "keyword_as_question": (3, "the keyword is a question, so a person looks at it"),
    "keyword_in_sentence": (3, "the keyword stands alone in a part of the text"),
    "keyword_with_number": (
        2,
        "a keyword and a number that may choose something: a person looks",
    ),
    "keyword_with_name": (
        2,
        "a keyword and what may be a name or a thing: a person looks at it",
    ),
    "keyword_with_laughter": (3, "the keyword stands beside laughter, so a person looks at it"),
    "phrase": (3, "this wording stands in it"),
    "doubt": (3, "a wording, and something beside it that speaks against acting"),
    "condition": (3, "a wording for texts at some times or of some kind only"),
    "long_text": (3, "a wording in a long text, so a person looks at it"),
    "stop_and_start": (3, "it asks to stop and to start, so a person looks at it"),
    "auto_reply": (3, "a machine answered"),
    "advert": (3, "it reads like somebody's advert or notice"),
    "how_to_leave": (4, "it asks how to leave, so a person looks at it"),
    "second_reader": (4, "the model recognises it"),
    "second_reader_doubts": (4, "the rules would act, the model doubts it"),
    "second_reader_dismisses": (4, "the rules would ask a person, the model need not"),
    "nothing_known": (len(STAGES), "nothing in it asks for anything about consent"),
    "provider_flag": (-1, "the provider said so"),
    "doubtful": (-1, "it may be another text than it seems, or an old one"),
    "unrouted": (-1, "the number that was texted belongs to no program"),
}
_INTENTS = {
    "opt_out": "Opt-out: the program may not text the number any more",
    "opt_out_all": "Opt-out of everything: no program may text the number any more",
    "opt_in": "Opt-in: the program may text the number again",
    "help": "Asks for help: the help text is sent",
    "review": "A person decides: until then no marketing goes to the number",
    "none": "Nothing about consent: nothing changes",
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


def reason(rule: str) -> str:
    """What a rule found."""
    return _RULES[rule][1] if rule in _RULES else rule


def because(why: str) -> str:
    """A rule and what it found, as a mark has them, in words; anything else as it is."""
    rule, _, found = why.partition(" ")
    if rule not in _RULES:
        return why
    return f"{reason(rule)}: {found}" if found else reason(rule)


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


def facts(decision: Decision, program: Program) -> Iterator[tuple[str, str]]:
    """What a decision says of itself, and the reply that it leads to, each with its name."""
    named = {
        "matched": decision.keyword,
        "language": decision.language,
        "scope": decision.scope,
        "only if": "our own question to the number is open" if decision.condition else "",
        "normalised": ", ".join(decision.steps),
        "confidence": "" if decision.confidence is None else f"{decision.confidence:.1%}",
        "keyword sets": decision.version,
        "note": decision.note,
    }
    yield from ((name, value) for name, value in named.items() if value)
    kind = "opt_out" if decision.intent.stops else decision.intent.value
    if kind in ("opt_out", "opt_in", "help"):
        reply, language = reply_text(program, kind, decision.language)
        yield "reply", f"{reply} ({language})"
