"""What keyword sets must not do: contradict each other, or miss words that the law names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from smsgate.classifier.keywords import Keyword, KeywordIndex, key_of
from smsgate.classifier.lexicon import wording
from smsgate.classifier.normalize import clean, tokens
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE, SHIPPED, KeywordEntry, KeywordSets
from smsgate.classifier.sets.phrase_compiler import names_in, rules_of
from smsgate.domain.errors import Fault
from smsgate.settings import Program

REQUIRED = ("STOP", "QUIT", "END", "REVOKE", "OPT OUT", "CANCEL", "UNSUBSCRIBE")
_RULE = "47 CFR 64.1200(a)(10)"
"""It names them: each revokes consent by itself, in reply to any text."""
_ENGLISH = "en"
"""The set that has them."""
KNOWN_FOR = {
    "start": "opt_in",
    "unstop": "opt_in",
    "yes": "opt_in",
    "help": "help",
    "info": "help",
}
"""What providers, carriers and our own replies say these words are for."""
_ACTING = {"opt_out": "stop", "opt_out_all": "stop", "opt_in": "start", "help": "help"}


def contradictions(sets: KeywordSets, shared: Iterable[Sequence[Keyword]]) -> Iterator[Fault]:
    """Words that cannot count as they are written, with all places concerned.

    One word with two meanings, in two sets or against what it is known for; and words of nothing
    but signs.

    Args:
        sets: where the keywords come from.
        shared: keywords that are typed alike.
    """
    for found in shared:
        acting = [keyword for keyword in found if _acts(keyword.entry)]
        for other in acting[1:]:
            first = acting[0]
            if _ACTING[first.entry.intent] != _ACTING[other.entry.intent]:
                there = f"{first.entry.intent} ({first.word}) in {sets.places[first.language]}"
                yield Fault(
                    sets.places[other.language],
                    other.word,
                    f"is {other.entry.intent} here, but {there}: "
                    "a word can have one intent; leave it out in one of them",
                )
        yield from _without_effect(sets, found)
    yield from _misused(sets)


def _without_effect(sets: KeywordSets, found: Sequence[Keyword]) -> Iterator[Fault]:
    """A word of every program, such as STOP, counts as it is there, whatever a language says."""
    counts = found[0]
    if counts.language != ANY_LANGUAGE or not _acts(counts.entry):
        return
    for other in found[1:]:
        alike = _ACTING.get(other.entry.intent) == _ACTING[counts.entry.intent]
        if other.entry.intent != counts.entry.intent and (alike or not _acts(other.entry)):
            yield Fault(
                sets.places[other.language],
                other.word,
                f"is {other.entry.intent} here, which has no effect: it is {counts.entry.intent} "
                f"in {sets.places[ANY_LANGUAGE]}, which every program has; leave it out",
            )


def _misused(sets: KeywordSets) -> Iterator[Fault]:
    """Words of the operator that cannot be what they are said to be."""
    for code, language in sets.languages.items():
        place = sets.places[code]
        if place.startswith(SHIPPED):
            continue
        for entry, word in ((one, word) for one in language.entries for word in one.each()):
            typed = wording(word)
            meant = KNOWN_FOR.get(" ".join(typed))
            if meant and _acts(entry) and _ACTING[meant] != _ACTING[entry.intent]:
                yield Fault(
                    place,
                    word,
                    f"is {entry.intent} here, but {meant} in {SHIPPED} keywords/en.toml, and "
                    "people are told to text it for that: use another word",
                )
            if not key_of(typed):
                yield Fault(
                    place,
                    word,
                    "has neither letter nor digit, and signs alone do not count: leave it out",
                )


def without_effect(program: Program, keywords: KeywordIndex) -> Iterator[Fault]:
    """Words that a program prints as its opt-out though keywords know them for something else."""
    for word in program.opt_out_words:
        found = keywords.find(tokens(clean(word)[0]))
        if found is not None and not found.entry.opts_out:
            yield Fault(
                "smsgate.toml",
                f"programs.{program.name}.opt_out_words",
                f"{word!r} has no effect: it is {found.entry.intent} in the keyword set "
                f"{found.language}, which counts; print another word",
            )


def _acts(entry: KeywordEntry) -> bool:
    return entry.intent in _ACTING and entry.risk != "high" and not entry.countries


def unknown_classes(sets: KeywordSets) -> Iterator[Fault]:
    """Classes that wordings name though neither their set nor the grammar knows them."""
    common = names_in(rules_of(sets.grammar))
    if ANY_LANGUAGE in sets.languages:
        common |= sets.languages[ANY_LANGUAGE].classes.keys()
    for code, language in sets.languages.items():
        for rule in rules_of(language.phrases):
            for name in sorted(names_in([rule]) - language.classes.keys() - common):
                yield Fault(
                    sets.places[code],
                    rule.written,
                    f"there is no class {name}: give its words under [classes], or write the "
                    "word itself without braces",
                )


def missing(sets: KeywordSets, keywords: KeywordIndex) -> Iterator[Fault]:
    """Words that a program for the United States would not act on."""
    if any(one.may_miss_required_words for one in sets.languages.values()):
        return
    gone = [word for word in REQUIRED if not _stops_anybody(keywords.find(wording(word)))]
    if gone and _ENGLISH not in sets.languages:
        names = [name for name in sets.languages if name != ANY_LANGUAGE]
        yield Fault(
            "keywords",
            f"{', '.join(names) or ANY_LANGUAGE} without {_ENGLISH}",
            f"{', '.join(gone)}: opt-outs by federal rule ({_RULE}) that a program of region US "
            f'would not act on: add "{_ENGLISH}" to its keywords, or set '
            f"may_miss_required_words = true in keywords/{(names or [ANY_LANGUAGE])[0]}.toml",
        )
        return
    for word in gone:
        yield Fault(
            sets.places[_ENGLISH],
            word,
            f"is an opt-out by federal rule ({_RULE}) from everybody, unasked, and this program "
            "has region US: keep it, or set may_miss_required_words = true in that file",
        )


def _stops_anybody(found: Keyword | None) -> bool:
    """Whether a keyword acts at once, from any sender and whatever was asked before."""
    if found is None or not found.certain or not found.entry.opts_out:
        return False
    return not (found.entry.countries or found.entry.ask)
