"""Decisions as they go out: with rule, keyword, language, scope and what normalisation did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from smsgate.classifier.arbiter import Opinion
from smsgate.classifier.findings import IntentFinding
from smsgate.classifier.keywords import Keyword, applies
from smsgate.classifier.model import probability
from smsgate.classifier.normalize import clean, fold, tokens
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.sets.tables import TOPIC_CLASSES, split_words
from smsgate.classifier.text import InspectedText
from smsgate.domain.languages import SPOKEN_IN
from smsgate.domain.messages import ALL, Decision, Intent
from smsgate.domain.phone import region_of
from smsgate.settings import Program


class ProgramTopics:
    """The words that name this program or what it sends."""

    def __init__(self, program: Program, classes: Mapping[str, str]) -> None:
        own = {program.name, *program.formerly}
        self._full = [
            [fold(word) for word in tokens(clean(name)[0])]
            for name in (program.title, program.name)
        ]
        self._names = [words for words in self._full if len(words) > 1]
        written = split_words(classes[TOPIC_CLASSES[program.kind]])
        self._words = {word for word in written if not word.endswith("*")}
        self._words |= {fold(name.casefold()) for name in own}
        self._words |= {words[0] for words in self._full if len(words) == 1}
        self._name_words = {word for words in self._full for word in words}
        self._name_words |= {fold(name.casefold()) for name in own}
        self._stems = tuple(word[:-1] for word in written if word.endswith("*"))

    def scope(self, intent: Intent, words: Iterable[str]) -> str:
        """``all``, ``program`` where the text names it, or nothing: the program's own scope."""
        if intent is Intent.OPT_OUT_ALL:
            return ALL
        if intent is not Intent.OPT_OUT:
            return ""
        return "program" if self._named([fold(word) for word in words]) else ""

    def nameless(self, words: Sequence[str]) -> list[str]:
        """Words without the name of the program, or the first word of it; else nothing."""
        plain = [fold(word) for word in words]
        for name in self._full:
            for length in {len(name), 1}:
                at = next(
                    (at for at in range(len(plain)) if plain[at : at + length] == name[:length]), -1
                )
                if at >= 0:
                    return [*words[:at], *words[at + length :]]
        return []

    def names_program(self, word: str) -> bool:
        """Whether a word without accents is one of the program's names, or the owner's form."""
        return not self._name_words.isdisjoint((word, word.removesuffix("s")))

    def _named(self, words: list[str]) -> bool:
        if any(word in self._words or word.startswith(self._stems) for word in words):
            return True
        text = f" {' '.join(words)} "
        return any(f" {' '.join(name)} " in text for name in self._names)


class DecisionFactory:
    """Writes down what the rules of one program found."""

    def __init__(self, program: Program, known: CompiledSets) -> None:
        self._program = program
        self.topics = ProgramTopics(program, known.words)
        self._version = known.version

    def by_keyword(
        self, text: InspectedText, keyword: Keyword, rule: str, steps: tuple[str, ...] = ()
    ) -> Decision | None:
        """For a text that is a keyword; nothing where it means nothing from that number."""
        entry = keyword.entry
        intent = applies(entry, text.number, self._program.region)
        if intent is None:
            return None
        if text.asks and intent.stops:
            intent, rule = Intent.REVIEW, "keyword_as_question"
        language = self._language(keyword, text.number)
        decision = self.decided(text, intent, rule, keyword.word, language, note=entry.note)
        condition = "question_open" if entry.ask else ""
        return replace(decision, steps=(*text.steps, *steps), condition=condition)

    def _language(self, found: Keyword | IntentFinding, number: str) -> str:
        """Of the languages that share a keyword, the sender's, then the program's first one."""
        if not found.shared or found.language == ANY_LANGUAGE:
            return found.language
        spoken = SPOKEN_IN.get(region_of(number) or self._program.region, ())
        wanted = (*spoken, *self._program.keywords, "en")
        return next((name for name in wanted if name in found.shared), found.language)

    def by_finding(self, text: InspectedText, finding: IntentFinding, opinion: Opinion) -> Decision:
        """For something that was found in a sentence, and what came of it."""
        intent, rule, score = opinion.intent, opinion.rule, opinion.score
        language = self._language(finding, text.number)
        decision = self.decided(text, intent, rule, finding.keyword, language, note=opinion.reasons)
        if score is None:
            return decision
        return replace(decision, score=score, confidence=round(probability(score), 3))

    def decided(
        self,
        text: InspectedText,
        intent: Intent,
        rule: str,
        keyword: str = "",
        language: str = "",
        *,
        note: str = "",
    ) -> Decision:
        """For everything else. An opt-out in no language is answered in the program's first."""
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
            scope=self.topics.scope(intent, text.words),
            steps=text.steps,
            version=self._version,
            note=note,
        )
