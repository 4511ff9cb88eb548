"""What a text asks for, and by which rule.

The rules stand in the order in which they are asked; the first one that knows decides. Whatever
the order, they are cheap first: a text without any word that the keyword sets know is passed
over after one look at each word.
"""

from __future__ import annotations

from collections.abc import Callable

from smsgate.messages import Decision, Intent
from smsgate.optout import envelope
from smsgate.optout.echo import Echoes
from smsgate.optout.keywords import KeywordSets, listed
from smsgate.optout.normalise import clean, tokens
from smsgate.optout.phrases import Phrases
from smsgate.optout.reading import Reading
from smsgate.optout.regions import applies
from smsgate.optout.scope import Topics
from smsgate.optout.segments import Segmenter, has_unspaced
from smsgate.optout.short import Short
from smsgate.optout.verdict import Finding, Said, said, strongest
from smsgate.optout.whole import Keyword, Keywords, key_of
from smsgate.settings import Program

Rule = Callable[["Text"], Decision | None]
_SHORT = 6
"""Words up to which a text is tried as a keyword with slips, echoes and politeness."""


class Text:
    """One text on its way through the rules."""

    __slots__ = ("cleaned", "number", "quoted", "reading", "words")

    def __init__(self, cleaned: str, reading: Reading, number: str) -> None:
        """Keep what every rule needs."""
        self.cleaned = cleaned
        self.reading = reading
        self.number = number
        self.words = reading.words
        self.quoted = False


class Classifier:
    """Decides for one program. Pure: the same text always gets the same decision."""

    def __init__(self, program: Program, sets: KeywordSets) -> None:
        """Compile the program's keyword sets."""
        sets = sets.only(program.keywords)
        self.version = sets.version
        self.program = program
        self.keywords = Keywords(sets)
        self.phrases = Phrases(sets)
        self._segmenter = Segmenter({*self.phrases.unspaced, *self.keywords.unspaced()})
        self._reactions = envelope.Reactions(_class_words(sets, "reactions"))
        self._short = Short(sets, self.keywords)
        self._echoes = Echoes(sets)
        self._topics = Topics(program, sets)
        self._printed = {key_of(tokens(word)) for word in program.printed}
        self._rules: tuple[Rule, ...] = (
            self._keyword,
            self._reaction,
            self._symbols,
            self._short_text,
            self._ordinary,
            self._sentences,
        )

    def classify(self, text: str, number: str = "") -> Decision:
        """What the text asks for.

        Args:
            text: the body as it was received, of any length.
            number: who sent it (E.164), where known: some words mean something only in some
                countries.
        """
        cleaned, steps = clean(text)
        read = self.read(cleaned, steps)
        subject = Text(cleaned, read, number)
        for rule in self._rules:
            decision = rule(subject)
            if decision is not None:
                return decision
        return self._decided(subject, Intent.NONE, "nothing_known")

    def read(self, cleaned: str, steps: tuple[str, ...] = ()) -> Reading:
        """Words and marks of a cleaned text."""
        words = tokens(cleaned)
        if not cleaned.isascii() and has_unspaced(cleaned):
            words = self._segmenter.cut(words)
        return Reading(words, steps)

    # --- rules, in their order ------------------------------------------------------------

    def _keyword(self, text: Text) -> Decision | None:
        if not text.words:
            return None
        key = key_of(text.words)
        keyword = self.keywords.find(text.words)
        if key in self._printed and (keyword is None or keyword.entry.intent.startswith("opt_out")):
            return self._decided(text, Intent.OPT_OUT, "printed", key)
        if keyword is None:
            return None
        return self._by_keyword(text, keyword, "keyword")

    def _reaction(self, text: Text) -> Decision | None:
        quoted = self._reactions.quoted(text.cleaned)
        if quoted is None:
            cleaned, text.quoted = envelope.own_words(text.cleaned)
            if text.quoted:
                text.reading = self.read(cleaned, (*text.reading.steps, "quotation"))
                text.words = text.reading.words
            return None
        keyword = self.keywords.find(self.read(quoted).words)
        if keyword is not None and keyword.entry.intent.startswith("opt_out"):
            note = "a reaction to the subscriber's own keyword"
            return self._decided(
                text, Intent.REVIEW, "reaction_to_keyword", keyword.word, note=note
            )
        return self._decided(text, Intent.NONE, "reaction")

    def _symbols(self, text: Text) -> Decision | None:
        if text.words or text.quoted:
            return self._decided(text, Intent.NONE, "quotation") if not text.words else None
        return self._decided(text, Intent.NONE, "no_words")

    def _short_text(self, text: Text) -> Decision | None:
        if len(text.words) > _SHORT or "?" in text.reading.tokens:
            return None
        echo = self._echoes.found(text.words)
        if echo:
            return self._decided(text, Intent.OPT_OUT, "instruction_echo", echo, confidence=0.98)
        found = self._short.found(text.reading)
        if found is None:
            return None
        keyword, rule, steps = found
        return self._by_keyword(text, keyword, rule, steps)

    def _ordinary(self, text: Text) -> Decision | None:
        alarms = self.phrases.lexicon.alarms
        for word in text.reading.tokens:
            if alarms[word]:
                return None
        return self._decided(text, Intent.NONE, "nothing_known")

    def _sentences(self, text: Text) -> Decision | None:
        what = said(text.reading.sentences(), self.phrases, self.keywords)
        if what.automatic is not None:
            pattern = what.automatic.pattern
            return self._decided(text, Intent.NONE, "auto_reply", pattern.written, pattern.language)
        finding = strongest(what.findings)
        if finding is None:
            return None
        return self._by_finding(text, finding, what)

    # --- decisions ------------------------------------------------------------------------

    def _by_keyword(
        self, text: Text, keyword: Keyword, rule: str, steps: tuple[str, ...] = ()
    ) -> Decision | None:
        entry = keyword.entry
        intent = applies(entry, text.number, self.program.region)
        if intent is None:
            return None
        if text.reading.tokens[-1:] == ["?"] and intent.stops:
            intent, rule = Intent.REVIEW, "keyword_as_question"
        return Decision(
            intent=intent,
            rule=rule,
            keyword=keyword.word,
            language=_spoken(keyword.language, self.program),
            confidence=1.0 if rule == "keyword" and keyword.certain else 0.9,
            scope=self._topics.scope(intent, text.words),
            condition="question_open" if entry.ask else "",
            steps=(*text.reading.steps, *steps),
            version=self.version,
            note=entry.note,
        )

    def _by_finding(self, text: Text, finding: Finding, what: Said) -> Decision:
        intent, rule = _settled(finding, what)
        if intent is Intent.OPT_OUT and what.all_scopes:
            intent = Intent.OPT_OUT_ALL
        return Decision(
            intent=intent,
            rule=rule,
            keyword=finding.keyword,
            language=_spoken(finding.language, self.program),
            confidence=finding.confidence,
            scope=self._topics.scope(intent, text.words),
            steps=text.reading.steps,
            version=self.version,
        )

    def _decided(
        self, text: Text, intent: Intent, rule: str, keyword: str = "", language: str = "", *,
        confidence: float = 1.0, note: str = "",
    ) -> Decision:  # fmt: skip
        return Decision(
            intent=intent,
            rule=rule,
            keyword=keyword,
            language=language or (_spoken("und", self.program) if intent.stops else ""),
            confidence=confidence,
            scope=self._topics.scope(intent, text.words),
            steps=text.reading.steps,
            version=self.version,
            note=note,
        )


def _settled(finding: Finding, what: Said) -> tuple[Intent, str]:
    """A finding, or a review where something in the text speaks against acting on it."""
    if not finding.intent.stops:
        return finding.intent, finding.rule
    if finding.doubted:
        return Intent.REVIEW, "doubt"
    if finding.bare and finding.asked:
        return Intent.REVIEW, "keyword_as_question"
    if finding.bare and what.laughs:
        return Intent.REVIEW, "keyword_with_laughter"
    if any(other.intent is Intent.OPT_IN for other in what.findings):
        return Intent.REVIEW, "stop_and_start"
    return finding.intent, finding.rule


def _spoken(language: str, program: Program) -> str:
    """The language to answer in: words of all languages are answered in the program's first."""
    if language != "und":
        return language
    return next((name for name in program.keywords if name not in ("*", "und")), "en")


def _class_words(sets: KeywordSets, name: str) -> list[str]:
    return [
        word
        for language in sets.languages.values()
        for word in listed(language.classes.get(name, ""))
    ]
