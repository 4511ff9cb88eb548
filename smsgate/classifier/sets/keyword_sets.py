"""Keyword sets: a TOML file per language, read, checked and hashed.

The shipped files lie in ``smsgate/classifier/keywords``. An operator's set of the same name (see
``classifier/sets/operator_sets.py``) replaces the shipped one, or extends it where it says
``extends = true``. ``docs/keywords.md`` describes the format. Words are written as people write
them, separated by commas.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.classifier.weights import weights_content
from smsgate.domain.errors import Fault
from smsgate.settings.rules import nearest

Meaning = Literal[
    "opt_out",
    "opt_out_all",
    "opt_in",
    "help",
    "review",
    "none",
    "never",
    "doubt",
    "auto",
    "mention",
]
"""What a phrase says. Beyond the intents: ``none`` takes words out of play unless
a longer wording covers it, ``never`` whatever covers it, ``doubt`` turns an
opt-out in its sentence into a review, ``auto`` marks a text that a machine wrote, and
``mention`` an instruction that is only repeated."""


WIDEST = 20
"""Words that may stand in between, at most."""


def problem_with(written: str) -> str:
    """What is wrong with one wording; nothing where it can be used."""
    pieces = written.strip("^$ ").split()
    for piece in pieces:
        gap = piece[1:]
        if piece.startswith("~") and not (gap.isascii() and gap.isdecimal() and int(gap) <= WIDEST):
            return f"{piece} is no gap: ~3 lets up to three words stand in between, ~{WIDEST} most"
    if not any(piece.strip("{}") for piece in pieces if not piece.startswith("~")):
        return f"{written!r} has no words: write a wording such as `lose my number`, or {{stop}}"
    return ""


_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.+)`")
_UNKNOWN_VALUE = re.compile(r"Invalid enum value '(.*)' - at `\$\.(\w+)`", re.DOTALL)
_CALLING_CODE = re.compile(r"\+[1-9][0-9]{0,6}")


ANY_LANGUAGE = "und"
"""The set that every program has: words that mean the same in all languages."""
SHIPPED = "shipped"
"""How the places of the sets in the package begin."""
EVERY = "*"
"""In place of names: all sets there are."""


class KeywordEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keywords that share intent, match rule and risk.

    ``match``: ``whole`` is the whole text and nothing else, ``polite`` lets politeness stand
    around it, ``lead`` also lets more text follow or come before. ``risk = "high"`` asks for a
    review instead of acting. ``countries`` are calling codes; elsewhere the words mean nothing.
    """

    intent: Literal["opt_out", "opt_out_all", "opt_in", "help", "review", "none"]
    words: str
    match: Literal["whole", "polite", "lead"] = "polite"
    risk: Literal["low", "medium", "high"] = "low"
    countries: tuple[str, ...] = ()
    unless_known: bool = False
    """Also where the number is not known."""
    ask: bool = False
    """Only an answer to a question of ours (YES)."""
    note: str = ""

    @property
    def opts_out(self) -> bool:
        """Whether it is an opt-out of either scope."""
        return self.intent in ("opt_out", "opt_out_all")

    def each(self) -> Iterator[str]:
        """The words one by one."""
        return listed(self.words)

    def problems(self) -> Iterator[str]:
        """What it says that cannot be meant."""
        if not any(self.each()):
            yield 'has no words: give them such as words = "CHAU, FUERA"'
        for code in self.countries:
            if not _CALLING_CODE.fullmatch(code):
                yield f"{code!r} in countries is no calling code: write it such as +44"


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Wordings inside a sentence that carry one meaning."""

    means: Meaning
    any: str
    name: str = ""
    firm: bool = False
    """Names the texts themselves, so that only ``never`` takes it out of play."""
    note: str = ""

    def problems(self) -> Iterator[str]:
        """What it says that cannot be meant."""
        return filter(None, map(problem_with, listed(self.any)))


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    language: str
    extends: bool = False
    spaced: bool = True
    tones: bool = False
    other_spellings: dict[str, str] = {}
    without: str = ""
    may_miss_required_words: bool = False
    entries: tuple[KeywordEntry, ...] = ()
    classes: dict[str, str] = {}
    phrases: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True)
class KeywordSets:
    """The sets that were asked for, by name, with the hash of all that they say."""

    languages: Mapping[str, Language]
    places: Mapping[str, str]
    """Where each was read from, for faults and ``smsgate keywords list``."""
    version: str
    grammar: tuple[Phrase, ...] = field(default=())
    own: Mapping[str, Language] = field(default_factory=dict)
    """What the operator's sets say by themselves."""

    def words(self, name: str) -> Iterator[str]:
        """The words of a class in all languages."""
        for language in self.languages.values():
            yield from listed(language.classes.get(name, ""))

    def only(self, names: Iterable[str]) -> KeywordSets:
        """The sets of one program among those of all, with a hash of their own."""
        wanted = {ANY_LANGUAGE, *names}
        if EVERY in wanted:
            return self
        languages = {name: kept for name, kept in self.languages.items() if name in wanted}
        places = {name: self.places[name] for name in languages}
        own = {name: kept for name, kept in self.own.items() if name in wanted}
        return KeywordSets(languages, places, _hash(languages, self.grammar), self.grammar, own)


def listed(text: str) -> Iterator[str]:
    """The parts of a comma separated list, without blanks around them and empty ones."""
    return (part for part in map(str.strip, text.split(",")) if part)


def shipped() -> list[str]:
    """Names of the sets in the package."""
    return sorted(
        entry.name[:-5]
        for entry in resources.files("smsgate.classifier").joinpath("keywords").iterdir()
        if entry.name.endswith(".toml") and not entry.name.startswith("_")
    )


def load_sets(
    own: OperatorSets | Path | None, names: Iterable[str]
) -> tuple[KeywordSets, list[Fault]]:
    """Read the named sets and the one for all languages; report every fault at once.

    Args:
        own: the operator's sets, or the folder that has them, if there are any.
        names: languages as in file names (``en``, ``zh-Hans``); ``*`` stands for all.
    """
    own = operator_sets(own)
    faults = [*own.faults]
    languages: dict[str, Language] = {}
    places: dict[str, str] = {}
    owned: dict[str, Language] = {}
    for name in wanted(own, names):
        found = _language(own, name, faults)
        if found is not None:
            languages[name], places[name], part = found
            owned |= {name: part} if part else {}
    grammar = read_set(_packaged("_grammar") or "", "grammar", faults)
    rules = grammar.phrases if grammar else ()
    return KeywordSets(languages, places, _hash(languages, rules), rules, owned), faults


def operator_sets(own: OperatorSets | Path | None) -> OperatorSets:
    """The operator's sets, which may be given as the folder that has them."""
    if isinstance(own, OperatorSets):
        return own
    return OperatorSets.read(own) if own else OperatorSets()


def wanted(own: OperatorSets, names: Iterable[str]) -> list[str]:
    """The sets that names stand for, beginning with the one for all languages."""
    found = [ANY_LANGUAGE]
    for name in names:
        found += [*shipped(), *own.names()] if name == EVERY else [name]
    return list(dict.fromkeys(found))


def _packaged(name: str) -> str | None:
    path = resources.files("smsgate.classifier").joinpath("keywords", f"{name}.toml")
    return path.read_text("utf-8") if path.is_file() else None


def _language(
    own: OperatorSets, name: str, faults: list[Fault]
) -> tuple[Language, str, Language | None] | None:
    """A set, where it stands, and the operator's part of it."""
    place = f"{SHIPPED} keywords/{name}.toml"
    packaged = _packaged(name)
    base = read_set(packaged, place, faults) if packaged is not None else None
    before = len(faults)
    found = own.text(name)
    if found is None and base is None and not own.faults:
        known = ", ".join(shipped())
        faults.append(Fault("keywords", name, f"there is no such set; there are: {known}"))
    if found is None:
        return (base, place, None) if base is not None and len(faults) == before else None
    there, text = found
    read = read_set(text, there, faults)
    if read is None:
        return None
    if read.language != name:
        faults.append(Fault(there, "language", f"must be {name!r}, as the set is named"))
        return None
    left_out = list(listed(read.without))
    if base is None or not read.extends:
        problem = "is left out of nothing: there is no shipped set that this one extends"
        faults += (Fault(there, "without", f"{word!r} {problem}") for word in left_out)
        return read, there, read
    words = {word.casefold() for entry in base.entries for word in entry.each()}
    problem = "is no word of the shipped set: smsgate keywords list shows them"
    unknown = (word for word in left_out if word.casefold() not in words)
    faults += (Fault(there, "without", f"{word!r} {problem}") for word in unknown)
    return _merged(base, read), f"{there} and {place}", read


def read_set(text: str, place: str, faults: list[Fault]) -> Language | None:
    """One file as it stands; what is wrong with it goes into the faults."""
    try:
        table = tomllib.loads(text)
    except ValueError as error:  # also of a number of thousands of digits
        faults.append(Fault(place, "file", f"is no TOML: {error}"))
        return None
    except RecursionError:
        faults.append(Fault(place, "file", "is no keyword set: it is nested too deeply"))
        return None
    faults += _wrong_parts(table, "entries", KeywordEntry, place)
    faults += _wrong_parts(table, "phrases", Phrase, place)
    try:
        return msgspec.convert(table, Language)
    except msgspec.ValidationError as error:
        if not any(fault.place == place for fault in faults):
            faults.append(Fault(place, "file", _plainly(error, Language)))
        return None


def _wrong_parts(
    table: Mapping[str, Any], key: str, kind: type[KeywordEntry | Phrase], place: str
) -> Iterator[Fault]:
    """Faults for each part of a file that is wrong, not only for the first."""
    parts = table.get(key, ())
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        try:
            problems = msgspec.convert(part, kind).problems()
        except msgspec.ValidationError as error:
            problems = iter([_plainly(error, kind)])
        yield from (Fault(place, f"{key}[{index + 1}]", problem) for problem in problems)


def _plainly(error: msgspec.ValidationError, kind: type) -> str:
    """What does not fit, with what would."""
    if found := _UNKNOWN_FIELD.match(str(error)):
        name = found[1]
        return f"there is no {name!r}: {nearest(name, [*get_type_hints(kind)])}"
    if found := _UNKNOWN_VALUE.match(str(error)):
        value, name = found.groups()
        known = ", ".join(get_args(get_type_hints(kind).get(name)))
        return f"{name} cannot be {value!r}: it is one of {known}"
    return str(error)


def _merged(base: Language, own: Language) -> Language:
    gone = {word.casefold() for word in listed(own.without)}
    gone |= {word.casefold() for entry in own.entries for word in entry.each()}
    kept = tuple(
        msgspec.structs.replace(entry, words=", ".join(left))
        for entry in base.entries
        if (left := [word for word in entry.each() if word.casefold() not in gone])
    )
    classes = {
        name: ", ".join(filter(None, (base.classes.get(name), own.classes.get(name))))
        for name in {**base.classes, **own.classes}
    }
    return msgspec.structs.replace(
        base,
        entries=kept + own.entries,
        classes=classes,
        phrases=base.phrases + own.phrases,
        may_miss_required_words=own.may_miss_required_words,
    )


def _hash(languages: Mapping[str, Language], grammar: tuple[Phrase, ...]) -> str:
    content = msgspec.json.encode([sorted(languages.items()), grammar], order="deterministic")
    return hashlib.sha256(content + weights_content()).hexdigest()[:12]
