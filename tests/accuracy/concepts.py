"""What words stand for, in each language: the lists beside this module, made into a table."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from smsgate.optout.concepts import LONGER, STEM, Meanings
from smsgate.optout.hashed import table_of
from smsgate.optout.normalise import clean, folded, tokens
from smsgate.optout.segments import letters

FOLDER = Path(__file__).with_suffix("")


def lists() -> dict[str, dict[str, set[str]]]:
    """By language and entry, the concepts; entries as the second reader sees words."""
    found: dict[str, dict[str, set[str]]] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        entries: defaultdict[str, set[str]] = defaultdict(set)
        for line in path.read_text("utf-8").splitlines():
            concept, _, words = line.partition(": ")
            for word in words.split(","):
                entry = entry_of(word.strip())
                if entry:
                    entries[entry].add(concept)
        found[path.stem] = dict(entries)
    return found


def entry_of(word: str) -> str:
    """A listed word as it is looked up; one for all words with its beginning keeps its mark."""
    stem = word.endswith(STEM)
    read = " ".join(folded(letters(tokens(clean(word.rstrip(STEM))[0]))))
    return read + STEM if stem and read and " " not in read else read


def meanings() -> Meanings:
    """All lists as one table."""
    by_language = lists()
    languages = sorted(by_language)
    concepts = sorted(
        {name for entries in by_language.values() for one in entries.values() for name in one}
    )
    places = {name: at for at, name in enumerate(concepts)}
    meant: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, language in enumerate(languages):
        for entry, names in by_language[language].items():
            meant[entry] += [(at, places[name]) for name in sorted(names)]
    different = sorted({tuple(found) for found in meant.values()})
    numbers = {found: number for number, found in enumerate(different)}
    entries = {entry: numbers[tuple(found)] for entry, found in meant.items()}
    return Meanings(
        entries=table_of({**entries, **_longer(meant)}),
        meanings=[bytes(place for pair in found for place in pair) for found in different],
        languages=languages,
        concepts=concepts,
    )


def _longer(entries: dict[str, list[tuple[int, int]]]) -> dict[str, int]:
    """By first word, how many words the longest entry has that begins with it."""
    found: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        first, *rest = entry.split(" ")
        if rest:
            found[first + LONGER] = max(found[first + LONGER], 1 + len(rest))
    return found
