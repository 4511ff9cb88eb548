"""What a text asks for, and by which rule.

The rules stand in the order in which they are asked; the first one that knows decides. Whatever
the order, they are cheap first: a text without any word that the keyword sets know is passed
over after one look at each word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec

from smsgate.messages import Decision, Intent
from smsgate.optout import capitals, envelope
from smsgate.optout.decisions import Decisions
from smsgate.optout.features import Passage
from smsgate.optout.keywords import KeywordSets
from smsgate.optout.known import Known
from smsgate.optout.normalise import clean, tokens
from smsgate.optout.passages import passages
from smsgate.optout.reading import Reading, Text
from smsgate.optout.second_reader import concepts
from smsgate.optout.segments import has_unspaced
from smsgate.optout.sentences import FEW, Sentences
from smsgate.optout.templates import Templates
from smsgate.optout.typos import looks_leet, unleeted
from smsgate.optout.whole import Keyword, key_of
from smsgate.settings import Program

_EDGES = " .!\"'\n\r\t“”"
"""What may stand around a keyword without any further look at the text."""
_SHORT_CHARACTERS = 24
_CONTRADICTING = 4
"""Words up to which keywords beside each other are looked at for what they contradict."""
_SHORT = 6
"""Words up to which a text is tried as a keyword with slips, echoes and politeness."""


class Classifier:
    """Decides for one program. Pure: the same text always gets the same decision."""

    def __init__(self, program: Program, sets: KeywordSets | Known) -> None:
        """Take the program's keyword sets; sets that are not compiled yet are compiled.

        Raises ``ConfigurationError`` where they contradict each other or miss required words.
        """
        known = sets if isinstance(sets, Known) else Known.of(program, sets)
        self.version = known.version
        self.program = program
        self.keywords = known.keywords
        self.phrases = known.phrases
        self._segmenter = known.segmenter
        self._reactions = known.reactions
        self._short = known.short
        self._echoes = known.echoes
        self._rereader = known.rereader
        self._decisions = Decisions(program, known)
        self._templates = Templates(program.templates)
        self._printed = {key_of(tokens(word)) for word in program.printed}
        self._reader = Sentences(known, self._decisions)
        self._ready: dict[str, Decision | None] = {}

    def classify(self, text: str, number: str = "") -> Decision:
        """What the text asks for.

        Args:
            text: the body as it was received, of any length.
            number: who sent it (E.164), where known: some words mean something only in some
                countries.
        """
        bare = text.strip(_EDGES)
        typed = bare.casefold()
        ready = self._prepared(typed)
        if ready is not None:
            steps = _undressed(text, bare, typed)
            return msgspec.structs.replace(ready, steps=steps) if steps else ready
        cleaned, steps = clean(text)
        read = self.read(cleaned, steps)
        subject = Text(cleaned, read, number)
        decision = next(filter(None, (rule(self, subject) for rule in self._RULES)), None)
        if subject.waiting and (decision is None or decision.intent is Intent.NONE):
            return subject.waiting
        return decision or self._decisions.decided(subject, Intent.NONE, "nothing_known")

    def read(self, cleaned: str, steps: tuple[str, ...] = ()) -> Reading:
        """Words and marks of a cleaned text."""
        words = tokens(cleaned)
        if not cleaned.isascii() and has_unspaced(cleaned):
            words = self._segmenter.cut(words)
        return Reading(words, steps)

    def view(self, text: str) -> list[Passage]:
        """What the second reader is shown of a text: the whole, then parts."""
        cleaned, steps = clean(text)
        subject = Text(cleaned, self.read(cleaned, steps), "")
        self._drop_quotations(subject)
        subject.awake = self.phrases.awake(subject.reading.letters)
        subject.few = len(subject.words) <= FEW
        heard = self._reader.listen(subject).heard
        return passages(heard, concepts()).passages

    # --- rules, in their order ------------------------------------------------------------

    def _signs_for_letters(self, text: Text) -> Decision | None:
        if len(text.cleaned) > _SHORT_CHARACTERS or not looks_leet(text.cleaned):
            return None
        words = self.read(unleeted(text.cleaned.lower())).words
        keyword = self.keywords.find(self.keywords.bared(words))
        if keyword is None or not keyword.entry.intent.startswith("opt_out"):
            return None
        return self._decisions.by_keyword(text, keyword, "keyword_spelt", ("letters for signs",))

    def _keyword(self, text: Text) -> Decision | None:
        if not 0 < len(text.words) <= self.keywords.longest:
            return None
        key = key_of(text.words)
        keyword = self.keywords.find(text.words)
        if key in self._printed and (keyword is None or keyword.entry.intent.startswith("opt_out")):
            return self._decisions.decided(text, Intent.OPT_OUT, "printed", key)
        if keyword is None:
            return None
        return self._decisions.by_keyword(text, keyword, "keyword")

    def _reaction(self, text: Text) -> Decision | None:
        quoted = self._reactions.quoted(text.cleaned)
        if quoted is None:
            self._drop_quotations(text)
            return None
        keyword = self.keywords.find(self.read(quoted).words)
        if keyword is not None and _own_word(keyword):
            note = "a reaction to the subscriber's own keyword"
            return self._decisions.decided(
                text, Intent.REVIEW, "reaction_to_keyword", keyword.word, note=note
            )
        return self._decisions.decided(text, Intent.NONE, "reaction")

    def _drop_quotations(self, text: Text) -> None:
        """Go on with the subscriber's own words: without quotations, and without our texts."""
        cleaned, quoted = envelope.own_words(text.cleaned)
        read = self.read(cleaned) if quoted else text.reading
        own = self._templates.without(read.tokens)
        if quoted or own is not read.tokens:
            text.quoted = True
            text.reading = Reading(own, (*text.reading.steps, "quotation"))
            text.words = text.reading.words

    def _symbols(self, text: Text) -> Decision | None:
        if text.words or text.quoted:
            return (
                self._decisions.decided(text, Intent.NONE, "quotation") if not text.words else None
            )
        return self._decisions.decided(text, Intent.NONE, "no_words")

    def _short_text(self, text: Text) -> Decision | None:
        if len(text.words) > _SHORT or "?" in text.reading.tokens:
            return None
        echo = self._echoes.found(text.words)
        if echo:
            return self._decisions.decided(
                text, Intent.OPT_OUT, "instruction_echo", echo, confidence=0.98
            )
        if self._contradicts(text.words):
            return self._decisions.decided(text, Intent.REVIEW, "stop_and_start")
        found = self._short.found(text.reading)
        return self._short_keyword(text, *found) if found else None

    def _contradicts(self, words: list[str]) -> bool:
        """Whether all words are keywords, and some ask for the opposite: ``help stop``."""
        found = [self.keywords.find([word]) for word in words[: _CONTRADICTING + 1]]
        if not 1 < len(found) <= _CONTRADICTING:
            return False
        stops = {one is not None and one.entry.intent.startswith("opt_out") for one in found}
        return len(stops) > 1 and all(one is not None and one.certain for one in found)

    def _short_keyword(
        self, text: Text, keyword: Keyword, rule: str, steps: tuple[str, ...]
    ) -> Decision | None:
        decision = self._decisions.by_keyword(text, keyword, rule, steps)
        if decision is None or rule != "keyword_politely":
            return decision
        if decision.intent is Intent.OPT_IN and self._rereader.refuses(
            text.words, keyword.language
        ):
            return self._decisions.decided(
                text, Intent.REVIEW, "refused_start", keyword.word, keyword.language
            )
        if decision.intent is Intent.REVIEW:
            text.waiting = decision
            return None
        return decision

    def _in_capitals(self, text: Text) -> Decision | None:
        if len(text.words) > FEW or text.quoted or "?" in text.reading.tokens:
            return None
        if not capitals.meant(text.cleaned, text.words):
            return None
        return self._decisions.decided(
            text, Intent.OPT_OUT, "keyword_in_capitals", "STOP", confidence=0.9
        )

    def _ordinary(self, text: Text) -> Decision | None:
        text.few = len(text.words) <= FEW
        if not (text.cleaned.isascii() and self._rereader.dismissed(text.words)):
            text.awake = self.phrases.awake(text.reading.letters)
            if text.awake or text.few or self._rereader.suspects(text.words):
                return None
        return self._decisions.decided(text, Intent.NONE, "nothing_known")

    _RULES: ClassVar[tuple[Callable[[Classifier, Text], Decision | None], ...]] = (
        _signs_for_letters,
        _keyword,
        _reaction,
        _symbols,
        _short_text,
        _in_capitals,
        _ordinary,
        lambda self, text: self._reader.read(text),
        lambda self, text: self._reader.respelt(text),
        lambda self, text: self._reader.liken(text),
    )
    """Functions and no bound methods: a classifier that is replaced goes at once, with its tables,
    and does not wait for a collection of garbage, which would stop the process for a while."""

    def _prepared(self, typed: str) -> Decision | None:
        """The decision for a keyword as it stands, where nothing but the word counts."""
        keyword = self.keywords.typed(typed)
        if keyword is None:
            return None
        if typed not in self._ready:
            self._ready[typed] = self._plain(typed, keyword)
        return self._ready[typed]

    def _plain(self, typed: str, keyword: Keyword) -> Decision | None:
        if typed in self._printed or keyword.entry.countries:
            return None
        text = Text(typed, Reading(typed.split(), ()), "")
        return self._decisions.by_keyword(text, keyword, "keyword")


def _undressed(text: str, bare: str, typed: str) -> tuple[str, ...]:
    """The names of what was taken from a keyword as it was sent."""
    edges = ("edge punctuation",) if len(bare) < len(text) else ()
    return (*edges, "case") if typed != bare else edges


def _own_word(keyword: Keyword) -> bool:
    """Whether somebody types it; instructions as we print them are whole texts only."""
    return keyword.entry.intent.startswith("opt_out") and keyword.entry.match != "whole"
