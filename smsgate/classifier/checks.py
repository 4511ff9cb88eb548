"""What keyword sets must not do: contradict each other, or miss words that the law names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smsgate.classifier.keywords import Keyword, KeywordIndex, key_of, read_words
from smsgate.classifier.sets import ANY_LANGUAGE, SHIPPED, KeywordEntry, KeywordSets
from smsgate.domain.errors import Fault
from smsgate.domain.program import ProgramProfile

REQUIRED = ("STOP", "QUIT", "END", "REVOKE", "OPT OUT", "CANCEL", "UNSUBSCRIBE")
_RULE = "47 CFR 64.1200(a)(10)"
"""It names them: each revokes consent by itself, in reply to any text."""
_ENGLISH = "en"
"""The set that has them."""
_KNOWN_FOR = {
    "start": "opt_in",
    "unstop": "opt_in",
    "yes": "opt_in",
    "help": "help",
    "info": "help",
}
"""What providers, carriers and our own replies say these words are for."""
_ACTING = {"opt_out": "stop", "opt_out_all": "stop", "opt_in": "start", "help": "help"}


def faults_of(program: ProgramProfile, keywords: KeywordIndex) -> list[Fault]:
    """What is wrong with the sets of a program, each fault with the places concerned."""
    sets = keywords.sets
    faults = [fault for found in keywords.alike.values() for fault in _contradictions(sets, found)]
    faults += _misused(sets)
    faults += _missing(sets, keywords) if program.region == "US" else ()
    for word in program.opt_out_words:
        found = keywords.find(read_words([word])[0])
        if found is not None and not found.entry.opts_out:
            problem = (
                f"{word!r} has no effect: it is {found.entry.intent} in the keyword set "
                f"{found.language}, which counts; print another word"
            )
            key = f"programs.{program.name}.opt_out_words"
            faults.append(Fault("smsgate.toml", key, problem))
    return faults


def _contradictions(sets: KeywordSets, found: Sequence[Keyword]) -> Iterator[Fault]:
    """Words with two meanings, in two sets or against what counts in all of them."""
    first, *others = sorted(found, key=lambda keyword: not _acts(keyword.entry))
    everywhere = found[0].language == ANY_LANGUAGE and _acts(found[0].entry)
    for other in others:
        meant, there = other.entry.intent, first.entry.intent
        acts = _acts(other.entry) and _ACTING[meant] != _ACTING[there]
        if acts or (everywhere and meant != there):
            yield Fault(
                sets.places[other.language],
                other.word,
                f"is {meant} here, but {there} ({first.word}) in "
                f"{sets.places[first.language]}: a word can have one intent; leave it out in one",
            )


def _misused(sets: KeywordSets) -> Iterator[Fault]:
    """Words of the operator that cannot be what they are said to be."""
    for code, language in sets.languages.items():
        place = sets.places[code]
        for entry in () if place.startswith(SHIPPED) else language.entries:
            for word in entry.each():
                key = key_of(read_words([word])[0])
                meant = _KNOWN_FOR.get(key)
                if meant and _acts(entry) and _ACTING[meant] != _ACTING[entry.intent]:
                    problem = (
                        f"is {entry.intent} here, but {meant} in {SHIPPED} keywords/en.toml, and "
                        "people are told to text it for that: use another word"
                    )
                    yield Fault(place, word, problem)
                if not key:
                    problem = "has neither letter nor digit, and signs alone do not count"
                    yield Fault(place, word, problem)


def _missing(sets: KeywordSets, keywords: KeywordIndex) -> Iterator[Fault]:
    """Words that a program for the United States would not act on."""
    found = {word: keywords.find(read_words([word])[0]) for word in REQUIRED}
    gone = [word for word, one in found.items() if one is None or not one.stops or one.entry.ask]
    if gone and not any(one.may_miss_required_words for one in sets.languages.values()):
        name = _ENGLISH if _ENGLISH in sets.languages else [*sets.languages][-1]
        yield Fault(
            sets.places[name],
            ", ".join(gone),
            f"opt-outs by federal rule ({_RULE}) that a program of region US would not act on: "
            f'have them in "{_ENGLISH}" and that in its keywords, or set '
            f"may_miss_required_words = true in keywords/{name}.toml",
        )


def _acts(entry: KeywordEntry) -> bool:
    return entry.intent in _ACTING and entry.risk != "high" and not entry.countries
