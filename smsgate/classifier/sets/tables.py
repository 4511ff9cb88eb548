"""Keyword sets as plain tables: what is worked out once and kept beside the data.

Texts and numbers only, so that they are read back by their types and nothing in them is ever
run. What belongs to one word or symbol is one text, taken apart when it is first met: most of it
never is, and one text takes a tenth of the memory of what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

import msgspec

from smsgate.classifier.sets.keyword_sets import KeywordEntry
from smsgate.domain.errors import Fault

TOPIC_CLASSES = {"marketing": "promotions", "service": "reminders"}
"""By kind of program, the class with the words that people call its texts."""
_WORDS = 12
"""Words in a bucket, about."""
_FIRST = 0x21
"""The character of the first language; the others follow it."""


class KeywordTables(msgspec.Struct, array_like=True, frozen=True):
    """The keywords of all sets."""

    entries: list[KeywordEntry]
    """Without their words."""
    keywords: list[tuple[str, int, int]]
    """Word, language and entry."""
    exact: dict[str, int]
    """Keywords by what people type."""
    tonal: list[str]
    """What of that must be typed with its accents."""
    folded: dict[str, int]
    """Keywords where those without accents are others than the exact ones."""
    shared: dict[int, list[int]]
    """By keyword, the languages where it means the same."""
    polite: list[str]
    first: dict[str, int]
    """By the first word of politeness, how many words it has at most."""
    last: dict[str, int]
    longest: int


class LexiconTables(msgspec.Struct, array_like=True, frozen=True):
    """What words stand for: a line for each symbol, and behind it the words that must follow."""

    folded: list[bytes]
    """Most words, in buckets (see ``in_buckets``)."""
    exact: dict[str, str]
    plain: dict[str, str]
    stems: dict[str, str]
    alarms: list[bytes]
    """By word, in buckets, the languages to look at a text with it in, a character each."""
    alarm_stems: dict[str, str]
    pairs: dict[str, dict[str, str]]
    """By word and the word that follows."""


class PhraseTables(msgspec.Struct, array_like=True, frozen=True):
    """The wordings inside sentences; see ``patterns_in``."""

    symbols: str
    """The language of each symbol, a character each."""
    named: dict[str, dict[str, int]]
    """By class and language, its symbol."""
    rules: list[tuple[str, str, bool]]
    """What a wording means, how it is written, and whether it is firm."""
    loud: dict[int, str]
    silent: dict[int, str]
    vocabulary: dict[str, str]
    """By language, the words that others may be typos of."""


class TablesOutline(msgspec.Struct, array_like=True, frozen=True):
    """What a start must know of keyword sets: the first of the tables, read without the others."""

    version: str
    languages: list[str]
    contradictions: list[Fault]
    """Words with two meanings."""
    missing: list[Fault]
    """Words that a program for the United States must act on and does not."""


class CompiledTables(TablesOutline, array_like=True, frozen=True):
    """All that some keyword sets say."""

    words: dict[str, str]
    """The words of the classes that are used by name, parted by commas."""
    everyday: str
    """Everyday words and such as are no typos."""
    unspaced: str
    keywords: KeywordTables
    lexicon: LexiconTables
    phrases: PhraseTables
    as_shipped: bool = False
    """Whether no operator's set brings wordings, so that the shipped weights know them all."""
    own: str = ""
    """The operator's own keywords, which those weights do not know, parted by commas."""

    def each(self, name: str) -> list[str]:
        """The words of a class that is used by name."""
        return split_words(self.words[name])


def split_words(text: str) -> list[str]:
    """The parts of a text of ``join_words``."""
    return text.split(",") if text else []


def join_words(words: Iterable[str]) -> str:
    """Words, which have no commas, as one text."""
    return ",".join(words)


def in_buckets(table: Mapping[str, str]) -> list[bytes]:
    """A large table in a tenth of the memory, for words that are looked up once."""
    count = max(1, len(table) // _WORDS)
    buckets = [bytearray(b"\0") for _ in range(count)]
    for word, text in table.items():
        key = word.encode()
        buckets[crc32(key) % count] += b"%b\1%b\0" % (key, text.encode())
    return list(map(bytes, buckets))


def in_bucket(buckets: Sequence[bytes], word: str) -> str:
    """What stands under a word; nothing where it is not there."""
    key = word.encode(errors="replace")
    bucket = buckets[crc32(key) % len(buckets)]
    at = bucket.find(b"\0%b\1" % key)
    if at < 0:
        return ""
    start = at + len(key) + 2
    return bucket[start : bucket.index(b"\0", start)].decode()


def mark_of(place: int) -> str:
    """The character that stands for the language at a place of the list."""
    return chr(_FIRST + place)


def places_of(marks: str) -> Iterable[int]:
    """The places of the languages that such characters stand for."""
    return (ord(mark) - _FIRST for mark in marks)
