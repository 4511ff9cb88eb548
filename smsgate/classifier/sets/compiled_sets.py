"""Keyword sets as the rules use them: shared by all programs that have the same ones."""

from __future__ import annotations

import msgspec

from smsgate.classifier.keyword_variants import Echoes, KeywordVariants
from smsgate.classifier.keywords import KeywordIndex
from smsgate.classifier.model import Models, WordPrefilter, shipped_models
from smsgate.classifier.normalize import Segmenter
from smsgate.classifier.phrases import Phrases
from smsgate.classifier.quoted_text import Reactions
from smsgate.classifier.sets.compiler import REACTIONS, compiled
from smsgate.classifier.sets.conflicts import without_effect
from smsgate.classifier.sets.keyword_sets import KeywordSets
from smsgate.classifier.sets.tables import CompiledTables, TablesOutline, split_words
from smsgate.classifier.typos import SpellingCorrector
from smsgate.domain.errors import ConfigurationError, Fault
from smsgate.settings import Program


class CompiledSets:
    """What some keyword sets know."""

    def __init__(self, tables: CompiledTables, models: Models | None = None) -> None:
        self.models = models or shipped_models()
        self.as_shipped = tables.as_shipped
        self.version = tables.version
        self.words = tables.words
        self.keywords = KeywordIndex(tables.keywords, tables.languages)
        self.phrases = Phrases(tables)
        self.segmenter = Segmenter({*split_words(tables.unspaced), *self.keywords.unspaced()})
        self.reactions = Reactions(tables.each(REACTIONS))
        self.variants = KeywordVariants(tables, self.keywords)
        self.first_names = frozenset([*tables.each("name"), *tables.each("name_or_word")])
        self.echoes = Echoes(tables)
        self.prefilter = WordPrefilter(
            self.models, split_words(tables.own), as_shipped=tables.as_shipped
        )
        self.spelling = SpellingCorrector(self.phrases)

    @classmethod
    def of(cls, program: Program, sets: KeywordSets) -> CompiledSets:
        """Compile the sets of a program.

        Raises ``ConfigurationError`` where they contradict each other or miss required words.
        """
        tables = compiled(sets.only(program.keywords))
        faults = faults_of(program, tables)
        if faults:
            raise ConfigurationError(faults)
        return cls(tables)


def faults_of(program: Program, tables: TablesOutline) -> list[Fault]:
    """What is wrong with the sets of a program, each fault with the places concerned."""
    return [*tables.contradictions, *(tables.missing if program.region == "US" else ())]


def faults_in(program: Program, packed: bytes | memoryview) -> tuple[TablesOutline, list[Fault]]:
    """What a start must know of a program's sets, and what is wrong with them and its words."""
    outline = msgspec.msgpack.decode(packed, type=TablesOutline)
    faults = faults_of(program, outline)
    if program.opt_out_words:
        tables = msgspec.msgpack.decode(packed, type=CompiledTables)
        faults += without_effect(program, KeywordIndex(tables.keywords, tables.languages))
    return outline, faults
