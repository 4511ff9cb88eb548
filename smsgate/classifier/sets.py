"""Keyword sets: a TOML file per language, read, checked and hashed.

The shipped files lie in ``keywords`` beside this module. An operator's set of the same name
replaces the shipped one, or extends it where it says ``extends = true``. ``docs/keywords.md``
describes the format. Words are written as people write them, separated by commas.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal, get_args, get_type_hints

import msgspec

from smsgate.classifier.weights import weights_content
from smsgate.domain.errors import Fault

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
    """Keywords that share intent and risk; one of high risk asks for a review."""

    intent: Literal["opt_out", "opt_out_all", "opt_in", "help", "review", "none"]
    words: str
    match: Literal["whole", "anywhere"] = "whole"
    """Whether they are the whole text, with courtesy around them, or count wherever they stand."""
    risk: Literal["low", "medium", "high"] = "low"
    countries: tuple[str, ...] = ()
    """Calling codes; elsewhere the words mean nothing."""
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

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for what cannot be meant."""
        if not any(self.each()):
            raise ValueError('no words: give them such as words = "CHAU, FUERA"')
        for code in self.countries:
            if not _CALLING_CODE.fullmatch(code):
                raise ValueError(f"{code!r} in countries is no calling code: write it such as +44")


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    language: str
    extends: bool = False
    tones: bool = False
    """Whether accents tell words apart."""
    without: str = ""
    may_miss_required_words: bool = False
    entries: tuple[KeywordEntry, ...] = ()
    words: dict[str, str] = {}
    """Lists of words that are no keywords: courtesy, everything, names …"""


@dataclass(frozen=True, slots=True)
class OperatorSets:
    """The operator's own sets: files of a folder, read once, and those that the console owns.

    Where a name is both, the console's set stands in for the file's as a whole.
    """

    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By name the path and the content of each file."""
    console: Mapping[str, str] = field(default_factory=dict)
    """By name the content of the sets that the console owns."""
    faults: Sequence[Fault] = ()
    """Files that could not be read."""

    @classmethod
    def read(cls, folder: Path) -> OperatorSets:
        """Read the files of the folder ``keywords``, which may be missing."""
        files, faults = dict[str, tuple[str, str]](), list[Fault]()
        for path in sorted(folder.glob("*.toml")):
            try:
                files[path.stem] = (str(path), path.read_text("utf-8"))
            except (OSError, UnicodeError) as error:
                faults.append(Fault(str(path), "file", f"cannot be read as UTF-8 text: {error}"))
        return cls(files, faults=tuple(faults))

    @property
    def texts(self) -> dict[str, tuple[str, str]]:
        """By name, the place and the content of each set."""
        console = {
            name: (f"console keywords/{name}.toml", text) for name, text in self.console.items()
        }
        return {**self.files, **console}


@dataclass(frozen=True, slots=True)
class KeywordSets:
    """Some sets, and the hash of all that they say."""

    languages: Mapping[str, Language]
    places: Mapping[str, str]
    """Where each was read from, for faults and ``smsgate keywords list``."""
    version: str

    def only(self, names: Iterable[str]) -> KeywordSets:
        """The sets of one program among those of all, with a hash of their own."""
        wanted = {ANY_LANGUAGE, *names}
        if EVERY in wanted:
            return self
        languages = {name: kept for name, kept in self.languages.items() if name in wanted}
        places = {name: self.places[name] for name in languages}
        return KeywordSets(languages, places, _hash(languages))


def listed(text: str) -> Iterator[str]:
    """The parts of a comma separated list, without blanks around them and empty ones."""
    return (part for part in map(str.strip, text.split(",")) if part)


def shipped() -> list[str]:
    """Names of the sets in the package."""
    folder = resources.files(__package__ or "").joinpath("keywords")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_sets(
    own: OperatorSets | Path | None, names: Iterable[str]
) -> tuple[KeywordSets, list[Fault]]:
    """Read the named sets and the one for all languages; report every fault at once.

    Args:
        own: the operator's sets, or the folder that has them, if there are any.
        names: languages as in file names (``en``, ``zh-Hans``); ``*`` stands for all.
    """
    if not isinstance(own, OperatorSets):
        own = OperatorSets.read(own) if own else OperatorSets()
    faults = [*own.faults]
    languages: dict[str, Language] = {}
    places: dict[str, str] = {}
    wanted = [ANY_LANGUAGE]
    for name in names:
        wanted += [*shipped(), *sorted(own.texts)] if name == EVERY else [name]
    for name in dict.fromkeys(wanted):
        found = _language(own, name, faults)
        if found is not None:
            languages[name], places[name] = found
    return KeywordSets(languages, places, _hash(languages)), faults


@cache
def _packaged(name: str) -> Language | None:
    path = resources.files(__package__ or "").joinpath("keywords", f"{name}.toml")
    return read_set(path.read_text("utf-8"), name, []) if path.is_file() else None


def _language(own: OperatorSets, name: str, faults: list[Fault]) -> tuple[Language, str] | None:
    """A set, and where it stands."""
    place = f"{SHIPPED} keywords/{name}.toml"
    base, found = _packaged(name), own.texts.get(name)
    if found is None:
        if base is None and not own.faults:
            known = ", ".join(shipped())
            faults.append(Fault("keywords", name, f"there is no such set; there are: {known}"))
        return None if base is None else (base, place)
    there, text = found
    read = read_set(text, there, faults)
    if read is None:
        return None
    if read.language != name:
        faults.append(Fault(there, "language", f"must be {name!r}, as the set is named"))
        return None
    entries = base.entries if base and read.extends else ()
    words = {word.casefold() for entry in entries for word in entry.each()}
    problem = "is no word of a shipped set that this one extends: smsgate keywords list shows them"
    unknown = (word for word in listed(read.without) if word.casefold() not in words)
    faults += (Fault(there, "without", f"{word!r} {problem}") for word in unknown)
    return (_merged(base, read), f"{there} and {place}") if base and entries else (read, there)


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
    before = len(faults)
    parts = table.get("entries", ())
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        try:
            msgspec.convert(part, KeywordEntry)
        except msgspec.ValidationError as error:
            faults.append(Fault(place, f"entries[{index + 1}]", _plainly(error, KeywordEntry)))
    try:
        return msgspec.convert(table, Language)
    except msgspec.ValidationError as error:
        if len(faults) == before:
            faults.append(Fault(place, "file", _plainly(error, Language)))
        return None


def _plainly(error: msgspec.ValidationError, kind: type) -> str:
    """What does not fit, with what would."""
    if found := _UNKNOWN_FIELD.match(str(error)):
        near = get_close_matches(found[1], names := [*get_type_hints(kind)], 1)
        known = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(names)}"
        return f"there is no {found[1]!r}: {known}"
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
    words = {
        name: ", ".join(filter(None, (base.words.get(name), own.words.get(name))))
        for name in {**base.words, **own.words}
    }
    return msgspec.structs.replace(
        base,
        entries=kept + own.entries,
        words=words,
        may_miss_required_words=own.may_miss_required_words,
    )


def _hash(languages: Mapping[str, Language]) -> str:
    content = msgspec.json.encode(sorted(languages.items()), order="deterministic")
    return hashlib.sha256(content + _weights_digest()).hexdigest()[:12]


@cache
def _weights_digest() -> bytes:
    return hashlib.sha256(weights_content()).digest()
