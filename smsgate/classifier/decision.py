"""Decisions as they go out: with rule, keyword, language, scope and what normalisation did."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate.classifier.findings import Finding
from smsgate.classifier.keywords import Keyword
from smsgate.classifier.regions import applies
from smsgate.classifier.scope import Topics
from smsgate.classifier.sets.compiled_sets import Known
from smsgate.classifier.text import Text
from smsgate.messages import Decision, Intent
from smsgate.settings import Program


class Decisions:
    """Writes down what the rules of one program found."""

    __slots__ = ("_program", "_topics", "_version")

    def __init__(self, program: Program, known: Known) -> None:
        """Keep what every decision says of the program and its sets."""
        self._program = program
        self._topics = Topics(program, known.words)
        self._version = known.version

    def nameless(self, words: Sequence[str]) -> list[str]:
        """Words without the program's name; nothing where it is not among them."""
        return self._topics.nameless(words)

    def by_keyword(
        self, text: Text, keyword: Keyword, rule: str, steps: tuple[str, ...] = ()
    ) -> Decision | None:
        """For a text that is a keyword; nothing where it means nothing from that number."""
        entry = keyword.entry
        intent = applies(entry, text.number, self._program.region)
        if intent is None:
            return None
        if text.asks and intent.stops:
            intent, rule = Intent.REVIEW, "keyword_as_question"
        return Decision(
            intent=intent,
            rule=rule,
            keyword=keyword.word,
            language=_spoken(keyword.language, self._program),
            scope=self._topics.scope(intent, text.words),
            condition="question_open" if entry.ask else "",
            steps=(*text.reading.steps, *steps),
            version=self._version,
            note=entry.note,
        )

    def by_finding(
        self,
        text: Text,
        finding: Finding,
        found: tuple[Intent, str],
        note: str = "",
        score: float | None = None,
    ) -> Decision:
        """For something that was found in a sentence, and the intent and rule it came to.

        ``score``: the model's, where it decided.
        """
        intent, rule = found
        return Decision(
            intent=intent,
            rule=rule,
            keyword=finding.keyword,
            language=_spoken(finding.language, self._program),
            score=score,
            scope=self._topics.scope(intent, text.words),
            steps=text.reading.steps,
            version=self._version,
            note=note,
        )

    def decided(
        self, text: Text, intent: Intent, rule: str, keyword: str = "", language: str = "", *,
        note: str = "",
    ) -> Decision:  # fmt: skip
        """For everything else."""
        return Decision(
            intent=intent,
            rule=rule,
            keyword=keyword,
            language=language or (_spoken("und", self._program) if intent.stops else ""),
            scope=self._topics.scope(intent, text.words),
            steps=text.reading.steps,
            version=self._version,
            note=note,
        )


def _spoken(language: str, program: Program) -> str:
    """The language to answer in: words of all languages are answered in the program's first."""
    if language != "und":
        return language
    return next((name for name in program.keywords if name not in ("*", "und")), "en")
