"""A text on its way through the rules, and the decisions that these come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from smsgate.classifier.keywords import Keyword, KeywordIndex
from smsgate.classifier.normalize import ASK, PUNCTUATION, clean, fold, folded, letters, tokens
from smsgate.classifier.sets import ANY_LANGUAGE
from smsgate.domain.languages import SPOKEN_IN
from smsgate.domain.messages import ALL, Decision, Intent
from smsgate.domain.phone import region_of
from smsgate.domain.program import ProgramProfile

_SHORT, _SHORT_CHARACTERS = 6, 24
"""Words, and characters of scripts without blanks, up to which a text is tried as a keyword."""
_TOPICS = {"marketing": "promotions", "service": "reminders"}
"""By kind of program, the list of words that people call its texts."""


class Text:
    """One text on its way through the rules."""

    __slots__ = ("cleaned", "fallback", "number", "quoted", "steps", "tokens", "words")

    def __init__(self, cleaned: str, steps: tuple[str, ...] = (), number: str = "") -> None:
        self.cleaned = cleaned
        self.number = number
        self.steps = steps
        self.quoted = False
        self.fallback: Decision | None = None
        self.read_as(tokenize(cleaned))

    def read_as(self, found: list[str], *steps: str) -> None:
        """Go on with these tokens, which some more steps have led to."""
        self.tokens = found
        self.words = words_of(found)
        self.steps += steps

    @property
    def asks(self) -> bool:
        """Whether it has a question mark; ``STOP?!`` is a cry and no question."""
        return ASK in self.tokens and "!" not in self.cleaned

    @property
    def short(self) -> bool:
        """Whether it may be a keyword with something around it."""
        if len(self.words) <= _SHORT or len(self.cleaned) <= _SHORT_CHARACTERS:
            return True
        return len(self.words) <= _SHORT_CHARACTERS and all(len(word) == 1 for word in self.words)


def tokenize(cleaned: str) -> list[str]:
    """Words with their accents, and the marks that pause or end."""
    return letters(tokens(cleaned))


def words_of(found: Iterable[str]) -> list[str]:
    """The words alone."""
    return [token for token in found if token not in PUNCTUATION]


def spelt(words: Sequence[str]) -> str:
    """Words as they were written: letters of scripts without blanks are one word again."""
    return ("" if all(len(word) == 1 for word in words) else " ").join(words)


class Decisions:
    """Writes down what the rules of one program found."""

    def __init__(self, program: ProgramProfile, keywords: KeywordIndex) -> None:
        self._program = program
        self._version = keywords.sets.version
        self._titles = [
            [fold(word) for word in tokens(clean(name)[0])]
            for name in (program.title, program.name, *program.formerly)
        ]
        topics = list(keywords.each(_TOPICS[program.kind]))
        self._topics = frozenset(topics)
        self._stems = tuple(word[:-1] for word in topics if word.endswith("*"))

    def by_keyword(
        self, text: Text, keyword: Keyword, rule: str, steps: tuple[str, ...] = ()
    ) -> Decision | None:
        """For a text that is a keyword; nothing where it means nothing from that number."""
        intent = keyword.intent(text.number, self._program.region)
        if intent is None:
            return None
        if text.asks and intent.stops and rule != "keyword_in_sentence":
            intent, rule = Intent.REVIEW, "keyword_as_question"
        language = self._language(keyword, text.number)
        decision = self.decided(text, intent, rule, keyword.word, language, note=keyword.entry.note)
        condition = "question_open" if keyword.entry.ask else ""
        return replace(decision, steps=(*text.steps, *steps), condition=condition)

    def _language(self, found: Keyword, number: str) -> str:
        """Of the languages that share a keyword, the sender's, then the program's first one."""
        if not found.shared or found.language == ANY_LANGUAGE:
            return found.language
        spoken = SPOKEN_IN.get(region_of(number) or self._program.region, ())
        wanted = (*spoken, *self._program.keywords, "en")
        return next((name for name in wanted if name in found.shared), found.language)

    def decided(
        self,
        text: Text,
        intent: Intent,
        rule: str,
        keyword: str = "",
        language: str = "",
        *,
        note: str = "",
    ) -> Decision:
        """A decision. An opt-out in no language is answered in the program's first."""
        if not language and intent.stops:
            language = ANY_LANGUAGE
        if language == ANY_LANGUAGE:
            named = (name for name in self._program.keywords if name not in ("*", ANY_LANGUAGE))
            language = next(named, "en")
        return Decision(
            intent=intent,
            rule=rule,
            keyword=keyword,
            language=language,
            scope=self._scope(intent, text.words),
            steps=text.steps,
            version=self._version,
            note=note,
        )

    def _scope(self, intent: Intent, words: Sequence[str]) -> str:
        """``all``, ``program`` where the text names it, or nothing: the program's own scope."""
        if intent is Intent.OPT_OUT_ALL:
            return ALL
        if intent is not Intent.OPT_OUT:
            return ""
        plain = folded([*words])
        if any(word in self._topics or word.startswith(self._stems) for word in plain):
            return "program"
        text = f" {' '.join(plain)} "
        return "program" if any(f" {' '.join(name)} " in text for name in self._titles) else ""

    def names_program(self, word: str) -> bool:
        """Whether a word without accents is one of the program's names, or the owner's form."""
        return any(one in name for name in self._titles for one in (word, word.removesuffix("s")))

    def nameless(self, words: Sequence[str]) -> list[str]:
        """Words without the name of the program, or the first word of it; else nothing."""
        plain = [word.removesuffix("s") for word in folded(list(words))]
        for title in self._titles:
            name = [word.removesuffix("s") for word in title]
            for wanted in (name, name[:1]):
                for at in range(len(plain) - len(wanted) + 1):
                    if plain[at : at + len(wanted)] == wanted:
                        return [*words[:at], *words[at + len(wanted) :]]
        return []
