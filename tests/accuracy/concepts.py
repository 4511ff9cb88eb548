"""What words stand for, in each language: the lists beside this module, made into a table."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Container, Iterable
from pathlib import Path

from smsgate.classifier.concepts import LONGER, STEM, TONAL, USUAL_WORD
from smsgate.classifier.features import code_of
from smsgate.classifier.normalize import PUNCTUATION, clean, folded, letters, tokens
from smsgate.classifier.weights import ConceptTable
from tests.accuracy.placement import placed
from tests.accuracy.texts import Labelled

FOLDER = Path(__file__).with_name("concepts")
USUAL, SHARE = 4, 0.0005
"""How many texts of a language, and which share of them, hold a word that is usual in it."""


def lists() -> dict[str, dict[str, set[str]]]:
    """By language and entry, the concepts; entries as the model sees words."""
    found: dict[str, dict[str, set[str]]] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        entries: defaultdict[str, set[str]] = defaultdict(set)
        for line in path.read_text("utf-8").splitlines():
            concept, _, words = line.partition(": ")
            for word in words.split(","):
                for entry in {entry_of(word.strip()), typed(word, path.stem)} - {""}:
                    entries[entry].add(concept)
        found[path.stem] = dict(entries)
    return found


def entry_of(word: str) -> str:
    """A listed word as it is looked up; one for all words with its beginning keeps its mark."""
    stem = word.endswith(STEM)
    read = " ".join(words_of(word.rstrip(STEM)))
    return read + STEM if stem and read and " " not in read else read


def usual(texts: Iterable[Labelled], listed: Container[str]) -> dict[str, list[str]]:
    """By language the words that its texts use most: they tell which language a text is in.

    A variety without a list of its own (``de-CH``, ``hi-Latn``) counts as its language.
    """
    often: defaultdict[str, Counter[str]] = defaultdict(Counter)
    held: Counter[str] = Counter()
    for one in texts:
        language = one.language if one.language in listed else one.language.split("-")[0]
        held[language] += 1
        often[language].update({*words_of(one.text), *typed(one.text, language).split()})
    return {
        language: sorted(
            word
            for word, count in counts.items()
            if count >= max(USUAL, SHARE * held[language]) and word not in PUNCTUATION
        )
        for language, counts in often.items()
    }


def words_of(text: str) -> list[str]:
    """The words of a text without accents, those of unspaced scripts as single characters."""
    return folded(letters(tokens(clean(text)[0])))


def typed(text: str, language: str) -> str:
    """The words with their accents, where those tell words apart; else nothing."""
    return " ".join(letters(tokens(clean(text)[0]))) if language == TONAL else ""


def concept_table(
    texts: Iterable[Labelled], by_language: dict[str, dict[str, set[str]]]
) -> ConceptTable:
    """All lists as one table, with the words that texts use most."""
    for language, words in usual(texts, by_language).items():
        entries = by_language.get(language, {})
        for word in words:
            entries.setdefault(word, {USUAL_WORD})
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
    by_code = {
        code_of(entry): number for entry, number in sorted({**entries, **_longer(meant)}.items())
    }
    offsets, table = placed(by_code)
    return ConceptTable(
        offsets=offsets,
        codes=memoryview(table.tobytes()),
        numbers=memoryview(array("H", [by_code.get(code, 0) for code in table]).tobytes()),
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
